//! Whom reports reach over time.

use schoolgate_records::Chain;

use super::*;

#[tokio::test]
async fn a_report_about_somebody_who_becomes_head_comes_to_the_chair() {
    let kit = Kit::new().await;
    let case = kit.report("sam", "tess", &[]).await;
    assert_eq!(kit.sight("helen", &case).await, Sight::Whole);
    assert_eq!(kit.control.reports_reseal_after_change().await.unwrap(), 0, "it is sealed to whom it reaches");
    kit.vacate("headteacher").await;
    kit.vacate("deputy-dsl").await;
    kit.assign("headteacher", "tess").await;
    assert_eq!(kit.control.reports_reseal_after_change().await.unwrap(), 1);
    assert_eq!(kit.sight("carl", &case).await, Sight::Whole);
    assert_eq!(kit.sight("tess", &case).await, Sight::Absent);
    assert_eq!(kit.sight("helen", &case).await, Sight::Absent);
    assert_eq!(kit.control.reports_reseal().await.unwrap(), 0, "once is enough");
}

#[tokio::test]
async fn the_next_lead_has_what_the_head_received_as_lead() {
    let kit = Kit::new().await;
    kit.vacate("dsl").await;
    kit.assign("dsl", "helen").await;
    let case = kit.report("sam", "tess", &["child_safety"]).await;
    kit.vacate("dsl").await;
    kit.vacate("deputy-dsl").await;
    kit.assign("dsl", "dora").await;
    assert_eq!(kit.sight("dora", &case).await, Sight::Whole);
}

#[tokio::test]
async fn a_report_sent_twice_is_one_report() {
    let kit = Kit::new().await;
    let id = kit.control.fresh_case().unwrap();
    for _ in 0..2 {
        assert_eq!(kit.report_as(&id, "sam", "tess", &[]).await.unwrap(), id);
    }
    assert_eq!(kit.control.reports_for(&person("helen"), 10).await.unwrap().len(), 1);
    assert!(kit.report_as(&id, "olive", "tess", &[]).await.is_err(), "another sender's id");
    // Also one that its sender may not open.
    let own = kit.control.fresh_case().unwrap();
    for _ in 0..2 {
        kit.report_as(&own, "helen", "helen", &[]).await.unwrap();
    }
}

#[tokio::test]
async fn an_edition_that_sends_reports_elsewhere_takes_none_away() {
    let kit = Kit::new().await;
    let case = kit.report("sam", "tess", &[]).await;
    let old = "kind = \"concern-about-adult\"\ntitle = \"Report a concern\"\nto = [\"headteacher\"]";
    let new = "kind = \"concern-about-adult\"\nto = [\"online-safety-lead\"]";
    let mut pack = pack_with(old, new);
    let about = "about = { headteacher = [\"chair-of-governors\"], dsl";
    let text = pack.get("staff-ict.md").unwrap();
    assert!(text.contains(about));
    let text = text.replace(about, &about.replace("dsl", "online-safety-lead = [\"chair-of-governors\"], dsl"));
    pack.insert("staff-ict.md", &text);
    kit.adopt(pack).await;
    assert_eq!(kit.sight("helen", &case).await, Sight::Whole);
    assert_eq!(kit.sight("olive", &case).await, Sight::Absent);
}

#[tokio::test]
async fn who_opened_a_report_is_noted_once_a_day_where_nobody_else_sees_it() {
    let kit = Kit::new().await;
    let case = kit.report("sam", "tess", &[]).await;
    let heads = async || {
        let open = kit.store().journal_head(Chain::Open).await.unwrap().seq;
        (open, kit.store().journal_head(Chain::Sealed).await.unwrap().seq)
    };
    let (open, sealed) = heads().await;
    for _ in 0..2 {
        kit.sight("helen", &case).await;
    }
    // Neither a receipt nor a look in vain is an opening.
    kit.sight("sam", &case).await;
    kit.sight("tess", &case).await;
    assert_eq!(heads().await, (open, sealed + 1));
    kit.clock.set("2026-11-25T10:10:00Z".parse().unwrap()).unwrap();
    kit.sight("helen", &case).await;
    assert_eq!(heads().await, (open, sealed + 2));
}

#[tokio::test]
async fn names_of_last_school_year_are_known() {
    let kit = Kit::new().await;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let pseudonyms = |from: &str, to: &str| kit.control.pseudonyms(&person("tess"), at(from), at(to));
    let before = pseudonyms("2026-08-30T10:00:00Z", "2026-08-31T10:00:00Z");
    let after = pseudonyms("2026-09-02T10:00:00Z", "2026-09-03T10:00:00Z");
    let both = pseudonyms("2026-08-30T10:00:00Z", "2026-09-03T10:00:00Z");
    assert_eq!(both, [before, after].concat());
    assert_eq!(both.len(), 2);
}

//! Editing rules and lists.

use axum::http::StatusCode;
use schoolgate_control::{AdoptError, ControlError};
use schoolgate_keys::sha256_hex;

use super::kit::{Kit, pack, person};

#[tokio::test]
async fn a_broken_policy_is_refused_and_a_good_one_is_in_force() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    ivy.get("/manage").await.has("staff-ict.md").has("school.toml");
    let page = ivy.get("/manage/file?name=staff-ict.md").await;
    page.has("Put in force");
    let text = pack().get("staff-ict.md").unwrap().to_owned();
    let base = sha256_hex(text.as_bytes());
    let broken = text.replace("\"gambling\"", "\"gamblin\"");
    let before = kit.control.in_force().edition;
    let fields = [("name", "staff-ict.md"), ("base", base.as_str()), ("text", broken.as_str()), ("step", "publish")];
    let answer = ivy.post("/manage/file", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    answer.has("Not put in force").has("gamblin").has("stay as they are").has("staff-ict.md, line");
    assert_eq!(kit.control.in_force().edition, before);
    let good = text.replace("\"Staff acceptable use of ICT\"", "\"How staff use ICT\"");
    let fields = [("name", "staff-ict.md"), ("base", base.as_str()), ("text", good.as_str()), ("step", "publish")];
    assert_eq!(ivy.post("/manage/file", &fields).await.to, "/manage?done=in-force");
    ivy.get("/policies").await.has("How staff use ICT");
    let stale = ivy.post("/manage/file", &fields).await;
    assert_eq!(stale.status, StatusCode::CONFLICT, "the text moved on under an open form");
}

#[tokio::test]
async fn an_edit_of_one_file_never_undoes_an_edit_of_another() {
    let kit = Kit::new().await;
    let edition = kit.control.in_force().edition;
    let edited = |file: &str| {
        let mut pack = pack();
        pack.insert(file, &format!("{}\n", pack.get(file).unwrap()));
        pack
    };
    let (one, other) = (edited("staff-ict.md"), edited("school.toml"));
    let (ivy, olive) = (person("ivy"), person("olive"));
    kit.control.policy_adopt(&ivy, one.clone(), edition).await.unwrap();
    let late = kit.control.policy_adopt(&olive, other, edition).await;
    assert!(matches!(late, Err(AdoptError::Control { source: ControlError::MovedOn { .. } })), "{late:?}");
    assert_eq!(kit.control.in_force().pack.get("staff-ict.md"), one.get("staff-ict.md"));
}

#[tokio::test]
async fn one_clause_is_edited_alone() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    let page = ivy.get("/manage/staff-ict/look-after-yourself").await;
    page.has("What people read").has("What makes it true");
    let base = page.after(r#"name="base" value=""#);
    let fields = [
        ("base", base.as_str()),
        ("text", "The rules of this section protect everybody."),
        ("controls", "information = true"),
        ("step", "publish"),
    ];
    let answer = ivy.post("/manage/staff-ict/look-after-yourself", &fields).await;
    assert_eq!(answer.to, "/manage?done=in-force", "{}", answer.html);
    let text = kit.control.in_force().pack.get("staff-ict.md").unwrap().to_owned();
    assert!(text.contains("4.1 {#look-after-yourself} The rules of this section protect everybody"));
    assert_eq!(text.matches("{#").count(), pack().get("staff-ict.md").unwrap().matches("{#").count());
}

#[tokio::test]
async fn whoever_renames_a_rule_is_told_what_is_lost_with_its_name() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    ivy.get("/manage/file?name=staff-ict.md").await;
    let text = pack().get("staff-ict.md").unwrap().to_owned();
    let base = sha256_hex(text.as_bytes());
    let renamed = text.replace("{#gambling}", "{#betting}");
    let fields = [("name", "staff-ict.md"), ("base", base.as_str()), ("text", renamed.as_str()), ("step", "check")];
    ivy.post("/manage/file", &fields).await.has("clause `gambling` is gone").has("give it its id again");
}

#[tokio::test]
async fn a_rule_is_not_left_without_words() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    let base = ivy.get("/manage/staff-ict/look-after-yourself").await.after(r#"name="base" value=""#);
    for (text, verdict) in [
        (" ", "A rule needs words"),
        ("# Heading", "more than one rule"),
        ("One.\n\n4.1.9 {#two} Two.", "more than one rule"),
        (&"long ".repeat(3_000), "far longer than people read"),
    ] {
        let fields = [("base", base.as_str()), ("text", text), ("controls", "information = true"), ("step", "publish")];
        let answer = ivy.post("/manage/staff-ict/look-after-yourself", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        answer.has(verdict);
    }
}

#[tokio::test]
async fn no_edit_unlocks_illegal_content_or_looks_into_what_is_private() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    ivy.get("/manage/file?name=school.toml").await;
    let text = pack().get("school.toml").unwrap().to_owned();
    let base = sha256_hex(text.as_bytes());
    for (edited, words) in [
        (text.replace("locked = true", "locked = false"), "`illegal` must stay locked"),
        (text.replace("never_inspect = true", "never_inspect = false"), "`bank` must never be looked into"),
        (text.replace(r#"["iwf", "ctiru"]"#, "[]"), "no longer holds the list `iwf`"),
    ] {
        assert_ne!(edited, text, "{words}");
        let fields = [("name", "school.toml"), ("base", base.as_str()), ("text", &edited), ("step", "publish")];
        let answer = ivy.post("/manage/file", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        answer.has(words);
    }
}

#[tokio::test]
async fn other_words_are_a_new_version_and_everybody_is_asked_again() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    let version = |kit: &Kit| kit.control.in_force().built.compiled.policies[0].version.clone();
    let before = version(&kit);
    let base = ivy.get("/manage/staff-ict/look-after-yourself").await.after(r#"name="base" value=""#);
    let same = [
        ("base", base.as_str()),
        ("text", "Everybody gives the school their house."),
        ("controls", "information = true"),
        ("step", "publish"),
    ];
    assert_eq!(ivy.post("/manage/staff-ict/look-after-yourself", &same).await.to, "/manage?done=in-force");
    assert_ne!(version(&kit), before);
    let snapshot = kit.control.snapshot();
    let staff = snapshot.people.members.iter().find(|member| member.person.as_str() == "ivy").unwrap();
    assert_eq!(staff.must_sign.len(), 1, "who agreed to other words is asked again");
}

#[tokio::test]
async fn entries_are_added_and_removed_at_every_door() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    ivy.get("/manage/entries").await.has("Add an entry").has("gambling");
    let fields = [("site", "puzzle.example"), ("is_in", "no"), ("category", "gambling"), ("why", "Maths")];
    assert_eq!(ivy.post("/manage/entries", &fields).await.to, "/manage/entries?done=entered");
    assert_eq!(kit.control.snapshot().live.own_entries.len(), 1);
    let again = ivy.post("/manage/entries", &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.has("says already that this site is not of this kind");
    for (site, category) in [("portal.demo.test", "gambling"), ("co.uk", "gambling"), ("wiki.example", "illegal")] {
        let wrong = [("site", site), ("is_in", "yes"), ("category", category)];
        assert_eq!(ivy.post("/manage/entries", &wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{site}");
    }
    assert_eq!(kit.control.snapshot().live.own_entries.len(), 1);
    let page = ivy.get("/manage/entries").await;
    let entry = page.has("puzzle.example").has("Maths").after(r#"name="entry" value=""#);
    ivy.post("/manage/entries/remove", &[("entry", &entry)]).await;
    assert!(kit.control.snapshot().live.own_entries.is_empty());
    let wrong = ivy.post("/manage/entries", &[("site", "x"), ("category", "nothing")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_file_of_people_is_compared_first_and_stops_before_many_leave() {
    let kit = Kit::new().await;
    let mut ivy = kit.be("ivy").await;
    ivy.get("/manage/people").await.has("9 people are here now");
    let wrong = ivy.post("/manage/people", &[("csv", "colour,shape\nred,round\n")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.has("header");
    let unknown = "mis_id,name,capacity,login,classes\nm1,Nora New,staff,nora.new,6Z\n";
    ivy.post("/manage/people", &[("csv", unknown)])
        .await
        .has("Line 2: the rules know no class `6Z`, did you mean class");
    let csv = "mis_id,name,capacity,login,classes\nm1,Nora New,staff,nora.new,6B\n";
    let plan = ivy.post("/manage/people", &[("csv", csv)]).await;
    plan.has_not("the rules know no").has("Nora New is new").has("Nothing has changed yet");
    let leaving = plan.after(r#"name="leaving" value=""#);
    let confirm = [("csv", csv), ("step", "confirm"), ("leaving", leaving.as_str())];
    let answer = ivy.post("/manage/people", &confirm).await;
    if answer.status == StatusCode::UNPROCESSABLE_ENTITY {
        let sure = [confirm.as_slice(), &[("sure", "yes")]].concat();
        assert_eq!(ivy.post("/manage/people", &sure).await.to, "/manage/people?done=people");
    }
    let people = kit.control.store().person_active(kit.control.now()).await.unwrap();
    assert!(people.iter().any(|person| &*person.name == "Nora New"));
}

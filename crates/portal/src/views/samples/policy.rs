//! Rules and their evidence.

use super::*;

fn control(how: Known, words: &str, evidence: &str) -> ControlShown {
    ControlShown {
        words: words.into(),
        keeper: "Kept by our own web gateway".into(),
        how,
        evidence: evidence.into(),
        href: "/policies/staff-ict/gambling/evidence".into(),
    }
}

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let counts = [(Known::System, 14), (Known::Checked, 0), (Known::Promised, 9), (Known::Nobody, 3)];
    let bars: Vec<Bar> = counts
        .iter()
        .map(|(how, count)| Bar {
            label: how.words().into(),
            value: *count,
            shown: count.to_string(),
            class: how.class(),
        })
        .collect();
    let gambling = || {
        control(Known::System, "Blocked for everybody at all times: gambling", "Refused 12 times in the last 30 days")
    };
    let policy = PolicyPage {
        frame: frame("Staff acceptable use of ICT"),
        policy: "staff-ict".into(),
        title: "Staff acceptable use of ICT".into(),
        version: "2.9".into(),
        in_force: "In force since today at 10:42.".into(),
        about: vec![Fact { what: "To be looked at again by", is: "21 September 2029".into() }],
        overview: Some(Overview {
            chart: chart::bars("Controls by how we know", &bars),
            rows: counts
                .iter()
                .map(|(how, count)| OverviewRow { how: *how, count: usize::try_from(*count).unwrap() })
                .collect(),
        }),
        parts: vec![PolicyPart {
            heading: "5 Personal and private use".into(),
            intro: String::new(),
            clauses: vec![
                PolicyClause {
                    anchor: "gambling".into(),
                    number: "5.3".into(),
                    html: "<p>Gambling has no place on the school's connection, for anybody, at any time.</p>".into(),
                    controls: vec![gambling(), control(Known::Promised, "Staff agree to it", "Promised by 41 of 52")],
                },
                PolicyClause {
                    anchor: "tone".into(),
                    number: "5.4".into(),
                    html: "<p>Write as you would speak in front of the class.</p>".into(),
                    controls: Vec::new(),
                },
            ],
        }],
    };
    let list = PoliciesPage {
        frame: frame("The rules"),
        in_force: "In force since today at 10:42.".into(),
        rows: vec![PolicyRow {
            id: "staff-ict".into(),
            title: "Staff acceptable use of ICT".into(),
            version: "2.9".into(),
            count: "26 rules".into(),
        }],
        can_edit: true,
    };
    let clause = ClausePage {
        frame: frame("Rule 5.3"),
        policy: "staff-ict".into(),
        policy_title: "Staff acceptable use of ICT".into(),
        anchor: "gambling".into(),
        number: "5.3".into(),
        html: "<p>Gambling has no place on the school's connection.</p>".into(),
        controls: Some(vec![gambling()]),
        can_edit: true,
    };
    let cell = |label: &str, value: &str| Pair::new(label, value);
    let evidence = EvidencePage {
        frame: frame("What shows that rule 5.3 is kept"),
        back: "/policies/staff-ict/gambling".into(),
        title: "What shows that rule 5.3 is kept".into(),
        summary: "Refused 12 times in the last 30 days, on 3 of 30 days.".into(),
        chart: chart::bars(
            "Refused, by day",
            &[
                Bar { label: "Mon 23 November".into(), value: 8, shown: "8".into(), class: "plain" },
                Bar { label: "Tue 24 November".into(), value: 4, shown: "fewer than 5".into(), class: "plain" },
            ],
        ),
        caption: "The latest, without names".into(),
        columns: vec!["When".into(), "Site".into(), "What came of it".into(), "How we know who".into()],
        rows: vec![vec![
            cell("When", "24 November, 10:12"),
            cell("Site", "bet.example"),
            cell("What came of it", "refused"),
            cell("How we know who", "signed in on this device's address"),
        ]],
        note: String::new(),
        look_up: Some(LookUpForm {
            action: "/policies/staff-ict/gambling/names".into(),
            mistakes: Vec::new(),
            inputs: vec![Input::new(
                "why",
                "Why do you need names?",
                InputKind::Radios(vec![
                    Choice::new("misuse", "I am looking into reported misuse"),
                    Choice::new("safety", "A child may be at risk"),
                ]),
            )],
        }),
    };
    vec![
        ("policies", list.render().unwrap()),
        ("policy", policy.render().unwrap()),
        ("clause", clause.render().unwrap()),
        ("evidence", evidence.render().unwrap()),
    ]
}

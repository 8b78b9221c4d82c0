//! Reports.

use super::*;

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let inputs = vec![
        Input::new(
            "person",
            "Who is it about?",
            InputKind::Select(vec![Choice::new("", "Nobody of the school"), Choice::new("sam", "Sam Supply")]),
        )
        .optional(),
        Input::new("what", "What happened?", InputKind::Text(8)).hint("What you saw or heard, in your own words"),
        Input::new("child_safety", "A child may be at risk", InputKind::Tick).optional(),
    ];
    let kinds = vec![ReportKind {
        href: "/reports/new/concern-about-adult".into(),
        title: "Report a concern about an adult".into(),
        text: "Tell the head about misuse; tell the chair of governors if it is about the head.".into(),
    }];
    let row = CaseRow {
        id: "r1".into(),
        what: "A concern about an adult".into(),
        when: "today".into(),
        state: "not read yet".into(),
    };
    let list = ReportsPage { frame: frame("Report a concern"), kinds, mine: vec![row.clone()], received: vec![row] };
    let form = ReportFormPage {
        frame: frame("Report a concern about an adult"),
        mistakes: Vec::new(),
        title: "Report a concern about an adult".into(),
        clause_text: "Tell the head about misuse; tell the chair of governors if it is about the head.".into(),
        action: "/reports/new/concern-about-adult".into(),
        inputs,
    };
    let answers = vec![Pair::new("Who is it about?", "Helen Head"), Pair::new("What happened?", "Something")];
    let preview = PreviewPage {
        frame: frame("Who will read this"),
        readers: vec!["Carl Chair, chair of governors".into()],
        left_out: "Helen Head is not among them, because it is about Helen Head.".into(),
        outside: vec!["LADO, within 1 working day".into()],
        by_when: "by the end of today".into(),
        answers: answers.clone(),
        action: "/reports/new/concern-about-adult".into(),
        hidden: vec![Pair::new("what", "Something")],
    };
    let receipt = ReceiptPage {
        frame: frame("Your report is with them"),
        receipt: "7k3m9q".into(),
        readers: vec!["Carl Chair, chair of governors".into()],
        outside: vec!["LADO, within 1 working day".into()],
        by_when: "by the end of today".into(),
    };
    let case = CasePage {
        frame: frame("A concern about an adult"),
        mistakes: Vec::new(),
        id: "r1".into(),
        title: "A concern about an adult".into(),
        state: "Not taken on yet, due by the end of today".into(),
        readers: "Carl Chair".into(),
        answers,
        outside: vec!["LADO, within 1 working day".into()],
        act: Some(CaseAct {
            can_acknowledge: true,
            can_note: true,
            steps: vec!["person heard".to_owned()],
            can_close: true,
            note: vec![
                Input::new("text", "Note", InputKind::Text(3)),
                Input::new("for_parties", "Whoever reported it may read this", InputKind::Tick),
            ],
            close: vec![Input::new("outcome", "What came of it?", InputKind::Text(3))],
        }),
        trail: trail(),
    };
    vec![
        ("reports", list.render().unwrap()),
        ("report-form", form.render().unwrap()),
        ("report-preview", preview.render().unwrap()),
        ("report-receipt", receipt.render().unwrap()),
        ("case", case.render().unwrap()),
    ]
}

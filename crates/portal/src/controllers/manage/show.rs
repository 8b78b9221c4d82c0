//! What there is to look after.

use schoolgate_policy::SCHOOL_FILE;
use schoolgate_policy::show::PartView;

use crate::ctx::Ctx;
use crate::failure::{PageResult, shown};
use crate::views::manage::{ClauseRow, DocumentRow, ManagePage};

use super::manager;

/// Letters of a clause shown in the list.
const START_CHARS: usize = 60;

pub(crate) async fn manage_show(ctx: Ctx) -> PageResult {
    manager(&ctx)?;
    let heads = &ctx.in_force.built.compiled.policies;
    let mut documents = Vec::new();
    for head in heads {
        let clauses = ctx.in_force.view(&head.id).into_iter().flat_map(|view| &view.parts);
        let clauses = clauses.filter_map(|part| match part {
            PartView::Clause(clause) => Some(ClauseRow {
                anchor: clause.id.clause.to_string(),
                number: clause.number.clone(),
                start: start(&clause.text),
            }),
            PartView::Heading { .. } | PartView::Prose { .. } => None,
        });
        documents.push(DocumentRow {
            policy: head.id.to_string(),
            file: head.file.to_string(),
            title: head.title.to_string(),
            version: format!("Version {}.", head.version),
            clauses: clauses.collect(),
        });
    }
    documents.push(DocumentRow {
        policy: String::new(),
        file: SCHOOL_FILE.to_owned(),
        title: "What the policies share".to_owned(),
        version: "Groups, offices, periods, term dates, places, kinds of sites.".to_owned(),
        clauses: Vec::new(),
    });
    shown(&ManagePage {
        frame: ctx.frame("/manage", "Look after the rules"),
        in_force: format!("Rules in force since {}.", ctx.moments().since(ctx.in_force.since)),
        documents,
    })
}

fn start(text: &str) -> String {
    let mut start: String = text.chars().take(START_CHARS).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

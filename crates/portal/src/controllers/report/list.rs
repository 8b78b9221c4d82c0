//! The reports somebody can make, made, and received.

use schoolgate_cases::{Case, Definition, Sight, receipt};

use crate::ctx::Ctx;
use crate::failure::{PageResult, shown};
use crate::forms;
use crate::views::report::{ReportKind, ReportsPage};
use crate::views::request::CaseRow;

use super::failure;

/// Reports on one page.
const REPORTS_MAX: usize = 100;

pub(crate) async fn report_list(ctx: Ctx) -> PageResult {
    let signed = ctx.person("/reports")?;
    let kinds = forms::reports_for(&ctx, signed).into_iter().map(|report| ReportKind {
        href: format!("/reports/new/{}", report.kind),
        title: report.title.to_string(),
        text: report.clause.text.to_string(),
    });
    let (mut mine, mut received) = (Vec::new(), Vec::new());
    for (file, sight) in ctx.app.control.reports_for(signed.id(), REPORTS_MAX).await.map_err(failure)? {
        let row = row(&ctx, &file.case, sight);
        if &file.case.by == signed.id() { mine.push(row) } else { received.push(row) }
    }
    shown(&ReportsPage { frame: ctx.frame("/reports", "Report a concern"), kinds: kinds.collect(), mine, received })
}

fn row(ctx: &Ctx, case: &Case, sight: Sight) -> CaseRow {
    let what = match ctx.in_force.definitions.pinned(&case.pin) {
        Some(Definition::Report(report)) => report.title.to_string(),
        _ => "A report".to_owned(),
    };
    let receipt = receipt(case);
    let state = match (receipt.closed_at, receipt.acknowledged_at, sight) {
        (Some(at), ..) => format!("closed {}", ctx.moments().at(at)),
        (None, Some(at), _) => format!("taken on {}", ctx.moments().at(at)),
        (None, None, Sight::Whole) => "not taken on yet".to_owned(),
        (None, None, _) => "with those who deal with it".to_owned(),
    };
    CaseRow { id: case.id.to_string(), what, when: ctx.moments().at(case.opened_at), state }
}

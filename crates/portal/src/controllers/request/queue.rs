//! Requests that wait for somebody's decision, the most urgent first.

use schoolgate_cases::Value;

use crate::ctx::Ctx;
use crate::failure::{Failure, PageResult, shown};
use crate::forms;
use crate::views::request::{QueuePage, QueueRow};

pub(crate) async fn request_queue(ctx: Ctx) -> PageResult {
    let signed = ctx.person("/requests/queue")?;
    if !ctx.decides(signed) {
        return Err(Failure::NotForYou);
    }
    let mut rows = Vec::new();
    let queue = forms::queue(&ctx, signed).await?;
    for (file, stands_in) in queue.files {
        let case = &file.case;
        let why = case.values.get("why").map(|value| match value {
            Value::Text(text) => text.clone(),
            _ => String::new(),
        });
        rows.push(QueueRow {
            id: case.id.to_string(),
            what: forms::title(&ctx, case),
            who: ctx.name(&case.by).await?,
            when: ctx.moments().at(case.opened_at),
            why: why.unwrap_or_default(),
            due: forms::state_words(&ctx, case),
            is_late: case.is_overdue(ctx.now),
            stands_in,
        });
    }
    let cut = format!(
        "More than {} requests are open. Only the newest of them were looked through; the others show once some of \
        these are decided.",
        forms::QUEUE_MAX
    );
    shown(&QueuePage {
        frame: ctx.frame("/requests/queue", "Requests to decide"),
        rows,
        note: if queue.is_cut { cut } else { String::new() },
    })
}

//! "I did not mean to open this": one click, noted as an accident, never counted as anything else.

use schoolgate_base::Strength;
use schoolgate_decide::Reason;
use schoolgate_decide::redirect::Because;
use schoolgate_event::{Accident, Door, Event, Pseudonym, Recorded, Recorder, Who};
use tracing::warn;

use crate::ctx::Ctx;
use crate::failure::{PageResult, shown};
use crate::onward;
use crate::views::refusal::AccidentPage;

use super::show::stale;

pub(crate) async fn accident_note(ctx: Ctx) -> PageResult {
    let Some(redirect) = onward::carried(&ctx, ctx.fields.get("t")) else { return stale(&ctx) };
    if let Because::Decided { reason: Reason::Rule { control, category, list }, .. } = redirect.because {
        let event = Event::Accident(Accident {
            school: ctx.app.control.school().clone(),
            at: ctx.now,
            door: Door::Portal,
            who: who(&ctx),
            host: redirect.host,
            reason: schoolgate_event::Reason { control: Some(control), category, list, grant: None },
        });
        if ctx.app.events.record(event) == Recorded::Dropped {
            warn!("an accident could not be noted: the queue of events is full");
        }
    }
    shown(&AccidentPage { frame: ctx.frame("", "Thank you for saying so") })
}

/// The same as a door would say: a pseudonym, and how it is known.
fn who(ctx: &Ctx) -> Who {
    let snapshot = ctx.app.control.snapshot();
    let place = snapshot.place(ctx.client.address).map(|place| place.name.clone());
    let member = ctx.signed().and_then(|signed| snapshot.member(signed.id(), signed.capacity));
    let Some(member) = member else { return Who { place, ..Who::UNKNOWN } };
    Who {
        person: Pseudonym::new(&member.pseudonym).ok(),
        capacity: Some(member.capacity),
        strength: Strength::Address,
        device: None,
        place,
    }
}

//! One request, for whoever asked and for those who decide.

use axum::extract::Path;
use schoolgate_base::CaseId;
use schoolgate_cases::{Body, Case, CaseState, Definition, RequestDefinition, Value};
use schoolgate_decide::CategoryHit;
use schoolgate_records::CaseFile;

use crate::ctx::{Ctx, Signed, from_records};
use crate::failure::{Failure, PageResult, shown};
use crate::forms::{self, School};
use crate::site_words;
use crate::views::input::{Input, InputKind, Mistake};
use crate::views::request::{DecideForm, RequestPage};

pub(crate) async fn request_show(ctx: Ctx, Path(id): Path<String>) -> PageResult {
    let signed = ctx.person(&format!("/requests/{id}"))?;
    let file = find(&ctx, signed, &id).await?;
    shown(&page(&ctx, signed, &file.case, Vec::new()).await?)
}

/// The request, if it exists for this person. One that does not and one that is not there are the same.
pub(super) async fn find(ctx: &Ctx, signed: &Signed, id: &str) -> Result<CaseFile, Failure> {
    let id = CaseId::new(id).map_err(|_| Failure::NotFound)?;
    let found = ctx.app.control.store().case_fetch_for(&forms::viewer(signed), &id).await.map_err(from_records)?;
    found.filter(|file| !file.is_sealed() && forms::may_see(ctx, signed, file)).ok_or(Failure::NotFound)
}

pub(super) async fn page(
    ctx: &Ctx,
    signed: &Signed,
    case: &Case,
    mistakes: Vec<Mistake>,
) -> Result<RequestPage, Failure> {
    let school = School::load(ctx).await?;
    let Some(Definition::Request(definition)) = ctx.in_force.definitions.pinned(&case.pin) else {
        return Err(Failure::NotFound);
    };
    let is_mine = &case.by == signed.id();
    let decide = forms::can_decide(ctx, signed, case).map(|_| decide_form(ctx, definition, case, &mistakes));
    let title = forms::title(ctx, case);
    let section = if is_mine { "/requests" } else { "/requests/queue" };
    Ok(RequestPage {
        frame: ctx.frame(section, title.clone()).mistaken(!mistakes.is_empty()),
        mistakes,
        back: section,
        id: case.id.to_string(),
        title,
        state: forms::state_words(ctx, case),
        answers: school.answers(ctx, &definition.form, &case.values),
        decide,
        can_withdraw: is_mine && matches!(case.state, CaseState::Open | CaseState::Approved),
        trail: school.trail(ctx, case),
    })
}

/// What the lists say of the sites that a request names.
fn kinds(ctx: &Ctx, case: &Case) -> Vec<String> {
    let snapshot = ctx.app.control.snapshot();
    let sites = case.values.values().filter_map(|value| match value {
        Value::Site(site) => Some(site),
        _ => None,
    });
    let hits = sites.flat_map(|site| {
        let hits = snapshot.categories(&site.host, site.path.as_deref());
        let words = |hit: &CategoryHit<'_>| format!("{}, on “{}”", site_words::category(ctx, hit.category), hit.list);
        if hits.is_empty() { vec!["nothing".to_owned()] } else { hits.iter().map(words).collect() }
    });
    hits.collect()
}

fn decide_form(ctx: &Ctx, definition: &RequestDefinition, case: &Case, mistakes: &[Mistake]) -> DecideForm {
    let lifts = match &case.body {
        Body::Request { lifts: Some(control) } => ctx.in_force.clause(&control.clause),
        _ => None,
    };
    let has_end = definition.form.iter().any(|field| &*field.name == "until");
    let until = Input::new("until", "Open until", InputKind::Short)
        .hint("Leave empty for what was asked, or name an earlier day such as 27/11/2026")
        .longest(40)
        .optional()
        .value(ctx.fields.get("until"))
        .mistaken(mistakes);
    let reason = Input::new("reason", "Why not?", InputKind::Text(2))
        .hint("Whoever asked will read this")
        .value(ctx.fields.get("reason"))
        .mistaken(mistakes);
    DecideForm {
        opens_site: definition.opens_site(),
        kinds: kinds(ctx, case),
        lifts: lifts.map(|clause| format!("rule {}", clause.number)).unwrap_or_default(),
        approve: if has_end { vec![until] } else { Vec::new() },
        refuse: vec![reason],
    }
}

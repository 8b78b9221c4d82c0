//! Every address of the portal, in one table.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::app::{App, PortalParts};
use crate::assets;
use crate::controllers::{
    agreement, device, grant, help, home, limits, manage, policy, refusal, report, request, session,
};
use crate::failure::Failure;
use crate::guard::guard;
use crate::security::headers_add;

/// Pages and forms.
pub struct Portal;

impl Portal {
    /// Everything the portal answers. The listener adds a [`crate::Client`] to each request's extensions.
    pub fn router(parts: PortalParts) -> Router {
        let app = App::new(parts);
        let has_demo = app.demo.is_some();
        let mut pages = people().merge(cases()).merge(rules());
        if has_demo {
            pages = pages.merge(demo());
        }
        let pages = pages
            .fallback(nothing_here)
            .method_not_allowed_fallback(nothing_here)
            .layer(from_fn_with_state(Arc::clone(&app), guard));
        // Outside the guard: files and machine answers belong to nobody.
        Router::new()
            .route("/assets/{name}", get(assets::asset_show))
            .route("/health", get(device::health_show))
            .route("/proxy.pac", get(device::pac_show))
            .route("/captive", get(device::captive_show))
            .route("/certificate/{file}", get(device::profile_download))
            .with_state(app)
            .merge(pages)
            .layer(from_fn(headers_add))
    }
}

fn people() -> Router {
    Router::new()
        .route("/", get(home::home_show))
        .route("/sign-in", get(session::session_new).post(session::session_create))
        .route("/sign-out", post(session::session_end_this))
        .route("/sessions", get(session::session_list))
        .route("/sessions/{id}/end", post(session::session_end))
        .route("/agree", get(agreement::agreement_show).post(agreement::agreement_sign))
        .route("/agree/done", get(agreement::agreement_done))
        .route("/onward", get(agreement::onward_show))
        .route("/agree/question", get(agreement::agreement_question))
        .route("/agreements", get(agreement::agreement_list))
        .route("/help", get(help::help_show))
        .route("/limits", get(limits::limits_show))
        .route("/certificate", get(device::certificate_show))
}

fn cases() -> Router {
    Router::new()
        .route("/blocked", get(refusal::refusal_show))
        .route("/blocked/accident", post(refusal::accident_note))
        .route("/blocked/go-on", post(refusal::warning_continue))
        .route("/unreachable", get(refusal::unreachable_show))
        .route("/requests", get(request::request_list))
        .route("/requests/queue", get(request::request_queue))
        .route("/requests/new/{kind}", get(request::request_new).post(request::request_create))
        .route("/requests/{id}", get(request::request_show))
        .route("/requests/{id}/approve", post(request::request_approve))
        .route("/requests/{id}/refuse", post(request::request_refuse))
        .route("/requests/{id}/withdraw", post(request::request_withdraw))
        .route("/grants", get(grant::grant_list))
        .route("/grants/{id}/close", post(grant::grant_close))
        .route("/urgent", post(grant::urgent_create))
        .route("/urgent/{id}/end", post(grant::urgent_end))
        .route("/reports", get(report::report_list))
        .route("/reports/new/{kind}", get(report::report_new).post(report::report_create))
        .route("/reports/sent/{id}", get(report::report_sent))
        .route("/cases/{id}", get(report::report_show))
        .route("/cases/{id}/acknowledge", post(report::report_acknowledge))
        .route("/cases/{id}/note", post(report::report_note))
        .route("/cases/{id}/done", post(report::report_done))
        .route("/cases/{id}/close", post(report::report_close))
}

fn rules() -> Router {
    Router::new()
        .route("/policies", get(policy::policy_list))
        .route("/policies/{policy}", get(policy::policy_show))
        .route("/policies/{policy}/{clause}", get(policy::clause_show))
        .route("/policies/{policy}/{clause}/evidence", get(policy::evidence_show).post(policy::evidence_names))
        .route("/manage", get(manage::manage_show))
        .route("/manage/file", get(manage::file_edit).post(manage::file_update))
        .route("/manage/entries", get(manage::entry_list).post(manage::entry_add))
        .route("/manage/entries/remove", post(manage::entry_remove))
        .route("/manage/gateway", get(manage::gateway_show))
        .route("/manage/gateway/forget", post(manage::left_alone_forget))
        .route("/manage/people", get(manage::people_show).post(manage::people_import))
        .route("/manage/{policy}/{clause}", get(manage::clause_edit).post(manage::clause_update))
}

/// Only where the demonstration's capability was given: without it these addresses do not exist.
fn demo() -> Router {
    Router::new()
        .route("/demo", get(session::demo_redirect))
        .route("/be", get(session::be_list))
        .route("/be/clock", post(session::clock_set))
        .route("/be/{id}", post(session::be_create))
}

async fn nothing_here() -> Failure {
    Failure::NotFound
}

//! Everything that can keep a page from being shown, and the one place that turns it into an answer.

use std::error::Error;
use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use tracing::error;

use crate::views::frame::Frame;
use crate::views::message::MessagePage;

/// Why a handler has no page to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("somebody has to sign in first")]
    SignInFirst { next: String },
    #[error("there is no such page")]
    NotFound,
    #[error("not for this person")]
    NotForYou,
    #[error("the form's token is missing or of another session")]
    Token,
    #[error("the form came from another site")]
    OtherSite,
    #[error("the form is too large")]
    TooLarge,
    #[error("too many tries")]
    TooMany,
    #[error("the case has moved on meanwhile")]
    MovedOn { words: String },
    #[error("the records cannot be written at the moment")]
    Unavailable { source: Box<dyn Error + Send + Sync> },
    #[error("something is wrong on our side")]
    Internal { source: Box<dyn Error + Send + Sync> },
}

pub(crate) type PageResult = Result<Response, Failure>;

/// For `map_err`: our own fault.
pub(crate) fn internal<E: Into<Box<dyn Error + Send + Sync>>>(source: E) -> Failure {
    Failure::Internal { source: source.into() }
}

/// Shows a page.
pub(crate) fn shown<T: Template>(page: &T) -> PageResult {
    page.render().map(|html| Html(html).into_response()).map_err(internal)
}

/// Shows a page that asks to look at a form again.
pub(crate) fn shown_again<T: Template>(page: &T) -> PageResult {
    let html = page.render().map_err(internal)?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(html)).into_response())
}

/// Goes on to another page after a change.
pub(crate) fn see_other(to: &str) -> PageResult {
    Ok(Redirect::to(to).into_response())
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::SignInFirst { .. } => StatusCode::SEE_OTHER,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotForYou | Self::Token | Self::OtherSite => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::MovedOn { .. } => StatusCode::CONFLICT,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Heading and text, in plain words.
    fn words(&self) -> (&'static str, &str) {
        match self {
            Self::SignInFirst { .. } => ("Sign in first", ""),
            Self::NotFound => {
                ("There is no such page", "The address is not quite right, or what it was about is not here for you.")
            }
            Self::NotForYou => ("This page is not for you", "It belongs to another office in the school."),
            Self::Token | Self::OtherSite => (
                "That did not come from our form",
                "Nothing was changed. Go back, load the page again, and send the form once more.",
            ),
            Self::TooLarge => {
                ("That was too much at once", "Nothing was changed. Send a shorter text or a smaller file.")
            }
            Self::TooMany => ("Too many tries", "Wait a few minutes, then try again."),
            Self::MovedOn { words } => ("It has moved on meanwhile", words),
            Self::Unavailable { .. } => (
                "This could not be saved just now",
                "Nothing was changed and nothing is lost. Browsing goes on under the rules in force. Try again in a minute.",
            ),
            Self::Internal { .. } => ("Something is wrong on our side", "It has been written down for the technician."),
        }
    }

    /// The answer. Logs what is our own fault, once, with a reference that the page shows.
    pub(crate) fn answer(&self, frame: Frame) -> Response {
        if let Self::SignInFirst { next } = self {
            let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
            return Redirect::to(&format!("/sign-in?next={next}")).into_response();
        }
        let reference = self.log();
        let (heading, text) = self.words();
        let page =
            MessagePage { frame: frame.titled(heading), heading: heading.to_owned(), text: text.to_owned(), reference };
        match page.render() {
            Ok(html) => (self.status(), Html(html)).into_response(),
            Err(_) => (self.status(), heading).into_response(),
        }
    }

    fn log(&self) -> String {
        let (Self::Unavailable { source } | Self::Internal { source }) = self else { return String::new() };
        let reference =
            schoolgate_keys::random_bytes::<4>().map_or_else(|_| "0".to_owned(), |bytes| schoolgate_keys::hex(&bytes));
        error!(reference, error = chain(source.as_ref()), "a page could not be shown: {self}");
        reference
    }
}

fn chain(error: &(dyn Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Carries the failure to the guard, which knows the frame to show it in.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

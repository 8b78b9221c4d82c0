//! `Expect: 100-continue`, kept through both hops (RFC 9110 §10.1.1).
//!
//! The expectation goes on to the site, and until the site has said 100 nothing of the body is asked of the client;
//! hyper says 100 to a client when the first part of its body is wanted. A site that refuses by the head alone has the
//! client send nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::EXPECT;
use http::{HeaderValue, Request, StatusCode, Version, request};
use tokio::sync::watch;
use tokio::time::timeout;

/// What clients wait for by themselves: a site that knows nothing of expectations says nothing to them either.
const SILENCE_MAX: Duration = Duration::from_secs(1);
const CONTINUE: HeaderValue = HeaderValue::from_static("100-continue");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Held,
    Wanted,
    /// The site has answered without the body.
    Answered,
}

/// The body of one request, held back. Dropped with the response, which ends a body that was not wanted.
#[derive(Debug, Clone)]
pub(crate) struct Expectation(Arc<watch::Sender<Stage>>);

/// Resolves to whether the body is wanted.
pub(crate) type Hold = Pin<Box<dyn Future<Output = bool> + Send>>;

impl Expectation {
    /// What the client expects. In HTTP/2 nothing is held back, since hyper says no 100 there.
    pub(crate) fn of(head: &request::Parts) -> Option<Self> {
        let is_one = head.version == Version::HTTP_11;
        let expects =
            head.headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        (is_one && expects).then(|| Self(Arc::new(watch::Sender::new(Stage::Held))))
    }

    /// Expects the same of the site, in whose word the body is sent.
    pub(crate) fn ask<B>(&self, request: &mut Request<B>) {
        request.headers_mut().insert(EXPECT, CONTINUE);
        let asked = self.clone();
        hyper::ext::on_informational(request, move |response| {
            if response.status() == StatusCode::CONTINUE {
                asked.0.send_replace(Stage::Wanted);
            }
        });
    }

    /// The body goes without being asked for.
    pub(crate) fn release(&self) {
        self.0.send_replace(Stage::Wanted);
    }

    /// The site has answered; what is still held stays so.
    pub(crate) fn note_answered(&self) {
        self.0.send_if_modified(|stage| {
            let is_held = *stage == Stage::Held;
            if is_held {
                *stage = Stage::Answered;
            }
            is_held
        });
    }

    pub(crate) fn hold(&self) -> Hold {
        let mut stage = self.0.subscribe();
        Box::pin(async move {
            let told =
                timeout(SILENCE_MAX, async { stage.wait_for(|stage| *stage != Stage::Held).await.map(|now| *now) });
            match told.await {
                Ok(Ok(Stage::Answered)) => stage.wait_for(|stage| *stage == Stage::Wanted).await.is_ok(),
                Ok(Ok(Stage::Held | Stage::Wanted)) | Err(_) => true,
                Ok(Err(_)) => false,
            }
        })
    }
}

//! What the playground's sites answer: a small page each, results on the search site, a stream that never ends.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use tokio::time::{Interval, interval};

use super::sites::{SITES, Site};

const TICK: Duration = Duration::from_secs(1);

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}\
    nav a{display:inline-block;margin-right:1rem}small{color:#555}";

/// The answer to any request: the site is told by the `Host` header.
pub(super) async fn answer(request: Request<Incoming>, scheme: &'static str) -> Result<Response<Answer>, Infallible> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let name = host.split(':').next().unwrap_or(host);
    let Some(site) = Site::of(name) else {
        return Ok(response(StatusCode::NOT_FOUND, "text/plain", Answer::text("no such site in the playground\n")));
    };
    if request.uri().path() == "/stream" {
        return Ok(response(StatusCode::OK, "text/event-stream", Answer::Ticks { interval: interval(TICK), count: 0 }));
    }
    let page = page(site, scheme, request.uri().path(), request.uri().query());
    Ok(response(StatusCode::OK, "text/html; charset=utf-8", Answer::text(&page)))
}

fn response(status: StatusCode, kind: &'static str, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}

fn page(site: &Site, scheme: &str, path: &str, query: Option<&str>) -> String {
    let Site { name, title, says, .. } = site;
    let main = match (*name, query.and_then(question)) {
        ("search.example", Some(words)) => results(&words),
        ("search.example", None) => format!("<p>{says}</p>{SEARCH_FORM}"),
        _ => format!("<p>{says}</p>"),
    };
    let links: String = SITES
        .iter()
        .filter(|other| other.name != *name)
        .map(|other| format!("<a href=\"{scheme}://{0}/\">{0}</a> ", other.name))
        .collect();
    let path = escaped(path);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1>{main}</main><hr><nav aria-label=\"The playground\">{links}</nav>\
         <p><small>{scheme}://{name}{path}, a made-up site of the playground.</small></p></body></html>\n"
    )
}

const SEARCH_FORM: &str = "<form action=\"/\"><label for=\"q\">Words</label> <input id=\"q\" name=\"q\"> \
    <button>Search</button></form>";

/// The words asked for, as in `q=red+kites`.
fn question(query: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q").map(|(_, words)| words.into_owned())
}

fn results(words: &str) -> String {
    let found: String = SITES
        .iter()
        .filter(|site| words.split_whitespace().any(|word| site.says.to_lowercase().contains(&word.to_lowercase())))
        .map(|site| format!("<li><a href=\"//{0}/\">{1}</a>: {2}</li>", site.name, site.title, site.says))
        .collect();
    let found = if found.is_empty() { "<li>Nothing found.</li>".to_owned() } else { found };
    format!("{SEARCH_FORM}<h2>Results for {}</h2><ul>{found}</ul>", escaped(words))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A whole page, or a stream of one event a second.
pub(super) enum Answer {
    Page(Option<Bytes>),
    Ticks { interval: Interval, count: u64 },
}

impl Answer {
    fn text(text: &str) -> Self {
        Self::Page(Some(Bytes::copy_from_slice(text.as_bytes())))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Page(page) => Poll::Ready(page.take().map(|page| Ok(Frame::data(page)))),
            Self::Ticks { interval, count } => {
                ready!(interval.poll_tick(context));
                *count += 1;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(format!("data: {count}\n\n"))))))
            }
        }
    }
}

//! HTTP/2 inside decrypted connections, and towards sites.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONNECTION, COOKIE, HOST, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::ext::Protocol;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use schoolgate_runtime::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::client::TlsStream;

use crate::curl::curl;
use crate::kit::*;
use crate::outside::Origin;

type Body = BoxBody<Bytes, Infallible>;

fn whole(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).boxed()
}

/// A site of HTTP/2 and, for WebSockets, HTTP/1.1.
pub(crate) async fn serve_two(tasks: &Tasks, origin: &Arc<Origin>, tls: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (origin, tasks_of_origin) = (Arc::clone(origin), tasks.clone());
    tasks.spawn("origin of two", async move {
        while let Ok((stream, _)) = listener.accept().await {
            origin.connections.fetch_add(1, Ordering::SeqCst);
            let (acceptor, origin) = (TlsAcceptor::from(Arc::clone(&tls)), Arc::clone(&origin));
            tasks_of_origin.spawn("origin of two's connection", async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let builder = auto::Builder::new(TokioExecutor::new());
                tokio::select! {
                    _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service_fn(site)) => {}
                    () = origin.quit.notified() => {}
                }
            });
        }
    });
    address
}

async fn site(mut request: Request<Incoming>) -> Result<Response<Body>, h2::Error> {
    if request.uri().path() == "/windows" && request.version() == Version::HTTP_2 {
        return Err(h2::Reason::HTTP_1_1_REQUIRED.into());
    }
    let said = format!(
        "{} {:?} {} te={:?} cookies={:?} via={:?}",
        request.method(),
        request.version(),
        request.uri(),
        request.headers().get("te"),
        request.headers().get_all(COOKIE).iter().collect::<Vec<_>>(),
        request.headers().get("via"),
    );
    let response = match request.uri().path() {
        "/socket" => {
            let key = request.headers()["sec-websocket-key"].as_bytes().to_vec();
            let upgrade = hyper::upgrade::on(&mut request);
            #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
            tokio::spawn(async move {
                let mut socket = TokioIo::new(upgrade.await.unwrap());
                let mut word = [0; 4];
                socket.read_exact(&mut word).await.unwrap();
                socket.write_all(&[&b"you said "[..], &word].concat()).await.unwrap();
                socket.flush().await.unwrap();
            });
            let text = [&key[..], b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat();
            let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &text);
            let accept = data_encoding::BASE64.encode(hash.as_ref());
            let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
            let response = response.header(CONNECTION, "upgrade").header(UPGRADE, "websocket");
            response.header("sec-websocket-accept", accept).body(whole("")).unwrap()
        }
        "/echo" => {
            let body = request.into_body().map_err(|error| panic!("{error}")).boxed();
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            let response = Response::builder().header("trailer", "grpc-status");
            response.body(body.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed()).unwrap()
        }
        _ => Response::new(whole(said)),
    };
    Ok(response)
}

/// A client of HTTP/2 inside a decrypted connection.
pub(crate) async fn client(kit: &Kit) -> http2::SendRequest<Body> {
    let (stream, head) = kit.connect(TESS, "two.example:443").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let offers = ["h2", "http/1.1"];
    let stream: TlsStream<TcpStream> =
        kit.handshake_offering(stream, "two.example", Trust::School, &offers).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    kit.tasks.spawn("client", async move {
        let _ = connection.await;
    });
    sender
}

fn asking(path: &str) -> http::request::Builder {
    Request::builder().uri(format!("https://two.example{path}")).version(Version::HTTP_2)
}

pub(crate) fn get(path: &str) -> Request<Body> {
    asking(path).body(whole("")).unwrap()
}

#[tokio::test]
async fn curl_speaks_http_2_through_us() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let page = curl(&kit, TESS, "ca.pem", &["--http2", "https://two.example/page?q=1"]).await;
    assert!(page.contains("HTTP/2 200") && page.contains("verify 0]"), "{page}");
    assert!(page.contains("GET HTTP/2.0 https://two.example/page?q=1") && page.contains("2 schoolgate"), "{page}");
    let event = kit.decision().await;
    assert_eq!(event.url.as_deref(), Some("https://two.example/page?q=1"));
    let old = curl(&kit, TESS, "ca.pem", &["--http1.1", "https://two.example/page"]).await;
    assert!(old.contains("HTTP/1.1 200") && old.contains("GET HTTP/2.0 https://two.example/page"), "{old}");
}

#[tokio::test]
async fn a_client_is_offered_no_newer_version_than_the_site_speaks() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let page = curl(&kit, TESS, "ca.pem", &["--http2", "https://news.example/"]).await;
    assert!(page.contains("HTTP/1.1 200") && page.contains("content\n[connect 200 site 200 verify 0]"), "{page}");
}

#[tokio::test]
async fn requests_go_side_by_side_over_one_connection_to_the_site() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let sender = client(&kit).await;
    let mut answers = Vec::new();
    for number in 0..100 {
        let mut sender = sender.clone();
        answers.push(async move {
            let request =
                asking(&format!("/{number}")).header("te", "trailers").header(COOKIE, "a=1").header(COOKIE, "b=2");
            let response = sender.send_request(request.body(whole("")).unwrap()).await.unwrap();
            String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
        });
    }
    for (number, said) in soon(join_all(answers)).await.into_iter().enumerate() {
        let expected = format!(
            "GET HTTP/2.0 https://two.example/{number} te=Some(\"trailers\") cookies=[\"a=1\", \"b=2\"] via=Some(\"2 schoolgate\")"
        );
        assert_eq!(said, expected);
    }
    assert_eq!(kit.origin_connections(), 1);
}

/// All of them side by side.
async fn join_all<F>(all: Vec<F>) -> Vec<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut set = tokio::task::JoinSet::new();
    for (at, one) in all.into_iter().enumerate() {
        set.spawn(async move { (at, one.await) });
    }
    let mut done = set.join_all().await;
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, output)| output).collect()
}

#[tokio::test]
async fn bodies_stream_both_ways_and_trailers_follow_them() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let mut sender = client(&kit).await;
    let (part, parts) = tokio::sync::mpsc::channel(1);
    let request = asking("/echo").method(Method::POST).body(Parts(parts).boxed()).unwrap();
    let mut response = soon(sender.send_request(request)).await.unwrap();
    for word in ["one", "two"] {
        part.send(Bytes::from(word)).await.unwrap();
        let frame = soon(response.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), word, "a part comes back before the next is sent");
    }
    drop(part);
    let trailers = soon(response.frame()).await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
}

/// A body of parts as they come.
struct Parts(tokio::sync::mpsc::Receiver<Bytes>);

impl hyper::body::Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

#[tokio::test]
async fn a_client_of_http_1_gets_the_trailers_of_http_2() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let stream = kit.tls(TESS, "two.example", Trust::School).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    kit.tasks.spawn("client", async move {
        let _ = connection.await;
    });
    let request =
        Request::builder().method(Method::POST).uri("/echo").header(HOST, "two.example").header("te", "trailers");
    // Of no known length: what has a length has no trailers in HTTP/1.1.
    let (part, parts) = tokio::sync::mpsc::channel(1);
    part.send(Bytes::from("words")).await.unwrap();
    drop(part);
    let response = soon(sender.send_request(request.body(Parts(parts).boxed()).unwrap())).await.unwrap();
    let collected = soon(response.into_body().collect()).await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(collected.to_bytes(), "words");
}

#[tokio::test]
async fn a_websocket_comes_as_a_stream_and_leaves_as_an_upgrade() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let mut sender = client(&kit).await;
    // The site's word that it takes such streams comes with its first answer.
    soon(sender.send_request(get("/page"))).await.unwrap();
    let mut request = asking("/socket").method(Method::CONNECT).header("sec-websocket-version", "13");
    request.extensions_mut().unwrap().insert(Protocol::from_static("websocket"));
    let response = soon(sender.send_request(request.body(whole("")).unwrap())).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("sec-websocket-accept"));
    let mut socket = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    socket.write_all(b"word").await.unwrap();
    socket.flush().await.unwrap();
    let mut answer = [0; 13];
    soon(socket.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"you said word");
}

#[tokio::test]
async fn a_site_that_asks_for_http_1_gets_it() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let mut sender = client(&kit).await;
    for path in ["/page", "/windows", "/windows", "/page"] {
        let response = soon(sender.send_request(get(path))).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
    // Remembered: two of HTTP/2 at most, and one of HTTP/1.1 for what follows.
    assert!(kit.origin_connections() <= 3, "{}", kit.origin_connections());
    let next = curl(&kit, TESS, "ca.pem", &["--http2", "https://two.example/page"]).await;
    assert!(next.contains("HTTP/1.1 200") && next.contains("GET HTTP/1.1 /page"), "{next}");
}

#[tokio::test]
async fn requests_that_find_their_connection_gone_share_a_new_one() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let mut sender = client(&kit).await;
    soon(sender.send_request(get("/page"))).await.unwrap();
    kit.origin.quit.notify_one();
    let mut answers = Vec::new();
    for _ in 0..50 {
        let mut sender = sender.clone();
        answers.push(async move { sender.send_request(get("/page")).await.unwrap().status() });
    }
    assert!(soon(join_all(answers)).await.iter().all(|status| *status == StatusCode::OK));
    assert_eq!(kit.origin_connections(), 2);
}

#[tokio::test]
async fn a_tunnel_or_another_site_inside_is_refused() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let mut sender = client(&kit).await;
    let tunnel = Request::builder().method(Method::CONNECT).uri("two.example:443").body(whole("")).unwrap();
    assert_eq!(soon(sender.send_request(tunnel)).await.unwrap().status(), StatusCode::BAD_REQUEST);
    let other = Request::builder().uri("https://bet.example/").body(whole("")).unwrap();
    assert_eq!(soon(sender.send_request(other)).await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
    let double = asking("/").header(HOST, "bet.example").body(whole("")).unwrap();
    assert_eq!(soon(sender.send_request(double)).await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(kit.origin_connections(), 1);
}

#[tokio::test]
async fn the_next_client_goes_by_the_connection_that_was_proved() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    for _ in 0..3 {
        let page = curl(&kit, TESS, "ca.pem", &["--http2", "https://two.example/page"]).await;
        assert!(page.contains("HTTP/2 200"), "{page}");
    }
    assert_eq!(kit.origin_connections(), 1);
}

//! A site that answers at once.

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use schoolgate_runtime::Tasks;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
pub(super) async fn serve() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let tasks = Tasks::new();
    let (small, large) = (Bytes::from(vec![b'x'; 1_000]), Bytes::from(vec![b'x'; 64_000]));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (small, large) = (small.clone(), large.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let body = if request.uri().path() == "/64k" { large.clone() } else { small.clone() };
            std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(body))))
        });
        tasks.spawn("origin connection", async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

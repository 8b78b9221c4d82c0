//! A site that answers at once.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use schoolgate_runtime::Tasks;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::certificates::Certificates;
use crate::pairs::Failure;

/// Paths, with the size of what is there in bytes.
pub(crate) const SIZES: [(&str, usize); 3] = [("/1k", 1_000), ("/64k", 64_000), ("/1m", 1_000_000)];

type Bodies = Arc<[(&'static str, Bytes)]>;

pub(super) async fn serve(certificates: Option<&Path>) -> Result<(), Failure> {
    let acceptor = certificates.map(Certificates::read).transpose()?;
    let acceptor = acceptor.map(Certificates::server).transpose()?.map(|config| TlsAcceptor::from(Arc::new(config)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let tasks = Tasks::new();
    let bodies: Bodies = SIZES.iter().map(|&(path, size)| (path, Bytes::from(vec![b'x'; size]))).collect();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (bodies, acceptor) = (Arc::clone(&bodies), acceptor.clone());
        tasks.spawn("origin connection", async move {
            match acceptor {
                None => answer(stream, bodies).await,
                Some(acceptor) => {
                    // A client that goes away in the middle of its handshake has its own troubles.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        answer(stream, bodies).await;
                    }
                }
            }
        });
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, bodies: Bodies) {
    let service = service_fn(move |request: Request<Incoming>| {
        let found = bodies.iter().find(|(path, _)| *path == request.uri().path()).or(bodies.first());
        let body = found.map(|(_, body)| body.clone()).unwrap_or_default();
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(body))))
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

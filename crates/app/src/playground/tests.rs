use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::certificates::OUT_OF_DATE;
use super::*;

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, host: &str, target: &str) -> String {
    let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut block = [0; 4096];
    while !answer.windows(6).any(|window| window == b"</html" || window == b"data: ") {
        match stream.read(&mut block).await.unwrap() {
            0 => break,
            count => answer.extend_from_slice(&block[..count]),
        }
    }
    String::from_utf8(answer).unwrap()
}

async fn plain(playground: &Playground, host: &str, target: &str) -> String {
    let address = playground.names().resolve(&HostName::parse(host).unwrap(), 80).await.unwrap()[0];
    ask(TcpStream::connect(address).await.unwrap(), host, target).await
}

async fn secure(playground: &Playground, host: &'static str) -> Result<String, io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(playground.root().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(playground.addresses()[1]).await?;
    let name = ServerName::try_from(host).unwrap();
    Ok(ask(TlsConnector::from(Arc::new(config)).connect(name, stream).await?, host, "/").await)
}

#[tokio::test]
async fn every_site_answers_over_both_and_one_has_a_bad_certificate() {
    let tasks = Tasks::new();
    let playground = Playground::start(&tasks).await.unwrap();
    for site in SITES {
        assert!(plain(&playground, site.name, "/").await.contains(site.says), "{}", site.name);
        assert_eq!(secure(&playground, site.name).await.is_ok(), !OUT_OF_DATE.contains(&site.name), "{}", site.name);
    }
    assert!(secure(&playground, "www.news.example").await.unwrap().contains("News"));
    assert_eq!(tasks.drain(Duration::from_secs(5)).await.dropped, 0);
}

#[tokio::test]
async fn searching_answers_the_question_and_streams_go_on() {
    let tasks = Tasks::new();
    let playground = Playground::start(&tasks).await.unwrap();
    let found = plain(&playground, "search.example", "/?q=library+%3Cb%3E").await;
    assert!(found.contains("news.example") && found.contains("&lt;b&gt;"), "{found}");
    assert!(plain(&playground, "slow.example", "/stream").await.contains("text/event-stream"));
    assert_eq!(tasks.drain(Duration::from_secs(5)).await.dropped, 0);
}

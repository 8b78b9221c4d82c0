//! `Expect: 100-continue`: whether a body is wanted is the site's word, and reaches the client as such.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::curl::curl;
use crate::kit::*;

const HEAD: &str =
    "POST http://raw.example/form HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

/// Both ends of a request whose head has come and whose body is held.
async fn held(kit: &Kit) -> (TcpStream, TcpStream) {
    let mut client = kit.dial(TESS).await;
    client.write_all(HEAD.as_bytes()).await.unwrap();
    let mut site = kit.site().await;
    let head = read_head(&mut site).await;
    assert!(head.contains("expect: 100-continue\r\n") && head.contains("content-length: 5\r\n"), "{head}");
    (client, site)
}

#[tokio::test]
async fn a_body_goes_when_the_site_says_so() {
    let kit = Kit::start().await;
    let (mut client, mut site) = held(&kit).await;
    site.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
    assert_eq!(read_head(&mut client).await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"hello").await.unwrap();
    let mut body = [0; 5];
    soon(site.read_exact(&mut body)).await.unwrap();
    assert_eq!(&body, b"hello");
    site.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_site_that_refuses_by_the_head_gets_no_body() {
    let kit = Kit::start().await;
    let (mut client, mut site) = held(&kit).await;
    site.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!").await.unwrap();
    let answer = read_all(&mut client).await;
    // No 100 comes before it, and the connection cannot be used again: nobody knows whether a body follows.
    assert!(answer.starts_with("HTTP/1.1 413") && answer.ends_with("no!"), "{answer}");
    assert_eq!(read_all(&mut site).await, "");
}

#[tokio::test]
async fn a_site_that_knows_no_expectations_is_not_waited_for() {
    let kit = Kit::start().await;
    let (mut client, mut site) = held(&kit).await;
    assert_eq!(read_head(&mut client).await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"hello").await.unwrap();
    soon(site.read_exact(&mut [0; 5])).await.unwrap();
}

#[tokio::test]
async fn other_words_of_a_site_before_its_answer_ask_for_nothing() {
    let kit = Kit::start().await;
    let (mut client, mut site) = held(&kit).await;
    site.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n").await.unwrap();
    site.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn curl_sends_what_it_was_asked_for() {
    let kit = Kit::start().await;
    let words = ["--data-binary", "hello", "--header", "Expect: 100-continue", "http://raw.example/form"];
    let site = async {
        let mut site = kit.site().await;
        read_head(&mut site).await;
        site.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        site.read_exact(&mut [0; 5]).await.unwrap();
        site.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthere").await.unwrap();
    };
    let (page, ()) = tokio::join!(curl(&kit, TESS, "ca.pem", &words), site);
    assert!(page.contains("100 Continue") && page.contains("there\n[connect 000 site 200"), "{page}");
}

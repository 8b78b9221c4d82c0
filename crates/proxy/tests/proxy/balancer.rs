//! The PROXY protocol: believed of listed load balancers, and of nobody else.

use std::net::SocketAddr;
use std::time::Duration;

use schoolgate_base::Network;
use schoolgate_runtime::proxy_protocol;
use tokio::io::AsyncWriteExt;

use crate::kit::*;

const BALANCER: &str = "127.0.0.40";
const REQUEST: &str = "GET http://news.example/ HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n";

async fn balanced() -> Kit {
    let network = Network { address: BALANCER.parse().unwrap(), prefix: 32 };
    Kit::start_as(|settings| {
        settings.balancers = vec![network];
        settings.limits.header_deadline = Duration::from_millis(300);
    })
    .await
}

fn for_client(address: &str) -> Vec<u8> {
    proxy_protocol::encode(SocketAddr::new(address.parse().unwrap(), 4_000), "10.0.0.1:3128".parse().unwrap())
}

#[tokio::test]
async fn a_listed_balancer_says_who_its_client_is() {
    let kit = balanced().await;
    let line = b"PROXY TCP4 127.0.0.2 10.0.0.1 4000 3128\r\n".to_vec();
    let mut with_extensions = for_client(PIA);
    with_extensions[15] += 5;
    with_extensions.extend([0x20, 0, 2, 1, 0]);
    for header in [line, for_client(PIA), with_extensions] {
        let response = kit.raw(BALANCER, &[&header, REQUEST.as_bytes()].concat()).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert_eq!(kit.decision().await.who.person.unwrap().as_str(), "pia0000000000000");
    }
    // A health check is nobody's.
    let mut local = for_client(PIA);
    local[12] = 0x20;
    let response = kit.raw(BALANCER, &[&local, REQUEST.as_bytes()].concat()).await;
    assert!(response.starts_with("HTTP/1.1 303"), "{response}");
    assert_eq!(kit.decision().await.who.person, None);
}

#[tokio::test]
async fn a_header_may_come_byte_by_byte_and_before_tls() {
    let kit = balanced().await;
    let mut stream = kit.dial_to(BALANCER, kit.tls_address).await;
    for byte in for_client(PIA) {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut stream = kit.handshake(stream, "proxy.school.test", Trust::School).await.unwrap();
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    assert!(read_all(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(kit.decision().await.who.person.unwrap().as_str(), "pia0000000000000");
}

#[tokio::test]
async fn a_listed_balancer_that_says_nothing_is_closed() {
    let kit = balanced().await;
    for bytes in [&b""[..], b"PROXY TCP4 127.0.", REQUEST.as_bytes(), b"PROXY TCP4 127.0.0.2\r\n"] {
        assert_eq!(kit.raw(BALANCER, bytes).await, "");
    }
    assert_eq!(kit.count("schoolgate_proxy_balancer_headers_refused_total"), 4);
    assert_eq!(kit.origin_connections(), 0);
}

#[tokio::test]
async fn nobody_else_may_say_who_they_are() {
    let kit = balanced().await;
    for header in [b"PROXY TCP4 127.0.0.2 10.0.0.1 4000 3128\r\n".to_vec(), for_client(PIA)] {
        let response = kit.raw(NOBODY, &[&header, REQUEST.as_bytes()].concat()).await;
        assert!(response.starts_with("HTTP/1.1 400"), "{response}");
    }
    assert_eq!(kit.count("schoolgate_proxy_heads_refused_total"), 2);
    assert_eq!(kit.origin_connections(), 0);
}

/// A password that goes in the clear from the balancer to us is one that others can read, wherever its client is.
#[tokio::test]
async fn the_word_of_a_balancer_makes_no_connection_private() {
    let kit = balanced().await;
    let token = "Proxy-Authorization: Basic bGFwdG9wLTE6c2VjcmV0\r\n";
    let request = REQUEST.replace("Connection", &format!("{token}Connection"));
    let direct = kit.raw(TESS, request.as_bytes()).await;
    assert!(direct.starts_with("HTTP/1.1 200"), "{direct}");
    let told = kit.raw(BALANCER, &[&for_client(TESS), request.as_bytes()].concat()).await;
    assert!(told.starts_with("HTTP/1.1 403"), "{told}");
}

#[tokio::test]
async fn places_are_the_clients() {
    let network = Network { address: BALANCER.parse().unwrap(), prefix: 32 };
    let kit = Kit::start_as(|settings| {
        settings.balancers = vec![network];
        settings.limits.connections_per_address_max = 1;
    })
    .await;
    let request = b"GET http://news.example/stream HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut open = Vec::new();
    for address in [TESS, PIA] {
        let mut stream = kit.dial(BALANCER).await;
        stream.write_all(&[&for_client(address), &request[..]].concat()).await.unwrap();
        assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 200"));
        open.push(stream);
    }
    assert_eq!(kit.raw(BALANCER, &[&for_client(PIA), &request[..]].concat()).await, "");
    assert_eq!(kit.count("schoolgate_proxy_connections_turned_away_total"), 1);
}

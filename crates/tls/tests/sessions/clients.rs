//! Towards devices: what we take, and what we keep.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::hand::{Cut, DOWNGRADE, cut};
use crate::rig::{Ours, SITE};

#[tokio::test(flavor = "multi_thread")]
async fn p05_clients_get_modern_ciphers_only() {
    let ours = Ours::start().await;
    for how in [
        "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256",
        "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
        "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384",
        "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305",
    ] {
        let (is_in, said) = ours.met_by(how, "").await;
        assert!(is_in, "{how}: {said}");
    }
    for how in [
        "-tls1 -cipher ALL:@SECLEVEL=0",
        "-tls1_1 -cipher ALL:@SECLEVEL=0",
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0",
        "-tls1_2 -cipher ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0",
        "-tls1_2 -cipher AECDH-AES128-SHA:@SECLEVEL=0",
        "-tls1_2 -cipher AES128-GCM-SHA256:@SECLEVEL=0",
        "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
        "-tls1_2 -cipher ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0",
        "-tls1_3 -groups ffdhe2048",
    ] {
        let (is_in, said) = ours.met_by(how, "").await;
        assert!(!is_in, "{how}: {said}");
    }
}

/// BEAST, Lucky 13, POODLE (CBC), FREAK, Logjam, ROBOT (suites), DROWN (SSL 2), CRIME (compression), Heartbleed: what
/// each of them needs is not there.
#[tokio::test(flavor = "multi_thread")]
async fn p06_what_the_known_attacks_need_is_not_there() {
    let ours = Ours::start().await;
    // Compression is offered and not taken.
    let packed = ours.answer(&cut(&Cut { compression: vec![1, 0], ..Cut::default() })).await;
    let (suite, compression) = chosen(&packed);
    assert_eq!((suite, compression), (0xc02b, 0));
    // A heartbeat is not answered: the extension (RFC 6520) does not come back.
    let beating = ours.answer(&cut(&Cut { extensions: vec![(15, vec![1])], ..Cut::default() })).await;
    assert_eq!(chosen(&beating).0, 0xc02b);
    assert!(!extensions(&beating).contains(&15));
    for suite in [0x0003, 0x0008, 0x0014, 0x002f, 0x0035, 0x000a, 0x0005, 0xc013, 0xc009, 0x009e] {
        let answer = ours.answer(&cut(&Cut { suites: vec![suite], ..Cut::default() })).await;
        assert_eq!(answer.first(), Some(&21), "{suite:04x} gets an alert and nothing else");
    }
    // A hello of SSL 2.
    let old = [0x80, 0x1c, 1, 0, 2, 0, 3, 0, 0, 0, 16, 1, 0, 0x80, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    assert_ne!(ours.answer(&old).await.first(), Some(&22));
    // Renegotiation, which a client asks for with `R`, never comes: each handshake verifies two certificates.
    let (_, said) = ours.met_by("-tls1_2", "R\n").await;
    assert!(said.contains("RENEGOTIATING"), "{said}");
    assert_eq!(said.matches("verify return:1").count(), 2, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p07_hellos_with_what_nobody_knows_are_answered_and_downgrades_are_marked() {
    let ours = Ours::start().await;
    let odd = Cut {
        suites: vec![0x0a0a, 0xc02b, 0xfafa],
        extensions: vec![(0x1a1a, vec![0]), (0x4a4a, Vec::new())],
        groups: vec![0x2a2a, 0x001d, 0x0017],
        ..Cut::default()
    };
    let answer = ours.answer(&cut(&odd)).await;
    assert_eq!(chosen(&answer).0, 0xc02b);
    // RFC 8446 §4.1.3: a server that knows TLS 1.3 says so to a client that came with less.
    assert_eq!(answer[11 + 24..11 + 32], DOWNGRADE);
    // Larger than a packet, and in many records.
    for (padding, record) in [(3_000, 16_384), (3_000, 64), (0, 1)] {
        let long = Cut { extensions: vec![(21, vec![0; padding])], record, ..Cut::default() };
        assert_eq!(chosen(&ours.answer(&cut(&long)).await).0, 0xc02b, "{padding} in records of {record}");
    }
}

/// One person's session is never continued by another, nor by herself under another policy.
#[tokio::test(flavor = "multi_thread")]
async fn p08_no_session_is_resumed_and_no_early_data_is_taken() {
    let ours = Ours::start().await;
    assert_eq!(ours.config.max_early_data_size, 0);
    assert!(!ours.config.session_storage.can_cache());
    let mut roots = RootCertStore::empty();
    roots.add(ours.ca.clone()).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.enable_early_data = true;
        let connector = TlsConnector::from(Arc::new(config));
        for _ in 0..3 {
            let stream = TcpStream::connect(ours.address).await.unwrap();
            let mut tls = connector.connect(ServerName::try_from(SITE).unwrap(), stream).await.unwrap();
            tls.write_all(b"word").await.unwrap();
            let mut content = [0; 7];
            tls.read_exact(&mut content).await.unwrap();
            let kind = tls.get_ref().1.handshake_kind();
            assert!(matches!(kind, Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest)), "{kind:?}");
            assert_eq!(tls.get_ref().1.tls13_tickets_received(), 0);
        }
    }
}

/// The suite and the compression of a ServerHello of TLS 1.2.
fn chosen(answer: &[u8]) -> (u16, u8) {
    assert_eq!((answer.first(), answer.get(5)), (Some(&22), Some(&2)), "no ServerHello: {answer:02x?}");
    let at = 11 + 32 + 1 + usize::from(answer[11 + 32]);
    (u16::from_be_bytes([answer[at], answer[at + 1]]), answer[at + 2])
}

fn extensions(answer: &[u8]) -> Vec<u16> {
    let mut at = 11 + 32 + 1 + usize::from(answer[11 + 32]) + 3 + 2;
    let end = 5 + usize::from(u16::from_be_bytes([answer[3], answer[4]]));
    let mut found = Vec::new();
    while at + 4 <= end.min(answer.len()) {
        found.push(u16::from_be_bytes([answer[at], answer[at + 1]]));
        at += 4 + usize::from(u16::from_be_bytes([answer[at + 2], answer[at + 3]]));
    }
    found
}

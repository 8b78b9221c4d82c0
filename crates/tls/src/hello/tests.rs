use std::sync::Arc;

use proptest::prelude::*;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::*;

/// The first flight of a real client.
fn client_bytes(name: &str) -> Vec<u8> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = ClientConnection::new(Arc::new(config), name.to_owned().try_into().unwrap()).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

fn expected() -> ClientHello {
    let offer = Offer {
        version: 0x0304,
        // Nine of ours and the sign that nothing is renegotiated.
        ciphers: 10,
        groups: vec![0x11ec, 0x001d],
        protocols: vec!["h2".into(), "http/1.1".into()],
        has_ech: false,
    };
    ClientHello { server_name: NamedServer::Name("news.example".parse().unwrap()), offer }
}

/// The same message in records of `size` bytes.
fn fragmented(bytes: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in bytes[5..].chunks(size) {
        out.extend([22, 3, 1]);
        out.extend(u16::try_from(piece.len()).unwrap().to_be_bytes());
        out.extend(piece);
    }
    out
}

#[track_caller]
fn check_error(bytes: &[u8], expected: HelloError) {
    assert_eq!(read_client_hello(bytes), Err(expected));
}

#[test]
fn a_hello_is_read_whole_and_cut_at_each_byte() {
    let bytes = client_bytes("news.example");
    for bytes in [bytes.clone(), fragmented(&bytes, 7), fragmented(&bytes, 1), fragmented(&bytes, 500)] {
        for cut in 0..bytes.len() {
            match read_client_hello(&bytes[..cut]) {
                Ok(Reading::NeedMore { at_least }) => assert!(cut < at_least, "at {cut}"),
                // The last record may hold bytes after the message; a hello of rustls has none.
                other => panic!("at {cut}: {other:?}"),
            }
        }
        assert_eq!(read_client_hello(&bytes), Ok(Reading::Hello(expected())));
    }
}

#[test]
fn an_address_is_no_server_name() {
    let bytes = client_bytes("192.0.2.1");
    let Ok(Reading::Hello(hello)) = read_client_hello(&bytes) else { panic!("no hello") };
    assert_eq!(hello.server_name, NamedServer::Absent);
}

#[test]
fn what_is_no_hello_is_said_at_once() {
    check_error(b"G", HelloError::NotTls);
    check_error(b"GET / HTTP/1.1\r\n", HelloError::NotTls);
    check_error(b"SSH-2.0-OpenSSH", HelloError::NotTls);
    check_error(&[22, 2], HelloError::NotTls);
    check_error(&[22, 3, 1, 0, 0], HelloError::Malformed("record length"));
    check_error(&[22, 3, 1, 0xff, 0xff], HelloError::Malformed("record length"));
    check_error(&[22, 3, 1, 0, 4, 2], HelloError::Malformed("message type"));
    check_error(&[22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff], HelloError::TooLong);
}

#[test]
fn two_names_are_refused() {
    let mut bytes = client_bytes("news.example");
    // Rename the ALPN extension (type 16, length 14) to a second server name.
    let at = bytes.windows(4).position(|four| four == [0, 16, 0, 14]).unwrap();
    bytes[at + 1] = 0;
    assert!(matches!(read_client_hello(&bytes), Err(HelloError::Malformed(_))));
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = read_client_hello(&bytes);
    }

    #[test]
    fn a_damaged_hello_never_panics(at in 0_usize..200, value in any::<u8>(), size in 1_usize..300) {
        let mut bytes = client_bytes("news.example");
        bytes[at] = value;
        let _ = read_client_hello(&bytes);
        let _ = read_client_hello(&fragmented(&bytes, size));
    }
}

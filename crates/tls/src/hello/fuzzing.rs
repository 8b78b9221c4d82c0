//! What fuzz targets call: hellos, in one piece, cut, in other records, and beside rustls's own reader.

use rustls::server::Acceptor;

use super::{ClientHello, HELLO_MAX, HelloError, NamedServer, Reading, read_client_hello};

/// A hello is the same wherever the bytes are cut and into whichever records its message is put; what is said at some
/// byte is never taken back; and the name is the one that a server reads.
pub fn client_hello(data: &[u8]) {
    let whole = read_client_hello(data);
    for cut in 0..data.len().min(HELLO_MAX) {
        match read_client_hello(data.get(..cut).unwrap_or_default()) {
            Ok(Reading::NeedMore { at_least }) => assert!(cut < at_least && at_least <= HELLO_MAX, "at {cut}"),
            said => return assert_eq!(said, whole, "said at {cut} and taken back"),
        }
    }
    if let Ok(Reading::NeedMore { at_least }) = whole {
        assert!(data.len() < at_least && at_least <= HELLO_MAX, "{at_least} of {}", data.len());
    }
    let Ok(Reading::Hello(hello)) = &whole else { return };
    check_records(data, &whole);
    check_name(data, hello);
}

/// The message of the records, again in records of a few bytes each.
fn check_records(data: &[u8], whole: &Result<Reading, HelloError>) {
    let (mut message, mut rest) = (Vec::new(), data);
    while let Some((&[_, _, _, high, low], after)) = rest.split_first_chunk::<5>() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(after.len());
        let (body, after) = after.split_at_checked(length).unwrap_or_default();
        message.extend_from_slice(body);
        rest = after;
    }
    let size = 1 + data.len() % 61;
    let records = message.chunks(size).flat_map(|piece| {
        let [high, low] = u16::try_from(piece.len()).unwrap_or(0).to_be_bytes();
        [&[22, 3, 1, high, low], piece].concat()
    });
    let records: Vec<u8> = records.collect();
    let again = read_client_hello(&records);
    assert!(again == *whole || again == Err(HelloError::TooLong), "in records of {size}: {again:?}");
}

/// Who is judged by our reading must be whom a server would answer for.
fn check_name(data: &[u8], hello: &ClientHello) {
    let mut acceptor = Acceptor::default();
    if acceptor.read_tls(&mut &*data).is_err() {
        return;
    }
    let Ok(Some(accepted)) = acceptor.accept() else { return };
    let theirs = accepted.client_hello().server_name().map(|name| name.trim_end_matches('.').to_ascii_lowercase());
    match (&hello.server_name, theirs) {
        (NamedServer::Name(ours), Some(theirs)) => assert_eq!(ours.as_str(), theirs),
        // What is no host name here is turned away; nobody reads a name where there is none.
        (NamedServer::Invalid, _) | (NamedServer::Absent, None) => {}
        (ours, theirs) => unreachable!("we read {ours:?}, and rustls {theirs:?}"),
    }
}

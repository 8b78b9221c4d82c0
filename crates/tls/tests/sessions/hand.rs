//! Messages that are cut by hand, and read by hand (RFC 5246 §7.4.1, RFC 8446 §4).

use crate::rig::SITE;

/// RFC 8446 §4.1.3: the end of the random of a server that was talked down to TLS 1.2.
pub(crate) const DOWNGRADE: [u8; 8] = *b"DOWNGRD\x01";

pub(crate) fn downgraded() -> [u8; 32] {
    let mut random = [7; 32];
    random[24..].copy_from_slice(&DOWNGRADE);
    random
}

/// A server's hello that chose this version and this suite, and says nothing more.
pub(crate) fn server_hello(version: [u8; 2], random: [u8; 32], suite: u16) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend(random);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(0);
    // An empty sign of renegotiation (RFC 5746), which ours asks for.
    body.extend([0, 5, 0xff, 1, 0, 1, 0]);
    records(2, &body, version, 16_384)
}

/// A client's hello of TLS 1.2 that ours answers.
pub(crate) struct Cut {
    pub(crate) suites: Vec<u16>,
    pub(crate) compression: Vec<u8>,
    pub(crate) groups: Vec<u16>,
    pub(crate) extensions: Vec<(u16, Vec<u8>)>,
    /// Bytes in a record.
    pub(crate) record: usize,
}

impl Default for Cut {
    fn default() -> Self {
        let suites = vec![0xc02b, 0x00ff];
        Self { suites, compression: vec![0], groups: vec![0x001d, 0x0017], extensions: Vec::new(), record: 16_384 }
    }
}

pub(crate) fn cut(hello: &Cut) -> Vec<u8> {
    let mut extensions = hello.extensions.clone();
    let name = [&[0][..], &counted(SITE.as_bytes())].concat();
    extensions.push((0, counted(&name)));
    extensions.push((10, counted(&pairs(&hello.groups))));
    // Points as they are; ECDSA with P-256 and SHA-256.
    extensions.push((11, vec![1, 0]));
    extensions.push((13, vec![0, 2, 4, 3]));
    let extensions: Vec<u8> =
        extensions.iter().flat_map(|(kind, content)| [&kind.to_be_bytes()[..], &counted(content)].concat()).collect();
    let mut body = vec![3, 3];
    body.extend([9; 32]);
    body.push(0);
    body.extend(counted(&pairs(&hello.suites)));
    body.push(u8::try_from(hello.compression.len()).unwrap());
    body.extend(&hello.compression);
    body.extend(counted(&extensions));
    records(1, &body, [3, 1], hello.record)
}

fn records(kind: u8, body: &[u8], version: [u8; 2], size: usize) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[kind][..], &length[1..], body].concat();
    message.chunks(size).flat_map(|piece| [&[22, version[0], version[1]][..], &counted(piece)].concat()).collect()
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

fn pairs(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// A client's hello, as a site reads it.
#[derive(Default)]
pub(crate) struct Hello {
    pub(crate) suites: Vec<u16>,
    pub(crate) compression: Vec<u8>,
    pub(crate) extensions: Vec<u16>,
    pub(crate) groups: Vec<u16>,
    pub(crate) shares: Vec<u16>,
    pub(crate) versions: Vec<u16>,
    pub(crate) protocols: Vec<String>,
}

impl Hello {
    /// Reads the message in a record.
    pub(crate) fn read(message: &[u8]) -> Self {
        let mut rest = &message[4 + 2 + 32..];
        take(&mut rest, 1);
        let suites = values(take(&mut rest, 2));
        let compression = take(&mut rest, 1).to_vec();
        let mut hello = Self { suites, compression, ..Self::default() };
        let mut all = take(&mut rest, 2);
        while !all.is_empty() {
            let kind = u16::from_be_bytes([all[0], all[1]]);
            all = &all[2..];
            let mut content = take(&mut all, 2);
            hello.extensions.push(kind);
            match kind {
                10 => hello.groups = values(take(&mut content, 2)),
                16 => {
                    let mut names = take(&mut content, 2);
                    while !names.is_empty() {
                        hello.protocols.push(String::from_utf8(take(&mut names, 1).to_vec()).unwrap());
                    }
                }
                43 => hello.versions = values(take(&mut content, 1)),
                51 => {
                    let mut shares = take(&mut content, 2);
                    while !shares.is_empty() {
                        hello.shares.push(u16::from_be_bytes([shares[0], shares[1]]));
                        shares = &shares[2..];
                        take(&mut shares, 2);
                    }
                }
                _ => {}
            }
        }
        hello
    }
}

/// A vector whose length is in so many bytes before it.
fn take<'a>(rest: &mut &'a [u8], size: usize) -> &'a [u8] {
    let length = rest[..size].iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
    let (taken, after) = rest[size..].split_at(length);
    *rest = after;
    taken
}

fn values(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

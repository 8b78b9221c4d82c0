//! Reads the server name out of a TLS client's first bytes.
//!
//! Bytes in, no sockets. A hello may span records and packets (RFC 8446 §5.1; post-quantum key shares make it do so);
//! whatever else arrives is named, never guessed at.

use schoolgate_base::HostName;

/// The most bytes of a connection that are looked at for a hello: one full record's worth and its headers.
pub const HELLO_MAX: usize = 16 * 1024 + 512;

const RECORD_HANDSHAKE: u8 = 22;
const MESSAGE_CLIENT_HELLO: u8 = 1;
const EXTENSION_SERVER_NAME: u16 = 0;
const EXTENSION_PROTOCOLS: u16 = 16;
const EXTENSION_VERSIONS: u16 = 43;
const EXTENSION_KEY_SHARES: u16 = 51;
const EXTENSION_ECH: u16 = 0xfe0d;
/// RFC 8446 §5.1: a record holds at most 2^14 bytes.
const RECORD_MAX: usize = 1 << 14;

/// What a client says it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    pub server_name: NamedServer,
    pub offer: Offer,
}

/// What a client could speak. Values of RFC 8701, which stand for nothing, are left out; lists are cut at
/// eight.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// The newest version, as on the wire: 0x0304 is TLS 1.3.
    pub version: u16,
    /// How many cipher suites.
    pub ciphers: u16,
    /// Groups with a key share (RFC 8446 §4.2.8), as in the IANA registry: 0x11ec is X25519MLKEM768.
    pub groups: Vec<u16>,
    /// Names of protocols (RFC 7301) that are plain text, in the client's order.
    pub protocols: Vec<Box<str>>,
    /// Whether there is an encrypted hello, or the look of one (RFC 9849).
    pub has_ech: bool,
}

/// The most groups and the most protocols of an offer that are kept.
const OFFERED_MAX: usize = 8;

/// The server that a hello names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedServer {
    Absent,
    Name(HostName),
    /// Something that is no host name (an address, which RFC 6066 §3 forbids, or garbage).
    Invalid,
}

/// How far the bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nothing can be said before the input has at least this many bytes.
    NeedMore {
        at_least: usize,
    },
    Hello(ClientHello),
}

/// Why the bytes are no hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    #[error("this is not TLS")]
    NotTls,
    #[error("the hello is longer than {HELLO_MAX} bytes")]
    TooLong,
    #[error("the hello contradicts itself at {0}")]
    Malformed(&'static str),
}

/// Reads what has arrived so far.
pub fn read_client_hello(input: &[u8]) -> Result<Reading, HelloError> {
    let mut message = Vec::new();
    let mut rest = input;
    let mut consumed = 0;
    loop {
        if let Some(length) = message_length(&message)?
            && let Some(body) = message.get(4..4 + length)
        {
            return parse_hello(body).map(Reading::Hello);
        }
        let Some((header, after)) = rest.split_first_chunk::<5>() else {
            check_start(rest)?;
            return need_more(consumed + 5);
        };
        check_start(header)?;
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if length == 0 || RECORD_MAX < length {
            return Err(HelloError::Malformed("record length"));
        }
        let taken = after.get(..length).unwrap_or(after);
        message.extend_from_slice(taken);
        consumed += 5 + length;
        match after.get(length..) {
            Some(next) => rest = next,
            None => {
                // The type of the message is known from its first byte on.
                message_length(&message)?;
                return need_more(consumed);
            }
        }
    }
}

fn need_more(at_least: usize) -> Result<Reading, HelloError> {
    if HELLO_MAX < at_least { Err(HelloError::TooLong) } else { Ok(Reading::NeedMore { at_least }) }
}

/// Type and major version of a record, as far as they are there.
fn check_start(header: &[u8]) -> Result<(), HelloError> {
    match header {
        [kind, ..] if *kind != RECORD_HANDSHAKE => Err(HelloError::NotTls),
        [_, major, ..] if *major != 3 => Err(HelloError::NotTls),
        _ => Ok(()),
    }
}

/// Length of the handshake message, once its header is there.
fn message_length(message: &[u8]) -> Result<Option<usize>, HelloError> {
    match message {
        [kind, ..] if *kind != MESSAGE_CLIENT_HELLO => Err(HelloError::Malformed("message type")),
        [_, a, b, c, ..] => {
            let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            if HELLO_MAX < length { Err(HelloError::TooLong) } else { Ok(Some(length)) }
        }
        _ => Ok(None),
    }
}

/// Takes fields off the front of a message; every one of them checks what is left.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], HelloError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(HelloError::Malformed(field))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self, field: &'static str) -> Result<usize, HelloError> {
        let (byte, rest) = self.0.split_first().ok_or(HelloError::Malformed(field))?;
        self.0 = rest;
        Ok(usize::from(*byte))
    }

    fn u16(&mut self, field: &'static str) -> Result<u16, HelloError> {
        let (bytes, rest) = self.0.split_first_chunk::<2>().ok_or(HelloError::Malformed(field))?;
        self.0 = rest;
        Ok(u16::from_be_bytes(*bytes))
    }

    /// A vector with a length of one byte before it.
    fn short(&mut self, field: &'static str) -> Result<Self, HelloError> {
        let length = self.u8(field)?;
        self.take(length, field).map(Self)
    }

    /// A vector with a length of two bytes before it.
    fn long(&mut self, field: &'static str) -> Result<Self, HelloError> {
        let length = usize::from(self.u16(field)?);
        self.take(length, field).map(Self)
    }

    /// All of it as values of two bytes, without those that mean nothing.
    fn values(mut self, field: &'static str) -> Result<Vec<u16>, HelloError> {
        let mut values = Vec::with_capacity(self.0.len() / 2);
        while !self.is_empty() {
            values.push(self.u16(field)?);
        }
        values.retain(|value| !is_grease(*value));
        Ok(values)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// RFC 8446 §4.1.2.
fn parse_hello(body: &[u8]) -> Result<ClientHello, HelloError> {
    let mut fields = Fields(body);
    let version = fields.u16("version")?;
    fields.take(32, "random")?;
    fields.short("session id")?;
    let ciphers = fields.long("cipher suites")?.values("cipher suites")?;
    fields.short("compression methods")?;
    let offer = Offer { version, ciphers: u16::try_from(ciphers.len()).unwrap_or(u16::MAX), ..Offer::default() };
    let mut hello = ClientHello { server_name: NamedServer::Absent, offer };
    if fields.is_empty() {
        return Ok(hello);
    }
    let mut extensions = fields.long("extensions")?;
    if !fields.is_empty() {
        return Err(HelloError::Malformed("end"));
    }
    let mut has_name = false;
    while !extensions.is_empty() {
        let kind = extensions.u16("extension type")?;
        let content = extensions.long("extension")?;
        if kind != EXTENSION_SERVER_NAME {
            read_offer(kind, content, &mut hello.offer)?;
            continue;
        }
        hello.server_name = server_name(content)?;
        // Two readers could choose differently between two names.
        if std::mem::replace(&mut has_name, true) {
            return Err(HelloError::Malformed("repeated extension"));
        }
    }
    Ok(hello)
}

/// The extensions that say what a client could speak.
fn read_offer(kind: u16, mut content: Fields<'_>, offer: &mut Offer) -> Result<(), HelloError> {
    match kind {
        EXTENSION_VERSIONS => {
            let versions = content.short("versions")?.values("versions")?;
            offer.version = versions.into_iter().max().unwrap_or(offer.version);
        }
        EXTENSION_KEY_SHARES => {
            let mut shares = content.long("key shares")?;
            while !shares.is_empty() {
                let group = shares.u16("key share group")?;
                shares.long("key share")?;
                if !is_grease(group) && offer.groups.len() < OFFERED_MAX {
                    offer.groups.push(group);
                }
            }
        }
        EXTENSION_PROTOCOLS => {
            let mut names = content.long("protocols")?;
            while !names.is_empty() {
                let name = std::str::from_utf8(names.short("protocol")?.0).unwrap_or_default();
                // Whatever else is written there is nobody's to put into our records.
                let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.-".contains(&byte));
                if is_name && !name.is_empty() && name.len() <= 16 && offer.protocols.len() < OFFERED_MAX {
                    offer.protocols.push(name.into());
                }
            }
        }
        EXTENSION_ECH => offer.has_ech = true,
        _ => {}
    }
    Ok(())
}

/// RFC 8701: values that a client throws in to see that servers bear what they do not know.
fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// RFC 6066 §3: one name of type `host_name`.
fn server_name(mut content: Fields<'_>) -> Result<NamedServer, HelloError> {
    let mut list = content.long("server names")?;
    if list.u8("server name type")? != 0 {
        return Ok(NamedServer::Invalid);
    }
    let name = list.long("server name")?;
    if !list.is_empty() || !content.is_empty() {
        return Err(HelloError::Malformed("server names"));
    }
    let parsed = std::str::from_utf8(name.0).ok().filter(|name| name.is_ascii());
    Ok(match parsed.map(HostName::parse) {
        Some(Ok(name)) => NamedServer::Name(name),
        _ => NamedServer::Invalid,
    })
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;

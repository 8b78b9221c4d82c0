//! The messages: SPNEGO's first token, the request inside it, and its two sealed parts.

use jiff::Timestamp;

use crate::negotiate::NegotiateError;
use crate::negotiate::der::{self, Der, application, context};

/// 1.3.6.1.5.5.2 (RFC 4178 §3.2), 1.2.840.113554.1.2.2 (RFC 4121 §1), and Windows' old slip of a bit in the latter.
const SPNEGO: &[u8] = &[0x2B, 6, 1, 5, 5, 2];
const KERBEROS: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 1, 2, 2];
const KERBEROS_OF_WINDOWS: &[u8] = &[0x2A, 0x86, 0x48, 0x82, 0xF7, 0x12, 1, 2, 2];
/// RFC 4121 §4.1.
const AP_REQUEST: [u8; 2] = [1, 0];

/// Bit 1 of the request's options: sealed with a key that another ticket brought. Bit 7 of a ticket's flags: not valid.
const USE_SESSION_KEY: u8 = 0x40;
const INVALID: u8 = 0x01;

/// A part that is sealed (RFC 4120 §5.2.9).
#[derive(Debug)]
pub(super) struct Sealed<'a> {
    pub(super) kind: i64,
    pub(super) version: Option<i64>,
    pub(super) cipher: &'a [u8],
}

/// RFC 4120 §5.5.1.
#[derive(Debug)]
pub(super) struct ApRequest<'a> {
    pub(super) ticket: Sealed<'a>,
    pub(super) authenticator: Sealed<'a>,
}

/// What the KDC sealed for us (RFC 4120 §5.3).
pub(super) struct Ticket {
    pub(super) key: Box<[u8]>,
    pub(super) name: Box<str>,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) is_invalid: bool,
}

/// What the client sealed with the key of the ticket (RFC 4120 §5.5.1).
pub(super) struct Authenticator {
    pub(super) name: Box<str>,
    pub(super) at: Timestamp,
}

/// The Kerberos message of an initial token, bare or in SPNEGO. There the first mechanism is the one that the token is
/// of, so another one's token is not looked into.
pub(super) fn kerberos_token(token: &[u8]) -> Result<Der<'_>, NegotiateError> {
    // NTLM is sent as it is.
    if token.starts_with(b"NTLMSSP") {
        return Err(NegotiateError::Mechanism);
    }
    let mut outer = Der(token).only(application(0))?;
    let mechanism = outer.take(der::OBJECT_ID)?.0;
    if mechanism == KERBEROS {
        return message(outer);
    }
    if mechanism != SPNEGO {
        return Err(NegotiateError::Mechanism);
    }
    let mut init = outer.only(context(0))?.only(der::SEQUENCE)?;
    let first = init.take(context(0))?.only(der::SEQUENCE)?.take(der::OBJECT_ID)?.0;
    if first != KERBEROS && first != KERBEROS_OF_WINDOWS {
        return Err(NegotiateError::Mechanism);
    }
    init.take_if(context(1))?;
    let inner = init.take(context(2))?.only(der::OCTET_STRING)?;
    let mut inner = inner.only(application(0))?;
    if inner.take(der::OBJECT_ID)?.0 != KERBEROS {
        return Err(NegotiateError::Mechanism);
    }
    message(inner)
}

/// The two bytes before a message say which it is.
fn message(inner: Der<'_>) -> Result<Der<'_>, NegotiateError> {
    inner.0.strip_prefix(&AP_REQUEST).map(Der).ok_or(NegotiateError::Message)
}

impl<'a> ApRequest<'a> {
    pub(super) fn read(message: Der<'a>) -> Result<Self, NegotiateError> {
        let mut fields = message.only(application(14))?.only(der::SEQUENCE)?;
        version(fields.take(context(0))?)?;
        if fields.take(context(1))?.integer()? != 14 {
            return Err(NegotiateError::Message);
        }
        if flags(fields.take(context(2))?)?.first().is_some_and(|options| options & USE_SESSION_KEY != 0) {
            return Err(NegotiateError::Message);
        }
        let ticket = fields.take(context(3))?.only(application(1))?.only(der::SEQUENCE)?;
        let authenticator = Sealed::read(fields.take(context(4))?)?;
        fields.end()?;
        let mut fields = ticket;
        version(fields.take(context(0))?)?;
        // Which service and realm of ours: every key in the keytab is.
        fields.take(context(1))?;
        fields.take(context(2))?;
        let ticket = Sealed::read(fields.take(context(3))?)?;
        fields.end()?;
        Ok(Self { ticket, authenticator })
    }
}

impl<'a> Sealed<'a> {
    fn read(part: Der<'a>) -> Result<Self, NegotiateError> {
        let mut fields = part.only(der::SEQUENCE)?;
        let kind = fields.take(context(0))?.integer()?;
        let version = fields.take_if(context(1))?.map(Der::integer).transpose()?;
        let cipher = fields.take(context(2))?.only(der::OCTET_STRING)?.0;
        fields.end()?;
        Ok(Self { kind, version, cipher })
    }
}

impl Ticket {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, NegotiateError> {
        let mut fields = Der(bytes).only(application(3))?.only(der::SEQUENCE)?;
        let is_invalid = flags(fields.take(context(0))?)?.first().is_none_or(|flags| flags & INVALID != 0);
        let mut key = fields.take(context(1))?.only(der::SEQUENCE)?;
        // Of which kind the key is, the part that it seals says too.
        key.take(context(0))?;
        let key = key.only(context(1))?.only(der::OCTET_STRING)?.0;
        let name = name(fields.take(context(2))?, fields.take(context(3))?)?;
        fields.take(context(4))?;
        let authenticated = fields.take(context(5))?.time()?;
        let from = fields.take_if(context(6))?.map(Der::time).transpose()?.unwrap_or(authenticated);
        let until = fields.take(context(7))?.time()?;
        // What follows (renewal, addresses, Windows' groups) is not used.
        Ok(Self { key: key.into(), name, from, until, is_invalid })
    }
}

impl Authenticator {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, NegotiateError> {
        let mut fields = Der(bytes).only(application(2))?.only(der::SEQUENCE)?;
        version(fields.take(context(0))?)?;
        let name = name(fields.take(context(1))?, fields.take(context(2))?)?;
        // The checksum binds to a channel and lends rights on (RFC 4121 §4.1.1); neither is wanted.
        fields.take_if(context(3))?;
        fields.take(context(4))?;
        let at = fields.take(context(5))?.time()?;
        Ok(Self { name, at })
    }
}

fn version(field: Der<'_>) -> Result<(), NegotiateError> {
    if field.integer()? == 5 { Ok(()) } else { Err(NegotiateError::Message) }
}

/// The bits after the count of those that do not count.
fn flags(field: Der<'_>) -> Result<&[u8], NegotiateError> {
    field.only(der::BIT_STRING)?.0.split_first().map(|(_, bits)| bits).ok_or(NegotiateError::Message)
}

/// `name@REALM`, as `krb5_unparse_name` writes it for names without characters that it would escape. Others are refused:
/// nobody's name may look like somebody else's.
fn name(realm: Der<'_>, name: Der<'_>) -> Result<Box<str>, NegotiateError> {
    let realm = realm.text()?;
    let mut fields = name.only(der::SEQUENCE)?;
    fields.take(context(0))?;
    let mut parts = fields.only(context(1))?.only(der::SEQUENCE)?;
    let mut name = String::new();
    loop {
        let Der(part) = parts.take(der::GENERAL_STRING)?;
        let part = std::str::from_utf8(part).map_err(|_| NegotiateError::Message)?;
        let is_plain = |text: &str| !text.contains(['@', '/', '\\']) && !text.contains(char::is_control);
        if part.is_empty() || realm.is_empty() || !is_plain(part) || !is_plain(realm) {
            return Err(NegotiateError::Message);
        }
        name.push_str(part);
        if parts.0.is_empty() {
            break;
        }
        name.push('/');
    }
    Ok(format!("{name}@{realm}").into())
}

//! Kerberos over HTTP (`Negotiate`, RFC 4559): whose ticket a client shows, checked with the keys of a keytab.
//!
//! We only accept: no ticket is asked for, nothing is delegated, no answer is sent (the browser has our certificate for
//! that), so of Kerberos there is only the check of one message (RFC 4120 §3.2.3), and of SPNEGO only its first.
//! Primitives come from aws-lc-rs; the system's Kerberos library is not needed.

mod cipher;
mod der;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod keytab;
mod message;
mod replays;

use std::fmt;
use std::sync::Mutex;

use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};

use crate::negotiate::keytab::Key;
use crate::negotiate::message::{ApRequest, Authenticator, Ticket};
use crate::negotiate::replays::Replays;

pub use keytab::KeytabError;

/// Longest token, in bytes: what Windows makes at most (`MaxTokenSize`), for somebody in a thousand groups.
const TOKEN_MAX: usize = 48 * 1024;
/// RFC 4120 §3.2.3: how far two clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Why a ticket does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NegotiateError {
    #[error("this is no Negotiate token")]
    Token,
    #[error("the token is of another mechanism than Kerberos, most likely NTLM")]
    Mechanism,
    #[error("a Kerberos message is not in order")]
    Message,
    #[error("the keytab has no key of this kind and version")]
    Key,
    #[error("the ticket was not made for us, or was changed")]
    Ticket,
    #[error("the ticket's user did not make this message")]
    Authenticator,
    #[error("the client's clock is more than five minutes away")]
    Skew,
    #[error("the ticket is not valid yet, or no longer")]
    Lifetime,
    #[error("this message came before")]
    Replayed,
    #[error("there is no room to remember another message")]
    Full,
}

/// A principal that has proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// `tess@SCHOOL.EXAMPLE`
    pub name: Box<str>,
    /// End of the ticket.
    pub until: Timestamp,
}

/// Checks tickets for the services of one keytab.
pub struct Acceptor {
    keys: Vec<Key>,
    replays: Mutex<Replays>,
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Acceptor({} keys)", self.keys.len())
    }
}

/// Whether a `Proxy-Authorization` is meant for an [`Acceptor`].
pub fn is_negotiate(header: &[u8]) -> bool {
    token(header).is_some()
}

fn token(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked("Negotiate ".len())?;
    scheme.eq_ignore_ascii_case(b"Negotiate ").then_some(token.trim_ascii())
}

impl Acceptor {
    /// From the bytes of an MIT keytab, with keys of AES (RFC 3962 and RFC 8009): older kinds are not taken.
    pub fn new(keytab: &[u8]) -> Result<Self, KeytabError> {
        Ok(Self { keys: keytab::read(keytab)?, replays: Mutex::default() })
    }

    /// Checks the value of a `Proxy-Authorization`.
    pub fn accept(&self, header: &[u8], now: Timestamp) -> Result<Principal, NegotiateError> {
        let token = token(header).filter(|token| token.len() <= TOKEN_MAX * 4 / 3 + 4).ok_or(NegotiateError::Token)?;
        let token = BASE64.decode(token).map_err(|_| NegotiateError::Token)?;
        let request = ApRequest::read(message::kerberos_token(&token)?)?;
        let ticket = self.ticket(&request)?;
        let authenticator = cipher::decrypt(
            request.authenticator.kind,
            &ticket.key,
            cipher::USAGE_AP_REQUEST_AUTHENTICATOR,
            request.authenticator.cipher,
        );
        let authenticator = Authenticator::read(&authenticator.ok_or(NegotiateError::Authenticator)?)?;
        // RFC 4120 §3.2.3: who made the message is whom the ticket names, and made it now.
        if authenticator.name != ticket.name {
            return Err(NegotiateError::Authenticator);
        }
        if SKEW < now.duration_since(authenticator.at).abs() {
            return Err(NegotiateError::Skew);
        }
        if ticket.is_invalid || SKEW < ticket.from.duration_since(now) || ticket.until <= now {
            return Err(NegotiateError::Lifetime);
        }
        self.replays.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take(
            request.authenticator.cipher,
            authenticator.at,
            now,
        )?;
        Ok(Principal { name: ticket.name, until: ticket.until })
    }

    fn ticket(&self, request: &ApRequest<'_>) -> Result<Ticket, NegotiateError> {
        let sealed = &request.ticket;
        // The version as keytabs have it: the last eight bits, where a tool wrote no more.
        let is_version = |key: &Key| sealed.version.is_none_or(|version| version == key.version);
        let mut keys = self.keys.iter().filter(|key| key.kind == sealed.kind && is_version(key)).peekable();
        keys.peek().ok_or(NegotiateError::Key)?;
        let opened = keys.find_map(|key| cipher::decrypt(key.kind, &key.key, cipher::USAGE_TICKET, sealed.cipher));
        Ticket::read(&opened.ok_or(NegotiateError::Ticket)?)
    }
}

impl NegotiateError {
    /// The word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Mechanism => "mechanism",
            Self::Message => "message",
            Self::Key => "key",
            Self::Ticket => "ticket",
            Self::Authenticator => "authenticator",
            Self::Skew => "skew",
            Self::Lifetime => "lifetime",
            Self::Replayed => "replayed",
            Self::Full => "full",
        }
    }
}

#[cfg(test)]
mod tests;

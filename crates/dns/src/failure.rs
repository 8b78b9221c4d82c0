//! Everything that can keep a query from its answer, and the one place that says what the client gets.

use crate::wire::rcode;

/// Why there is no answer. A block is not in here: it is a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    Malformed,
    /// Something else than a query: updates, notifications.
    Opcode,
    /// A version of EDNS that does not exist yet.
    Version,
    /// Another class than that of the internet: `version.bind` and its kind.
    Class,
    /// A transfer or another question about a whole zone.
    Meta,
    TooMany,
    /// A device token that does not count.
    Token,
    /// More look-ups under way than there is room for.
    Full,
    /// No upstream server answered in time.
    Silent,
    /// What upstream servers sent could not be read.
    Broken,
    /// A connection to an upstream server could not be made, or broke off.
    Unreachable,
}

/// What a failure looks like to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) rcode: u16,
    pub(crate) error: Option<Error>,
}

/// An extended error (RFC 8914): its code and a text for whoever reads it. The text never names a site or a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Error {
    pub(crate) code: u16,
    pub(crate) text: &'static str,
}

impl Error {
    pub(crate) const fn new(code: u16, text: &'static str) -> Self {
        Self { code, text }
    }

    pub(crate) const STALE: Self = Self::new(3, "no name server answers; this is what it last said");
    pub(crate) const STALE_NX: Self = Self::new(19, "no name server answers; this is what it last said");
    pub(crate) const BLOCKED: Self = Self::new(15, "not open here: the school's rules");
    pub(crate) const GATED: Self = Self::new(18, "sign in and agree on the school's portal first");
    pub(crate) const HELP: Self = Self::new(4, "");
    pub(crate) const INNER: Self = Self::new(15, "the name leads inside the network");
}

impl Failure {
    pub(crate) fn shown(self) -> Shown {
        let (rcode, error) = match self {
            Self::Malformed => (rcode::FORMAT, None),
            Self::Opcode => (rcode::NOT_IMPLEMENTED, Some(Error::new(21, ""))),
            Self::Version => (rcode::BAD_VERSION, None),
            Self::Class | Self::Meta => (rcode::REFUSED, Some(Error::new(21, ""))),
            Self::TooMany => (rcode::REFUSED, Some(Error::new(0, "too many questions from this address"))),
            Self::Token => (rcode::REFUSED, Some(Error::new(18, "this device is not known"))),
            Self::Full => (rcode::SERVER, Some(Error::new(14, "busy"))),
            Self::Silent => (rcode::SERVER, Some(Error::new(22, "no upstream server answered"))),
            Self::Broken => (rcode::SERVER, Some(Error::new(0, "an upstream server's answer could not be read"))),
            Self::Unreachable => (rcode::SERVER, Some(Error::new(23, "no upstream server can be reached"))),
        };
        Shown { rcode, error }
    }

    /// The word in metrics.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Opcode => "opcode",
            Self::Version => "version",
            Self::Class => "class",
            Self::Meta => "meta",
            Self::TooMany => "too-many",
            Self::Token => "token",
            Self::Full => "full",
            Self::Silent => "silent",
            Self::Broken => "broken",
            Self::Unreachable => "unreachable",
        }
    }
}

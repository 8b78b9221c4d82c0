//! Everything that can go wrong with a request, and the one place that says what the client gets.

use http::{HeaderValue, StatusCode};
use schoolgate_runtime::Refusal;
use schoolgate_tls::UpstreamFailure;

/// Why a request has no answer from the site. A block is not in here: it is a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The request contradicts itself or HTTP; says where.
    Malformed(&'static str),
    /// Something that was sent to our own port and that we do not have.
    NotHere,
    PortRefused,
    /// The address asked for, or all that its name resolves to, leads inside.
    Inner(Refusal),
    TokenUnknown,
    TokenInClear,
    /// Where this device is, it has to say with a Kerberos ticket who uses it.
    TicketWanted,
    /// The ticket does not count; metrics say why.
    TicketRefused,
    /// The first bytes through a CONNECT were no TLS hello for its site, or did not come in time.
    Hello,
    /// Inside a decrypted connection, a request for another site than the connection is for.
    Misdirected,
    Upstream(UpstreamFailure),
    /// The site took the request and then sent no response head in time.
    NoResponse,
    /// The site has agreed on HTTP/2 and then asked for HTTP/1.1, in which it will be asked the next time.
    OlderWanted,
    /// The site's response was not HTTP, or broke off before its head was whole.
    BadResponse,
    PortalDown,
    /// No certificate could be signed for this connection.
    NoLeaf,
}

/// What a failure looks like to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

/// Words about Kerberos tickets, for people who have never heard of them.
const TICKET_WANTED: (StatusCode, &str, &str) = (
    StatusCode::PROXY_AUTHENTICATION_REQUIRED,
    "Please sign in to this computer",
    "The school's web filter asks this computer who uses it. Sign in with your school account.",
);
const TICKET_REFUSED: (StatusCode, &str, &str) = (
    StatusCode::PROXY_AUTHENTICATION_REQUIRED,
    "Your sign-in could not be checked",
    "Sign out of this computer and in again. If it stays like this, tell the school's technician: most often \
     a clock is wrong.",
);

impl Failure {
    pub(crate) fn shown(self) -> Shown {
        let (status, title, text) = match self {
            Self::Malformed(_) => (
                StatusCode::BAD_REQUEST,
                "That request could not be read",
                "The browser or program sent a request that is not in order.",
            ),
            Self::NotHere => (
                StatusCode::NOT_FOUND,
                "There is no page here",
                "This is the school's web proxy. Set it as the proxy of your browser, or use the address /proxy.pac.",
            ),
            Self::PortRefused => (
                StatusCode::FORBIDDEN,
                "This port is not open",
                "Only web sites on their usual ports can be reached from here.",
            ),
            Self::Inner(refusal) => {
                let words = UpstreamFailure::Inner(refusal).words();
                (StatusCode::FORBIDDEN, "This address cannot be reached", words)
            }
            Self::TokenUnknown => (
                StatusCode::PROXY_AUTHENTICATION_REQUIRED,
                "This device is not known",
                "The device's proxy password is not one that the school has given out. A portal password does not work here.",
            ),
            Self::TokenInClear => (
                StatusCode::FORBIDDEN,
                "This device's proxy setting is not safe",
                "The device sends its proxy password where others can read it. Set the proxy to its https address.",
            ),
            Self::TicketWanted => TICKET_WANTED,
            Self::TicketRefused => TICKET_REFUSED,
            Self::Hello => (
                StatusCode::BAD_REQUEST,
                "That request could not be read",
                "The browser or program asked for one site and then spoke to another, or not securely.",
            ),
            Self::Misdirected => (
                StatusCode::MISDIRECTED_REQUEST,
                "That request came the wrong way",
                "The request names another site than the connection was made for.",
            ),
            Self::Upstream(failure) => (upstream_status(failure), "The site cannot be reached", failure.words()),
            Self::NoResponse => (
                StatusCode::GATEWAY_TIMEOUT,
                "The site cannot be reached",
                "The site took the request and then did not answer in time.",
            ),
            Self::BadResponse | Self::OlderWanted => (
                StatusCode::BAD_GATEWAY,
                "The site cannot be reached",
                "The site's answer broke off or was not in order.",
            ),
            Self::PortalDown => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The school's portal is not answering",
                "Try again in a minute. If it stays like this, tell the school's technician.",
            ),
            Self::NoLeaf => (
                StatusCode::SERVICE_UNAVAILABLE,
                "A secure connection could not be made",
                "The school's web filter is busy. Try again in a minute.",
            ),
        };
        Shown { status, title, text }
    }

    /// The word in metrics and logs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::NotHere => "not-here",
            Self::PortRefused => "port",
            Self::Inner(refusal) => refusal.as_str(),
            Self::TokenUnknown => "token-unknown",
            Self::TokenInClear => "token-in-clear",
            Self::TicketWanted => "ticket-wanted",
            Self::TicketRefused => "ticket-refused",
            Self::Hello => "hello",
            Self::Misdirected => "misdirected",
            Self::Upstream(failure) => failure.as_str(),
            Self::NoResponse => "no-response",
            Self::BadResponse => "bad-response",
            Self::OlderWanted => "http-1-1-required",
            Self::PortalDown => "portal-down",
            Self::NoLeaf => "no-leaf",
        }
    }

    /// What the client may prove itself with (RFC 9110 §11.7.1), where it has to.
    pub(crate) fn challenge(self) -> Option<HeaderValue> {
        match self {
            Self::TokenUnknown => Some(HeaderValue::from_static("Basic realm=\"school device\", charset=\"UTF-8\"")),
            Self::TicketWanted | Self::TicketRefused => Some(HeaderValue::from_static("Negotiate")),
            Self::Malformed(_)
            | Self::NotHere
            | Self::PortRefused
            | Self::Inner(_)
            | Self::TokenInClear
            | Self::Hello
            | Self::Misdirected
            | Self::Upstream(_)
            | Self::NoResponse
            | Self::BadResponse
            | Self::OlderWanted
            | Self::PortalDown
            | Self::NoLeaf => None,
        }
    }

    /// Whether it is the site's doing, so that the portal can say which.
    pub(crate) fn is_the_sites(self) -> bool {
        match self {
            Self::Upstream(_) | Self::NoResponse | Self::BadResponse | Self::OlderWanted => true,
            Self::Malformed(_)
            | Self::NotHere
            | Self::PortRefused
            | Self::Inner(_)
            | Self::TokenUnknown
            | Self::TokenInClear
            | Self::TicketWanted
            | Self::TicketRefused
            | Self::Hello
            | Self::Misdirected
            | Self::PortalDown
            | Self::NoLeaf => false,
        }
    }
}

impl From<UpstreamFailure> for Failure {
    fn from(failure: UpstreamFailure) -> Self {
        match failure {
            UpstreamFailure::Inner(refusal) => Self::Inner(refusal),
            failure => Self::Upstream(failure),
        }
    }
}

fn upstream_status(failure: UpstreamFailure) -> StatusCode {
    match failure {
        UpstreamFailure::Timeout => StatusCode::GATEWAY_TIMEOUT,
        UpstreamFailure::Inner(_) => StatusCode::FORBIDDEN,
        UpstreamFailure::NotFound
        | UpstreamFailure::ConnectionRefused
        | UpstreamFailure::Broken
        | UpstreamFailure::CertificateExpired
        | UpstreamFailure::CertificateNotYetValid
        | UpstreamFailure::UnknownIssuer
        | UpstreamFailure::WrongHost
        | UpstreamFailure::Revoked
        | UpstreamFailure::BadCertificate
        | UpstreamFailure::ClientCertificate
        | UpstreamFailure::NoSecureConnection => StatusCode::BAD_GATEWAY,
    }
}

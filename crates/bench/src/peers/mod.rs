//! The programs that ours stands beside, as Debian and PyPI have them.

mod dnsdist;
mod mitmproxy;
mod squid;
mod tinyproxy;
mod unbound;

pub(crate) use dnsdist::Dnsdist;
pub(crate) use mitmproxy::Mitmproxy;
pub(crate) use squid::Squid;
pub(crate) use tinyproxy::Tinyproxy;
pub(crate) use unbound::Unbound;

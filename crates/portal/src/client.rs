//! Whom the listener is talking to; set by it as a request extension.

use std::net::{IpAddr, Ipv4Addr};

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The device's own address, also when it came by way of our proxy.
    pub address: IpAddr,
    /// It came through our proxy: only then does a sign-in speak for the address's browsing.
    pub via_proxy: bool,
    /// The browser sees `https`.
    pub is_tls: bool,
}

impl Client {
    /// Where a listener says nothing: nobody, and nothing is claimed.
    pub(crate) const UNKNOWN: Self =
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), via_proxy: false, is_tls: false };
}

//! Every way in to the doors: bound first, all of them, and served when the doors are made.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use schoolgate_dns::udp_sockets;
use schoolgate_proxy::Interception;
use schoolgate_runtime::{Reach, Sockets};
use tokio::net::{TcpListener, UdpSocket};

use crate::gateway::Doors;
use crate::product::StartError;
use crate::settings::{DnsSettings, ProxySettings};

/// Bound, and not served yet.
pub(super) struct Listeners {
    plain: Vec<TcpListener>,
    tls: Vec<TcpListener>,
    intercepted: Vec<(TcpListener, Interception)>,
    names: Option<Names>,
}

/// The name door's.
struct Names {
    datagrams: Vec<UdpSocket>,
    tcp: TcpListener,
    tls: Option<TcpListener>,
    https: Option<TcpListener>,
}

impl Listeners {
    /// Takes what `sockets` has of it, and binds the rest.
    pub(super) fn bind(
        sockets: &mut Sockets,
        proxy: &ProxySettings,
        dns: Option<&DnsSettings>,
    ) -> Result<Self, StartError> {
        let mut bind = |addresses: &[SocketAddr]| -> Result<Vec<TcpListener>, StartError> {
            addresses.iter().map(|address| take(sockets, *address, addresses)).collect()
        };
        let (plain, tls) = (bind(&proxy.listen)?, bind(&proxy.tls)?);
        let everywhere: Vec<SocketAddr> = proxy.transparent.iter().map(|(address, _)| *address).collect();
        let mut intercepted = Vec::new();
        for (address, kind) in &proxy.transparent {
            let listener = match kind {
                Interception::Redirect => take(sockets, *address, &everywhere)?,
                Interception::Tproxy => sockets.listen(*address, Reach::Any)?,
            };
            intercepted.push((listener, *kind));
        }
        let names = dns.map(|dns| Names::bind(sockets, dns)).transpose()?;
        Ok(Self { plain, tls, intercepted, names })
    }

    /// Where the doors are, which no site may be.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let intercepted = self.intercepted.iter().map(|(listener, _)| listener);
        let names = self.names.iter().flat_map(|names| [Some(&names.tcp), names.tls.as_ref(), names.https.as_ref()]);
        let all = self.plain.iter().chain(&self.tls).chain(intercepted).chain(names.flatten());
        all.filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Opens the doors; `tls` is the gateway's own certificate, with which the proxy is `asking` for those of devices.
    pub(super) fn serve(self, doors: &Doors, asking: &Arc<ServerConfig>, tls: &Arc<ServerConfig>) {
        for listener in self.plain {
            doors.proxy.serve(listener, None);
        }
        for listener in self.tls {
            doors.proxy.serve(listener, Some(Arc::clone(asking)));
        }
        for (listener, kind) in self.intercepted {
            doors.proxy.serve_intercepted(listener, kind);
        }
        let (Some(dns), Some(names)) = (&doors.dns, self.names) else { return };
        for socket in names.datagrams {
            dns.serve_udp(socket);
        }
        dns.serve_tcp(names.tcp, None);
        if let Some(listener) = names.tls {
            dns.serve_tcp(listener, Some(Arc::clone(tls)));
        }
        if let Some(listener) = names.https {
            dns.serve_https(listener, tls);
        }
    }
}

impl Names {
    /// As many sockets for datagrams as there are processors.
    fn bind(sockets: &mut Sockets, settings: &DnsSettings) -> Result<Self, StartError> {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let failed = |source| StartError::Listen { address: settings.listen, source };
        let mut bind = |address| take(sockets, address, &[]);
        let (tcp, tls) = (bind(settings.listen)?, settings.tls.map(&mut bind).transpose()?);
        let https = settings.https.map(&mut bind).transpose()?;
        // These share their port with those of doors that still finish, and so are not handed on. Last, since questions
        // wait in them from now on, and nothing after this can fail.
        let datagrams = udp_sockets(settings.listen, count).map_err(failed)?;
        Ok(Self { datagrams, tcp, tls, https })
    }
}

fn take(sockets: &mut Sockets, address: SocketAddr, others: &[SocketAddr]) -> Result<TcpListener, StartError> {
    Ok(sockets.listen(address, Reach::beside(address, others))?)
}

//! `schoolgate-bench tls`: our proxy, Squid and mitmproxy in turn look into TLS. All keys and leaves of ours, of Squid
//! and of the sites are P-256; mitmproxy makes its own as it does.
//!
//! The client trusts each program's CA, takes up no session again and speaks HTTP/1.1.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::ours::proxy::OurProxy;
use crate::pairs::load::{Done, Fault, Rates, Until, clients, measured, timed};
use crate::pairs::{Arguments, Bench, Case, Failure, Line, Stage, Tried, names};
use crate::peers::{Mitmproxy, Squid};
use crate::sites::certificates::write_sites_ca;
use crate::sites::{self, Kind};
use crate::through::{connect, get};

const HOST: &str = "origin.bench.example";
/// Few, so that their handshakes do not show among what is asked on them.
const CONNECTIONS: usize = 8;
/// Sites in a run of which nothing is known before.
const HOSTS: usize = 200;

const REQUESTS: Rates = Rates { per_second: "requests/s", per_cpu_second: "requests per CPU-second" };
const NEW: Rates = Rates { per_second: "connections/s", per_cpu_second: "connections per CPU-second" };

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let on = "8 connections, one worker each; ours with list, identity, decision, inspection and event log; Squid with \
              the same list and its log, without its cache; mitmproxy without either";
    let peers: Vec<Box<dyn crate::pairs::Peer>> =
        vec![Box::new(OurProxy { inspects: true }), Box::new(Squid::BUMPING), Box::new(Mitmproxy)];
    let mut bench = Bench::new("tls", on, peers, arguments);
    let folder = tempfile::tempdir()?;
    write_sites_ca(folder.path())?;
    let site = sites::start(Kind::Web, Some(folder.path()))?;
    names::write(folder.path(), &names::real(arguments)?)?;
    let fresh = (0..=arguments.pairs()).flat_map(|pair| (0..HOSTS).map(move |number| fresh_host(pair, number)));
    let hosts: Vec<String> = std::iter::once(HOST.to_owned()).chain(fresh).collect();
    let stage = Stage { dir: folder.path(), origin: site.address(), hosts: &hosts };
    bench.run(&stage, false, &[kept("1 kB", "/1k", 2.5), kept("64 kB", "/64k", 4.0), new(), many()])?;
    bench.print()
}

/// Of a pair of runs, so that no program has seen it before.
fn fresh_host(pair: usize, number: usize) -> String {
    format!("site{number}-{pair}.bench.example")
}

fn line(measure: &'static str, least: f64) -> Vec<Line> {
    vec![Line::Ratio { measure, peer: "Squid ssl-bump", least }]
}

fn kept(name: &str, path: &'static str, least: f64) -> Case<'static> {
    let lines = line(REQUESTS.per_cpu_second, least);
    Case::new(format!("{name}, connections kept"), lines, move |tried| {
        let client = Client::of(tried)?;
        let load = || {
            clients(CONNECTIONS, tried.seconds, |_, until| {
                let client = client.clone();
                async move {
                    let (mut stream, mut times) = (client.open(HOST).await?, Vec::new());
                    while !until.is_over() {
                        times.push(timed(client.ask(&mut stream, HOST, path)).await?.1);
                    }
                    Ok(times)
                }
            })
        };
        measured(tried.process, REQUESTS, load).map(Some)
    })
}

fn new() -> Case<'static> {
    Case::new("new connections to one host, 1 kB each", line(NEW.per_cpu_second, 8.0), |tried| {
        let client = Client::of(tried)?;
        let load = || {
            clients(CONNECTIONS, tried.seconds, |_, until: Until| {
                let client = client.clone();
                async move {
                    let mut times = Vec::new();
                    while !until.is_over() {
                        times.push(timed(client.visit(HOST)).await?.1);
                    }
                    Ok(times)
                }
            })
        };
        measured(tried.process, NEW, load).map(Some)
    })
}

fn many() -> Case<'static> {
    let name = format!("{HOSTS} hosts for the first time, 1 kB each");
    Case::new(name, line(NEW.per_cpu_second, 8.0), |tried| {
        let client = Client::of(tried)?;
        measured(tried.process, NEW, || visit_all(&client, tried.pair)).map(Some)
    })
}

fn visit_all(client: &Client, pair: usize) -> Result<Done, Failure> {
    clients(CONNECTIONS, 0, |number, _| {
        let client = client.clone();
        async move {
            let mut times = Vec::new();
            for host in (number..HOSTS).step_by(CONNECTIONS) {
                times.push(timed(client.visit(&fresh_host(pair, host))).await?.1);
            }
            Ok(times)
        }
    })
}

/// Somebody whose device trusts the program's CA.
#[derive(Clone)]
struct Client {
    proxy: SocketAddr,
    port: u16,
    tls: TlsConnector,
}

impl Client {
    fn of(tried: &Tried<'_>) -> Result<Self, Failure> {
        let tls = TlsConnector::from(Arc::new(trusting(&tried.process.home().join("ca.pem"))?));
        Ok(Self { proxy: tried.process.address(), port: tried.stage.origin.port(), tls })
    }

    async fn open(&self, host: &str) -> Result<TlsStream<TcpStream>, Fault> {
        let stream = connect(self.proxy, host, self.port).await?;
        Ok(self.tls.connect(ServerName::try_from(host.to_owned())?, stream).await?)
    }

    async fn ask(&self, stream: &mut TlsStream<TcpStream>, host: &str, path: &str) -> Result<(), Fault> {
        get(stream, &format!("{host}:{}", self.port), path).await
    }

    async fn visit(&self, host: &str) -> Result<(), Fault> {
        self.ask(&mut self.open(host).await?, host, "/1k").await
    }
}

fn trusting(ca: &Path) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let mut config = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

//! Every way in that the settings name, and restarts and new settings that nobody notices who is being served.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use schoolgate_testkit::Network;

use crate::service::{Service, TO_PORTAL, free};

const OPEN: &str = "the gateway is open";

#[track_caller]
fn leads_to_portal(said: &str) {
    assert!(said.contains(TO_PORTAL), "{said}");
}

fn body(said: &str) -> &str {
    said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{said}")).1
}

#[test]
fn every_address_is_a_way_in_and_over_tls_by_name() {
    let (second, tls) = (free(), free());
    let port = tls.port();
    let gateways = format!("{{ tls = ['gw1.school.example:{port}'] }}");
    let proxy = format!("listen = ['OWN', '{second}']\ntls = ['{tls}']\ngateways = {gateways}");
    let service = Service::start_with(&[], &proxy);
    service.logged(OPEN);
    leads_to_portal(&service.curl("http://first.example/"));
    leads_to_portal(&service.curl_with(&["--proxy", &format!("http://{second}"), "http://second.example/"]));
    let ca = service.data().join("keys/ca.pem").display().to_string();
    let over_tls = |name: &str, url: &str| {
        let (proxy, found) = (format!("https://{name}:{port}"), format!("{name}:{port}:127.0.0.1"));
        service.curl_with(&["--proxy", &proxy, "--proxy-cacert", &ca, "--resolve", &found, url])
    };
    leads_to_portal(&over_tls("gw1.school.example", "http://third.example/"));
    leads_to_portal(&over_tls("schoolgate.internal", "http://fourth.example/"));
    let other = over_tls("gw2.school.example", "http://fifth.example/");
    assert!(other.contains("SSL") && !other.contains(TO_PORTAL), "{other}");
    let found = format!("gw1.school.example:{port}:127.0.0.1");
    let pac = service.curl_with(&["--resolve", &found, &format!("https://gw1.school.example:{port}/proxy.pac")]);
    assert!(body(&pac).contains(&format!("return \"HTTPS gw1.school.example:{port}\"")), "{pac}");
}

#[test]
fn portal_and_gateway_hand_out_the_same_gateways_in_the_same_turn() {
    let proxy = "gateways = { plain = ['OWN', 'gw2.school.example:3128'] }";
    let service = Service::start_with(&[], proxy);
    service.logged(OPEN);
    let port = service.portal.port();
    let found = format!("schoolgate.internal:{port}:127.0.0.1");
    let (own, of_portal) =
        (format!("http://{}/proxy.pac", service.proxy), format!("https://schoolgate.internal:{port}/proxy.pac"));
    let mut firsts = Vec::new();
    for client in 2..12 {
        let client = format!("127.0.0.{client}");
        let pac = service.curl_with(&["--interface", &client, &own]);
        let by_portal = service.curl_with(&["--interface", &client, "--resolve", &found, &of_portal]);
        assert_eq!(body(&pac), body(&by_portal), "{client}");
        assert!(body(&pac).contains("gw2.school.example:3128") && body(&pac).contains(&service.proxy.to_string()));
        firsts.push(body(&pac).contains("\"PROXY gw2"));
    }
    assert!(firsts.contains(&true) && firsts.contains(&false), "each gateway is first for some: {firsts:?}");
    let by_portal = || service.curl_with(&["--resolve", &found, &of_portal]);
    service.reload_with("gateways = { plain = ['OWN', 'gw3.school.example:3128'] }");
    service.logged("the portal's settings have changed");
    let line = service.logged("the control has ended as it was asked to");
    assert!(line.contains("INFO"), "{line}");
    service.logged("the portal is open");
    assert!(body(&by_portal()).contains("gw3.school.example:3128"), "the portal follows new settings");
    assert_eq!(service.standings()["control"].1, 0, "an end that is meant is no failure");
    service.kill("control");
    assert!(body(&by_portal()).contains("gw3"), "who comes while the portal is away waits for it");
}

#[test]
fn a_header_is_believed_of_listed_balancers_and_of_nobody_else() {
    let service = Service::start_with(&[], "balancers = ['127.0.0.8/31']");
    service.logged(OPEN);
    let pac = format!("http://{}/proxy.pac", service.proxy);
    let listed = service.curl_with(&["--interface", "127.0.0.9", "--haproxy-protocol", &pac]);
    assert!(listed.starts_with("HTTP/1.1 200"), "{listed}");
    let silent = service.curl_with(&["--interface", "127.0.0.9", &pac]);
    assert!(silent.contains("curl: ("), "a listed balancer that says nothing is closed: {silent}");
    let unlisted = service.curl_with(&["--interface", "127.0.0.7", "--haproxy-protocol", &pac]);
    assert!(unlisted.starts_with("HTTP/1.1 400"), "{unlisted}");
}

/// The system holds the socket while nobody serves, and a restart of the whole service refuses nobody.
#[test]
fn a_socket_that_the_system_has_opened_is_the_proxys() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut early = TcpStream::connect(address).unwrap();
    early.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    early.write_all(b"GET http://news.example/ HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n").unwrap();
    let service = Service::start_on(socket);
    let mut head = [0; 12];
    early.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 303", "who came before it was started is answered");
    service.logged(OPEN);
    service.kill("gateway");
    leads_to_portal(&service.curl_with(&["--proxy", &format!("http://{address}"), "http://news.example/"]));
}

/// A client that knows of no proxy, behind a real firewall.
#[test]
fn redirected_and_steered_clients_come_to_the_ports_that_the_settings_name() {
    for (kind, addresses) in [("redirect", "'[::]:3130'"), ("tproxy", "'0.0.0.0:3130', '[::]:3130'")] {
        let network = Network::new().unwrap();
        let service =
            Service::start_with(&network.as_gateway(), &format!("transparent = {{ {kind} = [{addresses}] }}"));
        service.logged(OPEN);
        match kind {
            "redirect" => network.redirect(3130).unwrap(),
            _ => network.tproxy(3130).unwrap(),
        }
        let client = network.as_client();
        for address in ["203.0.113.5", "[2001:db8::5]"] {
            let site = format!("news.example:80:{address}");
            let mut curl = service.curling(&[&client[..], &["curl"]].concat());
            let output = curl.args(["--resolve", &site, "http://news.example/"]).output().unwrap();
            let said = crate::service::said(&output);
            assert!(said.contains("<h1>Please sign in first</h1>"), "{kind} {address}: {said}");
        }
    }
}

/// Requests on connections of their own, four at a time; each line is a status and what curl says of it.
struct Load {
    curl: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Load {
    /// Returns when the first is answered.
    fn begin(service: &Service, count: usize) -> Self {
        let mut curl = service.curling(&["curl"]);
        curl.args(["--output", "/dev/null", "--parallel", "--parallel-max", "4"])
            .args(["--write-out", "%{http_code} %{exitcode}\n", "--header", "Connection: close"])
            .args(["--proxy", &format!("http://{}", service.proxy), &format!("http://news.example/[1-{count}]")]);
        let mut curl = curl.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(curl.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "303 0");
        Self { curl, lines }
    }

    fn end(mut self) -> Vec<String> {
        let lines = self.lines.map(Result::unwrap).collect();
        self.curl.wait().unwrap();
        lines
    }
}

#[test]
fn a_gateway_that_is_killed_leaves_nobody_at_a_closed_door() {
    const COUNT: usize = 2_000;
    let service = Service::start();
    service.logged(OPEN);
    let mut load = Load::begin(&service, COUNT);
    let killed = service.kill("gateway");
    service.logged(OPEN);
    assert_eq!(load.curl.try_wait().unwrap(), None, "clients came while nobody served");
    let lines = load.end();
    assert_ne!(service.standings()["gateway"].0, killed);
    // 7: refused. What was being answered when it was killed is lost with it.
    assert!(!lines.iter().any(|line| line.ends_with(" 7")), "{lines:?}");
    let answered = lines.iter().filter(|line| *line == "303 0").count();
    assert!(COUNT - 12 < answered, "{answered} were answered");
}

fn tunnel_to_portal(service: &Service) -> TcpStream {
    let mut tunnel = TcpStream::connect(service.proxy).unwrap();
    tunnel.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    tunnel.write_all(b"CONNECT schoolgate.internal:443 HTTP/1.1\r\nHost: schoolgate.internal:443\r\n\r\n").unwrap();
    let mut head = [0; 12];
    tunnel.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    tunnel
}

/// To be asked within the fifteen seconds that the portal waits for a hello.
#[track_caller]
fn is_open(mut tunnel: TcpStream) {
    // The portal at the other end of the tunnel says that this is no TLS.
    tunnel.write_all(b"is anybody still there?").unwrap();
    let mut rest = Vec::new();
    tunnel.read_to_end(&mut rest).unwrap();
    assert!(rest.windows(2).any(|bytes| bytes == [21, 3]), "{rest:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "about real time: a deadline for a socket to close")]
fn new_settings_under_load_cost_no_request_and_no_tunnel() {
    const COUNT: usize = 2_000;
    let service = Service::start();
    service.logged(OPEN);
    let gateway = service.standings()["gateway"];
    let load = Load::begin(&service, COUNT);
    let extra = free();
    let tunnel = tunnel_to_portal(&service);
    for proxy in [format!("listen = ['OWN', '{extra}']"), "balancers = ['127.0.0.9']".to_owned(), String::new()] {
        service.reload_with(&proxy);
        service.logged(OPEN);
        if proxy.contains("listen") {
            TcpStream::connect(extra).unwrap();
        }
    }
    is_open(tunnel);
    let began = Instant::now();
    while TcpStream::connect(extra).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "what is no longer named is closed");
        std::thread::yield_now();
    }
    let lines = load.end();
    assert_eq!(lines.iter().filter(|line| *line == "303 0").count(), COUNT - 1, "{lines:?}");
    assert_eq!(service.standings()["gateway"], gateway, "the process is the same");
}

#[test]
fn settings_that_cannot_be_taken_change_nothing_and_are_said() {
    let service = Service::start();
    service.logged(OPEN);
    let gateway = service.standings()["gateway"];
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    for (proxy, words) in [
        ("listen = ['nonsense']".to_owned(), ["proxy.listen", "nonsense"]),
        ("listn = 1".to_owned(), ["is not valid", "schoolgate.toml"]),
        ("off = true".to_owned(), ["proxy.off", "no gateway"]),
        (format!("listen = ['OWN', '{taken}']"), ["cannot listen", &taken]),
        // The portal would take its new part of these, and the gateway not.
        (
            format!("gateways = {{ plain = ['gw9.school.example:1'] }}\nlisten = ['OWN', '{taken}']"),
            ["cannot listen", &taken],
        ),
    ] {
        service.reload_with(&proxy);
        let line = service.logged("the settings are not taken");
        for word in words {
            assert!(line.contains(word), "{proxy}: {line}");
        }
        leads_to_portal(&service.curl_with(&["--proxy", &format!("http://{}", service.proxy), "http://a.example/"]));
    }
    assert_eq!(service.standings()["gateway"], gateway);
    let port = service.portal.port();
    let (found, pac) =
        (format!("schoolgate.internal:{port}:127.0.0.1"), format!("https://schoolgate.internal:{port}/proxy.pac"));
    let pac = service.curl_with(&["--resolve", &found, &pac]);
    assert!(body(&pac).contains(&service.proxy.to_string()) && !pac.contains("gw9"), "{pac}");
}

/// As a program does that fetches certificates: new bytes under the names that the settings have.
#[test]
fn a_certificate_that_is_renewed_in_its_place_is_taken_at_the_next_reload() {
    let folder = tempfile::tempdir().unwrap();
    let [chain, key] = ["portal.pem", "portal.key"].map(|name| folder.path().join(name).display().to_string());
    let make = |name: &str| {
        let mut openssl = std::process::Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"]);
        let made = openssl.args(["-subj", &format!("/CN={name}"), "-out", &chain, "-keyout", &key]).output();
        assert!(made.expect("openssl is needed for this test").status.success());
    };
    make("first.example");
    let portal = format!("certificate = '{chain}'\nkey = '{key}'");
    let service = Service::start_with(&[], &portal);
    service.logged("the portal is open");
    let shown = || service.curl_with(&["--insecure", "--verbose", &format!("https://{}/", service.portal)]);
    assert!(shown().contains("CN=first.example"), "{}", shown());
    service.reload_with(&portal);
    service.logged("the portal's settings are what they were");
    make("second.example");
    service.reload_with(&portal);
    service.logged("the portal is open");
    assert!(shown().contains("CN=second.example"), "{}", shown());
}

//! The proxy auto-configuration file that browsers are pointed at.

use std::cmp::Reverse;
use std::fmt::Write;
use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use schoolgate_base::HostName;

/// A PAC file that sends everything but `direct` through `proxies` (`host:port`), tried in order. There is no `DIRECT`
/// at the end: without the proxy there is no web, rather than a web without rules.
pub fn pac_file(proxies: &[String], is_tls: bool, direct: &[HostName]) -> String {
    written(&chain(proxies, is_tls), direct)
}

/// The same for devices in school: first over TLS, then in the clear, since not every client takes a proxy over TLS. Not for
/// one that goes home, where whoever answers for the plain gateway would see its token.
pub fn pac_file_in_school(tls: &[String], plain: &[String]) -> String {
    written(&[chain(tls, true), chain(plain, false)].concat(), &[])
}

fn chain(proxies: &[String], is_tls: bool) -> Vec<String> {
    let word = if is_tls { "HTTPS" } else { "PROXY" };
    proxies.iter().map(|proxy| format!("{word} {}", quoted(proxy))).collect()
}

fn written(chain: &[String], direct: &[HostName]) -> String {
    let mut text = String::from("function FindProxyForURL(url, host) {\n");
    text.push_str(
        "  if (isPlainHostName(host) || host === \"127.0.0.1\" || host === \"[::1]\") { return \"DIRECT\"; }\n",
    );
    for name in direct {
        let _ = writeln!(text, "  if (host === \"{name}\" || dnsDomainIs(host, \".{name}\")) {{ return \"DIRECT\"; }}");
    }
    let _ = writeln!(text, "  return \"{}\";\n}}", chain.join("; "));
    text
}

/// `gateways` in the order in which `client` is to try them, by rendezvous hashing: clients are shared evenly, each keeps
/// its gateway from one look at the file to the next, and when one gateway dies only its clients go elsewhere, evenly.
pub fn in_turn(gateways: &[String], client: IpAddr) -> Vec<String> {
    let client = client.to_canonical().to_string();
    let mut turns = gateways.to_vec();
    turns.sort_by_cached_key(|gateway| {
        let weight = digest(&SHA256, format!("{client} {gateway}").as_bytes());
        Reverse(weight.as_ref().to_vec())
    });
    turns
}

/// Only what an authority may hold; nothing can end the string it stands in.
fn quoted(proxy: &str) -> String {
    proxy.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.:[]".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn clients_are_shared_and_only_those_of_a_dead_gateway_move() {
        let gateways: Vec<String> = ["a", "b", "c"].map(|name| format!("{name}.school.test:3128")).to_vec();
        let left: Vec<String> = gateways.iter().filter(|gateway| !gateway.starts_with('b')).cloned().collect();
        let mut clients: HashMap<String, usize> = HashMap::new();
        let mut moved: HashMap<String, usize> = HashMap::new();
        for number in 0..3_000_u32 {
            let client = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            let (all, without) = (in_turn(&gateways, client), in_turn(&left, client));
            *clients.entry(all[0].clone()).or_default() += 1;
            if all[0].starts_with('b') {
                assert_eq!(all[1], without[0], "who moves goes where the file says next");
                *moved.entry(without[0].clone()).or_default() += 1;
            } else {
                assert_eq!(all[0], without[0]);
            }
        }
        assert!(clients.len() == 3 && clients.values().all(|count| (900..1_100).contains(count)), "{clients:?}");
        assert!(moved.len() == 2 && moved.values().all(|count| (420..580).contains(count)), "{moved:?}");
        let backwards: Vec<String> = gateways.iter().rev().cloned().collect();
        let client = [10, 0, 0, 9].into();
        assert_eq!(in_turn(&gateways, client), in_turn(&backwards, client));
    }

    #[test]
    fn everything_goes_through_the_proxy() {
        let text = pac_file(&["proxy.school.test:3128".to_owned()], false, &["intranet.test".parse().unwrap()]);
        let expected = "function FindProxyForURL(url, host) {\n  \
            if (isPlainHostName(host) || host === \"127.0.0.1\" || host === \"[::1]\") { return \"DIRECT\"; }\n  \
            if (host === \"intranet.test\" || dnsDomainIs(host, \".intranet.test\")) { return \"DIRECT\"; }\n  \
            return \"PROXY proxy.school.test:3128\";\n}\n";
        assert_eq!(text, expected);
        assert!(pac_file(&["a\"; return \"DIRECT".to_owned()], true, &[]).contains("return \"HTTPS areturnDIRECT\""));
    }
}

//! The proxy auto-configuration file that browsers are pointed at.

use std::fmt::Write;

use schoolgate_base::HostName;

/// A PAC file that sends everything but `direct` through `proxies` (`host:port`), tried in order. There is no `DIRECT`
/// at the end: without the proxy there is no web, rather than a web without rules.
pub fn pac_file(proxies: &[String], is_tls: bool, direct: &[HostName]) -> String {
    let word = if is_tls { "HTTPS" } else { "PROXY" };
    let chain: Vec<String> = proxies.iter().map(|proxy| format!("{word} {}", quoted(proxy))).collect();
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

/// Only what an authority may hold; nothing can end the string it stands in.
fn quoted(proxy: &str) -> String {
    proxy.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.:[]".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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

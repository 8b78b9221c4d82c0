//! Rows of the check table that are about the whole door: each test begins with the id of its row.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use schoolgate_base::Capacity;
use schoolgate_event::{Mode, Verdict};
use schoolgate_runtime::Clock;
use schoolgate_tls::{AuthorityFolder, Signer, WhyLeft, list_name};
use tokio::io::AsyncWriteExt;

use crate::kit::*;
use crate::school::{live, live_blocking, live_granting, session};
use crate::standing::hello;

/// The site is asked first, so nobody has seen a certificate of ours when it turns out to want one of its visitor's.
#[tokio::test]
async fn p11_a_site_that_asks_for_a_client_certificate_is_tunnelled() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    for connections in [2, 3] {
        let response = kit.get_tls(TESS, "asking.example", Trust::Outside).await;
        assert!(response.ends_with("content"), "{response}");
        assert_eq!(kit.decision().await.mode, Mode::Tunnel);
        assert_eq!(kit.origin_connections(), connections, "the second time it is known");
    }
    let learned = kit.upstream.learned().list(at(NOW));
    assert_eq!((learned.len(), learned[0].host.to_string().as_str()), (1, "asking.example"));
    assert_eq!(learned[0].why, WhyLeft::ClientCertificate);
    // The name is still decided on.
    kit.publish_with(live_blocking("asking.example"), true);
    let (_, head) = kit.connect(TESS, "asking.example:443").await;
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    kit.upstream.learned().forget(&"asking.example".parse().unwrap());
    let (_, head) = kit.connect(TESS, "asking.example:443").await;
    assert!(head.starts_with("HTTP/1.1 200"), "it is answered for again: {head}");
}

#[tokio::test]
async fn v34_a_site_whose_apps_refuse_us_on_three_devices_is_tunnelled_for_all() {
    let kit = Kit::start().await;
    let devices = ["127.0.0.5", "127.0.0.6", "127.0.0.7"];
    let mut signed_in = live();
    for device in devices {
        signed_in.sessions.push(session(&format!("s-{device}").replace('.', "-"), device, "tess", Capacity::Staff));
    }
    kit.publish_with(signed_in, true);
    for (count, device) in (1..).zip(devices) {
        assert!(kit.upstream.learned().list(at(NOW)).is_empty());
        assert!(kit.tls(device, "news.example", Trust::Outside).await.is_err());
        soon(async {
            while kit.count("schoolgate_proxy_handshakes_failed_total") < count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    assert_eq!(kit.upstream.learned().list(at(NOW))[0].why, WhyLeft::Pinned);
    let response = kit.get_tls(TESS, "news.example", Trust::Outside).await;
    assert!(response.ends_with("content"), "{response}");
}

/// A leaf that is in the cache says nothing of the site as it is now.
#[tokio::test]
async fn c07_a_site_whose_certificate_went_bad_is_refused_at_the_next_connection() {
    let kit = Kit::start_with(|limits| limits.pool_age = std::time::Duration::ZERO).await;
    kit.publish_inspecting();
    assert!(kit.get_tls(TESS, "swap.example", Trust::School).await.ends_with("content"));
    kit.is_swapped.store(true, Ordering::SeqCst);
    let response = kit.get_tls(TESS, "swap.example", Trust::School).await;
    assert!(response.contains("/unreachable?t=unreachable.https://swap.example/\r\n"), "{response}");
    kit.is_swapped.store(false, Ordering::SeqCst);
    assert!(kit.get_tls(TESS, "swap.example", Trust::School).await.ends_with("content"));
}

#[tokio::test]
async fn p10_security_headers_of_sites_are_passed_on() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let mut stream = kit.tls(TESS, "news.example", Trust::School).await.unwrap();
    stream.write_all(b"GET /hard HTTP/1.1\r\nHost: news.example\r\nConnection: close\r\n\r\n").await.unwrap();
    let response = read_all(&mut stream).await;
    for header in [
        "strict-transport-security: max-age=63072000; preload",
        "content-security-policy: default-src 'self'; upgrade-insecure-requests",
        "expect-ct: max-age=1",
        "public-key-pins: max-age=1",
        "x-frame-options: DENY",
        "cross-origin-opener-policy: same-origin",
    ] {
        assert!(response.contains(&format!("{header}\r\n")), "{header} is not in {response}");
    }
}

#[tokio::test]
async fn p02_both_handshakes_are_in_the_event() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let _ = kit.get_tls(TESS, "news.example", Trust::School).await;
    let tls = kit.decision().await.tls.unwrap();
    let offered = tls.offered.unwrap();
    assert_eq!((offered.version, offered.groups.as_slice()), (0x0304, &[0x11ec, 0x001d][..]));
    let (client, site) = (tls.client.unwrap(), tls.site.unwrap());
    for (agreed, who) in [(&client, "client"), (&site, "site")] {
        assert_eq!((&*agreed.version, &*agreed.group), ("TLSv1_3", "X25519MLKEM768"), "{who}");
    }
    // Of a tunnel only the hello is seen.
    let _ = kit.get_tls(TESS, "bank.example", Trust::Outside).await;
    let tls = kit.decision().await.tls.unwrap();
    assert!(tls.offered.is_some() && tls.client.is_none() && tls.site.is_none());
}

#[tokio::test]
async fn s03_nothing_of_ours_runs_in_the_visited_sites_origin() {
    let kit = Kit::start().await;
    let mut stream = kit.tls(TESS, "bet.example", Trust::School).await.unwrap();
    let request = "POST /secret?token=abc HTTP/1.1\r\nHost: bet.example\r\nCookie: id=7\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let response = read_all(&mut stream).await.to_lowercase();
    for word in ["<script", "set-cookie", "secret", "abc", "id=7", "access-control-allow"] {
        assert!(!response.contains(word), "{word} in {response}");
    }
    let head = response.lines().next().unwrap();
    assert!(head.starts_with("http/1.1 303") || head.starts_with("http/1.1 403"), "{head}");
}

#[tokio::test]
async fn s04_what_is_read_inside_is_written_nowhere() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    let mut stream = kit.tls(TESS, "news.example", Trust::School).await.unwrap();
    let request =
        "POST /form HTTP/1.1\r\nHost: news.example\r\nContent-Length: 13\r\nConnection: close\r\n\r\nq=plain-words";
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(read_all(&mut stream).await.ends_with("content"));
    assert!(kit.origin.requests.lock().unwrap()[0].ends_with("q=plain-words"));
    let event = format!("{:?}", kit.decision().await);
    assert!(!event.contains("plain-words"), "{event}");
    for path in files(kit.keys.path()) {
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(11).any(|words| words == b"plain-words"), "{path:?}");
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.file_type().unwrap().is_file()).map(|entry| entry.path()).collect()
}

/// Without a signer nothing is shown and nothing is let through.
#[tokio::test]
async fn s05_without_a_signer_the_door_is_closed() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    kit.is_mute.store(true, Ordering::SeqCst);
    for host in ["news.example", "bet.example"] {
        for trust in [Trust::School, Trust::Outside] {
            assert!(kit.tls(TESS, host, trust).await.is_err());
        }
    }
    assert!(kit.origin.requests.lock().unwrap().is_empty());
    kit.is_mute.store(false, Ordering::SeqCst);
    assert!(kit.get_tls(TESS, "news.example", Trust::School).await.ends_with("content"));
}

/// Every name on the way must be the one that was decided on.
#[tokio::test]
async fn e01_names_that_differ_are_refused_at_each_layer() {
    let kit = Kit::start().await;
    kit.publish_inspecting();
    // CONNECT and hello.
    let (stream, _) = kit.connect(TESS, "news.example:443").await;
    assert!(kit.handshake(stream, "open.example", Trust::School).await.is_err());
    // Hello and `Host`.
    let mut stream = kit.tls(TESS, "news.example", Trust::School).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: open.example\r\n\r\n").await.unwrap();
    assert!(read_head(&mut stream).await.starts_with("HTTP/1.1 421"));
    // The absolute form inside.
    let mut stream = kit.tls(TESS, "news.example", Trust::School).await.unwrap();
    stream.write_all(b"GET https://open.example/ HTTP/1.1\r\nHost: news.example\r\n\r\n").await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 4"), "{head}");
    // The site's certificate: a wildcard is for one label.
    let response = kit.get_tls(TESS, "deep.news.example", Trust::School).await;
    assert!(response.contains("/unreachable?t="), "{response}");
    // What its name leads to.
    let (_, head) = kit.connect(TESS, "rebound.example:443").await;
    let is_answered = head.starts_with("HTTP/1.1 200");
    assert!(is_answered || head.starts_with("HTTP/1.1 403"), "{head}");
    assert!(kit.origin.requests.lock().unwrap().is_empty());
}

/// A hello of our own cut, with these extensions.
fn cut(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut all = Vec::new();
    for (kind, content) in extensions {
        all.extend(kind.to_be_bytes());
        all.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        all.extend(content);
    }
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    // No session, one suite and one that means nothing, no compression.
    body.extend([0, 0, 4, 0x0a, 0x0a, 0x13, 0x01, 1, 0]);
    body.extend(u16::try_from(all.len()).unwrap().to_be_bytes());
    body.extend(all);
    let mut message = vec![1];
    message.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    message.extend(body);
    let mut records = Vec::new();
    for piece in message.chunks(1 << 14) {
        records.extend([22, 3, 1]);
        records.extend(u16::try_from(piece.len()).unwrap().to_be_bytes());
        records.extend(piece);
    }
    records
}

fn server_name(name: &str) -> (u16, Vec<u8>) {
    let length = u16::try_from(name.len()).unwrap();
    let mut content = (length + 3).to_be_bytes().to_vec();
    content.push(0);
    content.extend(length.to_be_bytes());
    content.extend(name.as_bytes());
    (0, content)
}

/// Sends a hello in pieces through a tunnel to a site that says nothing, and tells whether it was let through.
async fn is_carried(kit: &Kit, bytes: &[u8], piece: usize) -> bool {
    kit.publish(live_granting("hold.example"));
    let refused = kit.count("schoolgate_proxy_hellos_refused_total");
    let standing = kit.proxy.standing();
    let (mut stream, head) = kit.connect(TESS, "hold.example:443").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    stream.set_nodelay(true).unwrap();
    for part in bytes.chunks(piece) {
        if stream.write_all(part).await.is_err() {
            break;
        }
    }
    soon(async {
        loop {
            if refused < kit.count("schoolgate_proxy_hellos_refused_total") {
                return false;
            }
            if standing < kit.proxy.standing() {
                // Open until the test is over, so that the next is counted beside it.
                std::mem::forget(stream);
                return true;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn e02_hellos_of_every_cut_are_read_or_refused_and_never_waited_for() {
    let kit = Kit::start_with(|limits| limits.hello_deadline = std::time::Duration::from_millis(300)).await;
    let whole = hello("hold.example");
    assert!(is_carried(&kit, &whole, whole.len()).await);
    assert!(is_carried(&kit, &whole, 1).await, "a byte at a time");
    let padded = |length: usize| cut(&[server_name("hold.example"), (21, vec![0; length])]);
    assert!(is_carried(&kit, &padded(9_000), 1_400).await, "of several packets");
    assert!(!is_carried(&kit, &padded(17_000), 1_400).await, "more than a hello may have");
    assert!(is_carried(&kit, &cut(&[]), 2_000).await, "without a name the one of the CONNECT holds");
    assert!(!is_carried(&kit, &cut(&[server_name("hold.example"), server_name("hold.example")]), 2_000).await);
    assert!(!is_carried(&kit, &cut(&[server_name("127.0.0.1")]), 2_000).await, "an address is no name");
    assert!(!is_carried(&kit, &whole[..whole.len() - 1], 2_000).await, "never whole");
}

#[tokio::test]
async fn e03_an_encrypted_hello_is_judged_by_its_outer_name() {
    let kit = Kit::start().await;
    let ech = (0xfe0d, vec![0, 0, 1, 0, 1, 7, 0, 0, 0, 0]);
    assert!(is_carried(&kit, &cut(&[server_name("hold.example"), ech.clone()]), 2_000).await, "the look of one");
    assert!(!is_carried(&kit, &cut(&[server_name("cloud.example"), ech]), 2_000).await, "a real one names another");
}

/// Other ways to names and around us are not ports that a CONNECT may name; datagrams are not carried at all.
#[tokio::test]
async fn e04_other_ways_to_names_are_closed() {
    let kit = Kit::start().await;
    for port in [53, 784, 853, 8853, 5353] {
        let (_, head) = kit.connect(TESS, &format!("dns.example:{port}")).await;
        assert!(head.starts_with("HTTP/1.1 403"), "{port}: {head}");
    }
    let request = "CONNECT-UDP /.well-known/masque/udp/192.0.2.1/443/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let response = kit.raw(TESS, request.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 4"), "{response}");
    assert_eq!(kit.decision().await.verdict, Verdict::Refused);
}

/// Windows asks for it without the proxy's settings, in the clear, at the proxy's own port.
#[tokio::test]
async fn c10_the_list_is_served_to_whoever_asks() {
    let kit = Kit::start().await;
    let name = list_name(kit.generation);
    for source in [TESS, NOBODY, GUEST] {
        let request = format!("GET /ca/{name} HTTP/1.1\r\nHost: proxy.school.test:3128\r\nConnection: close\r\n\r\n");
        let response = kit.raw(source, request.as_bytes()).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert!(response.contains("content-type: application/pkix-crl\r\n"), "{response}");
    }
    let other = kit.raw(TESS, b"GET /ca/ca.key.pem HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(other.starts_with("HTTP/1.1 404"), "{other}");
}

/// Two CAs stand side by side, the next one takes over, and a device that was not given it is known not to trust us.
#[tokio::test]
async fn c09_after_the_switch_a_device_with_the_ca_of_before_is_known_not_to_trust_us() {
    let kit = Kit::start().await;
    // Where it is not the place that says which CA its devices have.
    let guest = "127.0.0.70";
    let mut live = live_blocking("bets.example");
    live.sessions.push(session("s-guest", guest, "tess", Capacity::Staff));
    kit.publish_with(live, true);
    let answered = async || kit.connect(guest, "bets.example:443").await.1.starts_with("HTTP/1.1 200");
    assert!(!answered().await);
    kit.identities.trust.learn(guest.parse().unwrap(), at(NOW));
    assert!(kit.tls(guest, "news.example", Trust::School).await.is_ok());
    assert!(answered().await, "we answer for a blocked site where nobody is warned of us");

    let technician = AuthorityFolder::new(kit.keys.path());
    let now = Clock::system().now();
    technician.prepare_next("Riverside", now, now + SignedDuration::from_hours(24)).unwrap();
    kit.authority.refresh().await;
    assert!(answered().await, "until its day the next CA changes nothing");
    technician.switch_at(now).unwrap();
    kit.authority.refresh().await;
    assert!(!answered().await, "which CA a device has is not known after the switch");
    assert!(kit.tls(guest, "news.example", Trust::School).await.is_err(), "the CA of before signs nothing any more");
    assert!(!answered().await);
    assert!(kit.authority.own_certificates().contains(&kit.school_ca()), "and is never believed of the outside");
}

/// As a client asks that sends all it wants through the proxy.
#[tokio::test]
async fn c10_the_list_is_found_through_the_proxy() {
    let kit = Kit::start().await;
    let ask = |method: &str, name: &str| {
        format!(
            "{method} http://portal.school.test/ca/{name} HTTP/1.1\r\nHost: portal.school.test\r\nConnection: close\r\n\r\n"
        )
    };
    let response = kit.raw(TESS, ask("GET", &list_name(kit.generation)).as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 200") && response.contains("application/pkix-crl"), "{response}");
    let response = kit.raw(TESS, ask("GET", "other.crl").as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 404"), "{response}");
    let response = kit.raw(TESS, ask("POST", &list_name(kit.generation)).as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 308"), "{response}");
}

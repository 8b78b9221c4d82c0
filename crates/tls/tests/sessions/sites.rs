//! Towards sites: what we offer, and what we take.

use schoolgate_tls::UpstreamFailure;

use crate::hand::{Hello, downgraded, server_hello};
use crate::rig::{Site, overhear};

const NONE: Result<schoolgate_tls::Agreed, UpstreamFailure> = Err(UpstreamFailure::NoSecureConnection);
const RSA: &str = "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048";
const EC: &str = "ecparam -name prime256v1 -genkey -noout";

#[tokio::test(flavor = "multi_thread")]
async fn p01_old_versions_are_refused() {
    let site = Site::new(RSA);
    for (how, version) in [("-tls1_2", "TLSv1_2"), ("-tls1_3", "TLSv1_3")] {
        assert_eq!(site.visited(how).await.map(|agreed| agreed.version), Ok(version));
    }
    for how in ["-tls1 -cipher ALL:@SECLEVEL=0", "-tls1_1 -cipher ALL:@SECLEVEL=0"] {
        assert_eq!(site.visited(how).await, NONE, "{how}");
    }
    // SSL 3 and 2 are spoken by no program that Debian has.
    for version in [[3, 0], [0, 2]] {
        let (address, _, _tasks) = overhear(server_hello(version, [7; 32], 0x002f)).await;
        assert_eq!(site.visited_at(address).await, NONE, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p04_broken_ciphers_are_not_taken() {
    let site = Site::new(RSA);
    for cipher in [
        "AES128-GCM-SHA256",
        "AES256-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES256-SHA384",
        "NULL-SHA256",
        "ECDHE-RSA-NULL-SHA",
        "AECDH-AES128-SHA",
        "DHE-RSA-CHACHA20-POLY1305",
        "CAMELLIA128-SHA",
    ] {
        assert_eq!(site.visited(&format!("-tls1_2 -cipher {cipher}:@SECLEVEL=0")).await, NONE, "{cipher}");
    }
    let good = site.visited("-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256").await.unwrap();
    assert_eq!(good.cipher, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
}

/// Of whatever size: no exchange over finite fields is offered at all.
#[tokio::test(flavor = "multi_thread")]
async fn v27_finite_field_exchanges_are_refused() {
    let site = Site::new(RSA);
    for how in ["-tls1_2 -cipher DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0", "-tls1_3 -groups ffdhe2048"] {
        assert_eq!(site.visited(how).await, NONE, "{how}");
    }
    // Short and composite groups would be sent in a message that is never reached.
    let (address, hello, _tasks) = overhear(server_hello([3, 3], [7; 32], 0x009f)).await;
    assert_eq!(site.visited_at(address).await, NONE);
    let hello = Hello::read(&hello.await.unwrap());
    assert!(
        hello.suites.iter().all(|suite| !(0x0011..=0x0016).contains(suite) && suite >> 8 != 0x00 || *suite == 0xff)
    );
    assert!(hello.groups.iter().all(|group| *group < 0x0100 || 0x11ec == *group), "{:x?}", hello.groups);
}

#[tokio::test(flavor = "multi_thread")]
async fn p07_a_downgrade_is_noticed() {
    let site = Site::new(RSA);
    let (address, _, _tasks) = overhear(server_hello([3, 3], downgraded(), 0xc02f)).await;
    assert_eq!(site.visited_at(address).await, NONE);
}

/// `docs/tls.md` says how our hello looks, since anybody who compares it with the browser's sees that it is another's.
#[tokio::test(flavor = "multi_thread")]
async fn p09_p04_the_hello_that_sites_see_is_the_one_that_is_documented() {
    let site = Site::new(EC);
    let (address, hello, _tasks) = overhear(b"\x15\x03\x03\x00\x02\x02\x28".to_vec()).await;
    assert_eq!(site.visited_at(address).await, NONE);
    let hello = Hello::read(&hello.await.unwrap());
    let documented = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tls.md")).unwrap();
    let list = |values: &[u16]| values.iter().map(|value| format!("{value:04x}")).collect::<Vec<_>>().join(" ");
    for (what, values) in [("suites", &hello.suites), ("groups", &hello.groups), ("versions", &hello.versions)] {
        let line = format!("{what}: `{}`", list(values));
        assert!(documented.contains(&line), "docs/tls.md does not say {line}");
    }
    assert_eq!(hello.groups[0], 0x11ec, "X25519MLKEM768 first");
    assert_eq!(hello.shares[0], 0x11ec);
    assert_eq!(hello.compression, [0]);
    assert_eq!(hello.protocols, ["h2", "http/1.1"]);
    // No early data, no tickets of anybody's: sites could tell people apart by them (check table P08).
    assert!([42, 41].iter().all(|kind| !hello.extensions.contains(kind)), "{:?}", hello.extensions);
    // No heartbeat, which bled.
    assert!(!hello.extensions.contains(&15));
}

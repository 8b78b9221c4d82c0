//! How it is signed: V25 and V26. Keys and signatures that rcgen would be ashamed of are made by `openssl`.

use webpki::Error;

use super::rig::*;
use crate::upstream::profile::Fault;
use crate::upstream::verifier::Refused;

const STRONG: [&str; 4] = [
    "genrsa -out leaf.key 2048",
    "ecparam -name prime256v1 -genkey -noout -out leaf.key",
    "ecparam -name secp384r1 -genkey -noout -out leaf.key",
    "genpkey -algorithm ED25519 -out leaf.key",
];

const WEAK: [&[&str]; 9] = [
    &["genrsa -out leaf.key 512"],
    &["genrsa -out leaf.key 768"],
    &["genrsa -out leaf.key 1016"],
    &["genrsa -out leaf.key 1024"],
    &["genrsa -out leaf.key 2040"],
    &["genrsa -out leaf.key 2052"],
    &["ecparam -name prime192v1 -genkey -noout -out leaf.key"],
    &["ecparam -name secp224r1 -genkey -noout -out leaf.key"],
    &["dsaparam -genkey -out leaf.key 2048"],
];

#[test]
fn v25_p03_weak_keys_are_refused() {
    let root = root("world");
    let how = "-sha256 -extfile form";
    for key in STRONG {
        assert_eq!(check_public(&[&root], &[&signed_by_openssl(&root, &[key], how)]), Ok(()), "{key}");
    }
    for key in WEAK {
        let refused = check(&[&root], &[&signed_by_openssl(&root, key, how)]);
        assert_eq!(refused, Err(Refused::Fault(Fault("weak-key"))), "{key:?}");
    }
}

/// A root with a short key is no root, whatever it signs.
#[test]
fn v25_a_root_with_a_weak_key_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    openssl(
        folder.path(),
        "req -x509 -newkey rsa:1024 -nodes -keyout ca.key -subj /CN=old -days 30000 -outform DER -out ca.der",
    );
    let mut roots = crate::upstream::roots::Roots::refusing(&[]);
    roots.add(&Der::from(std::fs::read(folder.path().join("ca.der")).unwrap()), |_| false, at(NOW));
    assert_eq!((roots.count().0, roots.left_out()[0].why), (0, "weak-key"));
}

#[test]
fn v26_p03_weak_signatures_are_refused() {
    let root = root("world");
    let key = ["ecparam -name prime256v1 -genkey -noout -out leaf.key"];
    let unsupported = |refused: &Result<(), Refused>| {
        matches!(refused, Err(Refused::Path(Error::UnsupportedSignatureAlgorithmContext(_))))
    };
    let sha1 = signed_by_openssl(&root, &key, "-sha1 -extfile form");
    let refused = check(&[&root], &[&sha1]);
    assert!(unsupported(&refused), "{refused:?}");
    // Below a CA with an RSA key, which is what MD5 was used with.
    let folder = tempfile::tempdir().unwrap();
    openssl(folder.path(), "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=old -days 30000 -out ca.pem");
    openssl(folder.path(), "x509 -in ca.pem -outform DER -out ca.der");
    openssl(folder.path(), "ecparam -name prime256v1 -genkey -noout -out leaf.key");
    openssl(folder.path(), &format!("req -new -key leaf.key -subj /CN={SITE} -out leaf.csr"));
    std::fs::write(folder.path().join("form"), format!("subjectAltName=DNS:{SITE}\n")).unwrap();
    let mut roots = crate::upstream::roots::Roots::refusing(&[]);
    roots.add(&Der::from(std::fs::read(folder.path().join("ca.der")).unwrap()), |_| false, at(NOW));
    let algorithms = crate::upstream::provider().signature_verification_algorithms;
    let verifier = crate::upstream::verifier::SiteVerifier::new(roots, algorithms);
    let signed = |hash: &str| {
        let line =
            "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -extfile form -days 30000 -outform DER -out leaf.der";
        openssl(folder.path(), &format!("{line} {hash}"));
        std::fs::read(folder.path().join("leaf.der")).unwrap()
    };
    let now = "2030-01-01T00:00:00Z";
    let good = signed("-sha256");
    assert_eq!(ask(&verifier, &[&Der::from(good.clone())], SITE, now), Ok(()));
    for hash in ["-md5", "-sha1", "-md4 -provider legacy -provider default"] {
        let refused = ask(&verifier, &[&Der::from(signed(hash))], SITE, now);
        assert!(unsupported(&refused), "{hash}: {refused:?}");
    }
    // MD2 is made by nobody any more: its number is put in place of SHA-256's, in both places.
    let sha256_with_rsa = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
    let mut md2 = good;
    while let Some(at) = md2.windows(9).position(|nine| nine == sha256_with_rsa) {
        md2[at + 8] = 2;
    }
    let refused = ask(&verifier, &[&Der::from(md2)], SITE, now);
    assert!(unsupported(&refused), "{refused:?}");
}

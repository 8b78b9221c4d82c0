//! The platform's roots: S01.

use std::collections::HashSet;

use rustls::pki_types::UnixTime;

use crate::upstream::roots::{Roots, is_public};

/// Every root of the platform is taken or named with the reason why not, and most of Mozilla's are among them.
#[test]
fn s01_the_store_is_the_platforms_and_says_what_it_left_out() {
    let found = rustls_native_certs::load_native_certs().certs;
    let roots = Roots::of_platform(&[], &[], UnixTime::now());
    let (taken, public) = roots.count();
    // Some are there twice, renewed with the same name and key.
    let anchors = found.iter().map(|root| {
        let anchor = webpki::anchor_from_trusted_cert(root).unwrap();
        (anchor.subject.to_vec(), anchor.subject_public_key_info.to_vec())
    });
    assert_eq!(taken + roots.left_out().len(), anchors.collect::<HashSet<_>>().len());
    let mozillas = webpki_roots::TLS_SERVER_ROOTS.len();
    assert!(mozillas / 2 < public, "{public} of Mozilla's {mozillas}; left out: {:#?}", roots.left_out());
    // What public CAs have bound themselves to leaves none of Mozilla's out.
    let refused: Vec<_> = roots.left_out().iter().filter(|root| root.why != "expired").collect();
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(webpki_roots::TLS_SERVER_ROOTS.iter().all(is_public));
}

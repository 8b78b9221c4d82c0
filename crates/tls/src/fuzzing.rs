//! What fuzz targets call: hellos, certificates, revocation lists, and the words between a gateway and the signer.

pub use crate::authority::fuzzing::leaf_request;
pub use crate::hello::fuzzing::client_hello;
pub use crate::remote::fuzzing::signer_message;
pub use crate::upstream::fuzzing::{certificate, revocation_list};

#[cfg(test)]
mod tests {
    #[test]
    fn targets_hold_over_their_corpora() {
        let targets: &[schoolgate_testkit::fuzz::Target] = &[
            ("client_hello", super::client_hello),
            ("certificate", super::certificate),
            ("revocation_list", super::revocation_list),
            ("signer_message", super::signer_message),
            ("leaf_request", super::leaf_request),
        ];
        schoolgate_testkit::fuzz::hold(targets, 150_000);
    }
}

//! Which device a certificate of the school's device CA is for.

use schoolgate_base::DeviceId;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// Names of one certificate that are looked up.
const NAMES_MAX: usize = 8;

/// What the device may be called, from a certificate that has been verified: its DNS names (RFC 5280 §4.2.1.6), whole
/// and without their domain, then its common name. Nothing for what is no certificate.
pub fn device_names(der: &[u8]) -> Vec<DeviceId> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Vec::new() };
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let general = alternative.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
    let dns = general.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    });
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let mut names: Vec<DeviceId> = Vec::new();
    for name in dns.chain(common) {
        let label = name.split('.').next().unwrap_or_default();
        for name in [name, label] {
            let device = DeviceId::new(&name.to_lowercase());
            names.extend(device.ok().filter(|device| names.len() < NAMES_MAX && !names.contains(device)));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    #[test]
    fn dns_names_come_before_the_common_name() {
        let mut params = CertificateParams::new(["Laptop-1.school.example".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "7f3c-a device");
        params.distinguished_name.push(DnType::CommonName, "trolley-7");
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let names: Vec<String> = device_names(certificate.der()).iter().map(ToString::to_string).collect();
        assert_eq!(names.last().map(String::as_str), Some("trolley-7"), "{names:?}");
        assert!(names.contains(&"laptop-1".to_owned()), "{names:?}");
        assert_eq!(device_names(b"no certificate"), Vec::new());
    }
}

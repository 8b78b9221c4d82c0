//! The handshakes of TLS on both sides of a door.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// What a client offered, and what became of it on each side. Names are those of the IANA registries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    pub offered: Option<Offered>,
    /// Between the client and us; absent where the client spoke with the site itself.
    pub client: Option<Agreed>,
    /// Between us and the site; absent where we did not look inside.
    pub site: Option<Agreed>,
}

/// What a client could speak.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The newest version as on the wire: 0x0304 is TLS 1.3.
    pub version: u16,
    pub ciphers: u16,
    /// Groups with a key share: 0x11ec is X25519MLKEM768.
    pub groups: Vec<u16>,
    pub protocols: Vec<Box<str>>,
    pub has_ech: bool,
}

/// What a handshake came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    pub version: Box<str>,
    pub cipher: Box<str>,
    pub group: Box<str>,
    pub protocol: Box<str>,
}

/// `1.3 17 0x11ec,0x001d h2,http/1.1 ech`: version, number of cipher suites, groups, protocols, and whether ECH was
/// offered; `-` for what is absent.
impl Display for Offered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            0x0304 => f.write_str("1.3")?,
            0x0303 => f.write_str("1.2")?,
            older => write!(f, "{older:#06x}")?,
        }
        let groups: Vec<String> = self.groups.iter().map(|group| format!("{group:#06x}")).collect();
        let ech = if self.has_ech { "ech" } else { "-" };
        write!(f, " {} {} {} {ech}", self.ciphers, listed(&groups.join(",")), listed(&self.protocols.join(",")))
    }
}

/// `TLSv1_3 TLS13_AES_256_GCM_SHA384 X25519MLKEM768 h2`: version, cipher suite, group, protocol.
impl Display for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            listed(&self.version),
            listed(&self.cipher),
            listed(&self.group),
            listed(&self.protocol)
        )
    }
}

fn listed(words: &str) -> &str {
    if words.is_empty() { "-" } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_place() {
        let offered = Offered {
            version: 0x0304,
            ciphers: 17,
            groups: vec![0x11ec, 0x001d],
            protocols: vec!["h2".into(), "http/1.1".into()],
            has_ech: true,
        };
        assert_eq!(offered.to_string(), "1.3 17 0x11ec,0x001d h2,http/1.1 ech");
        assert_eq!(Offered::default().to_string(), "0x0000 0 - - -");
    }
}

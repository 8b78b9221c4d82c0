//! Whether new settings can be taken: asked once and of the whole file, before the first process takes them, so that all
//! do or nobody does.
//!
//! What is tried here can still go wrong a moment later; then the process that it concerns says so and goes on as before.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use schoolgate_runtime::{Reach, SocketsError};

use super::control::usable;
use crate::data_dir::DataDir;
use crate::product::StartError;
use crate::serve::{ServeError, own_ca, portal_tls};
use crate::settings::{ProxySettings, Settings, SettingsError};

/// Tries everything that `next` names and `before` did not.
pub(crate) fn takeable(next: &Settings, before: &Settings, dir: &DataDir) -> Result<(), ServeError> {
    if next.proxy.is_some() != before.proxy.is_some() {
        return Err(ServeError::OnlyAtRestart);
    }
    usable(&next.portal, &before.portal)?;
    readable(next, dir)?;
    let had = doors(before);
    // Held until the end: two of them may be in each other's way.
    let mut tried = Vec::new();
    for (address, reach) in doors(next) {
        match had.get(&address) {
            Some(had) if *had == reach => {}
            // The socket is kept as it was opened.
            Some(_) => return Err(StartError::from(SocketsError::OtherReach { address }).into()),
            None => {
                let listening = schoolgate_runtime::listen(address, reach);
                tried.push(listening.map_err(|source| StartError::Listen { address, source })?);
            }
        }
    }
    Ok(())
}

/// Reads the files that `settings` name and a process could stumble over. A command of whoever may read all of them can
/// ask it, too.
pub(crate) fn readable(settings: &Settings, dir: &DataDir) -> Result<(), ServeError> {
    portal_tls(&settings.portal)?;
    settings.tls.read_roots(&own_ca(&settings.signer_keys(dir))).map_err(SettingsError::from)?;
    Ok(())
}

/// Where the gateway listens for connections, and for whose.
fn doors(settings: &Settings) -> BTreeMap<SocketAddr, Reach> {
    let names = settings.dns.iter().flat_map(|dns| [Some(dns.listen), dns.tls, dns.https]).flatten();
    let names = names.map(|address| (address, Reach::Both));
    settings.proxy.iter().flat_map(ProxySettings::listeners).chain(names).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn settings(folder: &Path, text: &str) -> Settings {
        let file = folder.join("schoolgate.toml");
        fs::write(&file, text).unwrap();
        Settings::load(&file).unwrap()
    }

    #[test]
    fn nobody_takes_settings_of_which_a_part_cannot_be_taken() {
        let folder = tempfile::tempdir().unwrap();
        let made = schoolgate_base::SchoolId::new("riverside").unwrap();
        let data = folder.path().join("data");
        crate::data_dir::LiveDir::create(&data, made, "Riverside", jiff::Timestamp::UNIX_EPOCH).unwrap();
        let dir = DataDir::open(&data).unwrap();
        let taken = schoolgate_runtime::listen("127.0.0.1:0".parse().unwrap(), Reach::Both).unwrap();
        let taken = taken.local_addr().unwrap();
        let before = settings(folder.path(), &format!("[proxy]\nlisten = '{taken}'"));
        let check = |text: &str| {
            let checked = takeable(&settings(folder.path(), text), &before, &dir);
            checked.map_err(|error| format!("{error} {:?}", std::error::Error::source(&error)))
        };
        assert_eq!(
            check(&format!("[proxy]\nlisten = ['{taken}', '127.0.0.1:0']")),
            Ok(()),
            "its own address is no obstacle"
        );
        fs::write(folder.path().join("c.pem"), "nothing").unwrap();
        for (text, words) in [
            ("[proxy]\noff = true".to_owned(), "proxy.off"),
            ("[portal]\ncertificate = 'c.pem'\nkey = 'c.pem'".to_owned(), "c.pem"),
            ("[tls]\nroots = ['c.pem']".to_owned(), "tls.roots"),
            ("[tls]\nrevocations = 'none'".to_owned(), "tls.revocations"),
            (
                format!(
                    "[dns]\nlisten = '127.0.0.1:0'\nupstreams = ['192.0.2.53']\ntls = '{taken}'\n[proxy]\nlisten = '127.0.0.1:0'"
                ),
                "",
            ),
        ] {
            let said = check(&text);
            if words.is_empty() {
                assert_eq!(said, Ok(()), "it moves to another key");
            } else {
                assert!(said.clone().unwrap_err().contains(words), "{text}: {said:?}");
            }
        }
        let port = taken.port();
        let both = settings(folder.path(), &format!("[proxy]\nlisten = ['0.0.0.0:{port}', '[::]:{port}']"));
        let six = settings(folder.path(), &format!("[proxy]\nlisten = '[::]:{port}'"));
        let refused = takeable(&six, &both, &dir).unwrap_err();
        assert!(format!("{refused:?}").contains("OtherReach"), "{refused:?}");
        let other = settings(folder.path(), "[proxy]\nlisten = '127.0.0.1:0'");
        let wants = settings(folder.path(), &format!("[proxy]\nlisten = '{taken}'"));
        let refused = takeable(&wants, &other, &dir).unwrap_err();
        assert!(format!("{refused:?}").contains(&taken.port().to_string()), "{refused:?}");
    }
}

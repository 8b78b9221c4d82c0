//! What can go wrong with keys; a signature or token that does not fit is a value, not an error, wherever it may occur
//! in ordinary work.

use std::io;
use std::path::PathBuf;

/// Why something could not be done with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot read key file `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write key file `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("key file `{}` exists already and is never overwritten", path.display())]
    Exists { path: PathBuf },
    #[error("`{}` can be used by others (mode {mode:o}); set it to {wanted:o} after asking who read it", path.display())]
    Exposed { path: PathBuf, mode: u32, wanted: u32 },
    #[error("`{}` does not hold a {kind}", path.display())]
    Malformed { path: PathBuf, kind: &'static str },
    #[error("`{}` holds keys already", path.display())]
    NotEmpty { path: PathBuf },
    #[error("cannot {operation}: the cryptographic library refused")]
    Refused { operation: &'static str },
    #[error("cannot seal: nobody is named who could open it")]
    NobodyToOpen,
    #[error("cannot seal to offices")]
    Seal { source: age::EncryptError },
    #[error("cannot open sealed content with the key of `{holder}`")]
    Open { holder: String, source: age::DecryptError },
    #[error("cannot open sealed content with the key of `{holder}`: it is damaged")]
    Damaged { holder: String, source: io::Error },
    #[error("`{key}` is not a key that something could be sealed with")]
    PublicKey { key: String },
    #[error(
        "there are no keys of offices in `{}`, or none that this user may see; where the settings name a folder of the \
         signer's, they are there", path.display()
    )]
    NoOffices { path: PathBuf },
    #[error("the signer, which has the keys of offices, does not answer")]
    Signer { source: io::Error },
    #[error("the signer, which has the keys of offices, says: {reason}")]
    AtSigner { reason: String },
}

impl KeyError {
    /// Whether the keys of offices are somewhere else, or cannot be asked now: then nobody knows what they would open.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self, Self::NoOffices { .. } | Self::Signer { .. } | Self::AtSigner { .. })
    }
}

//! What the measured programs stand in front of, each a process of its own.

pub(crate) mod certificates;
mod names;
mod tunnels;
mod web;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::pairs::Failure;
use crate::pairs::process::Process;

#[derive(Debug, Args)]
pub(crate) struct ServeSite {
    kind: Kind,
    /// Where its certificates are, where it has any.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// What a site speaks.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    /// Over TLS, where there is a folder with certificates.
    Web,
    Tunnels,
    Names,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Tunnels => "tunnels",
            Self::Names => "names",
        }
    }
}

/// Starts one; over TLS where certificates are in `dir`.
pub(crate) fn start(kind: Kind, dir: Option<&std::path::Path>) -> Result<Process, Failure> {
    let dir = dir.map(|dir| dir.to_string_lossy().into_owned());
    let mut words = vec!["serve-site", kind.word()];
    if let Some(dir) = &dir {
        words.extend(["--dir", dir]);
    }
    Process::start_self(&words, None)
}

pub(crate) fn serve(arguments: &ServeSite) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments.kind {
            Kind::Web => web::serve(arguments.dir.as_deref()).await,
            Kind::Tunnels => tunnels::serve().await,
            Kind::Names => names::serve().await,
        }
    })
}

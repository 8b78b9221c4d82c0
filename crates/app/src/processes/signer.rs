//! The signer: the key of the school's CA, the keys of offices, a socket for each, and nothing else.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use schoolgate_keys::OfficeFiles;
use schoolgate_runtime::{Clock, Tasks};
use schoolgate_tls::{Authority, serve_signer};
use tracing::{info, warn};

use super::offices::serve_offices;
use super::{Claim, Sockets, socket};
use crate::product::{RunError, StartError, until_asked_to_stop};

const DRAIN: Duration = Duration::from_secs(2);

/// Signs, and opens what is sealed, for whoever may open the sockets, until it is asked to stop. Makes the CA of `school` when `keys` has none.
///
/// `lists_at`: where clients find the lists that leaves point to.
pub async fn signer(keys: &Path, school: &str, sockets: &Sockets, lists_at: Option<&str>) -> Result<(), RunError> {
    keep_in_memory();
    let started = async {
        let claim = Claim::on(&sockets.signer())?;
        let authority = Authority::load_or_make(keys, school, Clock::system())?;
        let authority = match lists_at {
            Some(base) => authority.with_lists_at(base),
            None => authority,
        };
        // Whoever reaches the signer reaches both.
        let offices = socket(&sockets.offices())?;
        Ok::<_, StartError>((claim, authority, offices, socket(&sockets.signer())?))
    };
    let (_claim, authority, offices, listener) = started.await.map_err(RunError::from)?;
    let tasks = Tasks::new();
    serve_offices(&tasks, offices, OfficeFiles::new(keys));
    serve_signer(&tasks, listener, Arc::new(authority));
    info!("the signer is ready");
    until_asked_to_stop().await?;
    tasks.drain(DRAIN).await;
    Ok(())
}

/// The key is never written anywhere by the system: not to swap, not to a core dump, not to whoever would trace us.
fn keep_in_memory() {
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }) {
        warn!(%error, "core dumps cannot be forbidden");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        warn!(%error, "tracing cannot be forbidden");
    }
    // As it is touched: most of the program's file never is.
    if let Err(error) = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT) {
        warn!(%error, "the signer's memory may be swapped out: it may not lock so much of it");
    }
}

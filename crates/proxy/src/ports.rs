//! What the proxy asks of the rest of the program, as traits: it knows neither keys nor pages.

use schoolgate_base::Host;
use schoolgate_decide::redirect::Redirect;
use schoolgate_event::LockedHash;

/// Seals what a redirect to the portal carries, and hashes what may not be named.
pub trait Seals: Send + Sync {
    /// The token; `None` when it cannot be sealed, and then the portal's page stands without it.
    fn redirect(&self, redirect: &Redirect) -> Option<String>;

    /// Keyed hash of a host on a locked list.
    fn locked(&self, host: &Host) -> LockedHash;
}

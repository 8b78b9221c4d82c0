//! What a client's connection has proved of itself: its device by a certificate, its user by a Kerberos ticket.
//!
//! A ticket is shown once and speaks for the connection it was shown on (RFC 4559 §5), and for no other.

use std::sync::{Mutex, MutexGuard, PoisonError};

use schoolgate_base::{DeviceId, Strength};
use schoolgate_decide::Reason;
use schoolgate_identity::{NegotiateError, Ticketed, is_negotiate};

use crate::door::{Client, Door, Judged};
use crate::failure::Failure;

#[derive(Debug, Default)]
pub(crate) struct Proof {
    /// Names in the client's certificate, which has been verified.
    pub(crate) certified: Vec<DeviceId>,
    shown: Mutex<Shown>,
}

/// What was shown last.
#[derive(Debug, Clone, Default)]
enum Shown {
    #[default]
    Nothing,
    /// Something that does not count.
    Refused,
    Ticket(Ticketed),
}

impl Proof {
    pub(crate) fn of_devices(certified: Vec<DeviceId>) -> Self {
        Self { certified, shown: Mutex::default() }
    }

    pub(crate) fn ticket(&self) -> Option<Ticketed> {
        match &*self.lock() {
            Shown::Ticket(ticket) => Some(ticket.clone()),
            Shown::Nothing | Shown::Refused => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Door {
    /// Takes the ticket in the client's `Proxy-Authorization`, where there is one. It is not looked at again: it would be
    /// refused as one that came before.
    ///
    /// One that does not count is told where a ticket matters; the portal and what is open for all are reached with it.
    pub(crate) fn take_ticket(&self, client: Client) -> Client {
        let Some(negotiate) = &self.settings.negotiate else { return client };
        let Some(header) = client.token.as_ref().filter(|header| is_negotiate(header.as_bytes())) else {
            return client;
        };
        let (outcome, shown) = match negotiate.acceptor.accept(header.as_bytes(), self.clock.now()) {
            Ok(principal) => {
                let person = negotiate.logins.person(&principal.name);
                ("taken", Some(Shown::Ticket(Ticketed { person, until: principal.until })))
            }
            // Some clients send with each request of a connection what they sent with its first.
            Err(NegotiateError::Replayed) if client.proof.ticket().is_some() => ("repeated", None),
            Err(error) => (error.as_str(), Some(Shown::Refused)),
        };
        self.meters.ticket(outcome);
        if let Some(shown) = shown {
            *client.proof.lock() = shown;
        }
        Client { token: None, ..client }
    }

    /// Asks for a ticket where clients have one and nothing else says well enough who it is.
    pub(crate) fn ask_for_ticket(&self, client: &Client, judged: &Judged) -> Result<(), Failure> {
        let Some(negotiate) = &self.settings.negotiate else { return Ok(()) };
        // Whoever was brought here unasked knows of no proxy that could ask something.
        if client.dialled.is_some() {
            return Ok(());
        }
        // Updates and help are reached by whoever cannot answer.
        if matches!(judged.decision.reason, Reason::AlwaysOpen { .. } | Reason::HelpList) {
            return Ok(());
        }
        let is_known = Strength::Lease <= judged.identified.strength || client.token.is_some();
        let is_asked = negotiate.asks.iter().any(|network| network.contains(client.address()));
        match &*client.proof.lock() {
            Shown::Refused => Err(Failure::TicketRefused),
            Shown::Ticket(ticket) if judged.at < ticket.until => Ok(()),
            Shown::Ticket(_) | Shown::Nothing if is_asked && !is_known => Err(Failure::TicketWanted),
            Shown::Ticket(_) | Shown::Nothing => Ok(()),
        }
    }
}

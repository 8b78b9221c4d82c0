//! What a client's connection has proved of itself: its device by a certificate, its user by a Kerberos ticket.
//!
//! A ticket is shown once and speaks for the connection it was shown on (RFC 4559 §5), and for no other.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use schoolgate_base::{DeviceId, Strength};
use schoolgate_decide::Reason;
use schoolgate_identity::{NegotiateError, Ticketed, is_negotiate};

use crate::door::{Client, Door, Judged};
use crate::failure::Failure;

#[derive(Debug, Default)]
pub(crate) struct Proof {
    /// Names in the client's certificate, which has been verified.
    pub(crate) certified: Vec<DeviceId>,
    ticket: Mutex<Option<Ticketed>>,
}

impl Proof {
    pub(crate) fn of_devices(certified: Vec<DeviceId>) -> Self {
        Self { certified, ticket: Mutex::default() }
    }

    pub(crate) fn ticket(&self) -> Option<Ticketed> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, ticket: Option<Ticketed>) {
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = ticket;
    }
}

impl Door {
    /// Takes the ticket in the client's `Proxy-Authorization`, where there is one. It is not looked at again: it would be
    /// refused as one that came before.
    pub(crate) fn take_ticket(&self, client: Client) -> Result<Client, Failure> {
        let Some(negotiate) = &self.settings.negotiate else { return Ok(client) };
        let Some(header) = client.token.as_ref().filter(|header| is_negotiate(header.as_bytes())) else {
            return Ok(client);
        };
        let now = self.clock.now();
        match negotiate.acceptor.accept(header.as_bytes(), now) {
            Ok(principal) => {
                let person = negotiate.logins.person(&principal.name);
                client.proof.set(Some(Ticketed { person, until: principal.until }));
                self.meters.ticket("taken");
            }
            // Some clients send with each request of a connection what they sent with its first.
            Err(NegotiateError::Replayed) if client.proof.ticket().is_some() => {}
            Err(error) => {
                client.proof.set(None);
                self.meters.ticket(error.as_str());
                return Err(Failure::TicketRefused);
            }
        }
        Ok(Client { token: None, ..client })
    }

    /// Asks for a ticket where clients have one and nothing else says well enough who it is.
    pub(crate) fn ask_for_ticket(&self, client: &Client, judged: &Judged) -> Result<(), Failure> {
        let is_asked = |address| {
            let negotiate = self.settings.negotiate.as_ref();
            negotiate.is_some_and(|negotiate| negotiate.asks.iter().any(|network| network.contains(address)))
        };
        // Updates and help are reached by whoever cannot answer.
        let is_for_all = matches!(judged.decision.reason, Reason::AlwaysOpen { .. } | Reason::HelpList);
        let is_known = Strength::Lease <= judged.identified.strength || client.token.is_some();
        if is_known || is_for_all || client.proof.has_ticket(judged.at) || !is_asked(client.address()) {
            return Ok(());
        }
        Err(Failure::TicketWanted)
    }
}

impl Proof {
    fn has_ticket(&self, now: Timestamp) -> bool {
        self.ticket().is_some_and(|ticket| now < ticket.until)
    }
}

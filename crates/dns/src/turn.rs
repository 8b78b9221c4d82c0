//! One query with who asks it and how it is answered, and everything that can be said to it.

use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::HostName;
use schoolgate_decide::Verdict;

use crate::answer::Answer;
use crate::cache::Kept;
use crate::door::{Client, Door, Judged, Transport};
use crate::failure::{Error, Failure};
use crate::lookup::is_word;
use crate::query::Query;
use crate::record::{Came, Size, record};
use crate::reply::{self, Age, Own, Way};
use crate::settings::Blocked;
use crate::special::{Special, special};
use crate::wire::{HEADER, rcode};

/// What a client gets of an answer that is over its time, in seconds (RFC 8767 §5).
const STALE_TTL: u32 = 30;
const LOOPBACK: [std::net::IpAddr; 2] =
    [std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), std::net::IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)];

/// A query while it is answered.
pub(crate) struct Turn<'a> {
    pub(crate) door: &'a Arc<Door>,
    pub(crate) client: &'a Client,
    pub(crate) query: &'a Query<'a>,
    pub(crate) way: Way,
    /// When it came.
    pub(crate) now: Timestamp,
    pub(crate) out: &'a mut Vec<u8>,
}

/// An answer that is known, and how long it has been.
pub(crate) struct Known<'a> {
    answer: &'a Answer,
    /// In seconds.
    age: u32,
    is_stale: bool,
}

impl<'a> Known<'a> {
    pub(crate) fn new(answer: &'a Answer) -> Self {
        Self { answer, age: 0, is_stale: false }
    }

    pub(crate) fn kept(kept: &'a Kept, now: Timestamp) -> Self {
        Self { answer: &kept.answer, age: kept.age(now), is_stale: !kept.is_fresh(now) }
    }

    fn error(&self) -> Option<Error> {
        match (self.is_stale, self.answer.leads_inside) {
            (true, _) if self.answer.rcode == rcode::NX_DOMAIN => Some(Error::STALE_NX),
            (true, _) => Some(Error::STALE),
            (false, true) => Some(Error::INNER),
            (false, false) => self.answer.error.map(|code| Error::new(code, "")),
        }
    }
}

/// What we say of ourselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    rcode: u16,
    to: To,
    error: Option<Error>,
}

#[derive(Debug, Clone, Copy)]
enum To {
    Nowhere,
    Portal,
    Loopback,
}

impl Said {
    pub(crate) const NO_NAME: Self = Self { rcode: rcode::NX_DOMAIN, to: To::Nowhere, error: None };
    const NOTHING: Self = Self { rcode: rcode::NO_ERROR, to: To::Nowhere, error: None };

    fn portal(error: Option<Error>) -> Self {
        Self { rcode: rcode::NO_ERROR, to: To::Portal, error }
    }

    /// What is said of our own names and of those nobody may hear of, whoever asks.
    pub(crate) fn of_name(door: &Door, name: &HostName) -> Option<Self> {
        if *name == door.settings.portal.name {
            return Some(Self::portal(None));
        }
        special(name).map(|special| match special {
            Special::Absent => Self::NO_NAME,
            Special::Empty => Self::NOTHING,
            Special::Loopback => Self { to: To::Loopback, ..Self::NOTHING },
        })
    }

    /// The answer to a decision that is not to let through.
    fn of_verdict(verdict: Verdict, blocked: Blocked) -> Self {
        match (verdict, blocked) {
            (Verdict::Block, Blocked::NxDomain) => Self { error: Some(Error::BLOCKED), ..Self::NO_NAME },
            (Verdict::Block | Verdict::Warn, _) => Self::portal(Some(Error::BLOCKED)),
            (Verdict::Gate, _) => Self::portal(Some(Error::GATED)),
            (Verdict::Help, _) => Self::portal(Some(Error::HELP)),
            // Whoever is let through does not come here.
            (Verdict::Allow, _) => Self::NOTHING,
        }
    }
}

impl Turn<'_> {
    pub(crate) fn say(&mut self, said: Said) {
        let settings = &self.door.settings;
        let addresses = match said.to {
            To::Nowhere => &[][..],
            To::Portal => &settings.portal.addresses,
            To::Loopback => &LOOPBACK,
        };
        let ttl = seconds(settings.limits.blocked_ttl);
        let own = Own { rcode: said.rcode, addresses, ttl, error: said.error };
        reply::own(self.out, self.query, &self.way, own);
    }

    pub(crate) fn turn_away(&mut self, judged: &Judged) {
        self.door.meters.turned_away.increment();
        self.say(Said::of_verdict(judged.decision.verdict, self.door.settings.blocked));
        self.note(Some(judged), Came::Decided);
    }

    /// In place of everything that there is of a name.
    pub(crate) fn say_little(&mut self, judged: Option<&Judged>) {
        reply::any(self.out, self.query, &self.way, seconds(self.door.settings.limits.answer_ttl_max));
        self.note(judged, Came::Decided);
    }

    pub(crate) fn fail(&mut self, failure: Failure, judged: Option<&Judged>) {
        self.door.meters.failed(failure);
        reply::failed(self.out, self.query, &self.way, failure);
        self.note(judged, Came::Failed);
    }

    /// Of datagrams one in two is sent to TCP, where nobody can pretend to be somebody else, and the rest is dropped.
    /// Says whether there is an answer.
    pub(crate) fn limit(&mut self) -> bool {
        self.door.meters.limited.increment();
        if self.client.transport != Transport::Udp {
            self.fail(Failure::TooMany, None);
            return true;
        }
        let is_told = self.query.id & 1 == 1;
        if is_told {
            reply::truncated(self.out, self.query, &self.way);
        }
        is_told
    }

    /// Judges what the name leads over, and gives the answer.
    pub(crate) fn conclude(&mut self, judged: Option<Judged>, known: &Known<'_>) {
        let mut judged = judged;
        let answer = known.answer;
        if let Some(judged) = judged.as_mut() {
            judged.follow(&answer.chain);
            if judged.decision.verdict != Verdict::Allow {
                return self.turn_away(judged);
            }
        }
        let judged = judged.as_ref();
        let without_ech = answer.without_ech.as_ref().filter(|_| judged.is_none_or(Judged::needs_the_name));
        let wire = without_ech.unwrap_or(&answer.wire);
        let stale_ttl = known.is_stale.then_some(STALE_TTL);
        let age = Age { seconds: known.age, ttl_max: self.ttl_max(judged), stale_ttl };
        reply::kept(self.out, self.query, &self.way, wire, age, known.error());
        if known.is_stale {
            self.door.meters.stale.increment();
        }
        if answer.leads_inside {
            self.door.meters.inner.increment();
        }
        let came = match (answer.leads_inside, is_word(answer)) {
            (true, _) => Came::Refused,
            (false, true) => Came::Decided,
            (false, false) => Came::Failed,
        };
        self.note(judged, came);
    }

    /// No answer outlives the decision that gave it by more than the second that its time is counted in.
    fn ttl_max(&self, judged: Option<&Judged>) -> u32 {
        let longest = seconds(self.door.settings.limits.answer_ttl_max);
        let Some(until) = judged.and_then(|judged| judged.decision.valid_until) else { return longest };
        let left = until.as_second().saturating_sub(self.now.as_second());
        u32::try_from(left).unwrap_or(0).clamp(1, longest.max(1))
    }

    fn note(&self, judged: Option<&Judged>, came: Came) {
        if let Some(judged) = judged {
            let size = Size { up: self.query.question.len() + HEADER, down: self.out.len() };
            record(self.door, judged, self.query.kind, came, size);
        }
    }
}

pub(crate) fn seconds(duration: std::time::Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

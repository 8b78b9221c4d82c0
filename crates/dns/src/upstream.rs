//! The servers that are asked what we do not know: one after another, until one answers or the time is over.

mod datagram;
mod https;
pub(crate) mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::rand::fill;
use rustls::ClientConfig;
use schoolgate_base::{Host, HostName};
use schoolgate_runtime::{Dialer, Tasks};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::query::WireName;
use crate::settings::{self, Limits, Transport};
use crate::upstream::datagram::{Got, exchange};
use crate::upstream::https::Https;
use crate::upstream::stream::Stream;
use crate::wire::{CLASS_IN, HEADER, flag, kind, push_word, rcode};

/// All upstream servers, the zones with their own first and the narrowest of them before the others.
pub(crate) struct Upstreams {
    groups: Vec<Group>,
    limits: Limits,
}

struct Group {
    zone: Option<HostName>,
    servers: Vec<Server>,
    /// The last that answered: the first that is asked.
    preferred: AtomicUsize,
}

/// One server and the connections to it.
enum Server {
    Udp { dialer: Dialer, address: std::net::SocketAddr, stream: Stream },
    Stream(Stream),
    Https(Https),
}

/// What all upstream connections are made of.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) dialer: Dialer,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) tasks: Tasks,
    pub(crate) limits: Limits,
}

/// A question as upstream servers get it.
pub(crate) struct Question<'a> {
    /// In wire form and lower case.
    pub(crate) name: &'a WireName,
    pub(crate) host: Option<&'a Host>,
    pub(crate) kind: u16,
    pub(crate) wants_dnssec: bool,
    pub(crate) unchecked: bool,
}

impl Upstreams {
    pub(crate) fn new(settings: &settings::Settings, means: &Means) -> Self {
        let zones = settings.zones.iter().map(|zone| Group::new(Some(zone.name.clone()), &zone.upstreams, means));
        let mut groups: Vec<Group> = zones.collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.zone.as_ref().map_or(0, HostName::label_count)));
        groups.push(Group::new(None, &settings.upstreams, means));
        Self { groups, limits: means.limits.clone() }
    }

    /// The first answer that is one; where all say that they failed, the last of those.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Vec<u8>, Failure> {
        let Some(group) = self.groups.iter().find(|group| group.holds(question.host)) else {
            return Err(Failure::Unreachable);
        };
        let asking = group.ask(question, &self.limits);
        timeout(self.limits.deadline, asking).await.unwrap_or(Err(Failure::Silent))
    }
}

impl Group {
    fn new(zone: Option<HostName>, upstreams: &[settings::Upstream], means: &Means) -> Self {
        let servers = upstreams.iter().map(|upstream| Server::new(upstream, means)).collect();
        Self { zone, servers, preferred: AtomicUsize::new(0) }
    }

    fn holds(&self, host: Option<&Host>) -> bool {
        let Some(zone) = &self.zone else { return true };
        host.and_then(Host::name).is_some_and(|name| name.is_within(zone))
    }

    async fn ask(&self, question: &Question<'_>, limits: &Limits) -> Result<Vec<u8>, Failure> {
        let preferred = self.preferred.load(Ordering::Relaxed);
        let mut outcome = Err(Failure::Unreachable);
        // Each twice: a datagram may be lost.
        for round in 0..2 {
            for place in 0..self.servers.len() {
                let place = (preferred + place) % self.servers.len();
                let Some(server) = self.servers.get(place) else { continue };
                match timeout(limits.try_deadline, server.ask(question)).await {
                    Ok(Ok(answer)) if !has_failed(&answer) => {
                        self.preferred.store(place, Ordering::Relaxed);
                        return Ok(answer);
                    }
                    Ok(Ok(answer)) => outcome = Ok(answer),
                    Ok(Err(failure)) if outcome.is_err() => outcome = Err(failure),
                    Err(_) if outcome.is_err() => outcome = Err(Failure::Silent),
                    Ok(Err(_)) | Err(_) => {}
                }
            }
            // Who said that it cannot tell will not be able to in a moment either.
            if round == 0 && outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

/// What another server may know better.
fn has_failed(answer: &[u8]) -> bool {
    let code = answer.get(3).map_or(rcode::SERVER, |low| u16::from(*low) & flag::RCODE);
    !matches!(code, rcode::NO_ERROR | rcode::NX_DOMAIN)
}

impl Server {
    fn new(upstream: &settings::Upstream, means: &Means) -> Self {
        let address = upstream.address;
        match &upstream.transport {
            Transport::Udp => {
                let stream = Stream::new(address, None, means.clone());
                Self::Udp { dialer: means.dialer.clone(), address, stream }
            }
            Transport::Tcp => Self::Stream(Stream::new(address, None, means.clone())),
            Transport::Tls { name } => Self::Stream(Stream::new(address, Some(name.clone()), means.clone())),
            Transport::Https { name, path } => Self::Https(Https::new(address, name.clone(), path, means.clone())),
        }
    }

    async fn ask(&self, question: &Question<'_>) -> Result<Vec<u8>, Failure> {
        let query = question.write()?;
        match self {
            Self::Udp { dialer, address, stream } => match exchange(dialer, *address, &query).await? {
                Got::Whole(answer) => Ok(answer),
                Got::AskByTcp => stream.ask(query).await,
            },
            Self::Stream(stream) => stream.ask(query).await,
            Self::Https(https) => https.ask(query).await,
        }
    }
}

impl Question<'_> {
    /// With an id and a spelling by lot (0x20), which a forged answer would have to guess. Nothing of the client's own
    /// goes along.
    fn write(&self) -> Result<Vec<u8>, Failure> {
        // An id, and a bit for each byte of the name.
        let mut lots = [0; 2 + 32];
        fill(&mut lots).map_err(|_| Failure::Unreachable)?;
        let [high, low, spelling @ ..] = lots;
        let mut query = Vec::with_capacity(HEADER + 255 + 4 + 11);
        query.extend_from_slice(&[high, low]);
        let unchecked = if self.unchecked { flag::CHECKING_DISABLED } else { 0 };
        push_word(&mut query, flag::RECURSION_DESIRED | flag::AUTHENTIC | unchecked);
        for count in [1, 0, 0, 1] {
            push_word(&mut query, count);
        }
        let bits = spelling.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        let name = self.name.as_bytes().iter().zip(bits);
        // Only letters have a case, and no length is as large as one.
        query.extend(name.map(|(byte, is_upper)| if is_upper { byte.to_ascii_uppercase() } else { *byte }));
        push_word(&mut query, self.kind);
        push_word(&mut query, CLASS_IN);
        query.push(0);
        push_word(&mut query, kind::OPT);
        push_word(&mut query, datagram::SIZE);
        query.extend_from_slice(&[0, 0, if self.wants_dnssec { 0x80 } else { 0 }, 0, 0, 0]);
        Ok(query)
    }
}

/// How a message stands to a query of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Answer,
    /// The answer, but for the spelling of the name: from a server that does not keep it, or a guess.
    Respelled,
    Foreign,
}

/// RFC 5452 §9.1; who sent it is seen to by the socket.
pub(crate) fn match_answer(query: &[u8], message: &[u8]) -> Match {
    let question = |whole: &[u8]| whole.get(HEADER..HEADER + question_length(query)).map(<[u8]>::to_vec);
    let (Some(head), Some(asked), Some(answered)) =
        (message.first_chunk::<HEADER>(), question(query), question(message))
    else {
        return Match::Foreign;
    };
    let [id_high, id_low, flags, _, 0, 1, ..] = *head else { return Match::Foreign };
    let is_answer = query.starts_with(&[id_high, id_low]) && flags & 0x80 != 0 && flags & 0x78 == 0;
    if !is_answer || !asked.eq_ignore_ascii_case(&answered) {
        return Match::Foreign;
    }
    if asked == answered { Match::Answer } else { Match::Respelled }
}

/// Of a query of ours: what is between its header and its EDNS record of 11 bytes.
fn question_length(query: &[u8]) -> usize {
    query.len().saturating_sub(HEADER + 11)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> Vec<u8> {
        let name = WireName::lowered(b"\x03www\x07example\x03org\x00").unwrap();
        let question = Question { name: &name, host: None, kind: 1, wants_dnssec: true, unchecked: false };
        question.write().unwrap()
    }

    #[test]
    fn ids_and_spellings_are_drawn_by_lot() {
        let (one, other) = (query(), query());
        assert_ne!(one, other);
        assert!(one.get(12..).unwrap().eq_ignore_ascii_case(other.get(12..).unwrap()));
    }

    #[test]
    fn answers_are_matched_strictly() {
        let query = query();
        #[track_caller]
        fn check(query: &[u8], change: impl FnOnce(&mut Vec<u8>), expected: Match) {
            let mut answer = query.to_vec();
            answer[2] |= 0x80;
            change(&mut answer);
            assert_eq!(match_answer(query, &answer), expected);
        }
        check(&query, |_| {}, Match::Answer);
        check(&query, |answer| answer[0] ^= 1, Match::Foreign);
        check(&query, |answer| answer[2] &= 0x7f, Match::Foreign);
        check(&query, |answer| answer[5] = 2, Match::Foreign);
        check(&query, |answer| answer[13] ^= 0x20, Match::Respelled);
        check(&query, |answer| answer[13] ^= 1, Match::Foreign);
        check(&query, |answer| answer[30] ^= 1, Match::Foreign);
        check(&query, |answer| answer.truncate(20), Match::Foreign);
    }
}

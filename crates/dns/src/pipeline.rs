//! The life of a query, stage by stage. The order is here and nowhere else.
//!
//! Most queries are answered from memory, so the first part runs to its end at once; what has to be looked up is handed
//! back with all that the second part needs.

use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_decide::Verdict;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::cache::{Held, Kept, Key};
use crate::door::{Client, Door, Judged, Transport};
use crate::failure::Failure;
use crate::limiter::Asker;
use crate::lookup::{Found, Lookup, is_word, look_up};
use crate::query::{Query, Unreadable};
use crate::reply::{self, Way};
use crate::stand_in::stand_in;
use crate::turn::{Known, Said, Turn, seconds};
use crate::wire::{CLASS_IN, Named, flag, host_of, kind};

/// The largest message there is.
const MESSAGE_MAX: usize = 65_535;

/// What became of a query.
pub(crate) enum Step {
    /// Nothing is sent.
    Silence,
    /// The answer is written.
    Answered,
    /// Somebody else has to be asked first.
    Asked(Box<Asked>),
}

/// A query that waits for a look-up.
pub(crate) struct Asked {
    message: Box<[u8]>,
    client: Client,
    way: Way,
    wait: Wait,
    _place: OwnedSemaphorePermit,
}

/// What a query waits for, and what is known meanwhile.
struct Wait {
    /// `None` for the root of all names, which is nobody's site.
    judged: Option<Judged>,
    found: watch::Receiver<Found>,
    /// Over its time.
    stale: Option<Arc<Kept>>,
}

/// Answers into `out` what can be answered now.
pub(crate) fn begin(door: &Arc<Door>, client: &Client, message: &[u8], out: &mut Vec<u8>) -> Step {
    let now = door.clock.now();
    let query = match Query::read(message) {
        Ok(query) => query,
        Err(Unreadable::Silent) => return Step::Silence,
        Err(Unreadable::Answered { id, flags, failure }) => {
            door.meters.failed(failure);
            reply::unread(out, id, flags, failure);
            return Step::Answered;
        }
    };
    door.meters.queries.increment();
    let (way, is_proven) = way(door, client, &query, now);
    let mut turn = Turn { door, client, query: &query, way, now, out };
    // Before anything that costs: a flood is answered by as little as it takes.
    if !door.limiter.admits(Asker::new(client.address, is_proven), now) {
        return if turn.limit() { Step::Answered } else { Step::Silence };
    }
    match answer(&mut turn) {
        Ok(None) => Step::Answered,
        Ok(Some(wait)) => match Arc::clone(&door.waiting).try_acquire_owned() {
            Ok(place) => {
                let asked = Asked { message: message.into(), client: client.clone(), way, wait, _place: place };
                Step::Asked(Box::new(asked))
            }
            Err(_) => {
                turn.fail(Failure::Full, wait.judged.as_ref());
                Step::Answered
            }
        },
        Err(failure) => {
            turn.fail(failure, None);
            Step::Answered
        }
    }
}

/// How this query is answered, and whether its sender has shown to be at its address.
fn way(door: &Door, client: &Client, query: &Query<'_>, now: Timestamp) -> (Way, bool) {
    let own_size = door.settings.limits.datagram_max;
    let is_datagram = client.transport == Transport::Udp;
    let size_max = if is_datagram { query.size().min(own_size.into()) } else { MESSAGE_MAX };
    let option = query.edns.and_then(|edns| edns.cookie);
    let cookie = option.and_then(|option| door.cookies.judge(option, client.address, now));
    let answer = cookie.map(|cookie| cookie.answer);
    let way = Way { size_max, own_size, is_encrypted: client.is_encrypted(), cookie: answer };
    (way, !is_datagram || cookie.is_some_and(|cookie| cookie.is_proven))
}

/// The stages up to a look-up; `None` where the answer is written.
fn answer(turn: &mut Turn<'_>) -> Result<Option<Wait>, Failure> {
    let (door, query) = (turn.door, turn.query);
    refuse(query)?;
    let host = match host_of(query.name.as_bytes()) {
        Named::Host(host) => Some(host),
        Named::Root => None,
        Named::Nothing => {
            turn.say(Said::NO_NAME);
            return Ok(None);
        }
    };
    // Before anybody is judged: these are the same for all.
    if let Some(said) = host.as_ref().and_then(|host| Said::of_name(door, host.name()?)) {
        turn.say(said);
        return Ok(None);
    }
    // Judge before anything is looked up: a name that is only asked for upstream already tells.
    let judged = host.map(|host| door.judge(turn.client, host, turn.now)).transpose()?;
    if let Some(judged) = judged.as_ref().filter(|judged| judged.decision.verdict != Verdict::Allow) {
        turn.turn_away(judged);
        return Ok(None);
    }
    if query.kind == kind::ANY {
        turn.say_little(judged.as_ref());
        return Ok(None);
    }
    remember(turn, judged)
}

/// What is never answered, whatever its name.
fn refuse(query: &Query<'_>) -> Result<(), Failure> {
    if query.edns.is_some_and(|edns| edns.version != 0) {
        return Err(Failure::Version);
    }
    if query.class != CLASS_IN {
        return Err(Failure::Class);
    }
    if kind::META.contains(&query.kind) || query.kind == kind::OPT {
        return Err(Failure::Meta);
    }
    Ok(())
}

/// From the cache, or else by a look-up.
fn remember(turn: &mut Turn<'_>, judged: Option<Judged>) -> Result<Option<Wait>, Failure> {
    let (door, query, now) = (turn.door, turn.query, turn.now);
    let stand_in = judged.as_ref().and_then(|judged| {
        let name = judged.host.name().filter(|_| judged.decision.conditions.safe_search)?;
        stand_in(name, door.settings.youtube)
    });
    let key = Key::new(query, if stand_in.is_some() { Held::Safe } else { Held::As });
    let kept = door.cache.get(&key);
    if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh(now)) {
        door.meters.from_cache.increment();
        turn.conclude(judged, &Known::kept(kept, now));
        return Ok(None);
    }
    let longest = door.settings.serve_stale.map(|stale| seconds(stale.longest));
    let may_serve = |kept: &Arc<Kept>| {
        let ends = longest.map(|longest| kept.answer.ttl.saturating_add(longest));
        is_word(&kept.answer) && ends.is_some_and(|ends| kept.age(now) < ends)
    };
    let stale = kept.filter(may_serve);
    if let Some(kept) = stale.as_ref().filter(|kept| kept.is_resting(now)) {
        turn.conclude(judged, &Known::kept(kept, now));
        return Ok(None);
    }
    let lookup = Lookup {
        key,
        name: query.name.clone(),
        host: judged.as_ref().map(|judged| judged.host.clone()),
        kind: query.kind,
        wants_dnssec: query.wants_dnssec(),
        unchecked: query.has(flag::CHECKING_DISABLED),
        stand_in,
    };
    let found = look_up(door, lookup)?;
    Ok(Some(Wait { judged, found, stale }))
}

/// Waits for the look-up and writes the answer.
pub(crate) async fn finish(door: &Arc<Door>, asked: Box<Asked>, out: &mut Vec<u8>) {
    let Asked { message, client, way, wait, _place } = *asked;
    let Wait { judged, mut found, stale } = wait;
    let found = waited(door, &mut found, stale.is_some()).await;
    // It was read before.
    let Ok(query) = Query::read(&message) else { return out.clear() };
    let now = door.clock.now();
    let mut turn = Turn { door, client: &client, query: &query, way, now, out };
    // A look-up takes seconds at worst, and what is published meanwhile counts within one.
    let judged = match judged.map(|judged| door.judge_anew(&client, judged, now)).transpose() {
        Ok(judged) => judged,
        Err(failure) => return turn.fail(failure, None),
    };
    if let Some(judged) = judged.as_ref().filter(|judged| judged.decision.verdict != Verdict::Allow) {
        return turn.turn_away(judged);
    }
    match (found, stale) {
        (Some(Ok(answer)), None) => turn.conclude(judged, &Known::new(&answer)),
        (Some(Ok(answer)), Some(_)) if is_word(&answer) => turn.conclude(judged, &Known::new(&answer)),
        (_, Some(stale)) => turn.conclude(judged, &Known::kept(&stale, now)),
        (Some(Err(failure)), None) => turn.fail(failure, judged.as_ref()),
        (None, None) => turn.fail(Failure::Silent, judged.as_ref()),
    }
}

/// `None` where it takes too long for somebody who can have something older.
async fn waited(
    door: &Door,
    found: &mut watch::Receiver<Found>,
    has_stale: bool,
) -> Option<Result<Arc<Answer>, Failure>> {
    let waiting = async {
        // A look-up that ends without a word has panicked, which its task has logged.
        found.wait_for(Option::is_some).await.ok().and_then(|found| found.clone())
    };
    match door.settings.serve_stale.filter(|_| has_stale) {
        Some(stale) => timeout(stale.after, waiting).await.ok().flatten(),
        None => waiting.await,
    }
}

//! A gateway's end of the link: events go, news come; while control is away, what there is room for waits.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use schoolgate_base::{Host, SchoolId};
use schoolgate_event::{Event, Recorded, Recorder};
use schoolgate_identity::Openness;
use schoolgate_keys::random_bytes;
use schoolgate_runtime::{Shutdown, Tasks};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{error, info, warn};

use super::messages::{Batch, ToControl, ToGateway, Trusting, VERSION, Welcome, receive, send};
use crate::status::GatewayStatus;

/// Events that wait for control, and their bytes in all: one with a long address takes a hundred times the usual.
const WAITING_MAX: usize = 65_536;
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Events of one batch, and their bytes: with the last of them still far below the longest message.
const BATCH_MAX: usize = 2_048;
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// To find control once this program was asked to stop: it may be on its way back, and what waits would be lost.
const LAST_ATTEMPTS: u32 = 10;
/// Batches under way: what is sent outlives a gateway that is killed, what waits here does not.
const OPEN_MAX: usize = 4;
/// What an event takes beside its address, in bytes; names and words in it are bounded.
const EVENT_BYTES: usize = 1_024;
/// Between attempts to reach control.
const PAUSE: Duration = Duration::from_millis(200);
/// For control to answer a hello, and to take a message.
const PATIENCE: Duration = Duration::from_secs(10);
/// Addresses that control asks of at a time.
pub(super) const LOOKS_MAX: usize = 256;
/// For visits to the help list that no event comes with.
const HELP_EVERY: Duration = Duration::from_secs(60);

/// Takes events for the link.
pub(super) struct LinkRecorder {
    events: mpsc::Sender<Event>,
    waiting_bytes: Arc<AtomicUsize>,
    missing: Arc<AtomicU64>,
    help: Arc<Mutex<BTreeMap<Date, u64>>>,
}

/// What is not yet written down, whether or not there is a connection.
struct Outbox {
    run: [u8; 16],
    number: u64,
    events: mpsc::Receiver<Event>,
    waiting_bytes: Arc<AtomicUsize>,
    missing: Arc<AtomicU64>,
    help: Arc<Mutex<BTreeMap<Date, u64>>>,
    /// Sent and not answered, in their order: at most [`OPEN_MAX`].
    open: VecDeque<Batch>,
}

/// What a gateway says beside its events.
struct Said {
    word: Word,
    looked: mpsc::Receiver<(u64, Option<Openness>)>,
}

/// What control tells.
pub(super) struct News {
    /// Told the number of each root that was published.
    pub(super) published: watch::Receiver<u64>,
    pub(super) trusting: mpsc::Receiver<Trusting>,
    /// Sites to look into again.
    pub(super) forgotten: mpsc::Receiver<Host>,
    pub(super) looks: Looks,
}

/// What control is told beside events, the newest of each.
pub(super) struct Word {
    /// The root that the doors have.
    pub(super) seen: watch::Receiver<u64>,
    /// `None`: not known yet.
    pub(super) status: watch::Receiver<Option<GatewayStatus>>,
}

/// Addresses that control asks of, each with the number of its question.
pub(super) struct Looks {
    pub(super) asked: mpsc::Receiver<(u64, IpAddr)>,
    pub(super) answers: mpsc::Sender<(u64, Option<Openness>)>,
}

/// How the attempts to reach control ended.
enum Reached {
    Met(Welcome, (OwnedReadHalf, OwnedWriteHalf)),
    /// The program stops.
    Stopped,
    /// Control is of another version.
    OtherVersion,
}

struct Ears {
    published: watch::Sender<u64>,
    trusting: mpsc::Sender<Trusting>,
    forgotten: mpsc::Sender<Host>,
    asked: mpsc::Sender<(u64, IpAddr)>,
    written: watch::Sender<u64>,
}

/// The link, connected for the first time.
pub(super) struct Link {
    socket: PathBuf,
    outbox: Outbox,
    ears: Ears,
    looked: mpsc::Receiver<(u64, Option<Openness>)>,
    halves: (OwnedReadHalf, OwnedWriteHalf),
}

impl Recorder for LinkRecorder {
    fn record(&self, event: Event) -> Recorded {
        let bytes = weight(&event);
        let has_room = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) < WAITING_BYTES;
        if has_room && self.events.try_send(event).is_ok() {
            return Recorded::Queued;
        }
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.missing.fetch_add(1, Ordering::Relaxed);
        Recorded::Dropped
    }

    fn help_visited(&self, _: &SchoolId, date: Date) {
        *self.help.lock().unwrap_or_else(PoisonError::into_inner).entry(date).or_default() += 1;
    }
}

/// Bytes that an event takes at most, nearly.
fn weight(event: &Event) -> usize {
    match event {
        Event::Decision(decision) => EVENT_BYTES + decision.url.as_ref().map_or(0, |url| url.len()),
        Event::LockedHit(_) | Event::Accident(_) => EVENT_BYTES,
    }
}

impl Link {
    /// Connects for the first time, for as long as it takes; `None` when the program stops before.
    pub(super) async fn open(socket: &Path, shutdown: &Shutdown) -> Option<(Self, Welcome, LinkRecorder, News)> {
        let run = match random_bytes() {
            Ok(run) => run,
            Err(error) => {
                warn!(%error, "there is no link to control without random bytes");
                return None;
            }
        };
        let Reached::Met(welcome, halves) = reach(socket, run, shutdown).await else { return None };
        let (events, waiting) = mpsc::channel(WAITING_MAX);
        let (waiting_bytes, missing, help) = (Arc::default(), Arc::default(), Arc::default());
        let recorder = LinkRecorder {
            events,
            waiting_bytes: Arc::clone(&waiting_bytes),
            missing: Arc::clone(&missing),
            help: Arc::clone(&help),
        };
        let (answers, looked) = mpsc::channel(LOOKS_MAX);
        let outbox = Outbox { run, number: 0, events: waiting, waiting_bytes, missing, help, open: VecDeque::new() };
        let (published, to_read) = watch::channel(0);
        let (trusting, to_learn) = mpsc::channel(1_024);
        let (forgotten, to_forget) = mpsc::channel(256);
        let (asking, asked) = mpsc::channel(LOOKS_MAX);
        let ears = Ears { published, trusting, forgotten, asked: asking, written: watch::Sender::new(0) };
        let looks = Looks { asked, answers };
        let news = News { published: to_read, trusting: to_learn, forgotten: to_forget, looks };
        Some((Self { socket: socket.to_owned(), outbox, ears, looked, halves }, welcome, recorder, news))
    }

    /// Carries events and news, over one connection after the other. When the program stops, what is left goes first.
    pub(super) async fn run(self, word: Word, shutdown: Shutdown) {
        let Self { socket, outbox, ears, looked, mut halves } = self;
        let mut said = Said { word, looked };
        let outbox = AsyncMutex::new(outbox);
        loop {
            let (read, write) = halves;
            let mut sending = outbox.lock().await;
            let ended = tokio::select! {
                ended = hear(&ears, read) => ended,
                ended = sending.carry(write, ears.written.subscribe(), &mut said, &shutdown) => ended,
            };
            match ended {
                Ok(()) if shutdown.is_begun() => return,
                Ok(()) => warn!("control has gone; decisions are made by the last snapshot, and events wait"),
                Err(error) => warn!(%error, "the link to control broke; decisions are made by the last snapshot"),
            }
            let run = sending.run;
            drop(sending);
            // Control may take us in and turn us out again, as when its disk is full.
            pause(&shutdown).await;
            match reach(&socket, run, &shutdown).await {
                Reached::Met(_, again) => halves = again,
                Reached::Stopped | Reached::OtherVersion => {
                    let left = outbox.lock().await.events.len();
                    return warn!(left, "stopped without control: {left} events and what was last sent are lost");
                }
            }
            info!("control is back");
        }
    }
}

async fn reach(socket: &Path, run: [u8; 16], shutdown: &Shutdown) -> Reached {
    let mut has_complained = false;
    let mut last_attempts = LAST_ATTEMPTS;
    while 0 < last_attempts {
        match timeout(PATIENCE, greet(socket, run)).await.unwrap_or_else(|late| Err(late.into())) {
            Ok(Some((welcome, halves))) => return Reached::Met(welcome, halves),
            Ok(None) => {
                error!("control is of another version than this gateway, which ends");
                return Reached::OtherVersion;
            }
            Err(error) if !std::mem::replace(&mut has_complained, true) => info!(%error, "waiting for control"),
            Err(_) => {}
        }
        if shutdown.is_begun() {
            last_attempts -= 1;
            tokio::time::sleep(PAUSE).await;
        } else {
            pause(shutdown).await;
        }
    }
    Reached::Stopped
}

async fn pause(shutdown: &Shutdown) {
    tokio::select! {
        () = tokio::time::sleep(PAUSE) => {}
        () = shutdown.begun() => {}
    }
}

/// `None` where control is of another version.
async fn greet(socket: &Path, run: [u8; 16]) -> io::Result<Option<(Welcome, (OwnedReadHalf, OwnedWriteHalf))>> {
    let (mut read, mut write) = UnixStream::connect(socket).await?.into_split();
    send(&mut write, &ToControl::Hello { version: VERSION, run }).await?;
    match receive(&mut read).await? {
        Some(ToGateway::Welcome(welcome)) => Ok(Some((welcome, (read, write)))),
        Some(ToGateway::OtherVersion) => Ok(None),
        Some(_) => Err(io::ErrorKind::InvalidData.into()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn hear(ears: &Ears, mut read: OwnedReadHalf) -> io::Result<()> {
    while let Some(message) = receive(&mut read).await? {
        match message {
            ToGateway::Welcome(_) | ToGateway::OtherVersion => {}
            ToGateway::Written { number } => drop(ears.written.send_replace(number)),
            ToGateway::Published { snapshot } => drop(ears.published.send_replace(snapshot)),
            // Learned again at the device's next handshake.
            ToGateway::Trusting(met) => drop(ears.trusting.try_send(met)),
            // Left alone for longer, which the technician sees.
            ToGateway::Forget { host } => drop(ears.forgotten.try_send(host)),
            // The device asks again.
            ToGateway::Look { number, address } => drop(ears.asked.try_send((number, address))),
        }
    }
    Ok(())
}

impl Outbox {
    async fn carry(
        &mut self,
        mut write: OwnedWriteHalf,
        mut written: watch::Receiver<u64>,
        said: &mut Said,
        shutdown: &Shutdown,
    ) -> io::Result<()> {
        let mut told = 0;
        said.word.status.mark_changed();
        written.mark_unchanged();
        // Control leaves out those that it has kept.
        for batch in &self.open {
            timeout(PATIENCE, send(&mut write, &ToControl::Batch(batch.clone()))).await??;
        }
        let (mut has_all, mut late) = (false, Instant::now() + PATIENCE);
        loop {
            let snapshot = *said.word.seen.borrow_and_update();
            if snapshot != told {
                told = snapshot;
                timeout(PATIENCE, send(&mut write, &ToControl::Seen { snapshot })).await??;
            }
            if said.word.status.has_changed().unwrap_or(false) {
                let status = said.word.status.borrow_and_update().clone();
                if let Some(status) = status {
                    timeout(PATIENCE, send(&mut write, &ToControl::Status(Box::new(status)))).await??;
                }
            }
            let is_waiting = !self.open.is_empty();
            let has_room = self.open.len() < OPEN_MAX && !has_all;
            tokio::select! {
                biased;
                Some((number, open)) = said.looked.recv() => {
                    timeout(PATIENCE, send(&mut write, &ToControl::Looked { number, open })).await??;
                }
                answered = written.changed() => {
                    answered.map_err(io::Error::other)?;
                    let last = *written.borrow_and_update();
                    self.open.retain(|batch| last < batch.number);
                    late = Instant::now() + PATIENCE;
                }
                () = sleep_until(late), if is_waiting => return Err(io::ErrorKind::TimedOut.into()),
                batch = self.next(shutdown), if has_room => match batch {
                    Some(batch) => {
                        if !is_waiting {
                            late = Instant::now() + PATIENCE;
                        }
                        timeout(PATIENCE, send(&mut write, &ToControl::Batch(batch.clone()))).await??;
                        self.open.push_back(batch);
                    }
                    None => has_all = true,
                },
                _ = said.word.seen.changed() => {}
                // Looked at above, where it is sent.
                Ok(()) = said.word.status.changed() => said.word.status.mark_changed(),
            }
            if has_all && self.open.is_empty() {
                return Ok(());
            }
        }
    }

    /// What waits, as soon as something does; `None` when the program stops and nothing is left.
    async fn next(&mut self, shutdown: &Shutdown) -> Option<Batch> {
        let mut events = Vec::new();
        tokio::select! {
            biased;
            first = self.events.recv() => events.extend(first),
            () = tokio::time::sleep(HELP_EVERY) => {}
            () = shutdown.begun() => {}
        }
        let mut bytes: usize = events.iter().map(weight).sum();
        while bytes < BATCH_BYTES && events.len() < BATCH_MAX {
            let Ok(event) = self.events.try_recv() else { break };
            bytes += weight(&event);
            events.push(event);
        }
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let help = std::mem::take(&mut *self.help.lock().unwrap_or_else(PoisonError::into_inner));
        let is_last = events.is_empty() && shutdown.is_begun();
        if is_last && help.is_empty() {
            return None;
        }
        self.number += 1;
        let missing = if events.is_empty() { 0 } else { self.missing.swap(0, Ordering::Relaxed) };
        Some(Batch { number: self.number, events, help: help.into_iter().collect(), missing })
    }
}

/// Tells `seen` of each root that `snapshots` comes to hold.
pub(super) fn note_roots(
    tasks: &Tasks,
    mut snapshots: watch::Receiver<Arc<schoolgate_decide::Snapshot>>,
) -> watch::Receiver<u64> {
    let (seen, told) = watch::channel(snapshots.borrow().root.number);
    let shutdown = tasks.shutdown();
    tasks.spawn("roots in force", async move {
        loop {
            tokio::select! {
                changed = snapshots.changed() => if changed.is_err() { return },
                () = shutdown.begun() => return,
            }
            seen.send_replace(snapshots.borrow_and_update().root.number);
        }
    });
    told
}

#[cfg(test)]
mod tests {
    use schoolgate_runtime::frames::FRAME_MAX;

    use super::*;
    use crate::processes::messages::tests::event;

    #[tokio::test]
    async fn long_addresses_fill_a_batch_before_they_fill_a_message() {
        let (events, waiting) = mpsc::channel(WAITING_MAX);
        let waiting_bytes: Arc<AtomicUsize> = Arc::default();
        let (missing, help): (Arc<AtomicU64>, _) = (Arc::default(), Arc::default());
        let recorder = LinkRecorder {
            events,
            waiting_bytes: Arc::clone(&waiting_bytes),
            missing: Arc::clone(&missing),
            help: Arc::clone(&help),
        };
        let count = (0..4_000).filter(|_| recorder.record(event(&"a".repeat(32 * 1024))) == Recorded::Queued).count();
        assert!(count < 2_100, "{count} of them have room");
        let mut outbox =
            Outbox { run: [0; 16], number: 0, events: waiting, waiting_bytes, missing, help, open: VecDeque::new() };
        let tasks = Tasks::new();
        let mut sent = 0;
        while sent < count {
            let batch = outbox.next(&tasks.shutdown()).await.unwrap();
            sent += batch.events.len();
            assert!(postcard::to_allocvec(&ToControl::Batch(batch)).unwrap().len() < FRAME_MAX / 2);
        }
        assert_eq!((sent, outbox.waiting_bytes.load(Ordering::Relaxed)), (count, 0));
    }
}

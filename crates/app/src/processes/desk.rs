//! Control's end of the link: hands gateways what they need, takes their events, knows which root they have.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use schoolgate_base::{Host, SchoolId};
use schoolgate_decide::Snapshot;
use schoolgate_event::Recorder;
use schoolgate_eventlog::{EventLog, FlushError};
use schoolgate_identity::{LEARNED_FOR, Openness};
use schoolgate_keys::{DoorKeys, VerifyingKey};
use schoolgate_runtime::{Tasks, accepted};
use schoolgate_tls::Signer;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::book::GatewayBook;
use super::link::LOOKS_MAX;
use super::messages::{Batch, ToControl, ToGateway, Trusting, VERSION, Welcome, receive, send};

/// For a gateway's first message, and for it to take one of ours.
const PATIENCE: Duration = Duration::from_secs(5);
/// Gateways at a time: one, the one that takes its place, and connections of theirs that have not ended yet.
const GATEWAYS_MAX: usize = 4;
/// Devices that were met and not yet told of; more are met again at their next handshake.
const TRUSTING_MAX: usize = 1_024;
/// Devices that are remembered for a gateway that is started again.
const KNOWN_MAX: usize = 20_000;
/// For a gateway to say whether the web is open to an address: a phone waits for it.
const LOOK_PATIENCE: Duration = Duration::from_secs(2);
/// Visits to the help list that one batch may count: more is not a school's minute.
const HELP_MAX: u64 = 10_000;
/// Batches of gateways that are remembered, by run.
const RUNS_MAX: usize = 64;
/// Between two tries to write events to a disk that is full: as long as the event log itself waits.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(1);

/// Told to every gateway that comes.
pub(crate) struct Handed {
    pub(crate) school: SchoolId,
    pub(crate) verifying_key: VerifyingKey,
    pub(crate) door_keys: DoorKeys,
    pub(crate) signer: Arc<dyn Signer>,
}

/// Where gateways come.
pub(crate) struct Desk {
    gateways: Mutex<Gateways>,
    /// The newest root that all connected gateways have; [`u64::MAX`] without any.
    seen: watch::Sender<u64>,
    trusting: broadcast::Sender<Trusting>,
    /// The same since the morning, for a gateway that comes later.
    known: Mutex<Known>,
    book: Arc<GatewayBook>,
    asking: broadcast::Sender<(u64, IpAddr)>,
    looks: Mutex<Looks>,
}

/// Questions to gateways that wait for an answer.
#[derive(Default)]
struct Looks {
    last: u64,
    waiting: HashMap<u64, oneshot::Sender<Option<Openness>>>,
}

/// Devices that trust the CA of `generation`; which of them trust another shows at their next handshake.
#[derive(Default)]
struct Known {
    generation: u64,
    devices: HashMap<IpAddr, i64>,
}

impl Known {
    fn of(&mut self, generation: u64) -> &mut HashMap<IpAddr, i64> {
        if self.generation != generation {
            *self = Self { generation, devices: HashMap::new() };
        }
        &mut self.devices
    }
}

#[derive(Default)]
struct Gateways {
    /// By connection: a gateway that comes again may be here before its old connection has ended.
    seen: HashMap<u64, u64>,
    connections: u64,
    /// The last batch of each run, also of those that come back.
    batches: HashMap<[u8; 16], u64>,
}

impl Desk {
    pub(crate) fn new(book: Arc<GatewayBook>) -> Arc<Self> {
        let (trusting, _) = broadcast::channel(TRUSTING_MAX);
        let (asking, _) = broadcast::channel(LOOKS_MAX);
        let (gateways, known, looks) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { gateways, seen: watch::Sender::new(u64::MAX), trusting, known, book, asking, looks })
    }

    /// What the gateways say of themselves.
    pub(crate) fn book(&self) -> Arc<GatewayBook> {
        Arc::clone(&self.book)
    }

    /// Whether the web is open to an address, as a gateway has it; `None` where none says so in time.
    pub(crate) async fn look(&self, address: IpAddr) -> Option<Openness> {
        let (number, answer) = {
            let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever waited for these has gone.
            looks.waiting.retain(|_, waiting| !waiting.is_closed());
            if LOOKS_MAX <= looks.waiting.len() {
                return None;
            }
            let (told, answer) = oneshot::channel();
            looks.last += 1;
            let number = looks.last;
            looks.waiting.insert(number, told);
            (number, answer)
        };
        self.asking.send((number, address)).ok()?;
        timeout(LOOK_PATIENCE, answer).await.ok()?.ok()?
    }

    /// The first gateway that answers has the word.
    fn looked(&self, number: u64, open: Option<Openness>) {
        let waiting = self.looks.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&number);
        // Whoever asked may have gone.
        let _ = waiting.map(|waiting| waiting.send(open));
    }

    pub(crate) fn seen(&self) -> watch::Receiver<u64> {
        self.seen.subscribe()
    }

    /// A device has shown that it trusts the school's CA of `generation`.
    pub(crate) fn tell_trusting(&self, address: IpAddr, now: Timestamp, generation: u64) {
        let at = now.as_microsecond();
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let known = known.of(generation);
            if KNOWN_MAX <= known.len() {
                let oldest = (now - LEARNED_FOR).as_microsecond();
                known.retain(|_, at| oldest < *at);
            }
            if known.len() < KNOWN_MAX {
                known.insert(address, at);
            }
        }
        // Without a gateway there is nobody to tell.
        let _ = self.trusting.send(Trusting { generation, devices: vec![(address, at)] });
    }

    fn known(&self, generation: u64) -> Trusting {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let devices = known.of(generation).iter().map(|(address, at)| (*address, *at)).collect();
        Trusting { generation, devices }
    }

    /// Takes gateways until the tasks are drained. Who may connect is said by the socket's file.
    pub(crate) fn serve(
        self: &Arc<Self>,
        tasks: &Tasks,
        listener: UnixListener,
        handed: Handed,
        events: EventLog,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) {
        let (desk, connections, shutdown) = (Arc::clone(self), tasks.clone(), tasks.shutdown());
        let serving = Arc::new(Serving { desk, handed, events, snapshots });
        let places = Arc::new(Semaphore::new(GATEWAYS_MAX));
        tasks.spawn("gateways", async move {
            loop {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                let taken = accepted(&shutdown, "a gateway's connection", || listener.accept()).await;
                let Some((stream, _)) = taken else { return };
                let (serving, stopping) = (Arc::clone(&serving), connections.shutdown());
                connections.spawn("gateway", async move {
                    tokio::select! {
                        ended = serving.receive(stream) => {
                            if let Err(error) = ended {
                                warn!(%error, "a gateway's connection ended");
                            }
                        }
                        () = stopping.begun() => {}
                    }
                    drop(place);
                });
            }
        });
    }

    fn connection(&self) -> u64 {
        let mut gateways = self.gateways.lock().unwrap_or_else(PoisonError::into_inner);
        gateways.connections += 1;
        gateways.connections
    }

    fn note_seen(&self, connection: u64, snapshot: Option<u64>) {
        let mut gateways = self.gateways.lock().unwrap_or_else(PoisonError::into_inner);
        match snapshot {
            Some(number) => gateways.seen.insert(connection, number),
            None => gateways.seen.remove(&connection),
        };
        let least = gateways.seen.values().copied().min().unwrap_or(u64::MAX);
        self.seen.send_replace(least);
    }

    /// Whether the batch is a new one, and not sent again because its answer was lost.
    fn is_new(&self, run: [u8; 16], number: u64) -> bool {
        let mut gateways = self.gateways.lock().unwrap_or_else(PoisonError::into_inner);
        if RUNS_MAX <= gateways.batches.len() && !gateways.batches.contains_key(&run) {
            // Runs that are over; one that is not sends a batch twice at worst.
            gateways.batches.clear();
        }
        let last = gateways.batches.entry(run).or_default();
        let is_new = *last < number;
        *last = number.max(*last);
        is_new
    }
}

/// What a gateway is told beside what it is answered.
struct Wishes {
    trusting: broadcast::Receiver<Trusting>,
    forgotten: broadcast::Receiver<Host>,
    asking: broadcast::Receiver<(u64, IpAddr)>,
}

struct Serving {
    desk: Arc<Desk>,
    handed: Handed,
    events: EventLog,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Serving {
    async fn receive(&self, stream: UnixStream) -> io::Result<()> {
        let (mut read, mut write) = stream.into_split();
        let Some(ToControl::Hello { version, run }) = timeout(PATIENCE, receive(&mut read)).await?? else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a gateway did not say who it is"));
        };
        if version != VERSION {
            timeout(PATIENCE, send(&mut write, &ToGateway::OtherVersion)).await??;
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a gateway speaks version {version}")));
        }
        timeout(PATIENCE, send(&mut write, &ToGateway::Welcome(self.welcome()))).await??;
        info!("a gateway is connected");
        let (written, to_say) = mpsc::channel(1);
        // Listening before the known are read, so that none is missed in between.
        let wishes = Wishes {
            trusting: self.desk.trusting.subscribe(),
            forgotten: self.desk.book.forgotten(),
            asking: self.desk.asking.subscribe(),
        };
        let known = ToGateway::Trusting(self.desk.known(self.handed.signer.generation()));
        timeout(PATIENCE, send(&mut write, &known)).await??;
        let connection = self.desk.connection();
        let (kept, to_flush) = watch::channel(0);
        let mut hearing = std::pin::pin!(self.hear(run, connection, read, kept));
        let ended = tokio::select! {
            ended = hearing.as_mut() => ended,
            ended = self.flush(to_flush, written) => ended,
            // What a gateway had sent before it died is there to be heard.
            ended = self.say(write, to_say, wishes) => match timeout(PATIENCE, hearing).await {
                Ok(heard) => heard.and(ended),
                Err(_) => ended,
            },
        };
        self.desk.note_seen(connection, None);
        self.desk.book.note_gone(connection);
        info!("a gateway has gone");
        ended
    }

    fn welcome(&self) -> Welcome {
        Welcome {
            school: self.handed.school.clone(),
            verifying_key: *self.handed.verifying_key.as_bytes(),
            door_keys: self.handed.door_keys.into_parts(),
            left_alone: self.desk.book.kept(),
        }
    }

    async fn hear(
        &self,
        run: [u8; 16],
        connection: u64,
        mut read: OwnedReadHalf,
        kept: watch::Sender<u64>,
    ) -> io::Result<()> {
        while let Some(message) = receive(&mut read).await? {
            match message {
                ToControl::Hello { .. } => return Err(io::ErrorKind::InvalidData.into()),
                ToControl::Looked { number, open } => self.desk.looked(number, open),
                ToControl::Seen { snapshot } => self.desk.note_seen(connection, Some(snapshot)),
                ToControl::Status(status) => self.desk.book.note(connection, *status),
                ToControl::Batch(batch) => {
                    let number = batch.number;
                    if self.desk.is_new(run, number) {
                        self.keep(batch);
                    }
                    kept.send_replace(number);
                }
            }
        }
        Ok(())
    }

    /// Answers batches when they are on disk, several at once where the disk is slow.
    async fn flush(&self, mut kept: watch::Receiver<u64>, written: mpsc::Sender<u64>) -> io::Result<()> {
        let mut last = 0;
        while kept.changed().await.is_ok() {
            let number = *kept.borrow_and_update();
            // Events wait here as they would in the gateway, which has no use for a link that is cut again and again. What
            // was last written is said again: it takes silence for the end.
            while let Err(error) = self.events.flush().await {
                match error {
                    FlushError::NotWritten if written.send(last).await.is_ok() => sleep(FULL_DISK_PAUSE).await,
                    FlushError::NotWritten => return std::future::pending().await,
                    FlushError::Stopped => return Err(io::Error::other(error)),
                }
            }
            if written.send(number).await.is_err() {
                break;
            }
            last = number;
        }
        // Whoever hears, ends this.
        std::future::pending().await
    }

    fn keep(&self, batch: Batch) {
        let last = batch.events.last().map(schoolgate_event::Event::at);
        for event in batch.events {
            // A full log counts what it drops.
            let _ = self.events.record(event);
        }
        if let Some(last) = last {
            self.events.note_missing(batch.missing, last);
        }
        for (date, visits) in batch.help {
            for _ in 0..visits.min(HELP_MAX) {
                self.events.help_visited(&self.handed.school, date);
            }
        }
    }

    async fn say(
        &self,
        mut write: OwnedWriteHalf,
        mut written: mpsc::Receiver<u64>,
        mut wishes: Wishes,
    ) -> io::Result<()> {
        let mut snapshots = self.snapshots.clone();
        loop {
            let message = tokio::select! {
                number = written.recv() => match number {
                    Some(number) => ToGateway::Written { number },
                    None => return Ok(()),
                },
                device = wishes.trusting.recv() => match device {
                    Ok(device) => ToGateway::Trusting(device),
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                host = wishes.forgotten.recv() => match host {
                    Ok(host) => ToGateway::Forget { host },
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                look = wishes.asking.recv() => match look {
                    Ok((number, address)) => ToGateway::Look { number, address },
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => return Ok(()),
                },
                changed = snapshots.changed() => match changed {
                    Ok(()) => ToGateway::Published { snapshot: snapshots.borrow_and_update().root.number },
                    Err(_) => return Ok(()),
                },
            };
            timeout(PATIENCE, send(&mut write, &message)).await??;
        }
    }
}

//! Starts the other processes, starts again what ends, and says so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use schoolgate_runtime::{Clock, Shutdown, SocketKeeper, Sockets as Listening, SocketsError, Tasks};
use serde::{Deserialize, Serialize};
use tokio::process::{Child, ChildStdin, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tracing::{error, info, warn};

use super::{Claim, Role, Sockets};
use crate::product::{RunError, StartError, until_asked_to_stop};
use crate::serve::ServeError;

/// Between an end and the next start: half of the first pause, and the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A process that has run for so long has started well.
const WELL: Duration = Duration::from_secs(60);
/// For a process to end that was asked to; longer than each takes to finish its work.
const STOP: Duration = Duration::from_secs(25);

/// Why the processes are not kept running.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    #[error("cannot find this program's own file")]
    Own { source: io::Error },
    #[error("cannot make the folder of the sockets `{path}`")]
    Folder { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Claim(#[from] StartError),
    #[error(transparent)]
    Listening(#[from] SocketsError),
    #[error(transparent)]
    Stop(#[from] RunError),
}

/// What the supervisor says of one process, in `processes.json` beside the sockets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) role: String,
    /// Of a process that runs.
    pub(crate) pid: Option<u32>,
    pub(crate) since: Timestamp,
    /// After ends that nobody meant.
    pub(crate) restarts: u64,
    pub(crate) last_end: Option<String>,
}

/// Listening sockets that the system has opened, by whose they are.
pub struct Inherited {
    pub gateway: Listening,
    pub control: Listening,
}

/// Keeps `roles` running until it is asked to stop: each is this program again with `role NAME` and `arguments`. Asked to
/// (`SIGHUP`), it asks gateway and control to read their settings anew, where `may_take_new` finds nothing wrong with
/// them. Keeps the gateway's listening sockets, at first `inherited`, so that nobody is refused while one gateway takes
/// another's place; and those of control.
pub async fn supervise(
    roles: &[Role],
    arguments: &[String],
    sockets: &Sockets,
    inherited: Inherited,
    may_take_new: impl FnMut() -> Result<(), ServeError>,
) -> Result<(), SuperviseError> {
    let program = std::env::current_exe().map_err(|source| SuperviseError::Own { source })?;
    let folder = &sockets.0;
    crate::data_dir::DataDir::make_private(folder)
        .map_err(|error| SuperviseError::Folder { path: folder.clone(), source: io::Error::other(error) })?;
    let _claim = Claim::on(&sockets.standing())?;
    let of_gateway = SocketKeeper::new(&sockets.listening(Role::Gateway), inherited.gateway)?;
    let of_control = SocketKeeper::new(&sockets.listening(Role::Control), inherited.control)?;
    let (told, standings) = mpsc::channel(roles.len().max(1));
    let reloads = watch::Sender::new(());
    // Drained in the order of the roles turned round: doors before records, records before keys.
    let sets: Vec<Tasks> = roles.iter().map(|_| Tasks::new()).collect();
    for (role, tasks) in roles.iter().zip(&sets) {
        let keeper = Keeper {
            role: *role,
            program: program.clone(),
            arguments: arguments.to_vec(),
            told: told.clone(),
            reloads: reloads.subscribe(),
            clock: Clock::system(),
        };
        tasks.spawn("keeper of a process", keeper.keep(tasks.shutdown()));
    }
    drop(told);
    let writer = Tasks::new();
    writer.spawn("standing of the processes", write_standings(standings, sockets.standing()));
    for keeper in [of_gateway, of_control] {
        writer.spawn("listening sockets", keeper.keep(writer.shutdown()));
    }
    until_stopped(&reloads, may_take_new).await?;
    info!("stopping");
    for tasks in sets.iter().rev() {
        tasks.drain(STOP + PAUSE_FIRST).await;
    }
    writer.drain(PAUSE_FIRST).await;
    Ok(())
}

/// Passes on each wish for new settings that can be fulfilled.
async fn until_stopped(
    reloads: &watch::Sender<()>,
    mut may_take_new: impl FnMut() -> Result<(), ServeError>,
) -> Result<(), RunError> {
    let mut asked = signal(SignalKind::hangup()).map_err(|source| RunError::Signal { source })?;
    let mut stopping = std::pin::pin!(until_asked_to_stop());
    loop {
        tokio::select! {
            stopped = stopping.as_mut() => return stopped,
            _ = asked.recv() => match may_take_new() {
                Ok(()) => {
                    info!("the new settings are in order, and are taken");
                    reloads.send_replace(());
                }
                Err(failure) => {
                    let failure: &dyn std::error::Error = &failure;
                    error!(error = failure, "the settings are not taken; everything goes on by those before");
                }
            },
        }
    }
}

struct Keeper {
    role: Role,
    program: PathBuf,
    arguments: Vec<String>,
    told: mpsc::Sender<Standing>,
    reloads: watch::Receiver<()>,
    clock: Clock,
}

impl Keeper {
    async fn keep(mut self, shutdown: Shutdown) {
        let role = self.role;
        let mut pause = PAUSE_FIRST;
        let mut standing = Standing {
            role: role.as_str().to_owned(),
            pid: None,
            since: self.clock.now(),
            restarts: 0,
            last_end: None,
        };
        while !shutdown.is_begun() {
            standing.since = self.clock.now();
            let ended = match self.start() {
                Ok((mut child, _alive)) => {
                    standing.pid = child.id();
                    self.tell(&standing).await;
                    tokio::select! {
                        ended = self.watch(&mut child) => ended,
                        () = shutdown.begun() => return stop(role, child).await,
                    }
                }
                Err(error) => Err(io::Error::new(error.kind(), format!("cannot be started: {error}"))),
            };
            let ran = self.clock.now().duration_since(standing.since).unsigned_abs();
            pause = if WELL <= ran { PAUSE_FIRST } else { (pause * 2).min(PAUSE_MAX) };
            standing.pid = None;
            if is_meant(role, &ended) {
                info!(role = %role, "the {role} has ended as it was asked to, most often for its new settings; it is started again");
            } else {
                let end = said(ended);
                error!(role = %role, "the {role} ended ({end}); it is started again");
                standing = Standing { restarts: standing.restarts + 1, last_end: Some(end), ..standing };
            }
            self.tell(&standing).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.begun() => {}
            }
        }
    }

    /// Returns when the process has ended. Until then it is told of each wish for new settings that it can fulfil.
    async fn watch(&mut self, child: &mut Child) -> io::Result<ExitStatus> {
        // What was wished before is in the settings that it has read.
        self.reloads.mark_unchanged();
        loop {
            tokio::select! {
                ended = child.wait() => {
                    return ended.map_err(|error| io::Error::new(error.kind(), format!("cannot be watched: {error}")));
                }
                Ok(()) = self.reloads.changed() => match self.role {
                    Role::Gateway | Role::Control => tell(self.role, child, Signal::HUP),
                    Role::Signer => {}
                },
            }
        }
    }

    /// The process, and the end of a pipe by which it knows that this one lives.
    fn start(&self) -> io::Result<(Child, Option<ChildStdin>)> {
        let mut child = Command::new(&self.program)
            .args(["role", self.role.as_str(), "--below-supervisor"])
            .args(&self.arguments)
            .stdin(Stdio::piped())
            // Ctrl-C is for the supervisor, which stops the others in their order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let alive = child.stdin.take();
        Ok((child, alive))
    }

    async fn tell(&self, standing: &Standing) {
        // The writer is drained last; without it the log has said the same.
        let _ = self.told.send(standing.clone()).await;
    }
}

/// Control ends well where its settings have changed, or where somebody asked it to.
fn is_meant(role: Role, ended: &io::Result<ExitStatus>) -> bool {
    role == Role::Control && ended.as_ref().is_ok_and(ExitStatus::success)
}

fn said(ended: io::Result<ExitStatus>) -> String {
    match ended {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}

async fn stop(role: Role, mut child: Child) {
    tell(role, &child, Signal::TERM);
    match timeout(STOP, child.wait()).await {
        Ok(Ok(status)) if status.success() => info!(role = %role, "the {role} has stopped"),
        Ok(ended) => warn!(role = %role, "the {role} ended: {}", said(ended)),
        Err(_) => error!(role = %role, "the {role} did not stop in time and is ended"),
    }
}

fn tell(role: Role, child: &Child, signal: Signal) {
    if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
        && let Err(error) = kill_process(pid, signal)
    {
        warn!(%error, role = %role, "the {role} cannot be told");
    }
}

/// The newest word on each process, one file for all, replaced whole.
async fn write_standings(mut told: mpsc::Receiver<Standing>, path: PathBuf) {
    let mut all: Vec<Standing> = Vec::new();
    while let Some(standing) = told.recv().await {
        match all.iter_mut().find(|known| known.role == standing.role) {
            Some(known) => *known = standing,
            None => all.push(standing),
        }
        if let Err(error) = write(&all, &path) {
            warn!(%error, "the standing of the processes cannot be written down");
        }
    }
}

/// What a supervisor has written last; empty where none has.
pub(crate) fn standings(path: &Path) -> Vec<Standing> {
    let read = fs::read(path).and_then(|bytes| Ok(serde_json::from_slice(&bytes)?));
    read.unwrap_or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            warn!(%error, path = %path.display(), "the standing of the processes cannot be read");
        }
        Vec::new()
    })
}

fn write(all: &[Standing], path: &Path) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, serde_json::to_vec_pretty(all)?)?;
    fs::rename(&beside, path)
}

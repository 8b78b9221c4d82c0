//! The keys of offices and persons stay with the signer: control asks it by which key to seal, and to open the key of one
//! sealed content at a time. What was sealed is never shown to the signer.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schoolgate_keys::{FileKey, KeyError, KeyHolder, OfficeFiles, Offices, Whose, Wrapped};
use schoolgate_runtime::{Tasks, answer_all, ask_blocking};
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::Sockets;

/// For one answer of the signer: a person waits for the page.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, Deserialize)]
enum Ask {
    PublicKey { holder: KeyHolder },
    FileKey { whose: Whose, wrapped: Vec<Wrapped> },
}

#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    PublicKey { key: String },
    FileKey { key: Option<FileKey> },
    Failed { reason: String },
}

/// Answers on `listener` with the keys in `files`, until the tasks are drained.
pub(super) fn serve_offices(tasks: &Tasks, listener: UnixListener, files: OfficeFiles) {
    let (working, files) = (tasks.clone(), Arc::new(files));
    answer_all(tasks, "keys of offices", listener, move |message| {
        let (tasks, files) = (working.clone(), Arc::clone(&files));
        async move {
            let ask: Ask = postcard::from_bytes(&message).map_err(io::Error::other)?;
            let answered = tasks.run_blocking("key of an office", move || answer(&files, ask)).await;
            postcard::to_allocvec(&answered.map_err(io::Error::other)?).map_err(io::Error::other)
        }
    });
}

fn answer(files: &OfficeFiles, ask: Ask) -> Answer {
    let answer = match ask {
        Ask::PublicKey { holder } => files.public_key(&holder).map(|key| Answer::PublicKey { key }),
        Ask::FileKey { whose, wrapped } => files.file_key(&whose, &wrapped).map(|key| Answer::FileKey { key }),
    };
    answer.unwrap_or_else(|error| Answer::Failed { reason: error.to_string() })
}

/// Asks the signer's process.
#[derive(Debug)]
pub(super) struct RemoteOffices {
    socket: PathBuf,
    connection: Mutex<Option<UnixStream>>,
}

impl RemoteOffices {
    /// Nothing is asked before it is needed.
    pub(super) fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), connection: Mutex::default() }
    }

    fn is_there(&self) -> bool {
        UnixStream::connect(&self.socket).is_ok()
    }

    fn put(&self, ask: &Ask) -> Result<Answer, KeyError> {
        // Records call from within tasks, and a worker that waits here would serve nobody.
        let answer = match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(|| self.asked(ask)),
            _ => self.asked(ask),
        };
        match answer.map_err(|source| KeyError::Signer { source })? {
            Answer::Failed { reason } => Err(KeyError::AtSigner { reason }),
            answer => Ok(answer),
        }
    }

    fn asked(&self, ask: &Ask) -> io::Result<Answer> {
        let question = postcard::to_allocvec(ask).map_err(io::Error::other)?;
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // A connection is put back only after a whole answer, so that no answer is taken for another's.
        let kept = connection.take().map(|mut stream| (ask_blocking(&mut stream, &question), stream));
        let (answer, stream) = match kept {
            Some((Ok(answer), stream)) => (answer, stream),
            // One that hangs is not asked twice: others wait for their turn.
            Some((Err(error), _)) if is_late(&error) => return Err(error),
            // The signer was started anew since, or nothing was asked before.
            Some((Err(_), _)) | None => {
                let mut stream = UnixStream::connect(&self.socket)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                (ask_blocking(&mut stream, &question)?, stream)
            }
        };
        *connection = Some(stream);
        postcard::from_bytes(&answer).map_err(io::Error::other)
    }
}

/// For a command: the signer where it runs, or else the files in its folder, which its own user and root can read.
pub(crate) fn offices_at(sockets: &Sockets, keys: &Path) -> Arc<dyn Offices> {
    let signer = RemoteOffices::at(&sockets.offices());
    if signer.is_there() { Arc::new(signer) } else { Arc::new(OfficeFiles::new(keys)) }
}

/// The end of a socket's patience has either name.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// An answer to another question.
fn confused() -> KeyError {
    KeyError::Signer { source: io::ErrorKind::InvalidData.into() }
}

impl Offices for RemoteOffices {
    fn public_key(&self, holder: &KeyHolder) -> Result<String, KeyError> {
        match self.put(&Ask::PublicKey { holder: holder.clone() })? {
            Answer::PublicKey { key } => Ok(key),
            _ => Err(confused()),
        }
    }

    fn file_key(&self, whose: &Whose, wrapped: &[Wrapped]) -> Result<Option<FileKey>, KeyError> {
        match self.put(&Ask::FileKey { whose: whose.clone(), wrapped: wrapped.to_vec() })? {
            Answer::FileKey { key } => Ok(key),
            _ => Err(confused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use schoolgate_base::Role;
    use schoolgate_keys::KeyRing;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_sealed_is_opened_by_keys_that_only_the_signer_has() {
        let (control, signer) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let socket = control.path().join("offices.sock");
        let start = || {
            let tasks = Tasks::new();
            let _ = std::fs::remove_file(&socket);
            serve_offices(&tasks, UnixListener::bind(&socket).unwrap(), OfficeFiles::new(signer.path()));
            tasks
        };
        let keys = KeyRing::create(control.path()).unwrap().with_offices(Arc::new(RemoteOffices::at(&socket)));
        let dsl = KeyHolder::Office(Role::new("dsl"));
        let away = keys.seal_to(std::slice::from_ref(&dsl), b"a child may be at risk").unwrap_err();
        assert!(matches!(away, KeyError::Signer { .. }), "{away}");

        let first = start();
        let blob = keys.seal_to(std::slice::from_ref(&dsl), b"a child may be at risk").unwrap();
        assert_eq!(keys.open_with(&dsl, &blob).unwrap().unwrap(), b"a child may be at risk");
        assert!(keys.open_with(&KeyHolder::Office(Role::new("headteacher")), &blob).unwrap().is_none());
        first.drain(PATIENCE).await;
        let _second = start();
        assert_eq!(keys.open_with_any(&blob).unwrap().unwrap(), b"a child may be at risk");

        assert!(signer.path().join("offices/dsl.age").exists());
        assert!(!KeyRing::dir_in(control.path()).join("offices").exists());
        let alone = KeyRing::open(control.path()).unwrap();
        let error = alone.open_with_any(&blob).unwrap_err();
        assert!(matches!(error, KeyError::NoOffices { .. }), "control's own folder opens nothing: {error}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_signer_cannot_do_is_said_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("offices.sock");
        let tasks = Tasks::new();
        serve_offices(&tasks, UnixListener::bind(&socket).unwrap(), OfficeFiles::new(folder.path()));
        let offices = RemoteOffices::at(&socket);
        let dsl = KeyHolder::Office(Role::new("dsl"));
        offices.public_key(&dsl).unwrap();
        std::fs::write(folder.path().join("offices/dsl.age"), b"damaged").unwrap();
        let error = offices.public_key(&dsl).unwrap_err();
        assert!(error.to_string().contains("does not hold a key of an office"), "{error}");
    }
}

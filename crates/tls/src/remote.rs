//! The signer as a process of its own: whoever wants a leaf asks over a socket, and the CA's key stays where it is.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use schoolgate_base::Host;
use schoolgate_runtime::frames::{read_frame, write_frame};
use schoolgate_runtime::{Tasks, answer_all};
use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::warn;

use crate::signer::{Listing, Refreshing, SignError, SignedLeaf, Signer, Signing, SigningRequest};

/// For one answer of the signer, its own queue included.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, Deserialize)]
enum Ask {
    Authority,
    Sign { host: Host, public_key: Vec<u8> },
    List { generation: u64 },
}

#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Authority { certificates: Vec<Vec<u8>>, own: Vec<Vec<u8>>, certificate: Vec<u8>, generation: u64 },
    List { list: Vec<u8> },
    Signed { certificate: Vec<u8>, issuer: Vec<u8>, generation: u64, not_after_us: i64 },
    Expired,
    Refused,
}

/// Answers whoever connects to `listener`, until the tasks are drained. Who may connect is said by the socket's file.
pub fn serve_signer(tasks: &Tasks, listener: UnixListener, signer: Arc<dyn Signer>) {
    answer_all(tasks, "signer", listener, move |message| {
        let signer = Arc::clone(&signer);
        async move {
            let ask = postcard::from_bytes(&message).map_err(io::Error::other)?;
            postcard::to_allocvec(&answered(signer.as_ref(), ask).await).map_err(io::Error::other)
        }
    });
}

async fn answered(signer: &dyn Signer, ask: Ask) -> Answer {
    match ask {
        Ask::Authority => {
            signer.refresh().await;
            Answer::Authority {
                certificates: signer.certificates().iter().map(|one| one.to_vec()).collect(),
                own: signer.own_certificates().iter().map(|one| one.to_vec()).collect(),
                certificate: signer.certificate().to_vec(),
                generation: signer.generation(),
            }
        }
        Ask::List { generation } => match signer.revocation_list(generation).await {
            Ok(list) => Answer::List { list },
            Err(SignError::AuthorityExpired) => Answer::Expired,
            Err(_) => Answer::Refused,
        },
        Ask::Sign { host, public_key } => match signer.sign(SigningRequest { host, public_key }).await {
            Ok(leaf) => Answer::Signed {
                certificate: leaf.certificate.to_vec(),
                issuer: leaf.issuer.to_vec(),
                generation: leaf.generation,
                not_after_us: leaf.not_after.as_microsecond(),
            },
            Err(SignError::AuthorityExpired) => Answer::Expired,
            Err(error) => {
                warn!(%error, "the signer refused");
                Answer::Refused
            }
        },
    }
}

/// Asks a signer over its socket, one question after the other; connects again when the signer was replaced.
pub struct RemoteSigner {
    socket: PathBuf,
    known: ArcSwap<Known>,
    connection: Mutex<Option<UnixStream>>,
}

/// What was last heard of the CAs.
struct Known {
    certificate: CertificateDer<'static>,
    all: Vec<CertificateDer<'static>>,
    own: Vec<CertificateDer<'static>>,
    generation: u64,
}

impl Known {
    /// `None` for an answer to another question.
    fn of(answer: Answer) -> Option<Self> {
        let Answer::Authority { certificates, own, certificate, generation } = answer else { return None };
        let [all, own] = [certificates, own].map(|all| all.into_iter().map(CertificateDer::from).collect());
        Some(Self { certificate: CertificateDer::from(certificate), all, own, generation })
    }
}

impl RemoteSigner {
    /// Learns whose CA it is; fails where nobody listens on `socket`.
    pub async fn connect(socket: &Path) -> io::Result<Self> {
        let mut stream = UnixStream::connect(socket).await?;
        let known = Known::of(ask(&mut stream, &Ask::Authority).await?).ok_or(io::ErrorKind::InvalidData)?;
        let known = ArcSwap::from_pointee(known);
        Ok(Self { socket: socket.to_owned(), known, connection: Mutex::new(Some(stream)) })
    }

    async fn sign_there(&self, request: SigningRequest) -> Result<SignedLeaf, SignError> {
        let question = Ask::Sign { host: request.host.clone(), public_key: request.public_key };
        match self.put(&question).await {
            Ok(Answer::Signed { certificate, issuer, generation, not_after_us }) => {
                let not_after = Timestamp::from_microsecond(not_after_us).map_err(|_| SignError::Unreachable)?;
                let issuer = CertificateDer::from(issuer);
                self.learn(&issuer, generation);
                Ok(SignedLeaf { certificate: CertificateDer::from(certificate), issuer, generation, not_after })
            }
            Ok(Answer::Expired) => Err(SignError::AuthorityExpired),
            Ok(Answer::Refused | Answer::Authority { .. } | Answer::List { .. }) => {
                Err(SignError::Refused { host: request.host })
            }
            Err(error) => {
                warn!(%error, "the signer does not answer");
                Err(SignError::Unreachable)
            }
        }
    }

    async fn list_there(&self, generation: u64) -> Result<Vec<u8>, SignError> {
        match self.put(&Ask::List { generation }).await {
            Ok(Answer::List { list }) => Ok(list),
            Ok(Answer::Expired) => Err(SignError::AuthorityExpired),
            Ok(Answer::Refused | Answer::Authority { .. } | Answer::Signed { .. }) => Err(SignError::UnknownAuthority),
            Err(_) => Err(SignError::Unreachable),
        }
    }

    /// The CA was changed over there: leaves of the one before are not handed out from now on.
    fn learn(&self, issuer: &CertificateDer<'static>, generation: u64) {
        let known = self.known.load();
        if known.generation == generation {
            return;
        }
        let (mut all, mut own) = (known.all.clone(), known.own.clone());
        for list in [&mut all, &mut own] {
            if !list.contains(issuer) {
                list.push(issuer.clone());
            }
        }
        self.known.store(Arc::new(Known { certificate: issuer.clone(), all, own, generation }));
    }

    async fn put(&self, question: &Ask) -> io::Result<Answer> {
        let mut connection = self.connection.lock().await;
        // A connection is put back only after a whole answer, so that no answer is taken for another's.
        let kept = connection.take();
        let was_kept = kept.is_some();
        let mut answer = self.asked(&mut connection, kept, question).await;
        if answer.is_err() && was_kept {
            // The signer was started anew since: what it had not answered, it has not signed for anybody.
            answer = self.asked(&mut connection, None, question).await;
        }
        answer
    }

    async fn asked(
        &self,
        place: &mut Option<UnixStream>,
        kept: Option<UnixStream>,
        question: &Ask,
    ) -> io::Result<Answer> {
        let mut stream = match kept {
            Some(stream) => stream,
            None => timeout(PATIENCE, UnixStream::connect(&self.socket)).await??,
        };
        let answer = ask(&mut stream, question).await?;
        *place = Some(stream);
        Ok(answer)
    }
}

async fn ask(stream: &mut UnixStream, question: &Ask) -> io::Result<Answer> {
    let message = postcard::to_allocvec(question).map_err(io::Error::other)?;
    let asking = async {
        write_frame(stream, &message).await?;
        read_frame(stream).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    };
    let answer: io::Result<Vec<u8>> = timeout(PATIENCE, asking).await?;
    postcard::from_bytes(&answer?).map_err(io::Error::other)
}

impl Signer for RemoteSigner {
    fn certificate(&self) -> CertificateDer<'static> {
        self.known.load().certificate.clone()
    }

    fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.known.load().all.clone()
    }

    fn own_certificates(&self) -> Vec<CertificateDer<'static>> {
        self.known.load().own.clone()
    }

    fn generation(&self) -> u64 {
        self.known.load().generation
    }

    fn sign(&self, request: SigningRequest) -> Signing<'_> {
        // The wait for its turn is part of what a client waits for.
        Box::pin(
            async move { timeout(PATIENCE, self.sign_there(request)).await.unwrap_or(Err(SignError::Unreachable)) },
        )
    }

    fn revocation_list(&self, generation: u64) -> Listing<'_> {
        Box::pin(self.list_there(generation))
    }

    fn refresh(&self) -> Refreshing<'_> {
        Box::pin(async move {
            if let Ok(Some(known)) = self.put(&Ask::Authority).await.map(Known::of) {
                self.known.store(Arc::new(known));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use schoolgate_runtime::Clock;

    use super::*;
    use crate::authority::Authority;
    use crate::{LeafFor, Leaves, Protocol};

    #[tokio::test]
    async fn leaves_are_signed_over_the_socket_also_by_a_signer_that_was_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("signer.sock");
        let start = || {
            let tasks = Tasks::new();
            let _ = std::fs::remove_file(&socket);
            let listener = UnixListener::bind(&socket).unwrap();
            let authority = Authority::load_or_make(folder.path(), "Riverside", Clock::system()).unwrap();
            serve_signer(&tasks, listener, Arc::new(authority));
            tasks
        };
        let first = start();
        let remote = Arc::new(RemoteSigner::connect(&socket).await.unwrap());
        let leaves = Leaves::new(Arc::clone(&remote) as Arc<dyn Signer>, Clock::system(), 16, 2).unwrap();
        let config = |host: &'static str| leaves.config_for(host);
        config("news.example").await.unwrap();
        first.drain(PATIENCE).await;
        assert!(config("other.example").await.is_err());
        assert!(config("news.example").await.is_ok(), "what was signed is kept");
        let _second = start();
        config("other.example").await.unwrap();
    }

    impl Leaves {
        async fn config_for(&self, host: &str) -> Result<Arc<rustls::ServerConfig>, crate::LeafError> {
            self.config(&host.parse().unwrap(), LeafFor::Verified, Protocol::Http2).await
        }
    }

    #[tokio::test]
    async fn whoever_asks_in_other_words_is_hung_up_on() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("signer.sock");
        let tasks = Tasks::new();
        let authority = Authority::load_or_make(folder.path(), "Riverside", Clock::system()).unwrap();
        serve_signer(&tasks, UnixListener::bind(&socket).unwrap(), Arc::new(authority));
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        write_frame(&mut stream, b"give me the key").await.unwrap();
        assert!(matches!(read_frame(&mut stream).await, Ok(None) | Err(_)));
    }
}

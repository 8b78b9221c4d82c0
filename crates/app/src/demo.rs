//! The demo: a made-up school on a playground web, in which anybody can be anyone.
//!
//! What it may do that a real school's service may not (one-click sign-in, inner names, a settable clock, a portal in
//! the clear) is done here and takes a [`DemoDir`], which only a directory marked at its creation gives.

mod print;
mod school;
mod seed;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schoolgate_base::{Capacity, HostName, HostNameError, IdError, SchoolId};
use schoolgate_control::AdoptError;
use schoolgate_keys::{KeyError, KeyRing};
use schoolgate_lists::{BuildError, Entry, IndexBuilder};
use schoolgate_portal::{Demo, DemoPerson};
use schoolgate_records::RecordsError;
use schoolgate_runtime::Clock;

use crate::data_dir::{DataDirError, DemoDir};
use crate::gateway::InnerWeb;
use crate::pem::pem;
use crate::playground::{Playground, PlaygroundError, Site};
use crate::product::{Doors, Plan, PortalTls, Product, RunError, StartError, listen, records};

/// The portal's name inside the demo.
const PORTAL_NAME: &str = "portal.demo.test";
const PORTAL_PORT: u16 = 8080;
const PROXY_PORT: u16 = 3128;

/// What one may ask of the demo.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    pub data: PathBuf,
    /// Forget what an earlier start left.
    pub fresh: bool,
    pub portal_only: bool,
    /// Any free ports instead of the usual ones.
    pub free_ports: bool,
    /// One line of JSON for a program instead of text for a person.
    pub json: bool,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("cannot make the demo's keys")]
    Keys {
        #[from]
        source: KeyError,
    },
    #[error("cannot write the demo school down")]
    Records {
        #[from]
        source: RecordsError,
    },
    #[error("cannot adopt the demo school's policy: {}", .0)]
    Policy(String),
    #[error("the demo school's data are wrong")]
    School { source: IdError },
    #[error("the demo school's people are wrong: {0}")]
    People(String),
    #[error("a name of the demo is wrong")]
    Name {
        #[from]
        source: HostNameError,
    },
    #[error("cannot build the demo's list of sites")]
    Lists {
        #[from]
        source: BuildError,
    },
    #[error("cannot start the playground web")]
    Playground {
        #[from]
        source: PlaygroundError,
    },
    #[error("cannot start")]
    Start {
        #[from]
        source: StartError,
    },
    #[error("did not stop cleanly")]
    Run {
        #[from]
        source: RunError,
    },
    #[error("cannot write to the terminal")]
    Print { source: std::io::Error },
}

impl From<AdoptError> for DemoError {
    fn from(error: AdoptError) -> Self {
        match error {
            AdoptError::Refused { pack, diagnostics } => {
                let plain = schoolgate_policy::Colour::Plain;
                Self::Policy(schoolgate_policy::render(&diagnostics, &pack, plain))
            }
            AdoptError::Control { source } => Self::Policy(source.to_string()),
        }
    }
}

/// Starts the demo, says how to try it, and runs it until somebody stops it.
pub async fn run(options: DemoOptions) -> Result<(), DemoError> {
    let json = options.json;
    let started = start(&options).await?;
    let text = if json { started.json() } else { started.text() };
    print::out(&text).map_err(|source| DemoError::Print { source })?;
    started.product.run(std::future::pending()).await?;
    if !json {
        print::out("Stopped. The next start finds everything as it is now; `--fresh` forgets it.\n")
            .map_err(|source| DemoError::Print { source })?;
    }
    Ok(())
}

/// A running demo and what one needs to try it.
pub struct Started {
    pub product: Product,
    pub people: Vec<(DemoPerson, String)>,
    pub data: PathBuf,
    /// The school's CA and the playground's root, PEM.
    pub ca_file: PathBuf,
    /// Hashes of both public keys, as Chromium's option takes them.
    pub ca_spki: String,
}

/// Starts the demo.
pub async fn start(options: &DemoOptions) -> Result<Started, DemoError> {
    let clock = Clock::settable();
    let dir = open(options, &clock).await?;
    let people = people(&dir).await?;
    let port = |usual: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, if options.free_ports { 0 } else { usual }));
    // The playground's tasks end with the program: nothing of theirs needs finishing.
    let playground = Playground::start(&schoolgate_runtime::Tasks::new()).await?;
    let plan = Plan {
        snapshot: dir.snapshot(),
        clock,
        portal: listen(port(PORTAL_PORT)).await?.0,
        portal_tls: PortalTls::Off,
        portal_name: HostName::parse(PORTAL_NAME)?,
        doors: if options.portal_only {
            Doors::None
        } else {
            Doors::Here { proxy: port(PROXY_PORT), inner_web: Some(inner_web(&playground)) }
        },
        signer: None,
        offices: None,
        lists: Some(lists()?),
        demo: Some(Demo { people: people.iter().map(|(person, _)| person.clone()).collect() }),
    };
    let product = Product::start(&dir, plan).await?;
    // The browser of the demo trusts the school, and the playground's root as any browser trusts the web's: a site that
    // is not inspected shows its own certificate.
    let ca_file = dir.path().join("schoolgate-ca.pem");
    let both = format!("{}{}", product.ca_pem, pem(playground.root()));
    std::fs::write(&ca_file, &both).map_err(|source| DataDirError::Write { path: ca_file.clone(), source })?;
    let ca_spki = print::spkis(&both);
    Ok(Started { product, people, data: dir.path().to_owned(), ca_file, ca_spki })
}

fn inner_web(playground: &Playground) -> InnerWeb {
    InnerWeb {
        names: Arc::new(playground.names()),
        addresses: playground.addresses().to_vec(),
        root: playground.root().clone(),
    }
}

async fn open(options: &DemoOptions, clock: &Clock) -> Result<DemoDir, DemoError> {
    match DemoDir::open(&options.data) {
        Ok(dir) if options.fresh => {
            let running = dir.run()?;
            dir.forget()?;
            drop(running);
        }
        Ok(dir) => return Ok(dir),
        Err(DataDirError::NoSchool { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    create(&options.data, clock).await
}

/// Makes the school beside its place and moves it there whole, so that a start that is interrupted leaves nothing
/// half made.
async fn create(path: &Path, clock: &Clock) -> Result<DemoDir, DemoError> {
    let id = SchoolId::new(school::ID).map_err(|source| DemoError::School { source })?;
    let beside = path.with_extension("new");
    if let Ok(left) = DemoDir::open(&beside) {
        left.forget()?;
    }
    let now = clock.now();
    let dir = DemoDir::create(&beside, id, school::NAME, now)?;
    KeyRing::create(dir.path())?;
    seed::write(&dir, now).await?;
    drop(dir);
    let moved = std::fs::rename(&beside, path);
    moved.map_err(|source| DataDirError::Write { path: path.to_owned(), source })?;
    Ok(DemoDir::open(path)?)
}

async fn people(dir: &DemoDir) -> Result<Vec<(DemoPerson, String)>, DemoError> {
    let (store, school, _) = records(dir).await?;
    let mut people = Vec::new();
    for part in &school::PARTS {
        let person = school.person_by_login(part.login).await?;
        let person = person.ok_or_else(|| DemoError::People(format!("{} is missing", part.login)))?;
        let capacity = person.capacities.first().copied().unwrap_or(Capacity::Staff);
        let name = person.name.to_string();
        people.push((DemoPerson { person: person.id, capacity, about: part.says.to_owned() }, name));
    }
    store.close().await?;
    Ok(people)
}

fn lists() -> Result<Vec<u8>, DemoError> {
    let mut builder = IndexBuilder::new();
    let list = builder.list("the playground's list")?;
    for (host, category) in Site::listed() {
        let category = builder.category(category)?;
        if let Ok(entry) = Entry::parse(host) {
            builder.add(entry, category, list)?;
        }
    }
    Ok(builder.build()?)
}

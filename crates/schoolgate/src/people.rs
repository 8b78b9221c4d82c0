//! Commands on a school's people, for the machine's administrator: what the portal cannot do before somebody can sign in.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use argon2::{Argon2, PasswordHasher};
use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schoolgate_app::data_dir::{DataDir, DataDirError, LiveDir};
use schoolgate_app::product::{StartError, records};
use schoolgate_base::Role;
use schoolgate_cases::{Tie, TieKind};
use schoolgate_control::{ControlError, groups_known, offices_known, reseal};
use schoolgate_directory::{Confirmation, Difference, DirectoryError, Register, RegisterSettings, apply, difference};
use schoolgate_policy::nearest;
use schoolgate_records::{Actor, Person, RecordsError, SchoolStore};
use schoolgate_runtime::Clock;

/// Fewest characters of a password (NCSC: length before rules about signs).
const PASSWORD_MIN: usize = 10;

#[derive(Debug, Subcommand)]
pub(crate) enum PeopleCommand {
    /// Compare a CSV file of people with the records, and with `--apply` make the changes.
    Import {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
        /// CSV with a header: mis_id, name, capacity, login, email, groups, classes, start, end.
        file: PathBuf,
        /// The school's time zone: days in the file begin at its midnight.
        #[arg(long, default_value = "Europe/London")]
        zone: String,
        /// Make the changes; without it they are only shown.
        #[arg(long)]
        apply: bool,
        /// Confirms that exactly so many people leave.
        #[arg(long)]
        leaving: Option<usize>,
        /// Leave rows out that cannot be used.
        #[arg(long)]
        without_problem_rows: bool,
    },
    /// Give somebody a new password, read as one line from standard input.
    Password {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
        login: String,
    },
    /// Give somebody an office that the policies name, from now on, or end it.
    Office {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
        login: String,
        /// Such as `headteacher` or `it-technician`.
        office: String,
        /// As a deputy.
        #[arg(long)]
        deputy: bool,
        /// They hold it no longer, as holder or deputy.
        #[arg(long, conflicts_with = "deputy")]
        end: bool,
    },
    /// Write down what ties two people, so that neither decides or hears about the other.
    Tie {
        /// Directory of the school.
        #[arg(long)]
        data: PathBuf,
        /// With `manages` the manager.
        login: String,
        other: String,
        #[arg(long, value_enum)]
        kind: Kind,
        /// It ties them no longer.
        #[arg(long)]
        end: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Family or household.
    Relative,
    /// The first manages the other.
    Manages,
}

impl From<Kind> for TieKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Relative => Self::Relative,
            Kind::Manages => Self::Manages,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum PeopleError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{0}` is no time zone; write one such as Europe/London")]
    Zone(String),
    #[error("nothing was changed")]
    Directory(#[from] DirectoryError),
    #[error("the records could not be read or written")]
    Records(#[from] RecordsError),
    #[error("nobody here signs in as `{0}`")]
    Nobody(String),
    #[error("{name} does not hold the office `{office}` now; an office is written as in school.toml")]
    NotHeld { name: Box<str>, office: String },
    #[error("the rules know no office `{office}`{}", nearest.as_ref().map(|near| format!(", did you mean `{near}`?")).unwrap_or_default())]
    NoSuchOffice { office: String, nearest: Option<String> },
    #[error("{0} cannot be tied to themselves")]
    TiedToThemselves(Box<str>),
    #[error("no such tie between {0} and {1} is written down")]
    NotTied(Box<str>, Box<str>),
    #[error(
        "reports could not be sealed to the offices of now; the change is kept, and the service seals them when it starts"
    )]
    Reseal(#[from] ControlError),
    #[error("what the rules know cannot be read")]
    Rules { source: ControlError },
    #[error("a password has at least {PASSWORD_MIN} characters")]
    Short,
    #[error("the password cannot be kept: {0}")]
    Hash(argon2::password_hash::Error),
    #[error("cannot read standard input or write to the terminal")]
    Terminal(#[from] io::Error),
}

/// `input` is where a password is read from.
pub(crate) async fn run(
    command: PeopleCommand,
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> Result<(), PeopleError> {
    let now = Clock::system().now();
    let actor = Actor::program("administrator");
    match command {
        PeopleCommand::Import { data, file, zone, apply: is_meant, leaving, without_problem_rows } => {
            let zone = TimeZone::get(&zone).map_err(|_| PeopleError::Zone(zone))?;
            let bytes = fs::read(&file).map_err(|source| PeopleError::Read { path: file, source })?;
            let register = Register::read(&bytes, &RegisterSettings { capacity: None, zone })?;
            let school = stopped(&data).await?;
            let known = groups_known(&school.store).await.map_err(|source| PeopleError::Rules { source })?;
            for unknown in register.unknown_groups(&known) {
                writeln!(out, "{unknown}")?;
            }
            if !is_meant {
                tell(&difference(&school.store, &register, now).await?, "would", out)?;
                writeln!(out, "Nothing has changed; `--apply` makes these changes.")?;
                return Ok(());
            }
            let confirmation = Confirmation { archive: leaving, without_problem_rows };
            tell(&apply(&school.store, &register, confirmation, actor, now).await?, "did", out)?;
        }
        PeopleCommand::Password { data, login } => {
            let mut line = String::new();
            input.read_line(&mut line)?;
            let password = line.trim_end_matches(['\r', '\n']);
            if password.chars().count() < PASSWORD_MIN {
                return Err(PeopleError::Short);
            }
            let hash = Argon2::default().hash_password(password.as_bytes()).map_err(PeopleError::Hash)?;
            let school = stopped(&data).await?;
            let person = person(&school.store, &login).await?;
            let mut write = school.store.begin(actor, now).await?;
            write.password_set(&person.id, &hash.to_string()).await?;
            write.session_end_all(&person.id).await?;
            write.commit().await?;
            writeln!(out, "{} has a new password; every session of theirs is ended.", person.name)?;
        }
        PeopleCommand::Office { data, login, office, deputy, end } => {
            let school = stopped(&data).await?;
            let person = person(&school.store, &login).await?;
            let role = Role::new(&office);
            if end {
                office_end(&school.store, &person, &role, now).await?;
                writeln!(out, "{} is {office} no longer.", person.name)?;
            } else {
                known(&school.store, &role).await?;
                let mut write = school.store.begin(actor, now).await?;
                write.role_assign(&role, &person.id, deputy, now, None).await?;
                write.commit().await?;
                writeln!(out, "{} is {}{office} from now on.", person.name, if deputy { "deputy " } else { "" })?;
            }
            reach(&school.store, now, out).await?;
        }
        PeopleCommand::Tie { data, login, other, kind, end } => {
            tie(&stopped(&data).await?.store, (&login, &other), kind, end, out).await?;
        }
    }
    Ok(())
}

/// An office that no rule knows would be held in vain.
async fn known(store: &SchoolStore, role: &Role) -> Result<(), PeopleError> {
    let offices = offices_known(store).await?;
    if offices.contains(role) {
        return Ok(());
    }
    let near = nearest(role.as_str(), offices.iter().map(Role::as_str)).map(str::to_owned);
    Err(PeopleError::NoSuchOffice { office: role.to_string(), nearest: near })
}

async fn office_end(store: &SchoolStore, person: &Person, role: &Role, now: Timestamp) -> Result<(), PeopleError> {
    let mut held = store.role_holders(role, now).await?;
    held.retain(|holding| holding.person == person.id);
    if held.is_empty() {
        return Err(PeopleError::NotHeld { name: person.name.clone(), office: role.to_string() });
    }
    let mut write = store.begin(Actor::program("administrator"), now).await?;
    for holding in held {
        write.role_end(&holding.id, now).await?;
    }
    Ok(write.commit().await?)
}

/// Writes down or ends what ties two people.
async fn tie(
    store: &SchoolStore,
    (login, other): (&str, &str),
    kind: Kind,
    is_end: bool,
    out: &mut impl Write,
) -> Result<(), PeopleError> {
    let now = Clock::system().now();
    let (one, other) = (person(store, login).await?, person(store, other).await?);
    if one.id == other.id {
        return Err(PeopleError::TiedToThemselves(one.name));
    }
    let tie = Tie { kind: kind.into(), from: one.id.clone(), to: other.id.clone() };
    if is_end {
        tie_end(store, &tie, (&one, &other), now).await?;
        writeln!(out, "Nothing of the kind ties {} and {} from now on.", one.name, other.name)?;
    } else {
        let mut write = store.begin(Actor::program("administrator"), now).await?;
        write.tie_declare(&tie).await?;
        write.commit().await?;
        writeln!(out, "Written down: {} and {} are tied.", one.name, other.name)?;
    }
    reach(store, now, out).await
}

/// Seals reports under way to whom they reach now; where the keys are with the signer, the service does it at its start.
async fn reach(store: &SchoolStore, now: Timestamp, out: &mut impl Write) -> Result<(), PeopleError> {
    match reseal(store, now).await {
        Err(error) if error.is_records_unavailable() => {
            writeln!(out, "Reports under way reach whom they have to when the service starts.")?;
            Ok(())
        }
        resealed => resealed.map(drop).map_err(PeopleError::from),
    }
}

/// Relatives are each other's, whoever was named first.
async fn tie_end(store: &SchoolStore, tie: &Tie, names: (&Person, &Person), now: Timestamp) -> Result<(), PeopleError> {
    let turned = Tie { kind: tie.kind, from: tie.to.clone(), to: tie.from.clone() };
    let is_it = |one: &Tie| one == tie || (tie.kind == TieKind::Relative && one == &turned);
    let mut declared = store.tie_list().await?;
    declared.retain(|one| is_it(&one.tie) && one.ended_at.is_none_or(|end| now < end));
    if declared.is_empty() {
        return Err(PeopleError::NotTied(names.0.name.clone(), names.1.name.clone()));
    }
    let mut write = store.begin(Actor::program("administrator"), now).await?;
    for one in declared {
        write.tie_end(&one.id).await?;
    }
    Ok(write.commit().await?)
}

/// The records of a school that nobody serves at the same time: a running one would not notice the change.
pub(crate) struct Stopped {
    pub(crate) store: SchoolStore,
    _running: schoolgate_app::data_dir::Running,
}

pub(crate) async fn stopped(data: &Path) -> Result<Stopped, PeopleError> {
    LiveDir::open(data)?;
    let dir = DataDir::open(data)?;
    let running = dir.run()?;
    let (_, store, _) = records(&dir).await?;
    Ok(Stopped { store, _running: running })
}

/// The records of a school to be read, whether it is served or not.
pub(crate) async fn looked_at(data: &Path) -> Result<SchoolStore, PeopleError> {
    LiveDir::open(data)?;
    let (_, store, _) = records(&DataDir::open(data)?).await?;
    Ok(store)
}

pub(crate) async fn person(store: &SchoolStore, login: &str) -> Result<Person, PeopleError> {
    store.person_by_login(login).await?.ok_or_else(|| PeopleError::Nobody(login.to_owned()))
}

fn tell(difference: &Difference, verb: &str, out: &mut impl Write) -> io::Result<()> {
    let (came, left) = if verb == "did" { ("is new", "leaves") } else { ("would be new", "would leave") };
    for problem in &difference.problems {
        writeln!(out, "line {}: {}", problem.line, problem.kind)?;
    }
    for person in &difference.added {
        writeln!(out, "{} {came}", person.name)?;
    }
    for changed in &difference.changed {
        for field in &changed.fields {
            writeln!(out, "{}: {} “{}” becomes “{}”", changed.after.name, field.field, field.before, field.after)?;
        }
    }
    for archived in &difference.archived {
        writeln!(out, "{} {left}", archived.name)?;
    }
    writeln!(
        out,
        "{} new, {} changed, {} leaving of {}, {} as they are, {} rows that cannot be used",
        difference.added.len(),
        difference.changed.len(),
        difference.archived.len(),
        difference.in_scope,
        difference.unchanged,
        difference.problems.len()
    )
}

#[cfg(test)]
mod tests {
    use schoolgate_app::serve::init;
    use schoolgate_base::SchoolId;

    use super::*;

    const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/hampshire-staff");

    async fn said(command: PeopleCommand, input: &str) -> Result<String, PeopleError> {
        let mut out = Vec::new();
        run(command, &mut input.as_bytes(), &mut out).await?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn the_first_people_of_a_school_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("school");
        let pack = crate::pack::read(Path::new(PACK)).unwrap();
        init(&data, SchoolId::new("riverside").unwrap(), "Riverside", pack).await.unwrap();
        let file = folder.path().join("people.csv");
        let rows = "mis_id,name,capacity,login\nm1,Zo\u{eb} Quill,staff,zoe\nm2,Ben Ash,staff,ben\n";
        let windows: Vec<u8> = rows.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
        fs::write(&file, windows).unwrap();
        let import = |apply| PeopleCommand::Import {
            data: data.clone(),
            file: file.clone(),
            zone: "Europe/London".to_owned(),
            apply,
            leaving: None,
            without_problem_rows: false,
        };
        assert!(said(import(false), "").await.unwrap().contains("Zo\u{eb} Quill would be new"));
        assert!(said(import(true), "").await.unwrap().contains("2 new"));
        fs::write(&file, "mis_id,name,capacity,login\nm1,Zoe Quill,staff,zoe\n").unwrap();
        let brake = said(import(true), "").await.unwrap_err();
        assert!(matches!(brake, PeopleError::Directory(DirectoryError::Brake { leaving: 1, of: 2 })), "{brake:?}");
        let password = |login: &str| PeopleCommand::Password { data: data.clone(), login: login.to_owned() };
        assert!(matches!(said(password("zoe"), "short\n").await, Err(PeopleError::Short)));
        assert!(matches!(said(password("nobody"), "long enough it is\n").await, Err(PeopleError::Nobody(_))));
        said(password("zoe"), "long enough it is\n").await.unwrap();
        let office = PeopleCommand::Office {
            data: data.clone(),
            login: "zoe".to_owned(),
            office: "headteacher".to_owned(),
            deputy: false,
            end: false,
        };
        said(office, "").await.unwrap();
        let school = stopped(&data).await.unwrap();
        let zoe = person(&school.store, "zoe").await.unwrap();
        assert!(school.store.password_get(&zoe.id).await.unwrap().unwrap().starts_with("$argon2id$"));
        let heads = school.store.role_holders(&Role::new("headteacher"), Clock::system().now()).await.unwrap();
        assert_eq!(heads.first().map(|one| &one.person), Some(&zoe.id));
    }

    #[tokio::test]
    async fn offices_and_ties_begin_and_end() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("school");
        let pack = crate::pack::read(Path::new(PACK)).unwrap();
        init(&data, SchoolId::new("riverside").unwrap(), "Riverside", pack).await.unwrap();
        let file = folder.path().join("people.csv");
        fs::write(&file, "mis_id,name,capacity,login\nm1,Zoe Quill,staff,zoe\nm2,Ben Ash,staff,ben\n").unwrap();
        let (zone, without_problem_rows) = ("Europe/London".to_owned(), false);
        let import =
            PeopleCommand::Import { data: data.clone(), file, zone, apply: true, leaving: None, without_problem_rows };
        said(import, "").await.unwrap();
        let office = |end| PeopleCommand::Office {
            data: data.clone(),
            login: "zoe".to_owned(),
            office: "headteacher".to_owned(),
            deputy: false,
            end,
        };
        let tie = |login: &str, other: &str, end| PeopleCommand::Tie {
            data: data.clone(),
            login: login.to_owned(),
            other: other.to_owned(),
            kind: Kind::Relative,
            end,
        };
        assert!(matches!(said(office(true), "").await, Err(PeopleError::NotHeld { .. })));
        let unknown = PeopleCommand::Office {
            data: data.clone(),
            login: "zoe".to_owned(),
            office: "headteaher".to_owned(),
            deputy: false,
            end: false,
        };
        let error = said(unknown, "").await.unwrap_err().to_string();
        assert!(error.contains("did you mean `headteacher`"), "{error}");
        assert!(matches!(said(tie("zoe", "zoe", false), "").await, Err(PeopleError::TiedToThemselves(_))));
        assert!(matches!(said(tie("zoe", "ben", true), "").await, Err(PeopleError::NotTied(..))));
        let offices = async || {
            let school = stopped(&data).await.unwrap();
            let offices = school.store.offices(Clock::system().now()).await.unwrap();
            (offices.of_role(&Role::new("headteacher")).len(), offices.ties.len())
        };
        said(office(false), "").await.unwrap();
        said(tie("zoe", "ben", false), "").await.unwrap();
        assert_eq!(offices().await, (1, 1));
        assert!(said(office(true), "").await.unwrap().contains("no longer"));
        said(tie("ben", "zoe", true), "").await.unwrap();
        assert_eq!(offices().await, (0, 0));
    }
}

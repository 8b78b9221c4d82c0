//! What the checker has to say: a stable code, the place, what, why, and what to write instead.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use crate::pack::{FileId, Pack};

/// Bytes of one file of the pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub file: FileId,
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        Self { file, start: range.start, end: range.end.max(range.start) }
    }

    /// The part of this span at `range`, counted from its start.
    pub fn part(self, range: Range<usize>) -> Self {
        let clamp = |offset: usize| (self.start + offset).min(self.end);
        Self::new(self.file, clamp(range.start)..clamp(range.end))
    }
}

/// How bad it is. A pack with an error is refused; the version before stays in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $severity:ident;)+) => {
        /// The patterns the checker names. The text of a code is stable: people look it up and silence nothing by it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// The page of the manual about this code, as prose.
            pub fn manual(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

codes! {
    /// The TOML of a file or control block cannot be read at this place.
    TomlSyntax = "toml-syntax", Error;
    /// The pack is larger than any policy; it was not read.
    PackTooLarge = "pack-too-large", Error;
    /// The pack has no `school.toml`, so no group, period or category is known.
    MissingSchoolFile = "missing-school-file", Error;
    /// The pack holds no policy document.
    MissingDocument = "missing-document", Error;
    /// The pack says that it extends another one, and the documents of that one are not in it.
    BaseMissing = "base-missing", Error;
    /// A policy extends itself, directly or by way of others.
    ExtendsCycle = "extends-cycle", Error;
    /// A policy extends one that no document of the pack is.
    UnknownPolicy = "unknown-policy", Error;
    /// A locked clause of another policy would be weakened: replaced, gone over, lifted, or given a looser twin.
    LockedWeakened = "locked-weakened", Error;
    /// An earlier id of a clause is still in use, or two clauses claim it.
    EarlierIdTaken = "earlier-id-taken", Error;
    /// A policy document does not begin with a `+++` block that says which policy it is.
    MissingFrontMatter = "missing-front-matter", Error;
    /// The `+++` block at the head of a document is never closed.
    UnclosedFrontMatter = "unclosed-front-matter", Error;
    /// A control block is never closed; everything after it would be read as TOML.
    UnclosedControl = "unclosed-control", Error;
    /// The days of the calendar do not go together: terms overlap, or a holiday lies in no term.
    OddCalendar = "odd-calendar", Warning;
    /// Two clauses of one document have the same number, so people cannot say which one they mean.
    DuplicateNumber = "duplicate-number", Warning;
    /// A key that does nothing in this rule, because of what else the rule says.
    IdleKey = "idle-key", Warning;
    /// A key that the language does not know at this place.
    UnknownKey = "unknown-key", Error;
    /// A key that must be there is missing.
    MissingKey = "missing-key", Error;
    /// A value has another type than the key wants.
    WrongType = "wrong-type", Error;
    /// A word that is not one of the words allowed here.
    UnknownWord = "unknown-word", Error;
    /// Two things of one kind have the same name, so neither can be referred to.
    DuplicateName = "duplicate-name", Error;
    /// Two clauses of one document have the same id.
    DuplicateClause = "duplicate-clause", Error;
    /// Two controls of one kind in one clause have the same name, so evidence could not tell them apart.
    DuplicateControl = "duplicate-control", Error;
    /// A clause id holds other characters than lower-case letters, digits and dashes.
    BadClauseId = "bad-clause-id", Error;
    /// A name or id holds characters that names cannot have.
    BadName = "bad-name", Error;
    /// Illegal content would be unlocked, or what is private looked into: no setting does that.
    FloorLowered = "floor-lowered", Error;
    /// A clause of the rules in force has no successor of its id, so no page shows what is known of it any more.
    ClauseGone = "clause-gone", Warning;
    /// A line begins like a numbered clause but has no `{#id}`, so nothing can be bound to it.
    ClauseWithoutId = "clause-without-id", Warning;
    /// A control block stands before the first clause, or after a heading, so no clause carries it.
    ControlOutsideClause = "control-outside-clause", Error;
    /// A control block holds no control.
    EmptyControl = "empty-control", Warning;
    /// A kind of control that the language does not have.
    UnknownKind = "unknown-kind", Error;
    /// A kind of control that the language has and this release has no pages for yet.
    KindNotKept = "kind-not-kept", Note;
    /// Neither a door of ours nor a keeper that is named carries out a control.
    NotKeptHere = "not-kept-here", Warning;
    /// What somebody stated about a keeper was stated too long ago.
    StatementLapsed = "statement-lapsed", Warning;
    /// A rule about passwords that is weak by today's standard.
    WeakPasswordRule = "weak-password-rule", Warning;
    /// Passwords that must change because time has passed.
    RenewedPasswords = "renewed-passwords", Note;
    /// Something a control says that this release reads, explains and does not carry out yet.
    PartNotKept = "part-not-kept", Note;
    /// A rule names a group or capacity that `school.toml` does not declare.
    UnknownGroup = "unknown-group", Error;
    /// A control names a role that `school.toml` does not declare.
    UnknownRole = "unknown-role", Error;
    /// A rule names a category or class that `school.toml` does not declare.
    UnknownCategory = "unknown-category", Error;
    /// A rule or length of time names a period that `school.toml` does not declare.
    UnknownPeriod = "unknown-period", Error;
    /// A rule names a place that `school.toml` does not declare.
    UnknownPlace = "unknown-place", Error;
    /// A rule names a class of devices that `school.toml` does not declare.
    UnknownDeviceClass = "unknown-device-class", Error;
    /// A clause is said to be kept by a system that `school.toml` does not declare.
    UnknownKeeper = "unknown-keeper", Error;
    /// A rule names content that `school.toml` does not declare.
    UnknownContent = "unknown-content", Error;
    /// A rule names a place for files that `school.toml` does not declare.
    UnknownStore = "unknown-store", Error;
    /// A rule names a system that `school.toml` does not declare.
    UnknownSystem = "unknown-system", Error;
    /// A rule names a channel that `school.toml` does not declare.
    UnknownChannel = "unknown-channel", Error;
    /// A reference to a clause that no document of the pack has.
    UnknownClause = "unknown-clause", Error;
    /// A kind of day that the calendar never produces.
    UnknownDayKind = "unknown-day-kind", Error;
    /// A length of time is not written as the language writes it.
    BadLength = "bad-length", Error;
    /// A date is not written as `2026-11-24`.
    BadDate = "bad-date", Error;
    /// The age of a group is not written as `under 18`, `18 and over`, `over 18` or `11 to 16`.
    BadAge = "bad-age", Error;
    /// Somebody of an age in between is in none of the groups that share a parent, or in two of them.
    AgeGap = "age-gap", Warning;
    /// A time or span of times is not written as `09:00-15:15`.
    BadSpan = "bad-span", Error;
    /// A time zone that the tz database does not have.
    UnknownZone = "unknown-zone", Error;
    /// A network is not written as an address with a prefix length.
    BadNetwork = "bad-network", Error;
    /// A site is not written as a host name or an address with a path.
    BadSite = "bad-site", Error;
    /// A group is within itself, directly or by way of others.
    GroupCycle = "group-cycle", Error;
    /// A class of categories is a member of itself, directly or by way of others.
    ClassCycle = "class-cycle", Error;
    /// A rule says no verdict and no condition.
    RuleSaysNothing = "rule-says-nothing", Error;
    /// A rule can never fire: no minute, person or target fits all its conditions.
    UnreachableRule = "unreachable-rule", Error;
    /// A rule never has a say, because others that are stronger cover all of it.
    ShadowedRule = "shadowed-rule", Warning;
    /// Two rules of the same audience and target say different things at the same time.
    DisagreeingRules = "disagreeing-rules", Error;
    /// Two rules meet in people whose groups do not include each other, and nothing says which goes first.
    CrossingRules = "crossing-rules", Error;
    /// A rule has an exception, or a request lifts it, where another rule as strict makes none.
    VoidException = "void-exception", Warning;
    /// `over` names a clause whose rules this rule never meets.
    OverNothing = "over-nothing", Warning;
    /// The rules of the pack meet in more ways than the checker goes through, so nothing is known of how they go together.
    TooManyRules = "too-many-rules", Error;
    /// Two clauses each claim to go over the other.
    OverCycle = "over-cycle", Error;
    /// Nobody can decide a request.
    UndecidableRequest = "undecidable-request", Error;
    /// In some hours of the week nobody who may decide a request is on duty.
    UndecidedHours = "undecided-hours", Warning;
    /// The person who asks could be the only one to decide.
    SelfDecidedRequest = "self-decided-request", Warning;
    /// A report can reach a person it is about.
    ReportReachesSubject = "report-reaches-subject", Error;
    /// A report can reach nobody.
    ReportReachesNobody = "report-reaches-nobody", Error;
    /// With one person away, a report reaches nobody.
    ReportHangsOnOne = "report-hangs-on-one", Warning;
    /// An office that a control needs is held by nobody.
    VacantRole = "vacant-role", Warning;
    /// Something is looked after by nobody: no office or group is named that does it.
    NamesNobody = "names-nobody", Error;
    /// A duty that can never fall due.
    DutyNeverDue = "duty-never-due", Error;
    /// A duty hangs on an event that `school.toml` does not name.
    UnknownEvent = "unknown-event", Error;
    /// What is private would be opened without a person, a ground, a reason and an end, or by the office of the asker alone.
    AccessFloor = "access-floor", Error;
    /// Authorised access is decided without the chair of governors, whom nobody in the school's line stands over.
    AccessWeakerThanChair = "access-weaker-than-chair", Note;
    /// Something an approval does that people carry out by hand in this release.
    EffectNotKept = "effect-not-kept", Note;
    /// Something of an agreement that people see to by hand in this release.
    AgreementNotKept = "agreement-not-kept", Note;
    /// The same people report the same thing under two clauses, to different offices.
    ReportsDisagree = "reports-disagree", Warning;
    /// The same people agree to one policy in two ways, or at different times.
    SignsDisagree = "signs-disagree", Warning;
    /// One clause has something erased that another keeps longer.
    KeepAndErase = "keep-and-erase", Warning;
    /// A text names a law, a guidance or a body that has been replaced.
    LawReplaced = "law-replaced", Warning;
    /// A clause forbids criticism, or bringing the school into disrepute, and does not say that complaints, union
    /// matters and speaking up stay free.
    SilencesConcerns = "silences-concerns", Warning;
    /// The clauses are harder to read than the head of the policy promises with `reading_age`.
    HardToRead = "hard-to-read", Warning;
    /// A rule or request names nobody whom it binds, in a policy that is for some people only.
    WiderThanPolicy = "wider-than-policy", Note;
    /// No control makes the clause true.
    ClauseWithoutControl = "clause-without-control", Note;
    /// The policy's date of review has passed.
    ReviewPassed = "review-passed", Warning;
    /// A policy is agreed to, and neither its `audience` nor the agreement's `who` says by whom.
    SignWithoutAudience = "sign-without-audience", Error;
    /// A line of a scenario is not understood.
    ScenarioSyntax = "scenario-syntax", Error;
    /// A scenario has no `when` or no `then`.
    ScenarioIncomplete = "scenario-incomplete", Error;
    /// A scenario names a person, site or thing that its world does not have.
    ScenarioWorld = "scenario-world", Error;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A second place that belongs to a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    pub span: Span,
    /// What is wrong, in one line, naming the thing.
    pub message: String,
    /// What stands at the place, in a few words.
    pub label: Option<String>,
    /// Why it matters.
    pub why: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
    pub others: Vec<Label>,
}

impl Diagnostic {
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            span,
            message: message.into(),
            label: None,
            why: None,
            help: None,
            others: Vec::new(),
        }
    }

    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = Some(text.into());
        self
    }

    #[must_use]
    pub fn why(mut self, text: impl Into<String>) -> Self {
        self.why = Some(text.into());
        self
    }

    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    #[must_use]
    pub fn other(mut self, span: Span, text: impl Into<String>) -> Self {
        self.others.push(Label { span, text: text.into() });
        self
    }
}

/// A finding with its places resolved to paths, lines and columns: what pages, editors and `--json` show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub code: Code,
    pub severity: Severity,
    #[serde(flatten)]
    pub place: Location,
    pub message: String,
    pub label: Option<String>,
    pub why: Option<String>,
    pub help: Option<String>,
    pub others: Vec<OtherPlace>,
    /// The page of the manual.
    pub manual: &'static str,
}

/// A second place of a [`Finding`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherPlace {
    #[serde(flatten)]
    pub place: Location,
    pub text: String,
}

/// Where something is: bytes from the start of the file, and lines and columns (in characters) from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Location {
    pub file: String,
    pub start: usize,
    pub end: usize,
    pub line: usize,
    pub column: usize,
}

impl Location {
    pub fn of(span: Span, pack: &Pack) -> Self {
        let text = pack.text(span.file);
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: pack.path(span.file).to_owned(),
            start: span.start,
            end: span.end,
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or("").chars().count() + 1,
        }
    }
}

impl Diagnostic {
    pub fn finding(&self, pack: &Pack) -> Finding {
        Finding {
            code: self.code,
            severity: self.severity,
            place: Location::of(self.span, pack),
            message: self.message.clone(),
            label: self.label.clone(),
            why: self.why.clone(),
            help: self.help.clone(),
            others: self
                .others
                .iter()
                .map(|other| OtherPlace { place: Location::of(other.span, pack), text: other.text.clone() })
                .collect(),
            manual: self.code.manual(),
        }
    }
}

/// Whether any finding forbids the pack to come into force.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

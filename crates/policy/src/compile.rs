//! From the tree to what doors and the case engine run.
//!
//! Names are looked up here, so every unknown name is found on the way. What cannot be compiled is left out; the
//! result is only published when no finding is an error.

mod cases;
pub(crate) mod things;

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::{Capacity, ClauseId, ControlId, ControlKind, DeviceClass, Group, PolicyId, Role, Within};
use schoolgate_cases::{Agreement, Definition, DutyDefinition, RegisterDefinition};
use schoolgate_decide::Scope;
use schoolgate_decide::snapshot::{Audience, CategoryMarks, ClauseText, OpenTarget, Program, Target};
use serde::{Deserialize, Serialize};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::kinds::remind::Moment;
use crate::kinds::{self, Body};
use crate::parse::Parsed;
use crate::school::{self, School};
use crate::show::plain_text;
use crate::syntax::reader::Findings;
use crate::syntax::{Clause, Control, Document, Word};

/// What a pack compiles to.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    pub school: School,
    pub program: Program,
    /// Requests and reports.
    pub definitions: Vec<Definition>,
    pub registers: Vec<RegisterDefinition>,
    pub duties: Vec<DutyDefinition>,
    pub agreements: Vec<Agreement>,
    pub reminders: Vec<Reminder>,
    pub policies: Vec<PolicyHead>,
    /// Whom a clause binds, where that is narrower than its policy's audience.
    pub binds: BTreeMap<ClauseId, Vec<Group>>,
    /// Where each rule of the program was written.
    pub(crate) origins: Vec<Origin>,
    /// Where each rule about things was written.
    pub(crate) thing_spans: Vec<Span>,
    pub(crate) password_spans: Vec<Span>,
    /// Where each definition was written.
    pub(crate) definition_spans: Vec<Span>,
    pub(crate) register_spans: Vec<Span>,
    pub(crate) duty_spans: Vec<Span>,
    pub(crate) agreement_spans: Vec<Span>,
}

/// Where a rule was written: its control, and its target there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) control: Span,
    pub(crate) target: Span,
}

/// Which policies there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyHead {
    pub id: PolicyId,
    pub title: Box<str>,
    pub version: Box<str>,
    pub owner: Option<Role>,
    #[serde(default)]
    pub author: Option<Role>,
    /// Roles that answer for it beside its owner.
    #[serde(default)]
    pub responsible: Vec<Role>,
    #[serde(default)]
    pub adopted_by: Vec<Role>,
    /// Titles of documents that belong to it.
    #[serde(default)]
    pub related: Vec<Box<str>>,
    /// Earlier versions, each with the day from which it was in force.
    #[serde(default)]
    pub history: Vec<(jiff::civil::Date, Box<str>)>,
    #[serde(default)]
    pub consulted: Vec<(jiff::civil::Date, Box<str>)>,
    #[serde(default)]
    pub adopted: Option<jiff::civil::Date>,
    #[serde(default)]
    pub published: Option<jiff::civil::Date>,
    /// Path of its document in the pack.
    pub file: Box<str>,
    /// The last day before a review is due.
    pub review_by: Option<jiff::civil::Date>,
}

/// A clause shown at a moment: a compiled `remind` control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    pub control: ControlId,
    pub at: Moment,
    /// Empty is everybody.
    pub audience: Vec<Group>,
    pub text: Box<str>,
}

/// Compiles a tree. Findings are added to `findings`; the result holds all that could be compiled.
pub(crate) fn compile(parsed: &Parsed, paths: &dyn Fn(&Document) -> String, findings: &mut Findings) -> Compiled {
    let school = &parsed.school;
    let program = Program {
        periods: school.periods.clone(),
        places: school.places.clone(),
        groups: school
            .groups
            .iter()
            .filter_map(|(group, entry)| Some((group.clone(), entry.within.clone()?)))
            .collect(),
        classes: school
            .classes
            .iter()
            .map(|(name, entry)| (name.clone(), entry.categories.iter().cloned().collect()))
            .collect(),
        list_categories: list_categories(school),
        marks: marks(school),
        help: school.help.clone(),
        always_open: always_open(school),
        restricted: restricted(school),
        defaults: school.defaults.clone(),
        ..Program::new(school.calendar.clone())
    };
    let mut compiler = Compiler {
        parsed,
        findings,
        clauses: clauses(parsed),
        register_kinds: register_kinds(parsed),
        compiled: Compiled {
            school: school.clone(),
            program,
            definitions: Vec::new(),
            registers: Vec::new(),
            duties: Vec::new(),
            agreements: Vec::new(),
            reminders: Vec::new(),
            policies: Vec::new(),
            binds: BTreeMap::new(),
            origins: Vec::new(),
            thing_spans: Vec::new(),
            password_spans: Vec::new(),
            definition_spans: Vec::new(),
            register_spans: Vec::new(),
            duty_spans: Vec::new(),
            agreement_spans: Vec::new(),
        },
    };
    for document in &parsed.documents {
        compiler.document(document, paths(document));
    }
    compiler.compiled
}

fn clauses(parsed: &Parsed) -> BTreeMap<(&str, &str), &Clause> {
    let mut found = BTreeMap::new();
    for document in &parsed.documents {
        for clause in &document.clauses {
            found.entry((document.front.policy.text.as_str(), clause.id.text.as_str())).or_insert(clause);
        }
    }
    found
}

fn register_kinds(parsed: &Parsed) -> BTreeSet<&str> {
    let controls = parsed.documents.iter().flat_map(|document| &document.clauses).flat_map(|clause| &clause.controls);
    let kinds = controls.filter_map(|control| match &control.body {
        Body::Register(register) => Some(register.kind.text.as_str()),
        _ => None,
    });
    kinds.collect()
}

fn marks(school: &School) -> CategoryMarks {
    let named = |is: fn(&school::CategoryEntry) -> bool| -> Vec<Box<str>> {
        school.categories.iter().filter(|(_, entry)| is(entry)).map(|(name, _)| name.clone()).collect()
    };
    CategoryMarks {
        locked: named(|entry| entry.is_locked),
        never_granted: named(|entry| entry.is_never_granted),
        never_inspect: named(|entry| entry.is_never_inspected),
    }
}

fn always_open(school: &School) -> Vec<OpenTarget> {
    let portal = school.portal.iter().map(|host| OpenTarget {
        host: host.clone(),
        path: None,
        why: "the school's portal".into(),
    });
    portal.chain(school.always_open.iter().cloned()).collect()
}

fn restricted(school: &School) -> BTreeSet<Box<str>> {
    school.systems.iter().filter(|(_, system)| system.is_restricted).map(|(name, _)| name.clone()).collect()
}

fn list_categories(school: &School) -> BTreeMap<Box<str>, Box<str>> {
    let mut names = BTreeMap::new();
    for (category, entry) in &school.categories {
        names.extend(entry.lists.iter().map(|list| (list.clone(), category.clone())));
    }
    names
}

pub(crate) struct Compiler<'a, 'f> {
    pub(crate) parsed: &'a Parsed,
    pub(crate) findings: &'f mut Findings,
    pub(crate) compiled: Compiled,
    /// By the id of the policy and of the clause; of two with one id the first.
    clauses: BTreeMap<(&'a str, &'a str), &'a Clause>,
    register_kinds: BTreeSet<&'a str>,
}

/// The clause and document that a control belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Home<'a> {
    pub(crate) document: &'a Document,
    pub(crate) clause: &'a Clause,
}

impl<'a> Compiler<'a, '_> {
    fn document(&mut self, document: &Document, file: String) {
        let front = &document.front;
        let Ok(policy) = PolicyId::new(&front.policy.text) else { return };
        let owner = front.owner.as_ref().and_then(|owner| self.role(owner));
        let author = front.author.as_ref().and_then(|author| self.role(author));
        self.keepers(&front.kept_by);
        let review_by = review_by(document);
        let head = PolicyHead {
            id: policy.clone(),
            title: front.title.text.as_str().into(),
            version: front.version.text.as_str().into(),
            owner,
            author,
            responsible: self.roles(&front.responsible),
            adopted_by: self.roles(&front.adopted_by),
            related: front.related.iter().map(|word| word.text.as_str().into()).collect(),
            history: front.history.iter().map(|past| (past.date.value, past.version.text.as_str().into())).collect(),
            consulted: front.consulted.iter().map(|asked| (asked.on.value, asked.who.text.as_str().into())).collect(),
            adopted: front.adopted.as_ref().map(|adopted| adopted.value),
            published: front.published.as_ref().map(|published| published.value),
            file: file.into(),
            review_by,
        };
        self.compiled.policies.push(head);
        let audience = self.groups(&front.audience);
        if let Some(sign) = &front.sign {
            let clause = ClauseId { policy: policy.clone(), clause: "policy".into() };
            let control = ControlId { clause, kind: ControlKind::Sign, name: None };
            self.sign(sign, control, document, &audience);
        }
        for clause in &document.clauses {
            self.clause(&policy, Home { document, clause }, &audience);
        }
    }

    fn clause(&mut self, policy: &PolicyId, home: Home<'_>, audience: &[Group]) {
        let clause = home.clause;
        let id = ClauseId { policy: policy.clone(), clause: clause.id.text.as_str().into() };
        self.compiled.program.clauses.insert(
            id.to_string(),
            ClauseText {
                id: id.clone(),
                number: clause.number.as_str().into(),
                policy_title: home.document.front.title.text.as_str().into(),
                text: plain_text(&clause.text).into(),
            },
        );
        self.keepers(&clause.notes.kept_by);
        let binds = self.groups(&clause.notes.binds);
        if !binds.is_empty() {
            self.compiled.binds.insert(id.clone(), binds);
        }
        for control in &clause.controls {
            self.keepers(&control.kept_by);
            let name = control.name.as_ref().map(|name| name.text.as_str().into());
            let control_id = ControlId { clause: id.clone(), kind: control.kind, name };
            match &control.body {
                Body::Web(web) => self.web(web, &control_id, home),
                Body::Thing(thing) => self.thing(thing, control_id, home),
                Body::Request(request) => self.request(request, control_id, home),
                Body::Report(report) => self.report(report, control_id, home),
                Body::Sign(sign) => self.sign(sign, control_id, home.document, audience),
                Body::Remind(remind) => self.remind(remind, control_id, home),
                Body::Register(register) => self.register(register, control_id, home),
                Body::Duty(duty) => self.duty(duty, control_id, home),
            }
        }
    }

    fn keepers(&mut self, words: &[Word]) {
        let school = &self.parsed.school;
        for word in words {
            let is_role = school.roles.contains_key(&Role::new(&word.text));
            if !is_role && !school.keepers.contains_key(word.text.as_str()) {
                let names = school.keepers.keys().map(|name| &**name).chain(school.roles.keys().map(Role::as_str));
                school::unknown(Code::UnknownKeeper, "keeper", word, names, self.findings);
            }
        }
    }

    pub(crate) fn groups(&mut self, words: &[Word]) -> Vec<Group> {
        words.iter().filter_map(|word| self.group(word)).collect()
    }

    pub(crate) fn group(&mut self, word: &Word) -> Option<Group> {
        let school = &self.parsed.school;
        let group = Group::new(&word.text);
        if school.groups.contains_key(&group) {
            return Some(group);
        }
        school::unknown(Code::UnknownGroup, "group", word, school.groups.keys().map(Group::as_str), self.findings);
        None
    }

    pub(crate) fn roles(&mut self, words: &[Word]) -> Vec<Role> {
        words.iter().filter_map(|word| self.role(word)).collect()
    }

    pub(crate) fn role(&mut self, word: &Word) -> Option<Role> {
        let school = &self.parsed.school;
        let role = Role::new(&word.text);
        if school.roles.contains_key(&role) {
            return Some(role);
        }
        school::unknown(Code::UnknownRole, "role", word, school.roles.keys().map(Role::as_str), self.findings);
        None
    }

    pub(crate) fn device_classes(&mut self, words: &[Word]) -> Vec<DeviceClass> {
        let school = &self.parsed.school;
        let mut found = Vec::new();
        for word in words {
            let class = DeviceClass::new(&word.text);
            if school.device_classes.contains_key(&class) {
                found.push(class);
            } else {
                let names = school.device_classes.keys().map(DeviceClass::as_str);
                school::unknown(Code::UnknownDeviceClass, "class of devices", word, names, self.findings);
            }
        }
        found
    }

    pub(crate) fn places(&mut self, words: &[Word]) -> Vec<Box<str>> {
        let school = &self.parsed.school;
        let mut found: Vec<Box<str>> = Vec::new();
        for word in words {
            if school.places.iter().any(|place| *place.name == *word.text) {
                found.push(word.text.as_str().into());
            } else {
                let names = school.places.iter().map(|place| &*place.name);
                school::unknown(Code::UnknownPlace, "place", word, names, self.findings);
            }
        }
        found
    }

    /// The period these words name: one of the school's, or their union under a name of its own.
    pub(crate) fn period(&mut self, words: &[Word]) -> Option<Box<str>> {
        let school = &self.parsed.school;
        let mut spans = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for word in words {
            match school.periods.get(word.text.as_str()) {
                Some(period) => {
                    spans.extend(period.spans.iter().cloned());
                    names.push(&word.text);
                }
                None => school::unknown(Code::UnknownPeriod, "period", word, school.period_names(), self.findings),
            }
        }
        let name: Box<str> = names.join(" or ").into();
        if names.len() > 1 {
            let period = schoolgate_base::Period { name: name.clone(), spans };
            self.compiled.program.periods.insert(name.clone(), period);
        }
        (!names.is_empty()).then_some(name)
    }

    pub(crate) fn length(&mut self, length: Option<&crate::syntax::Spanned<Within>>) -> Option<Within> {
        let length = length?;
        let school = &self.parsed.school;
        if let Some(name) = length.value.period()
            && !school.periods.contains_key(name)
        {
            let start = (length.span.end - length.span.start).saturating_sub(name.len());
            let word = Word { text: name.to_owned(), span: length.span.part(start..start + name.len()) };
            school::unknown(Code::UnknownPeriod, "period", &word, school.period_names(), self.findings);
        }
        Some(length.value.clone())
    }

    /// Whom a rule binds, when and where. `None`: its audience holds nothing but unknown names, and must not become
    /// everybody.
    pub(crate) fn scope(&mut self, scope: &kinds::things::ScopeSyntax) -> Option<Scope> {
        let groups = self.groups(&scope.audience);
        let is_lost = !scope.audience.is_empty() && groups.is_empty();
        let found = Scope {
            audience: Audience { groups, persons: Vec::new(), except: self.groups(&scope.except) },
            when: self.period(&scope.when),
            except_when: self.period(&scope.outside),
            places: self.places(&scope.places),
            device_classes: self.device_classes(&scope.devices),
        };
        (!is_lost).then_some(found)
    }

    /// The clause that `word` refers to: `#own-time` or `staff-ict#own-time`, or the one in its place.
    pub(crate) fn clause_of(&mut self, word: &Word, home: Home<'_>) -> Option<(ClauseId, &'a Clause)> {
        let (policy, clause) = match word.text.split_once('#') {
            Some(("", clause)) => (home.document.front.policy.text.as_str(), clause),
            Some((policy, clause)) => (policy, clause),
            None => (home.document.front.policy.text.as_str(), word.text.as_str()),
        };
        let (policy, clause) = self.parsed.in_place_of((policy.to_owned(), clause.to_owned()));
        let found = self.clauses.get(&(policy.as_str(), clause.as_str())).copied();
        let (Some(found), Ok(policy)) = (found, PolicyId::new(&policy)) else {
            self.unknown_clause(word, home);
            return None;
        };
        Some((ClauseId { policy, clause: found.id.text.as_str().into() }, found))
    }

    fn unknown_clause(&mut self, word: &Word, home: Home<'_>) {
        let own = home.document.front.policy.text.as_str();
        let is_looked_up = self.findings.len() < school::SUGGESTED_MAX;
        let names: Vec<String> = self
            .clauses
            .keys()
            .filter(|_| is_looked_up)
            .map(|(policy, clause)| if *policy == own { format!("#{clause}") } else { format!("{policy}#{clause}") })
            .collect();
        let near = crate::nearest::nearest(&word.text, names.iter().map(String::as_str));
        let numbered = home.document.clauses.iter().find(|clause| clause.number == word.text);
        let help = match (numbered, near) {
            (Some(clause), _) => format!("write `#{}`: numbers change, ids stay", clause.id.text),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => "name a clause of this pack by its id, as `#own-time`".to_owned(),
        };
        self.findings.push(
            Diagnostic::new(Code::UnknownClause, word.span, format!("there is no clause `{}`", word.text)).help(help),
        );
    }

    /// The controls of a kind in the clause that `word` refers to.
    pub(crate) fn controls_of(&mut self, word: &Word, kind: ControlKind, home: Home<'_>) -> Vec<ControlId> {
        let Some((id, clause)) = self.clause_of(word, home) else { return Vec::new() };
        let controls = clause.controls.iter().filter(|control| control.kind == kind);
        let name = |control: &Control| control.name.as_ref().map(|name| name.text.as_str().into());
        controls.map(|control| ControlId { clause: id.clone(), kind, name: name(control) }).collect()
    }

    fn web(&mut self, web: &kinds::web::WebSyntax, control: &ControlId, home: Home<'_>) {
        let scope = self.scope(&web.scope);
        let rule = schoolgate_decide::snapshot::WebRule {
            control: control.clone(),
            verdict: web.verdict.as_ref().map(|verdict| verdict.value),
            conditions: web.conditions.clone(),
            scope: scope.clone().unwrap_or_default(),
            target: Target::Any,
            over: web.over.iter().flat_map(|word| self.controls_of(word, control.kind, home)).collect(),
        };
        let mut targets: Vec<(Target, Span)> = Vec::new();
        for target in &web.targets {
            let found = match &target.site {
                Some(site) => Some(site.clone()),
                None => self.category(&target.word),
            };
            targets.extend(found.map(|found| (found, target.word.span)));
        }
        if web.targets.is_empty() && web.verdict.is_none() {
            targets.push((Target::Any, web.span));
        }
        if scope.is_none() {
            return;
        }
        for (target, span) in targets {
            self.compiled.program.rules.push(schoolgate_decide::snapshot::WebRule { target, ..rule.clone() });
            self.compiled.origins.push(Origin { control: web.span, target: span });
        }
    }

    fn category(&mut self, word: &Word) -> Option<Target> {
        let school = &self.parsed.school;
        let name: Box<str> = word.text.as_str().into();
        if school.classes.contains_key(&name) {
            return Some(Target::Class(name));
        }
        if school.categories.contains_key(&name) {
            return Some(Target::Category(name));
        }
        let names = school.classes.keys().chain(school.categories.keys()).map(|name| &**name);
        school::unknown(Code::UnknownCategory, "category", word, names, self.findings);
        None
    }
}

/// The day by which the policy has to be looked at again.
pub(crate) fn review_by(document: &Document) -> Option<jiff::civil::Date> {
    if let Some(fixed) = &document.front.review_by {
        return Some(fixed.value);
    }
    let (adopted, review) = (document.front.adopted.as_ref()?, document.front.review.as_ref()?);
    let Within::Count { count, unit, period: None } = &review.value else { return None };
    let count = i64::from(*count);
    let span = match unit {
        schoolgate_base::Unit::Year => jiff::Span::new().years(count),
        schoolgate_base::Unit::Month => jiff::Span::new().months(count),
        schoolgate_base::Unit::Week => jiff::Span::new().weeks(count),
        _ => jiff::Span::new().days(count),
    };
    adopted.value.checked_add(span).ok()
}

impl Compiled {
    /// Whether a clause is shown to somebody in these groups when they agree to its policy.
    pub fn is_bound(&self, clause: &ClauseId, groups: &BTreeSet<Group>) -> bool {
        let binds = self.binds.get(clause);
        binds.is_none_or(|binds| binds.iter().any(|group| groups.contains(group)))
    }

    /// The closure of somebody's groups over declared inclusion, with the capacity's own group.
    pub fn groups_of(&self, capacity: Capacity, groups: &[Group]) -> Vec<Group> {
        let own = Group::new(capacity.as_str());
        let mut all: Vec<Group> = Vec::new();
        let in_capacity = groups.iter().filter(|group| self.school.capacity_of(group) == Some(capacity));
        for group in in_capacity.chain([&own]).flat_map(|group| self.school.above(group)) {
            if !all.contains(&group) {
                all.push(group);
            }
        }
        all
    }
}

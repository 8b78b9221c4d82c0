//! What opens, closes, or opens otherwise than before.
//!
//! Sites are told apart as rules tell them apart; which sites a list puts into a category is not the policy's to say.

use std::collections::{BTreeSet, HashSet};

use schoolgate_base::{Capacity, ClauseId, Group, Host, HostName, normal_path, path_is_below};
use schoolgate_decide::snapshot::{OpenTarget, Program, Target, WebRule};
use schoolgate_decide::{Conditions, Inspect, Verdict};

use super::cells::{Change, Edition, Turn, compare};
use crate::overlap::{ANY_OTHER, Clock, Scopes, World, crossed};
use crate::school::School;
use crate::show::join;

/// What somebody meets: a decision without its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) verdict: Verdict,
    /// As far as they matter beside the verdict.
    pub(super) conditions: Conditions,
    by: Option<ClauseId>,
    /// The clauses that say something of the conditions.
    how: Vec<(ClauseId, Conditions)>,
}

/// One edition's rules about sites.
pub(super) struct Web<'a> {
    world: World<'a>,
    targets: &'a [Target],
}

/// The kinds of site that either edition tells apart.
pub(super) fn targets(before: (&School, &Program), after: (&School, &Program), clock: &Clock) -> Vec<Target> {
    let mut found = World::by(clock.clone(), before.0, before.1).targets();
    found.extend(World::by(clock.clone(), after.0, after.1).targets());
    // What has a standing of its own does not change with all the others.
    for program in [before.1, after.1] {
        found.extend(standing(program));
        let marked = program.marks.locked.iter().chain(&program.marks.never_inspect).chain(&program.help.categories);
        found.extend(marked.map(|name| Target::Category(name.clone())));
    }
    let mut seen = HashSet::new();
    found.retain(|target| seen.insert(target.clone()));
    crossed(found)
}

/// What is open before any rule is asked.
fn standing(program: &Program) -> Vec<Target> {
    let open = program.always_open.iter().map(|open| match &open.path {
        Some(path) => Target::Url { host: open.host.clone(), path: path.clone() },
        None => Target::Domain(open.host.clone()),
    });
    open.chain(program.help.hosts.iter().cloned().map(Target::Domain)).collect()
}

pub(super) fn changes(
    before: (&School, &Program),
    after: (&School, &Program),
    targets: &[Target],
    clock: &Clock,
) -> Vec<Change> {
    let web = |(school, program)| Web { world: World::by(clock.clone(), school, program), targets };
    compare((&web(before), &web(after)), (before.0, after.0), targets.len(), turn)
}

impl Edition for Web<'_> {
    type Said = Said;
    const IS_PERSONAL: bool = true;

    fn scopes(&self) -> &Scopes<'_> {
        &self.world.scopes
    }

    fn about(&self, target: usize) -> Vec<usize> {
        self.targets.get(target).map(|target| self.world.rules_about(target)).unwrap_or_default()
    }

    fn says(&self, target: usize, holding: &[usize], groups: &BTreeSet<Group>) -> Said {
        let program = self.world.program;
        let target = self.targets.get(target).unwrap_or(&Target::Any);
        let is_marked = |names: &[Box<str>]| matches!(target, Target::Category(name) if names.contains(name));
        let rules: Vec<&WebRule> = holding.iter().filter_map(|&rule| self.world.rule(rule)).collect();
        let mut conditions = Conditions::default();
        if is_marked(&program.marks.never_inspect) {
            conditions.inspect = Inspect::Never;
        }
        conditions = rules.iter().fold(conditions, |all, rule| all.join(&rule.conditions));
        let how = rules.iter().map(|rule| (rule.control.clause.clone(), rule.conditions.clone())).collect();
        let said = |verdict, conditions, by| Said { verdict, conditions: heard(verdict, conditions), by, how };
        if is_marked(&program.marks.locked) {
            return said(Verdict::Block, Conditions::default(), None);
        }
        if let Some(is_help) = always_open(program, target) {
            match (is_help, conditions.inspect) {
                (true, _) => conditions.inspect = Inspect::Never,
                (false, Inspect::Wanted) => conditions.inspect = Inspect::Unset,
                (false, _) => {}
            }
            return said(Verdict::Allow, conditions, None);
        }
        if is_marked(&program.help.categories) {
            return said(Verdict::Help, conditions, None);
        }
        let spoken = self.world.spoken(holding, groups);
        let by = spoken.speaking.first().map(|(_, rule)| rule.control.clause.clone());
        said(spoken.verdict.unwrap_or_else(|| usual(program, groups)), conditions, by)
    }
}

/// Where no rule speaks.
fn usual(program: &Program, groups: &BTreeSet<Group>) -> Verdict {
    let capacity = groups.iter().find_map(|group| Capacity::from_word(group.as_str()));
    capacity.and_then(|capacity| program.defaults.get(&capacity)).copied().unwrap_or(Verdict::Block)
}

/// Whether it is open whatever rules say, and whether because it helps.
fn always_open(program: &Program, target: &Target) -> Option<bool> {
    let (name, path) = match target {
        Target::Domain(name) | Target::Host(Host::Name(name)) => (name, "/"),
        Target::Url { host, path } => (host, &**path),
        Target::Host(Host::Address(_)) | Target::Any | Target::Class(_) | Target::Category(_) => return None,
    };
    if program.help.hosts.iter().any(|host| name.is_within(host)) {
        return Some(true);
    }
    let below = |open: &OpenTarget| open.path.as_ref().is_none_or(|prefix| path_is_below(&normal_path(path), prefix));
    program.always_open.iter().any(|open| name.is_within(&open.host) && below(open)).then_some(false)
}

/// What does not open is not slowed down, and what opens the help page is recorded by nobody.
pub(super) fn heard(verdict: Verdict, conditions: Conditions) -> Conditions {
    match verdict {
        Verdict::Allow | Verdict::Warn => conditions,
        Verdict::Block => Conditions { host_only_log: conditions.host_only_log, ..Conditions::default() },
        Verdict::Help | Verdict::Gate => Conditions::default(),
    }
}

fn turn(before: &Said, after: &Said) -> Option<Turn> {
    let (was, is) = words((before.verdict, &before.conditions), (after.verdict, &after.conditions))?;
    let clause = match before.verdict == after.verdict {
        true => reason(after, &before.conditions).or_else(|| reason(before, &after.conditions)),
        false => after.by.clone().or_else(|| before.by.clone()),
    };
    Some(Turn { before: was, after: is, clause })
}

/// The clause that makes it otherwise than `other`.
fn reason(said: &Said, other: &Conditions) -> Option<ClauseId> {
    let adds = |conditions: &Conditions| other.clone().join(conditions) != *other;
    said.how.iter().find(|(_, conditions)| adds(conditions)).map(|(clause, _)| clause.clone())
}

/// Both sides in words; `None` where nothing changes.
pub(super) fn words(before: (Verdict, &Conditions), after: (Verdict, &Conditions)) -> Option<(String, String)> {
    if before == after {
        return None;
    }
    if before.0 != after.0 {
        return Some((in_words(before.0, before.1), in_words(after.0, after.1)));
    }
    let (was, is) = (before.1, after.1);
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut pair = |differs: bool, before: String, after: String| {
        if differs {
            pairs.push((before, after));
        }
    };
    pair(was.inspect != is.inspect, inspected(was.inspect).to_owned(), inspected(is.inspect).to_owned());
    let search = |safe: bool| if safe { "safe search" } else { "search as it is" }.to_owned();
    pair(was.safe_search != is.safe_search, search(was.safe_search), search(is.safe_search));
    pair(was.rate_kbit != is.rate_kbit, speed(was.rate_kbit), speed(is.rate_kbit));
    let log = |host: bool| if host { "only the site's name recorded" } else { "the address recorded" }.to_owned();
    pair(was.host_only_log != is.host_only_log, log(was.host_only_log), log(is.host_only_log));
    let (was, is): (Vec<String>, Vec<String>) = pairs.into_iter().unzip();
    Some((was.join(", "), is.join(", ")))
}

fn in_words(verdict: Verdict, conditions: &Conditions) -> String {
    let mut how: Vec<String> = Vec::new();
    if conditions.safe_search {
        how.push("safe search".to_owned());
    }
    how.extend(conditions.rate_kbit.map(|rate| speed(Some(rate))));
    if conditions.inspect != Inspect::Unset {
        how.push(inspected(conditions.inspect).to_owned());
    }
    if conditions.host_only_log {
        how.push("only the site's name recorded".to_owned());
    }
    let what = match verdict {
        Verdict::Allow => "allowed",
        Verdict::Warn => "allowed after a reminder",
        Verdict::Block => "blocked",
        Verdict::Help => "the help page",
        Verdict::Gate => "the agreement first",
    };
    match (verdict, how.as_slice(), conditions.rate_kbit) {
        (_, [], _) => what.to_owned(),
        // A speed says that it opens.
        (Verdict::Allow, [speed], Some(_)) => speed.clone(),
        _ => format!("{what} ({})", how.join(", ")),
    }
}

fn inspected(inspect: Inspect) -> &'static str {
    match inspect {
        Inspect::Unset => "looked into where a door has to",
        Inspect::Wanted => "looked into",
        Inspect::Never => "never looked into",
    }
}

fn speed(rate_kbit: Option<u32>) -> String {
    match rate_kbit {
        None => "full speed".to_owned(),
        Some(rate) if rate.is_multiple_of(1_000) => format!("{} Mbit/s", rate / 1_000),
        Some(rate) => format!("{rate} kbit/s"),
    }
}

/// That a locked list stays closed, and what is always open stays open, goes without saying.
fn is_fixed(target: &Target, school: &School) -> bool {
    let hosts = school.always_open.iter().map(|open| &open.host).chain(&school.help.hosts).chain(&school.portal);
    let is_open = |name: &HostName| hosts.clone().any(|host| name.is_within(host));
    match target {
        Target::Category(name) => school.categories.get(name).is_some_and(|entry| entry.is_locked),
        Target::Domain(name) | Target::Url { host: name, .. } => is_open(name),
        Target::Host(_) | Target::Any | Target::Class(_) => false,
    }
}

/// Kinds of site in words: "personal sites and maps.example".
pub(super) fn sites(targets: &[Target], chosen: &BTreeSet<usize>, school: &School, old: &School) -> String {
    let is_left = |at: &usize| !chosen.contains(at) && !targets.get(*at).is_some_and(|target| is_fixed(target, school));
    let left: BTreeSet<usize> = (0..targets.len()).filter(is_left).collect();
    let is_most = chosen.iter().any(|&at| targets.get(at) == Some(&Target::Any));
    match left.len() {
        0 => return "all sites".to_owned(),
        some if is_most && some < chosen.len() => {
            return format!("all sites but {}", sites(targets, &left, school, old));
        }
        _ => {}
    }
    let named: Vec<&Target> = chosen.iter().filter_map(|&at| targets.get(at)).collect();
    let mut categories: BTreeSet<&str> = named
        .iter()
        .filter_map(|target| match target {
            Target::Category(name) => Some(&**name),
            _ => None,
        })
        .collect();
    let mut words: Vec<String> = Vec::new();
    for (name, class) in &school.classes {
        let inside: BTreeSet<&str> = class.categories.iter().map(|name| &**name).collect();
        if inside.len() > 1 && inside.is_subset(&categories) {
            categories.retain(|name| !inside.contains(name));
            words.push(school.target_title(name));
        }
    }
    words.extend(categories.iter().map(|name| match school.categories.contains_key(*name) {
        true => school.target_title(name),
        false => old.target_title(name),
    }));
    for target in &named {
        let word = site(target, &named, targets);
        words.extend(word.filter(|word| !words.contains(word)));
    }
    if named.contains(&&Target::Any) {
        words.push(if words.is_empty() { "all other sites".to_owned() } else { "all others".to_owned() });
    }
    join(&words, "and")
}

/// A site in words. The names below it go without saying where they change alike.
fn site(target: &Target, named: &[&Target], all: &[Target]) -> Option<String> {
    let below = |name: &str| format!("{ANY_OTHER}{name}");
    match target {
        Target::Domain(name) => match name.as_str().strip_prefix(ANY_OTHER) {
            None => {
                let is_below =
                    |other: &Target| matches!(other, Target::Domain(n) if n.as_str() == below(name.as_str()));
                let is_whole = !all.iter().any(is_below) || named.iter().any(|other| is_below(other));
                Some(if is_whole { name.to_string() } else { format!("{name} itself") })
            }
            Some(top) => {
                let is_top = |other: &&&Target| matches!(other, Target::Domain(n) if n.as_str() == top);
                let is_said = named.iter().any(|other| is_top(&other));
                (!is_said).then(|| format!("all names below {top}"))
            }
        },
        Target::Host(host) => {
            let is_said =
                named.iter().any(|other| matches!((other, host), (Target::Domain(n), Host::Name(h)) if n == h));
            (!is_said).then(|| format!("{host} itself"))
        }
        Target::Url { host, path } => match host.as_str().strip_prefix(ANY_OTHER) {
            None => Some(format!("{host}{path}")),
            Some(top) => {
                let is_top = |other: &&Target| matches!(other, Target::Url { host, path: p } if host.as_str() == top && p == path);
                let is_said = named.iter().any(is_top);
                (!is_said).then(|| format!("{path} on all names below {top}"))
            }
        },
        Target::Any | Target::Class(_) | Target::Category(_) => None,
    }
}

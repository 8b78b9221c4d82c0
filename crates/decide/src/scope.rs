//! Whom a rule binds, when, where and on what: the part of a condition that rules of every kind share.

use jiff::Timestamp;
use schoolgate_base::DeviceClass;
use serde::{Deserialize, Serialize};

use crate::decision::WhyNot;
use crate::evaluate::earlier;
use crate::index::Snapshot;
use crate::snapshot::{Audience, Member};

/// A product of finite sets; an empty one holds for everybody, always, everywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub audience: Audience,
    /// Name of a period; `None` is always.
    pub when: Option<Box<str>>,
    /// The rule holds outside the period instead of inside it.
    pub except_when: Option<Box<str>>,
    /// Names of places; empty is everywhere.
    pub places: Vec<Box<str>>,
    /// Empty is every class of device.
    pub device_classes: Vec<DeviceClass>,
}

/// Who acts, and where they are.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    pub member: Option<&'a Member>,
    pub place: Option<&'a str>,
    pub device_class: Option<&'a DeviceClass>,
}

impl Scope {
    /// `None`: it holds now. Where time alone keeps it from holding, `until` is brought forward to the next boundary.
    pub(crate) fn why_not(
        &self,
        standing: Standing<'_>,
        snapshot: &Snapshot,
        now: Timestamp,
        until: &mut Option<Timestamp>,
    ) -> Option<WhyNot> {
        if !binds(&self.audience, standing.member) {
            return Some(WhyNot::OtherAudience);
        }
        if !self.places.is_empty() && !standing.place.is_some_and(|place| self.places.iter().any(|p| &**p == place)) {
            return Some(WhyNot::OtherPlace);
        }
        let device = standing.device_class;
        if !self.device_classes.is_empty() && !device.is_some_and(|class| self.device_classes.contains(class)) {
            return Some(WhyNot::OtherDevice);
        }
        let mut in_time = true;
        for (named, inside) in [(&self.when, true), (&self.except_when, false)] {
            let Some(name) = named else { continue };
            // A period that is not there cannot be kept out of: the rule stands, which is never looser.
            let Some(holding) = snapshot.periods.at(&snapshot.program, name, now) else { continue };
            in_time &= holding.is_in == inside;
            *until = earlier(*until, holding.until);
        }
        (!in_time).then_some(WhyNot::OtherTime)
    }
}

/// Whether an audience binds this person; with nobody signed in, only an audience of everybody does.
pub(crate) fn binds(audience: &Audience, member: Option<&Member>) -> bool {
    let everybody = audience.groups.is_empty() && audience.persons.is_empty();
    let Some(member) = member else { return everybody };
    let named =
        audience.persons.contains(&member.person) || audience.groups.iter().any(|group| member.groups.contains(group));
    (everybody || named) && !audience.except.iter().any(|group| member.groups.contains(group))
}

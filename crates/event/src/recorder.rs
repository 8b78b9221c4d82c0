//! Where doors hand their events in.

use jiff::civil::Date;
use schoolgate_base::SchoolId;

use crate::Event;

/// What became of an event that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a door counts the events it could not hand in"]
pub enum Recorded {
    /// In the queue. Not yet on disk: the recorder's own acknowledgement says when.
    Queued,
    /// The bounded queue was full and the event is gone. The recorder has counted it and writes the count down.
    Dropped,
}

/// Takes events from doors. Calls never wait and never fail: a decision is not delayed by its record.
pub trait Recorder: Send + Sync {
    /// Hands one event in.
    fn record(&self, event: Event) -> Recorded;

    /// Counts one visit to the help list or to the help page on the school's local `date`. Nothing else is known of
    /// it, by anyone, and doors must not record an event for the same request.
    fn help_visited(&self, school: &SchoolId, date: Date);
}

/// A recorder that keeps nothing: for doors in tests and benchmarks that are not about events.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

impl Recorder for Discard {
    fn record(&self, _event: Event) -> Recorded {
        Recorded::Queued
    }

    fn help_visited(&self, _school: &SchoolId, _date: Date) {}
}

//! Events as columns: the schema of the log's Parquet files and the one place that fills it.
//!
//! `school` and `date` stand in every row, where they cost nothing after compression, so that a file says by itself
//! what it holds. `seq` is segment × 2³² + place in the segment: unique, so that pages of rows have an order and a
//! doubled event would be seen.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{
    ArrayRef, Date32Builder, Int64Builder, RecordBatch, StringViewBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::error::ArrowError;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use schoolgate_base::Host;
use schoolgate_event::{Accident, Decision, Event, LockedHit, Reason, Tls, Who};

/// The word in `kind` for an event that is not a decision of policy.
pub(crate) const KIND_DECISION: &str = "decision";
pub(crate) const KIND_LOCKED: &str = "locked";
pub(crate) const KIND_ACCIDENT: &str = "accident";

/// The last three came later: files without them read as null.
const TEXTS: [&str; 21] = [
    "school",
    "kind",
    "door",
    "person",
    "capacity",
    "strength",
    "device",
    "place",
    "host",
    "url",
    "locked_hash",
    "method",
    "verdict",
    "control",
    "clause",
    "category",
    "list",
    "grant_id",
    "tls_offered",
    "tls_client",
    "tls_site",
];
const NUMBERS: [&str; 5] = ["seq", "snapshot", "bytes_up", "bytes_down", "duration_ms"];

pub(crate) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let at = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields = vec![Field::new("at", at, false), Field::new("date", DataType::Date32, false)];
    fields.extend(NUMBERS.map(|name| Field::new(name, DataType::Int64, name != "seq")));
    fields.extend(TEXTS.map(|name| Field::new(name, DataType::Utf8View, true)));
    fields.push(Field::new("mode", DataType::Utf8View, true));
    Arc::new(Schema::new(fields))
});

/// Rows in the making.
#[derive(Debug)]
pub(crate) struct Columns {
    at: TimestampMicrosecondBuilder,
    date: Date32Builder,
    seq: Int64Builder,
    snapshot: Int64Builder,
    bytes_up: Int64Builder,
    bytes_down: Int64Builder,
    duration_ms: Int64Builder,
    texts: [StringViewBuilder; TEXTS.len()],
    mode: StringViewBuilder,
    rows: usize,
}

/// One row's texts, in the order of [`TEXTS`].
type Texts<'a> = [Option<&'a str>; TEXTS.len()];

impl Columns {
    pub(crate) fn new() -> Self {
        Self {
            at: TimestampMicrosecondBuilder::new().with_timezone("UTC"),
            date: Date32Builder::new(),
            seq: Int64Builder::new(),
            snapshot: Int64Builder::new(),
            bytes_up: Int64Builder::new(),
            bytes_down: Int64Builder::new(),
            duration_ms: Int64Builder::new(),
            // Words and hosts come again and again; each is kept once.
            texts: std::array::from_fn(|_| StringViewBuilder::new().with_deduplicate_strings()),
            mode: StringViewBuilder::new(),
            rows: 0,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn push(&mut self, event: &Event, date: Date, seq: i64) {
        self.at.append_value(event.at().as_microsecond());
        self.date.append_value(days_since_epoch(date));
        self.seq.append_value(seq);
        match event {
            Event::Decision(decision) => self.decision(decision),
            Event::LockedHit(hit) => self.locked(hit),
            Event::Accident(accident) => self.accident(accident),
        }
        self.rows += 1;
    }

    fn decision(&mut self, decision: &Decision) {
        let reason = ReasonTexts::of(&decision.reason);
        let host = host_text(&decision.host);
        let tls = TlsTexts::of(decision.tls.as_deref());
        let texts = [
            Some(decision.school.as_str()),
            Some(KIND_DECISION),
            Some(decision.door.as_str()),
            decision.who.person.as_ref().map(|person| person.as_str()),
            capacity(&decision.who),
            Some(decision.who.strength.as_str()),
            decision.who.device.as_ref().map(|device| device.as_str()),
            decision.who.place.as_deref(),
            Some(&host),
            decision.url.as_deref(),
            None,
            Some(&*decision.method),
            Some(decision.verdict.as_str()),
            reason.control.as_deref(),
            reason.clause.as_deref(),
            decision.reason.category.as_deref(),
            decision.reason.list.as_deref(),
            decision.reason.grant.as_ref().map(|grant| grant.as_str()),
            tls.offered.as_deref(),
            tls.client.as_deref(),
            tls.site.as_deref(),
        ];
        self.texts(texts);
        self.mode.append_value(decision.mode.as_str());
        self.snapshot.append_value(number(decision.snapshot));
        self.bytes_up.append_value(number(decision.traffic.bytes_up));
        self.bytes_down.append_value(number(decision.traffic.bytes_down));
        self.duration_ms.append_value(i64::from(decision.traffic.duration_ms));
    }

    fn locked(&mut self, hit: &LockedHit) {
        let mut texts: Texts<'_> = [None; TEXTS.len()];
        for (name, text) in [
            ("school", Some(hit.school.as_str())),
            ("kind", Some(KIND_LOCKED)),
            ("door", Some(hit.door.as_str())),
            ("device", hit.device.as_ref().map(|device| device.as_str())),
            ("place", hit.place.as_deref()),
            ("locked_hash", Some(hit.address.as_str())),
            ("verdict", Some(KIND_LOCKED)),
            ("list", Some(&*hit.list)),
        ] {
            set(&mut texts, name, text);
        }
        self.texts(texts);
        self.mode.append_null();
        self.snapshot.append_value(number(hit.snapshot));
        self.no_traffic();
    }

    fn accident(&mut self, accident: &Accident) {
        let reason = ReasonTexts::of(&accident.reason);
        let host = host_text(&accident.host);
        let mut texts: Texts<'_> = [None; TEXTS.len()];
        for (name, text) in [
            ("school", Some(accident.school.as_str())),
            ("kind", Some(KIND_ACCIDENT)),
            ("door", Some(accident.door.as_str())),
            ("person", accident.who.person.as_ref().map(|person| person.as_str())),
            ("capacity", capacity(&accident.who)),
            ("strength", Some(accident.who.strength.as_str())),
            ("device", accident.who.device.as_ref().map(|device| device.as_str())),
            ("place", accident.who.place.as_deref()),
            ("host", Some(&*host)),
            ("control", reason.control.as_deref()),
            ("clause", reason.clause.as_deref()),
            ("category", accident.reason.category.as_deref()),
            ("list", accident.reason.list.as_deref()),
            ("grant_id", accident.reason.grant.as_ref().map(|grant| grant.as_str())),
        ] {
            set(&mut texts, name, text);
        }
        self.texts(texts);
        self.mode.append_null();
        self.snapshot.append_null();
        self.no_traffic();
    }

    fn texts(&mut self, texts: Texts<'_>) {
        for (builder, text) in self.texts.iter_mut().zip(texts) {
            builder.append_option(text);
        }
    }

    fn no_traffic(&mut self) {
        self.bytes_up.append_null();
        self.bytes_down.append_null();
        self.duration_ms.append_null();
    }

    /// The rows so far; starts again empty.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(self.at.finish()),
            Arc::new(self.date.finish()),
            Arc::new(self.seq.finish()),
            Arc::new(self.snapshot.finish()),
            Arc::new(self.bytes_up.finish()),
            Arc::new(self.bytes_down.finish()),
            Arc::new(self.duration_ms.finish()),
        ];
        for builder in &mut self.texts {
            arrays.push(Arc::new(builder.finish()));
        }
        arrays.push(Arc::new(self.mode.finish()));
        self.rows = 0;
        RecordBatch::try_new(Arc::clone(&SCHEMA), arrays)
    }
}

fn set<'a>(texts: &mut Texts<'a>, name: &str, text: Option<&'a str>) {
    for (slot, known) in texts.iter_mut().zip(TEXTS) {
        if known == name {
            *slot = text;
        }
    }
}

/// A reason's ids as written.
struct ReasonTexts {
    control: Option<String>,
    clause: Option<String>,
}

impl ReasonTexts {
    fn of(reason: &Reason) -> Self {
        Self {
            control: reason.control.as_ref().map(ToString::to_string),
            clause: reason.clause().map(ToString::to_string),
        }
    }
}

/// The handshakes as words, as [`Tls`]'s parts print them.
#[derive(Default)]
struct TlsTexts {
    offered: Option<String>,
    client: Option<String>,
    site: Option<String>,
}

impl TlsTexts {
    fn of(tls: Option<&Tls>) -> Self {
        let Some(tls) = tls else { return Self::default() };
        Self {
            offered: tls.offered.as_ref().map(ToString::to_string),
            client: tls.client.as_ref().map(ToString::to_string),
            site: tls.site.as_ref().map(ToString::to_string),
        }
    }
}

fn host_text(host: &Host) -> std::borrow::Cow<'_, str> {
    match host.name() {
        Some(name) => name.as_str().into(),
        None => host.to_string().into(),
    }
}

fn capacity(who: &Who) -> Option<&'static str> {
    who.capacity.map(|capacity| capacity.as_str())
}

/// Parquet's whole numbers are signed; nothing of ours comes near.
fn number(unsigned: u64) -> i64 {
    i64::try_from(unsigned).unwrap_or(i64::MAX)
}

/// A `Date32`.
pub(crate) fn days_since_epoch(date: Date) -> i32 {
    let epoch = Date::constant(1970, 1, 1);
    epoch.until(date).map_or(0, |span| span.get_days())
}

/// Local dates of timestamps; keeps the bounds of the last day, since events come in order.
#[derive(Debug)]
pub(crate) struct LocalDays {
    zone: TimeZone,
    date: Date,
    from: Timestamp,
    to: Timestamp,
}

impl LocalDays {
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self { zone, date: Date::ZERO, from: Timestamp::MAX, to: Timestamp::MIN }
    }

    pub(crate) fn date(&mut self, at: Timestamp) -> Date {
        if at < self.from || self.to <= at {
            let day = at.to_zoned(self.zone.clone());
            self.date = day.date();
            // Without both bounds nothing is kept, and the next event is worked out again.
            let from = day.start_of_day().map(|start| start.timestamp());
            let to = day.tomorrow().and_then(|next| next.start_of_day()).map(|end| end.timestamp());
            (self.from, self.to) = (from.unwrap_or(Timestamp::MAX), to.unwrap_or(Timestamp::MIN));
        }
        self.date
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_the_schools_own() {
        let mut days = LocalDays::new(TimeZone::get("Europe/London").unwrap());
        for (at, date) in [
            ("2026-06-01T22:59:59Z", "2026-06-01"),
            ("2026-06-01T23:00:00Z", "2026-06-02"),
            ("2026-12-01T23:00:00Z", "2026-12-01"),
            ("2026-06-01T22:59:59Z", "2026-06-01"),
        ] {
            assert_eq!(days.date(at.parse().unwrap()).to_string(), date, "{at}");
        }
        assert_eq!(days_since_epoch("1970-01-02".parse().unwrap()), 1);
        assert_eq!(days_since_epoch("2026-11-24".parse().unwrap()), 20_781);
    }
}

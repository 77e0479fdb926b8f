//! Records that may introduce a traceback: kept until it is seen whether one follows.

use super::prefix;
use super::raw::Raw;
use crate::model::{LogEventKind, LogTimestamp};

/// How many lines of other streams may stand between a record and its traceback.
const PATIENCE: u64 = 50;
/// How many lines of its own stream: a record of several lines.
const OWN_LINES: u64 = 6;
/// How many lines behind a record another language's frames may still stand.
const MOST_FOREIGN: u64 = 40;

/// An event that a traceback may follow.
#[derive(Debug)]
pub(super) struct Lead {
    pub(super) stream: u64,
    pub(super) outer: u64,
    pub(super) fingerprint: u64,
    pub(super) kind: LogEventKind,
    /// What the record says.
    pub(super) message: Vec<u8>,
    pub(super) time: Option<LogTimestamp>,
    pub(super) before: Vec<Raw>,
    /// Lines behind it, for the excerpt.
    pub(super) after: Vec<Raw>,
    pub(super) raw: Raw,
    /// It begins a record: it has a level, or a time before it.
    pub(super) record: bool,
    /// Its last line so far, and how many lines of its stream came since.
    pub(super) last: u64,
    pub(super) since: u64,
}

impl Lead {
    /// Whether its message ends so that the next record must tell more.
    fn ends_open(&self) -> bool {
        self.message.trim_ascii_end().ends_with(b":")
    }

    fn announces(&self, next: &Self) -> bool {
        self.ends_open() && next.record && self.last + 1 == next.raw.number
    }
}

/// All of them, in the order of their lines.
#[derive(Debug, Default)]
pub(super) struct Leads {
    open: Vec<Lead>,
}

impl Leads {
    pub(super) const fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Drops those of this stream: what follows says that they were no records of their own.
    pub(super) fn forget(&mut self, stream: u64) {
        self.open.retain(|lead| lead.stream != stream);
    }

    pub(super) fn push(&mut self, lead: Lead) {
        self.open.push(lead);
    }

    /// The one that introduces a traceback of this stream, and those before it, which do not. A record goes up to
    /// the traceback; without one, it is the lines that stand together right above.
    /// `number` is the traceback's first line: without a mark, it may stand in a record of several lines, of which
    /// only the first has one.
    pub(super) fn take(&mut self, stream: u64, outer: u64, number: u64) -> (Option<Lead>, Vec<Lead>) {
        let unmarked = stream == prefix::take(b"").stream;
        let of = |lead: &mut Lead| {
            lead.stream == stream
                || lead.outer == outer && lead.stream == outer
                || unmarked && lead.record && lead.last + 1 == number
        };
        let mut of_stream: Vec<Lead> = self.open.extract_if(.., of).collect();
        // `Unhandled error in Deferred:`, and the next record tells it.
        while let Some(at) = of_stream.windows(2).position(|pair| pair[0].announces(&pair[1])) {
            of_stream.remove(at);
        }
        let record = of_stream.iter().rposition(|lead| lead.record);
        let first = record.unwrap_or_else(|| {
            let apart = of_stream.windows(2).rposition(|pair| pair[0].last + 1 != pair[1].raw.number);
            apart.map_or(0, |at| at + 1)
        });
        let mut lead = of_stream.drain(first.min(of_stream.len())..);
        let introduces = lead.next();
        drop(lead);
        (introduces, of_stream)
    }

    /// Whether this line, which begins no record and has no level, goes on from the stream's last record.
    pub(super) fn goes_on(&mut self, stream: u64, number: u64) -> bool {
        let last = self.open.iter_mut().rev().find(|lead| lead.stream == stream);
        let Some(lead) = last.filter(|lead| lead.record && lead.last + 1 == number) else { return false };
        lead.last = number;
        true
    }

    /// Whether this line is a frame of another language right below the stream's last record.
    pub(super) fn stretches(&mut self, stream: u64, number: u64) -> bool {
        let last = self.open.iter_mut().rev().find(|lead| lead.stream == stream);
        let Some(lead) = last.filter(|lead| lead.raw.number + MOST_FOREIGN > number) else { return false };
        lead.last = number;
        true
    }

    /// A line behind them, for excerpts of so many.
    pub(super) fn followed(&mut self, around: usize, raw: impl Fn() -> Raw) {
        for lead in self.open.iter_mut().filter(|lead| lead.after.len() < around) {
            let raw = raw();
            if raw.number > lead.raw.number {
                lead.after.push(raw);
            }
        }
    }

    /// Those that nothing follows any more: all of the stream when a record begins, otherwise those that have
    /// waited long enough.
    pub(super) fn over(&mut self, stream: u64, number: u64, record: bool) -> Vec<Lead> {
        for lead in self.open.iter_mut().filter(|lead| lead.stream == stream) {
            lead.since += 1;
        }
        let over = |lead: &Lead| {
            let next = lead.ends_open() && lead.last + 1 == number;
            lead.stream == stream && (record && !next || lead.since > OWN_LINES)
                || lead.last + PATIENCE < number
        };
        self.open.extract_if(.., |lead| over(lead)).collect()
    }

    /// All, at the end.
    pub(super) fn rest(&mut self) -> Vec<Lead> {
        std::mem::take(&mut self.open)
    }
}

//! Levels that a collector gives to each line of a stream, whatever it says: Google Cloud's of a container's error stream,
//! Cloudflare's, a supervisor's. They tell nothing of a line.
//!
//! A program that has levels of its own does not write a traceback a line a record, all of them errors. Where one comes so,
//! the records of that shape and process are lines, and each speaks for itself, unless others of them have a lower level.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use super::json;
use super::prefix::{self, Level};

/// Shapes of records that are remembered.
const MOST: usize = 64;

/// The shapes of this source's records.
#[derive(Debug, Default)]
pub(super) struct Severities {
    /// Their levels tell nothing.
    lines: Vec<u64>,
    /// They have lower levels, too.
    leveled: Vec<u64>,
}

impl Severities {
    /// The log's first lines.
    pub(super) fn see_beginning<'l>(&mut self, lines: impl Iterator<Item = &'l [u8]>) {
        let records = lines.filter_map(|line| json::object(prefix::take(line).body));
        let records: Vec<_> = records.collect();
        for fields in &records {
            self.see(fields);
        }
        for fields in &records {
            self.are_lines(fields);
        }
    }

    fn see(&mut self, fields: &Map<String, Value>) {
        let shape = shape(fields);
        if json::piece(fields).1 == Some(Level::Low)
            && self.leveled.len() < MOST
            && !self.leveled.contains(&shape)
        {
            self.leveled.push(shape);
        }
    }

    /// Whether such records are lines of a stream; learned where one begins a traceback that others go on.
    pub(super) fn are_lines(&mut self, fields: &Map<String, Value>) -> bool {
        let shape = shape(fields);
        if self.lines.contains(&shape) {
            return true;
        }
        let begins = self.lines.len() < MOST
            && !self.leveled.contains(&shape)
            && matches!(json::piece(fields), (true, Some(Level::High)));
        if begins {
            self.lines.push(shape);
        }
        begins
    }

    pub(super) fn clear(&mut self) {
        self.lines.clear();
        self.leveled.clear();
    }
}

fn shape(fields: &Map<String, Value>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut names: Vec<&String> = fields.keys().collect();
    names.sort();
    names.hash(&mut hasher);
    json::process(fields).hash(&mut hasher);
    hasher.finish()
}

//! What a log says went wrong: groups of events, and the lines around their first occurrences.

use serde::{Deserialize, Serialize};

use super::{FailureSignature, Frame};

/// A point in time as a log gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogTimestamp {
    /// Microseconds since 1970-01-01 UTC.
    pub micros: i64,
    /// The time as written in the log.
    pub text: String,
}

/// What kind of event a group's events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogEventKind {
    /// A Python traceback.
    Traceback,
    /// A line at an error level.
    Error,
    /// A line that the user's own pattern matches.
    Matched,
    /// An access line with a status of 500 or above.
    Status,
    /// A line without a level that speaks of an error.
    Word,
}

/// A frame of a traceback, and the repository's file that it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFrame {
    /// The frame as the traceback has it.
    #[serde(flatten)]
    pub frame: Frame,
    /// The file in the repository, when it is one of its own.
    pub file: Option<String>,
    /// Whether the frame is the application's own code: a repository's file, or, where no repository is
    /// known, no installed package and no standard library.
    pub own: bool,
}

/// Events with the same signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// What they are.
    pub kind: LogEventKind,
    /// One line that names them: `TypeError: …`, `500 POST /your-url`, the message.
    pub title: String,
    /// The whole message of the first one.
    pub message: String,
    /// The message with its changing parts abstracted.
    pub shape: String,
    /// Type of the exception, for tracebacks.
    pub exception: Option<String>,
    /// Frames of the first one, outermost first.
    pub frames: Vec<LogFrame>,
    /// The exceptions before it in the chain, and the members of a group, each in one line.
    pub related: Vec<String>,
    /// The failing test, when a test runner printed it.
    pub test: Option<String>,
    /// How many events.
    pub count: u64,
    /// Time of the first event that has one.
    pub first: Option<LogTimestamp>,
    /// Time of the last event that has one.
    pub last: Option<LogTimestamp>,
    /// Where the first one begins: source and line, from 1.
    pub source: String,
    /// See [`source`](Self::source).
    pub line: u64,
    /// The log record that introduces the first one (`ERROR in app: Exception on / [GET]`).
    pub lead: Option<String>,
    /// Whether the error began after the time that was asked about; `None` when that cannot be said.
    pub new: Option<bool>,
    /// What the error means, in one sentence.
    pub meaning: String,
}

impl LogGroup {
    /// The innermost frame of the application's own code.
    #[must_use]
    pub fn place(&self) -> Option<&LogFrame> {
        self.frames.iter().rev().find(|frame| frame.own)
    }

    /// The failure that a search would look for; `None` when the events are no exceptions.
    #[must_use]
    pub fn signature(&self) -> Option<FailureSignature> {
        let kind = super::FailureKind::Exception(self.exception.clone()?);
        let frames = self.frames.iter().map(|one| {
            let mut frame = one.frame.clone();
            if let Some(file) = &one.file {
                frame.path.clone_from(file);
            }
            frame
        });
        Some(FailureSignature {
            kind,
            message: self.message.clone(),
            shape: self.shape.clone(),
            frames: frames.collect(),
            tests: self.test.iter().cloned().collect(),
            logged: Vec::new(),
        })
    }
}

/// One line of an excerpt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExcerptLine {
    /// The line's number in the source, from 1.
    pub number: u64,
    /// The line, shortened when long; invalid UTF-8 is replaced.
    pub text: String,
    /// Index of the group whose event it belongs to; `None` for context.
    pub group: Option<usize>,
}

/// Lines around the first events of one or more groups. They follow each other, but for lines of other
/// processes in the middle of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt {
    /// The source.
    pub source: String,
    /// The excerpt's lines.
    pub lines: Vec<ExcerptLine>,
}

/// One input that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedSource {
    /// File name, `stdin`, or the command.
    pub name: String,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
}

/// Everything that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogReport {
    /// What was read, in this order.
    pub sources: Vec<ScannedSource>,
    /// Error events, repeated ones too.
    pub events: u64,
    /// The most telling first.
    pub groups: Vec<LogGroup>,
    /// In the order of the sources.
    pub excerpts: Vec<Excerpt>,
    /// What the reader should know: sources that are binary or cut off, limits that were reached.
    pub notes: Vec<String>,
}

impl LogReport {
    /// Bytes read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.sources.iter().map(|source| source.bytes).sum()
    }

    /// Lines read.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.sources.iter().map(|source| source.lines).sum()
    }
}

//! Which failure it was.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of failure a trial showed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// A Python exception; its type as printed (`json.decoder.JSONDecodeError`).
    Exception(String),
    /// A crash signal, by number.
    Signal(i32),
    /// The time limit passed.
    Timeout,
    /// No recognisable traceback: only the exit status is known; with 0, that a runner counted failures.
    ExitCode(i32),
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exception(name) => f.write_str(name),
            Self::Signal(number) => write!(f, "signal {number}"),
            Self::Timeout => f.write_str("timeout"),
            Self::ExitCode(0) => f.write_str("failed tests, with exit status 0"),
            Self::ExitCode(code) => write!(f, "exit status {code}"),
        }
    }
}

/// One line of a traceback.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Frame {
    /// The file as the traceback names it, or relative to the work tree where it lies in it.
    pub path: String,
    /// The line, from 1; 0 when the form does not give it.
    pub line: u32,
    /// The function, where the form names it.
    pub function: Option<String>,
    /// The source line, where the form shows it.
    pub code: Option<String>,
}

/// What identifies a failure: two trials with matching signatures failed alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureSignature {
    /// Exception type, signal, timeout or exit status.
    pub kind: FailureKind,
    /// The message as printed, first line or two; empty when there is none.
    pub message: String,
    /// The message with numbers, addresses, paths and quoted values abstracted: what is compared.
    pub shape: String,
    /// The traceback, outermost first; empty when none was recognised.
    pub frames: Vec<Frame>,
    /// Ids of the failing tests, sorted.
    pub tests: Vec<String>,
    /// Exceptions that the project logged while the test ran, sorted: behind an answer that a test did not expect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logged: Vec<LoggedException>,
}

/// An exception that did not end the test in which it was logged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LoggedException {
    /// The exception's type as printed.
    pub kind: String,
    /// The exception's message with numbers, addresses, paths and quoted values abstracted.
    pub shape: String,
}

impl fmt::Display for LoggedException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)
    }
}

impl FailureSignature {
    /// A failure of which only the kind is known.
    #[must_use]
    pub fn bare(kind: FailureKind) -> Self {
        Self {
            kind,
            message: String::new(),
            shape: String::new(),
            frames: Vec::new(),
            tests: Vec::new(),
            logged: Vec::new(),
        }
    }
}

/// What of two runs is compared, to say whether they failed alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compared {
    /// The failure: its type, its message, its test.
    Failure,
    /// The closing lines: no failure can be read.
    ClosingLines,
    /// The exit status alone: nothing else is printed.
    Status,
}

impl FailureSignature {
    /// What is compared where this is the failure that is searched for.
    #[must_use]
    pub const fn compared(&self) -> Compared {
        match self.kind {
            FailureKind::ExitCode(_) if self.shape.is_empty() => Compared::Status,
            FailureKind::ExitCode(_) => Compared::ClosingLines,
            FailureKind::Exception(_) | FailureKind::Signal(_) | FailureKind::Timeout => Compared::Failure,
        }
    }
}

impl fmt::Display for FailureSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

//! A traceback as it was read, and what every layout shares.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::model::Frame;

/// How a traceback was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TracebackForm {
    /// As the interpreter prints it.
    Native,
    /// pytest's own styles: long, short and the mixture of both.
    Pytest,
    /// pytest's one line for each failure (`--tb=line`).
    PytestLine,
    /// A line of pytest's summary; no frames.
    PytestSummary,
    /// In a layout of its own: in a box, with source around each line.
    Boxed,
    /// A record of a structured log: fields instead of text.
    Structured,
}

/// How an exception is linked to the one before it in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainLink {
    /// `raise … from …`
    DirectCause,
    /// Raised while the other was handled.
    DuringHandling,
}

/// One exception with its traceback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParsedTraceback {
    /// The exception's type as printed (`json.decoder.JSONDecodeError`); `None` when the text ends
    /// before it.
    pub kind: Option<String>,
    /// The message, all its lines; empty when there is none.
    pub message: String,
    /// Outermost first.
    pub frames: Vec<Frame>,
    /// The exception that came before it in a chain, and how it is linked.
    pub cause: Option<Box<(ChainLink, Self)>>,
    /// The members of an exception group.
    pub children: Vec<Self>,
    /// Notes, where they can be told from the message.
    pub notes: Vec<String>,
    /// How the traceback was printed.
    pub form: TracebackForm,
    /// The test whose failure it is, as the runner's heading names it.
    pub test: Option<String>,
    /// Whether the traceback stands in output that pytest captured: logged, not the reason of the failure.
    pub captured: bool,
    /// A part is missing: the beginning, the end, or the rest of a shortened message.
    pub truncated: bool,
    /// Where the traceback begins: index of the line, from 0.
    pub at: usize,
    /// How many lines it takes.
    pub lines: usize,
}

impl ParsedTraceback {
    pub(super) fn empty(form: TracebackForm, at: usize) -> Self {
        Self {
            kind: None,
            message: String::new(),
            frames: Vec::new(),
            cause: None,
            children: Vec::new(),
            notes: Vec::new(),
            form,
            test: None,
            captured: false,
            truncated: false,
            at,
            lines: 1,
        }
    }

    /// An exception that a structured record names, without frames yet.
    #[must_use]
    pub fn structured(kind: &str, message: &str) -> Self {
        let (kind, message) = (Some(kind.to_owned()), message.to_owned());
        Self { kind, message, ..Self::empty(TracebackForm::Structured, 0) }
    }

    /// The message's first line.
    #[must_use]
    pub fn headline(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The type without its module.
    #[must_use]
    pub fn short_kind(&self) -> Option<&str> {
        self.kind.as_deref().map(|kind| kind.rsplit('.').next().unwrap_or(kind))
    }

    /// The exceptions of the chain, the last raised first.
    pub fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |one| one.cause.as_ref().map(|cause| &cause.1))
    }
}

pub(super) static EXCEPTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^((?:[A-Za-z_]\w*\.|<locals>\.|<\w+>\.)*[A-Za-z_]\w*(?:\([A-Za-z_][\w.]*\))?)(?:: ?(.*))?$")
        .expect("a valid pattern")
});

/// `Type: message` or `Type` alone, when the type looks like one.
pub(in crate::triage) fn exception_line(line: &str) -> Option<(&str, &str)> {
    let found = EXCEPTION.captures(line)?;
    let kind = found.get(1)?.as_str();
    let message = found.get(2).map_or("", |message| message.as_str());
    let name = kind.rsplit('.').next()?;
    let like_a_class = name.trim_start_matches('_').starts_with(char::is_uppercase) || kind.contains('.');
    (like_a_class || message.is_empty() && line.len() > kind.len()).then_some((kind, message))
}

/// Whether the line only marks a part of the one above. Where the source of a frame is not the file's (tblib, exec), the
/// marks may stand anywhere.
pub(in crate::triage) fn is_marks(line: &str) -> bool {
    let marks = line.trim();
    !marks.is_empty() && marks.chars().all(|c| matches!(c, '^' | '~' | ' '))
}

/// Whether the name is as those of exceptions are.
pub(in crate::triage) fn of_python(kind: &str) -> bool {
    let ends = ["Error", "Exception", "Warning", "Exit", "Interrupt", "Iteration", "Failure", "Timeout"];
    kind.contains('.') || ends.iter().any(|end| kind.ends_with(end))
}

/// How the sentence in this line links two exceptions; some programs set it in.
pub(in crate::triage) fn separator(line: &str) -> Option<ChainLink> {
    match line.trim() {
        "The above exception was the direct cause of the following exception:" => {
            Some(ChainLink::DirectCause)
        }
        "During handling of the above exception, another exception occurred:" => {
            Some(ChainLink::DuringHandling)
        }
        _ => None,
    }
}

//! Remarks on places in files: what reviewers' tools show beside the code.

use serde::{Deserialize, Serialize};

/// How much a remark weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Likely to be wrong.
    Warning,
    /// Wrong.
    Error,
}

/// A kind of remark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// A word for machines: `callee-changed`.
    pub id: String,
    /// What such a remark says, one line.
    pub summary: String,
}

/// Whole lines that mend what a remark is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// What the suggestion does, one line.
    pub title: String,
    /// The first line that it replaces.
    pub line: u32,
    /// The last line that it replaces.
    pub end_line: u32,
    /// The lines as they are, without the last line end.
    pub old: String,
    /// What comes instead.
    pub new: String,
    /// Whether the command was seen to pass with it.
    pub tested: bool,
}

/// A remark on a place in a file. Lines and columns count from 1, columns in bytes, ends are inclusive of
/// the line and exclusive of the column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// What kind it is.
    pub rule: Rule,
    /// How much it weighs.
    pub severity: Severity,
    /// The file, relative to the top of the repository, with `/`.
    pub path: String,
    /// First line.
    pub line: u32,
    /// Column in the first line.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// The column after the last byte, in the last line.
    pub end_column: u32,
    /// Whether the place is in the old version, since the new one no longer has it.
    pub in_old_version: bool,
    /// What there is to say; may have several lines.
    pub message: String,
    /// What the annotation rests on, one line each.
    pub evidence: Vec<String>,
    /// What would mend it.
    pub suggestion: Option<Suggestion>,
    /// Stays the same while the remark does, though lines move.
    pub fingerprint: String,
}

impl Annotation {
    /// The message with the evidence under it.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<&str> =
            std::iter::once(&self.message).chain(&self.evidence).map(String::as_str).collect();
        lines.join("\n")
    }
}

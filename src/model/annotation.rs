//! Remarks on places in files: what reviewers' tools show beside the code.

/// How much a remark weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Likely to be wrong.
    Warning,
    /// Wrong.
    Error,
}

/// A kind of remark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// A word for machines: `callee-changed`.
    pub id: String,
    /// What such a remark says, one line.
    pub summary: String,
}

/// A remark on a place in a file. Lines and columns count from 1, columns in bytes, ends are inclusive of
/// the line and exclusive of the column.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Stays the same while the remark does, though lines move.
    pub fingerprint: String,
}

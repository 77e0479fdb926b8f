//! A frame of a traceback in the repository's own code.

/// A line of a traceback in one of the repository's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFrame {
    /// The file's path in the repository, at the commit that failed.
    pub path: String,
    /// The line, from 1; 0 when it is not known.
    pub line: u32,
    /// The definition that it lies in, by its path in the file.
    pub definition: String,
    /// The source line, without surrounding space; empty when it is not known.
    pub code: String,
}

//! A changed file before and after.

/// A change of one file, as it is read from the repository. Lines have numbers from 1.
#[derive(Debug, Clone, Copy)]
pub struct FileEdit<'a> {
    /// The file's path in the commit.
    pub path: &'a str,
    /// The file's path in the parent, when that is another.
    pub old_path: Option<&'a str>,
    /// The content before; empty when it is not known.
    pub old: &'a [u8],
    /// The content after; empty when it is not known.
    pub new: &'a [u8],
    /// Lines that went.
    pub removed: &'a [(u32, &'a str)],
    /// Lines that came.
    pub added: &'a [(u32, &'a str)],
}

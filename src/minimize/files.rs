//! The two versions of a file that differs.

use crate::model::BlobId;

/// A file as it is on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSide {
    /// The file's path from the top, with `/`; any bytes but NUL.
    pub path: Vec<u8>,
    /// The file's mode, as in the tree.
    pub mode: u32,
    /// The file's content; of a submodule the id of its commit.
    pub id: BlobId,
    /// The file's content when that is text of a usual size.
    pub text: Option<Vec<u8>>,
}

impl FileSide {
    const fn is_regular(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}

/// A file that differs: with another content, mode or path, or on one side only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePair {
    /// In the good version.
    pub old: Option<FileSide>,
    /// In the bad version.
    pub new: Option<FileSide>,
}

impl FilePair {
    /// The file's path: the new one, or the old one when it went.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        let side = self.new.as_ref().or(self.old.as_ref());
        side.map(|side| side.path.as_slice()).unwrap_or_default()
    }

    /// The path for people.
    #[must_use]
    pub fn name(&self) -> String {
        String::from_utf8_lossy(self.path()).into_owned()
    }

    /// Both contents, when both are text of regular files.
    pub(super) fn texts(&self) -> Option<(&[u8], &[u8])> {
        let (old, new) = (self.old.as_ref()?, self.new.as_ref()?);
        let both = old.is_regular() && new.is_regular();
        both.then(|| Some((old.text.as_deref()?, new.text.as_deref()?))).flatten()
    }

    /// Whether its path or mode changed.
    pub(super) fn moved(&self) -> bool {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => old.path != new.path || old.mode != new.mode,
            _ => false,
        }
    }

    /// Whether it is Python source, by its name.
    pub(super) fn is_python(&self) -> bool {
        self.path().ends_with(b".py") || self.path().ends_with(b".pyi")
    }

    /// Whether the file is a test, by its name.
    #[must_use]
    pub fn is_test(&self) -> bool {
        is_test_file(&self.name())
    }

    /// Text of the side, empty when there is none.
    pub(super) fn old_text(&self) -> &[u8] {
        self.old.as_ref().and_then(|side| side.text.as_deref()).unwrap_or_default()
    }

    /// Text of the side, empty when there is none.
    pub(super) fn new_text(&self) -> &[u8] {
        self.new.as_ref().and_then(|side| side.text.as_deref()).unwrap_or_default()
    }
}

/// Whether a file is a test, by its path.
#[must_use]
pub fn is_test_file(path: &str) -> bool {
    let name = path.to_lowercase();
    let last = name.rsplit('/').next().unwrap_or_default();
    let is_folder = |part: &str| part == "test" || part == "tests";
    last.starts_with("test_") || last.ends_with("_test.py") || name.split('/').any(is_folder)
}

/// A text as lines with their ends.
pub(super) fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').collect()
}

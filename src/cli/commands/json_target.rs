//! Where a result goes as JSON.

use std::path::{Path, PathBuf};

use crate::cli::Error;
use crate::cli::print;

/// Where the JSON goes. Tried before anything is done: a wrong path should not cost a search, or be found after a deploy.
#[derive(Debug)]
pub(super) enum JsonTarget {
    Stdout,
    /// A file, and whether the report is in it.
    File(PathBuf, bool),
}

impl JsonTarget {
    /// Standard output for `-`, or a file, which is made empty.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        std::fs::File::create(path)
            .map_err(|error| Error::usage(format!("failed to write {}: {error}", path.display())))?;
        Ok(Self::File(path.to_owned(), false))
    }

    /// Whether it goes where the text for people would.
    pub(super) const fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }

    /// Write it.
    pub(super) fn write(&mut self, text: &[u8]) -> Result<(), Error> {
        match self {
            Self::Stdout => print::print(text).map(drop),
            Self::File(path, is_written) => {
                std::fs::write(&*path, text).map_err(Error::internal)?;
                *is_written = true;
                Ok(())
            }
        }
    }
}

/// After an error there is no report: neither an empty one nor that of an earlier run, which would be taken for this
/// one's.
impl Drop for JsonTarget {
    fn drop(&mut self) {
        if let Self::File(path, false) = self
            && path.symlink_metadata().is_ok_and(|facts| facts.is_file())
        {
            drop(std::fs::remove_file(path));
        }
    }
}

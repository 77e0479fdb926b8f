//! Folders for programs that are not trusted.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::folder::Folder;

/// For removing what was left. What takes longer stays, in the system's folder for temporary files.
const LONGEST: Duration = Duration::from_secs(60);

/// A temporary folder that goes with all that a program left in it, however deep, and in bounded time.
#[derive(Debug)]
pub struct Scratch {
    top: TempDir,
    folder: Folder,
}

impl Scratch {
    /// A new one among the system's temporary files; its name begins with the prefix.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(prefix: &str) -> io::Result<Self> {
        Self::new_in(&std::env::temp_dir(), prefix)
    }

    /// A new one in this folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new_in(parent: &Path, prefix: &str) -> io::Result<Self> {
        let top = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        let folder = Folder::open(top.path())?;
        Ok(Self { top, folder })
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.top.path()
    }

    /// The folder itself, whatever lies at its path by now.
    #[must_use]
    pub const fn folder(&self) -> &Folder {
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What `TempDir` does calls itself for each level: a program decides how deep.
        if self.folder.empty(Instant::now() + LONGEST).is_err() {
            self.top.disable_cleanup(true);
        }
    }
}

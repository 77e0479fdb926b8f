//! What trials have beside their tree: links to things of the user's that are not git's.

use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Instant;

use super::slot_dir::SlotDir;
use super::worktree::WorkTree;
use crate::dirfd::Folder;

/// A file that tells of an environment is not larger.
const LARGEST: u64 = 64 << 10;

impl WorkTree {
    /// Make the links, each where the tree has nothing. What they lead to has the bytecode of its own place.
    pub(super) fn make_links(&self, dir: &SlotDir, until: Instant) -> io::Result<()> {
        for (place, target) in self.links() {
            if self.is_taken(place) {
                continue;
            }
            if let Some(content) = note_of_tox(target) {
                self.folder.make_folders(place.parent().unwrap_or(Path::new("")), until)?;
                self.folder.remove(place, until)?;
                self.folder.create(place, 0o644)?.write_all(&content)?;
            } else {
                self.folder.link_anew(target, place, until)?;
                dir.share_bytecode(place, target, until)?;
            }
        }
        Ok(())
    }

    /// Whether something of git's is at a path, in it, or in the way to it.
    fn is_taken(&self, place: &Path) -> bool {
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
        self.manifest.needs_folder(&bytes(place))
            || place.ancestors().any(|part| self.manifest.is_tracked(&bytes(part)))
    }
}

/// One of the files in which tox notes how it made an environment: it does not read them through a link.
fn note_of_tox(path: &Path) -> Option<Vec<u8>> {
    let (environment, name) = (path.parent()?, path.file_name()?);
    if environment.parent()?.file_name()? != ".tox" {
        return None;
    }
    let content = Folder::open(environment).ok()?.read(name.as_ref(), LARGEST).ok()?;
    (u64::try_from(content.len()).ok()? < LARGEST).then_some(content)
}

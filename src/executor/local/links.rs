//! What trials have beside their tree: links to things of the user's that are not git's.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Instant;

use super::slot_dir::SlotDir;
use super::worktree::WorkTree;

impl WorkTree {
    /// Make the links, each where the tree has nothing. What they lead to has the bytecode of its own place.
    pub(super) fn make_links(&self, dir: &SlotDir, until: Instant) -> io::Result<()> {
        for (place, target) in self.links() {
            if !self.is_taken(place) {
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

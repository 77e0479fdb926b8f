//! What trials have beside their tree: links to things of the user's that are not git's.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::pycache::inside;
use super::worktree::WorkTree;

impl WorkTree {
    /// Make the links, each where the tree has nothing. The bytecode of what they lead to is that of all slots.
    pub(super) fn make_links(&self, prefix: &Path, bytecode: &Path) -> io::Result<()> {
        for (place, target) in self.links() {
            if self.is_taken(place) {
                continue;
            }
            self.make_parents(place)?;
            renew(target, &self.folder.join(place))?;
            let shared = inside(prefix, target);
            fs::create_dir_all(&shared)?;
            let own = bytecode.join(place);
            fs::create_dir_all(own.parent().unwrap_or(bytecode))?;
            renew(&shared, &own)?;
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

/// Make a link, unless it is there.
fn renew(target: &Path, at: &Path) -> io::Result<()> {
    match symlink(target, at) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

//! Which bytecode belongs to which source, by its path.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::time::Instant;

use super::manifest::system_path;
use crate::dirfd::Folder;

/// `x.py` for `x.cpython-311.pyc`, `x.cpython-311.opt-1.pyc` and `x.cpython-311-pytest-8.3.pyc`; `None` for what is no
/// bytecode.
pub(super) fn source_of_bytecode(name: &OsStr) -> Option<OsString> {
    let name = name.as_bytes();
    name.strip_suffix(b".pyc")?;
    // A module's own name has no dot; the tag of the interpreter stands behind the first one.
    let stem = name.split(|&byte| byte == b'.').next()?;
    Some(OsString::from_vec([stem, b".py"].concat()))
}

/// Remove the bytecode beside a source, in `__pycache__`, and that folder when nothing else is in it: Python would
/// take what is left of a package for a namespace package.
pub(super) fn remove_beside(tree: &Folder, source: &[u8], until: Instant) -> io::Result<()> {
    let source = system_path(source);
    let path = source.with_file_name("__pycache__");
    let Ok(folder) = tree.folder(&path) else { return Ok(()) };
    for entry in folder.entries()? {
        if source_of_bytecode(&entry.name).as_deref() == source.file_name() {
            folder.remove(entry.name.as_ref(), until)?;
        }
    }
    // It fails when something is left.
    drop(tree.remove_empty(&path));
    Ok(())
}

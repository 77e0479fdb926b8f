//! Bytecode that one slot made and others need.
//!
//! A source's time depends on its content alone, so what it was compiled to fits in every tree that has the same
//! content in a file of the same name: in another slot, or later in the same one. Without that, each slot would
//! compile a large project once for itself, and again the way back whenever the search turns round.
//!
//! What a slot compiled is moved here and linked to; slots can only read it, so that no trial changes what another one
//! runs. Python corrects the paths of what it loads, and replaces a link rather than write through it. pytest does not
//! correct paths: of what it rewrites each slot gets a copy, with its own path in it.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::manifest::{Entry, system_path};
use super::worktree::time_of;
use crate::git::TreeFile;
use crate::model::BlobId;

/// Bytecode by the content of its source.
#[derive(Debug)]
pub(super) struct Exchange {
    folder: PathBuf,
    known: Mutex<HashMap<BlobId, Vec<Known>>>,
    /// How much was looked at.
    seen: AtomicU64,
}

/// Bytecode that was taken.
#[derive(Debug)]
struct Known {
    /// Such as `x.cpython-311.pyc`.
    name: OsString,
    /// Where it lies now.
    place: PathBuf,
    /// Where its source was, when that is written in it.
    origin: Option<Origin>,
}

#[derive(Debug)]
struct Origin {
    tree: PathBuf,
    /// Inside of the tree.
    source: PathBuf,
}

impl Exchange {
    /// An empty one in a folder.
    pub(super) fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, known: Mutex::default(), seen: AtomicU64::new(0) })
    }

    /// What slots have to be able to read.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Take what a source in `tree` was compiled to, which lies at `path`. It stays where that fails, or where it may
    /// not be the source's: then it is compiled again elsewhere, no more.
    pub(super) fn take(&self, tree: &Path, source: &Path, entry: &Entry, path: &Path) {
        let Some((name, kind)) = path.file_name().and_then(|name| Some((name, Kind::of(name)?))) else {
            return;
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let all = known.entry(entry.id).or_default();
        let place = self.folder.join(self.seen.fetch_add(1, Ordering::Relaxed).to_string());
        let is_known = |known: &Known| {
            known.name == name && known.origin.as_ref().is_none_or(|origin| origin.source == source)
        };
        let (taken, origin) = match (kind, all.iter().find(|known| is_known(known))) {
            _ if !is_of(path, entry) => return,
            (Kind::Plain, Some(known)) => {
                drop(fs::remove_file(path).and_then(|()| symlink(&known.place, path)));
                return;
            }
            (Kind::Plain, None) => (fs::rename(path, &place).and_then(|()| symlink(&place, path)), None),
            (Kind::Rewritten, Some(_)) => return,
            (Kind::Rewritten, None) => {
                let origin = Origin { tree: tree.to_owned(), source: source.to_owned() };
                (fs::copy(path, &place).map(drop), Some(origin))
            }
        };
        if taken.is_ok() {
            all.push(Known { name: name.to_owned(), place, origin });
        }
    }

    /// Put what is known of sources that were checked out in `tree` into a slot's folder of bytecode. What is not
    /// there is compiled again.
    pub(super) fn give(&self, sources: &[TreeFile], tree: &Path, bytecode: &Path) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for source in sources {
            let path = system_path(&source.path);
            let (Some(all), Some(stem)) = (known.get(&source.id), path.file_stem()) else { continue };
            for known in all.iter().filter(|known| stem_of(&known.name) == stem.as_bytes()) {
                let at = bytecode.join(path).with_file_name(&known.name);
                drop(fs::remove_file(&at));
                if known.put(&at, tree, path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                    drop(at.parent().map(fs::create_dir_all));
                    drop(known.put(&at, tree, path));
                }
            }
        }
    }
}

impl Known {
    /// Put it at a place, for a source in another tree.
    fn put(&self, at: &Path, tree: &Path, source: &Path) -> io::Result<()> {
        let Some(origin) = &self.origin else { return symlink(&self.place, at) };
        let [old, new] = [&origin.tree, tree].map(|tree| tree.as_os_str().as_bytes());
        // Of the same length, or all that follows would have to be written anew.
        if origin.source == source && old.len() == new.len() {
            let mut code = fs::read(&self.place)?;
            let found: Vec<usize> = memchr::memmem::find_iter(&code, old).collect();
            for begin in found {
                code[begin..begin + new.len()].copy_from_slice(new);
            }
            fs::write(at, code)?;
        }
        Ok(())
    }
}

/// `x` for `x.cpython-311.pyc`.
fn stem_of(bytecode: &OsStr) -> &[u8] {
    bytecode.as_bytes().split(|&byte| byte == b'.').next().unwrap_or_default()
}

/// Who made bytecode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Python itself, without options: `x.cpython-311.pyc`.
    Plain,
    /// pytest, for its assertions to tell more: `x.cpython-311-pytest-8.3.4.pyc`, `x.pypy36-PYTEST.pyc`.
    Rewritten,
}

impl Kind {
    /// By the name; `None` for what may depend on more than the source, such as `x.cpython-311.opt-1.pyc`.
    fn of(bytecode: &OsStr) -> Option<Self> {
        let name = bytecode.to_str()?.strip_suffix(".pyc")?;
        let (_, tag) = name.split_once('.')?;
        let is_version =
            |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(['-', '.']);
        let (interpreter, rest) = tag.split_once('-').unwrap_or((tag, ""));
        if rest.is_empty() && !interpreter.contains('.') || is_version(rest) {
            return Some(Self::Plain);
        }
        let by_pytest = |text: &str| text == "PYTEST" || text.starts_with("pytest-");
        let (version, rewriter) = rest.split_once('-').unwrap_or(("", rest));
        (by_pytest(rest) || is_version(version) && by_pytest(rewriter)).then_some(Self::Rewritten)
    }
}

/// Whether the header of bytecode names the time and size of this source, as
/// [PEP 552](https://peps.python.org/pep-0552/) lays it out.
fn is_of(bytecode: &Path, source: &Entry) -> bool {
    let mut header = [0_u8; 16];
    if File::open(bytecode).and_then(|mut file| file.read_exact(&mut header)).is_err() {
        return false;
    }
    let field = |at: usize| header[at..at + 4].try_into().map(u32::from_le_bytes).unwrap_or_default();
    let seconds = time_of(source.id).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let size = source.facts.map(|facts| facts.size());
    field(4) == 0 && u64::from(field(8)) == seconds && size == Some(u64::from(field(12)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::FileFacts;

    /// A slot with one source, compiled by pytest, in a tree of this name.
    fn rewritten(folder: &Path, tree: &str) -> (PathBuf, Entry, PathBuf) {
        let tree = folder.join(tree);
        let id = BlobId::from_bytes([7; 20]);
        fs::create_dir_all(tree.join("tests")).unwrap();
        fs::write(tree.join("tests/test_x.py"), "x\n").unwrap();
        let facts = Some(FileFacts::at(&tree.join("tests/test_x.py")).unwrap());
        let code = folder.join("test_x.cpython-311-pytest-8.3.4.pyc");
        let seconds = time_of(id).duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let header = [0, 0, u32::try_from(seconds).unwrap(), 2].map(u32::to_le_bytes).concat();
        let body = format!("<{0}/tests/test_x.py|{0}/tests/test_x.py>", tree.display());
        fs::write(&code, [&header[..], body.as_bytes()].concat()).unwrap();
        (tree, Entry { id, mode: 0o100_644, facts, seen: 0 }, code)
    }

    #[test]
    fn what_pytest_rewrote_gets_the_path_of_its_new_slot_or_stays_away() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, entry, code) = rewritten(folder.path(), "slot-1");
        let exchange = Exchange::new(folder.path().join("exchange")).unwrap();
        exchange.take(&tree, Path::new("tests/test_x.py"), &entry, &code);
        let given = |tree: &str, source: &str| {
            let bytecode = folder.path().join(format!("bytecode of {tree}"));
            let file = TreeFile { path: source.into(), id: entry.id, mode: entry.mode };
            exchange.give(&[file], &folder.path().join(tree), &bytecode);
            fs::read(bytecode.join(source).with_file_name(code.file_name().unwrap())).ok()
        };
        let text = String::from_utf8_lossy(&fs::read(&code).unwrap()).replace("slot-1", "slot-2");
        let found = given("slot-2", "tests/test_x.py").unwrap();
        assert_eq!(String::from_utf8_lossy(&found), text);
        assert_eq!(given("slot-10", "tests/test_x.py"), None, "what follows would be at the wrong place");
        assert_eq!(given("slot-3", "other/test_x.py"), None);
    }

    #[test]
    fn bytecode_of_another_time_or_size_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (_, entry, code) = rewritten(folder.path(), "slot-1");
        assert!(is_of(&code, &entry));
        let whole = fs::read(&code).unwrap();
        for at in [4, 8, 12] {
            let mut other = whole.clone();
            other[at] ^= 1;
            fs::write(&code, other).unwrap();
            assert!(!is_of(&code, &entry), "byte {at}");
        }
    }

    #[test]
    fn who_made_bytecode_is_told_by_its_name() {
        for (name, kind) in [
            ("x.cpython-311.pyc", Some(Kind::Plain)),
            ("x.cpython-313t.pyc", Some(Kind::Plain)),
            ("x.pypy39.pyc", Some(Kind::Plain)),
            ("x.cpython-311.opt-1.pyc", None),
            ("x.cpython-311.opt-typeguard.pyc", None),
            ("x.cpython-311-pytest-8.3.4.pyc", Some(Kind::Rewritten)),
            ("x.cpython-27-PYTEST.pyc", Some(Kind::Rewritten)),
            ("x.pypy36-PYTEST.pyc", Some(Kind::Rewritten)),
            ("x.cpython-311-other-1.pyc", None),
            ("x.cpython-311.pyc.140234", None),
            ("x.py", None),
        ] {
            assert_eq!(Kind::of(OsStr::new(name)), kind, "{name}");
        }
    }
}

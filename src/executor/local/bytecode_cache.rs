//! Bytecode that one slot made and others need.
//!
//! A source's time depends on its content alone, so what it was compiled to fits in every tree that has the same
//! content in a file of the same name: in another slot, or later in the same one. Without that, each slot would
//! compile a large project once for itself, and again the way back whenever the search turns round.
//!
//! What a slot compiled is moved here and linked to; slots can only read it, so that no trial changes what another one
//! runs. Python corrects the paths of what it loads, and replaces a link rather than write through it. pytest does not
//! correct paths: of what it rewrites each slot gets a copy, with its own path in it.
//!
//! A command that compiles by itself (`python -m compileall`) refuses to replace a link. For those the exchange is closed.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use super::manifest::{Entry, system_path};
use super::source_time::time_of;
use crate::dirfd::{FileFacts, Folder};
use crate::git::TreeFile;
use crate::model::BlobId;

/// Bytecode by the content of its source.
#[derive(Debug)]
pub(super) struct BytecodeCache {
    folder: Folder,
    path: PathBuf,
    known: Mutex<HashMap<BlobId, Vec<Known>>>,
    /// How much was looked at.
    seen: AtomicU64,
    is_closed: AtomicBool,
}

/// Bytecode that was taken.
#[derive(Debug)]
struct Known {
    /// Such as `x.cpython-311.pyc`.
    name: OsString,
    /// Its name in the exchange.
    number: String,
    /// As it was taken: where slots could write, one may have changed it.
    facts: FileFacts,
    /// Where its source was, when that is written in it.
    origin: Option<BytecodeSource>,
}

#[derive(Debug)]
struct BytecodeSource {
    tree: PathBuf,
    /// Inside of the tree.
    source: PathBuf,
}

impl BytecodeCache {
    /// An empty one in an empty folder, which slots find at `path`.
    pub(super) fn new(folder: Folder, path: PathBuf) -> Self {
        Self {
            folder,
            path,
            known: Mutex::default(),
            seen: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
        }
    }

    /// From now on nothing is taken and nothing given: each slot keeps what it compiles.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// What slots have to be able to read.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Take what a source in `tree` was compiled to: a regular file with this name in the folder `bytecode`. It stays
    /// there where that fails, or where it may not be the source's: then it is compiled again elsewhere, no more.
    /// Whether what lies there now may stay.
    pub(super) fn take(
        &self,
        tree: &Path,
        source: &Path,
        entry: &Entry,
        bytecode: &Folder,
        name: &OsStr,
    ) -> bool {
        let path: &Path = name.as_ref();
        if self.is_closed() {
            return true;
        }
        let Ok(file) = bytecode.open_file(path) else { return false };
        // What has another name also can be changed by that name.
        if !file.metadata().is_ok_and(|facts| facts.nlink() == 1) {
            return false;
        }
        let Some(kind) = Kind::of(name) else { return true };
        if !is_of(&file, entry) {
            return true;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let all = known.entry(entry.id).or_default();
        let number = self.seen.fetch_add(1, Ordering::Relaxed).to_string();
        let is_known = |known: &Known| {
            known.name == name
                && self.is_as_taken(known)
                && known.origin.as_ref().is_none_or(|origin| origin.source == source)
        };
        let place = self.place(&number);
        let taken = match (kind, all.iter().find(|known| is_known(known))) {
            (Kind::Plain, Some(known)) => {
                let place = self.place(&known.number);
                return bytecode.remove_file(path).and_then(|()| bytecode.link(&place, path)).is_ok();
            }
            (Kind::Plain, None) => {
                bytecode.move_to(path, &self.folder, &number).and_then(|()| bytecode.link(&place, path))
            }
            (Kind::Rewritten, Some(_)) => return true,
            (Kind::Rewritten, None) => self.copy(file, &number),
        };
        let stays = taken.is_ok() || kind == Kind::Rewritten;
        if taken.is_ok() {
            let origin = (kind == Kind::Rewritten)
                .then(|| BytecodeSource { tree: tree.to_owned(), source: source.to_owned() });
            let Ok(facts) = self.folder.facts(number.as_ref()) else { return false };
            all.push(Known { name: name.to_owned(), number, facts, origin });
        }
        stays
    }

    /// Whether a link with this name in a folder leads to what is known of its source.
    pub(super) fn gave(&self, entry: &Entry, bytecode: &Folder, name: &OsStr) -> bool {
        if self.is_closed() {
            return false;
        }
        let Ok(target) = bytecode.read_link(name.as_ref()) else { return false };
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = known.get(&entry.id).into_iter().flatten();
        all.any(|known| {
            known.origin.is_none()
                && known.name == name
                && self.place(&known.number) == target
                && self.is_as_taken(known)
        })
    }

    /// Put what is known of sources that were checked out in `tree` into a slot's folder of bytecode. What is not
    /// there is compiled again.
    pub(super) fn give(&self, sources: &[TreeFile], tree: &Path, bytecode: &Folder, until: Instant) {
        if self.is_closed() {
            return;
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for source in sources {
            let path = system_path(&source.path);
            let (Some(all), Some(stem)) = (known.get(&source.id), path.file_stem()) else { continue };
            let of_source =
                |known: &&Known| stem_of(&known.name) == stem.as_bytes() && self.is_as_taken(known);
            for known in all.iter().filter(of_source) {
                drop(self.put(known, bytecode, tree, path, until));
            }
        }
    }

    /// Put it into a slot's folder of bytecode, for a source in another tree.
    fn put(
        &self,
        known: &Known,
        bytecode: &Folder,
        tree: &Path,
        source: &Path,
        until: Instant,
    ) -> io::Result<()> {
        let at = source.with_file_name(&known.name);
        bytecode.make_folders(at.parent().unwrap_or(Path::new("")), until)?;
        bytecode.remove(&at, until)?;
        let Some(origin) = &known.origin else { return bytecode.link(&self.place(&known.number), &at) };
        let [old, new] = [&origin.tree, tree].map(|tree| tree.as_os_str().as_bytes());
        // Of the same length, or all that follows would have to be written anew.
        if origin.source == source && old.len() == new.len() {
            let mut code = self.folder.read(known.number.as_ref(), u64::MAX)?;
            let found: Vec<usize> = memchr::memmem::find_iter(&code, old).collect();
            for begin in found {
                code[begin..begin + new.len()].copy_from_slice(new);
            }
            bytecode.create(&at, 0o666)?.write_all(&code)?;
        }
        Ok(())
    }

    fn is_as_taken(&self, known: &Known) -> bool {
        self.folder.facts(known.number.as_ref()).is_ok_and(|facts| facts == known.facts)
    }

    /// Where slots find what has this number.
    fn place(&self, number: &str) -> PathBuf {
        self.path.join(number)
    }

    fn copy(&self, mut from: File, number: &str) -> io::Result<()> {
        from.rewind()?;
        io::copy(&mut from, &mut self.folder.create(number.as_ref(), 0o644)?).map(drop)
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
fn is_of(mut bytecode: &File, source: &Entry) -> bool {
    let mut header = [0_u8; 16];
    if bytecode.read_exact(&mut header).is_err() {
        return false;
    }
    let field = |at: usize| header[at..at + 4].try_into().map(u32::from_le_bytes).unwrap_or_default();
    let seconds = time_of(source.id).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let size = source.facts.map(|facts| facts.size);
    field(4) == 0 && u64::from(field(8)) == seconds && size == Some(u64::from(field(12)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
        (tree, Entry { id, mode: 0o100_644, facts, seen: 0, form: None }, code)
    }

    fn exchange_in(folder: &Path) -> BytecodeCache {
        let path = folder.join("exchange");
        BytecodeCache::new(Folder::open(folder).unwrap().new_folder("exchange").unwrap(), path)
    }

    fn soon() -> Instant {
        Instant::now() + std::time::Duration::from_secs(60)
    }

    #[test]
    fn what_pytest_rewrote_gets_the_path_of_its_new_slot_or_stays_away() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, entry, code) = rewritten(folder.path(), "slot-1");
        let exchange = exchange_in(folder.path());
        let (here, name) = (Folder::open(folder.path()).unwrap(), code.file_name().unwrap());
        assert!(exchange.take(&tree, Path::new("tests/test_x.py"), &entry, &here, name));
        let given = |tree: &str, source: &str| {
            let name = format!("bytecode of {tree} {}", source.len());
            let bytecode = here.new_folder(&name).unwrap();
            let file = TreeFile { path: source.into(), id: entry.id, mode: entry.mode };
            exchange.give(&[file], &folder.path().join(tree), &bytecode, soon());
            let path = folder.path().join(name).join(source);
            fs::read(path.with_file_name(code.file_name().unwrap())).ok()
        };
        let text = String::from_utf8_lossy(&fs::read(&code).unwrap()).replace("slot-1", "slot-2");
        let found = given("slot-2", "tests/test_x.py").unwrap();
        assert_eq!(String::from_utf8_lossy(&found), text);
        assert_eq!(given("slot-10", "tests/test_x.py"), None, "what follows would be at the wrong place");
        assert_eq!(given("slot-3", "other/test_x.py"), None);
    }

    #[test]
    fn only_a_link_to_the_same_source_in_the_exchange_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, entry, rewritten) = rewritten(folder.path(), "slot-1");
        let name = OsStr::new("test_x.cpython-311.pyc");
        let code = folder.path().join(name);
        fs::rename(rewritten, &code).unwrap();
        let (exchange, here) = (exchange_in(folder.path()), Folder::open(folder.path()).unwrap());
        assert!(exchange.take(&tree, Path::new("tests/test_x.py"), &entry, &here, name));
        assert!(exchange.gave(&entry, &here, name), "it was moved, and a link is in its place");
        let target = fs::read_link(&code).unwrap();
        let other = Entry { id: BlobId::from_bytes([8; 20]), ..entry.clone() };
        assert!(!exchange.gave(&other, &here, name), "of another content");
        for (why, wrong) in [("outside", folder.path().join("x")), ("another", target.with_file_name("7"))] {
            fs::remove_file(&code).unwrap();
            std::os::unix::fs::symlink(wrong, &code).unwrap();
            assert!(!exchange.gave(&entry, &here, name), "{why}");
        }
        fs::remove_file(&code).unwrap();
        std::os::unix::fs::symlink(&target, &code).unwrap();
        assert!(exchange.gave(&entry, &here, name));
        fs::write(&target, "changed since").unwrap();
        assert!(!exchange.gave(&entry, &here, name), "no longer what was taken");
    }

    #[test]
    fn a_hard_link_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, entry, code) = rewritten(folder.path(), "slot-1");
        fs::hard_link(&code, folder.path().join("by another name")).unwrap();
        let (exchange, here) = (exchange_in(folder.path()), Folder::open(folder.path()).unwrap());
        let source = Path::new("tests/test_x.py");
        assert!(!exchange.take(&tree, source, &entry, &here, code.file_name().unwrap()));
    }

    #[test]
    fn bytecode_of_another_time_or_size_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (_, entry, code) = rewritten(folder.path(), "slot-1");
        let is_of = |code: &Path| is_of(&File::open(code).unwrap(), &entry);
        assert!(is_of(&code));
        let whole = fs::read(&code).unwrap();
        for at in [4, 8, 12] {
            let mut other = whole.clone();
            other[at] ^= 1;
            fs::write(&code, other).unwrap();
            assert!(!is_of(&code), "byte {at}");
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

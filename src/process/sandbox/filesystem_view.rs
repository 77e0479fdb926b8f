//! What a confined command sees: everything, read only, but for what is hidden; and of that again what it needs.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::mounts::{Mount, Place, is_common_device};
use crate::dirfd::Identity;

/// Folders that hold the system: neither they nor what they lie in can be hidden.
const SYSTEM: [&str; 12] =
    ["/bin", "/dev", "/etc", "/lib", "/lib64", "/nix", "/opt", "/proc", "/sbin", "/sys", "/usr", "/var"];

/// Sockets of the system's and the user's services, and secrets that are handed to containers.
const SERVICES: [&str; 1] = ["/run"];
/// The same where the host's network is shared: what names are resolved with stays.
pub(super) const PRIVATE_SERVICES: [&str; 3] = ["/run/user", "/run/secrets", "/run/docker.sock"];
/// What some systems keep their programs under, in the folder of services.
const NEEDED_OF_SERVICES: [&str; 2] = ["/run/current-system", "/run/wrappers"];

/// Deepest chain of symbolic links that is followed.
const MOST_LINKS: usize = 40;

/// What is hidden from commands, and what of it is not.
#[derive(Debug, Clone, Default)]
pub struct FilesystemView {
    /// The user's home: replaced by the command's own.
    pub home: Option<PathBuf>,
    /// Folders that look empty: the repository, the cache.
    pub hidden: Vec<PathBuf>,
    /// Files and folders that can be read wherever they lie: interpreters, packages, what the command names.
    pub visible: Vec<PathBuf>,
    /// Files and folders outside of the slot that can be written.
    pub writable: Vec<PathBuf>,
}

/// The folders of a command.
#[derive(Debug, Clone, Copy)]
pub struct SlotDirs<'a> {
    /// All that it may write lies in here.
    pub slot: &'a Path,
    /// The slot's own home.
    pub home: &'a Path,
    /// The slot's own folder for temporary files.
    pub tmp: &'a Path,
    /// What of the slot it may write, the slot itself being only read then; empty for all of it.
    pub own: &'a [OwnFolder],
}

/// A folder of a slot that commands may write. It is a mount point, so that they can neither move nor replace it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFolder {
    /// Where the folder is.
    pub path: PathBuf,
    /// Which one it is: another one that lies there is not taken for it.
    pub identity: Identity,
}

impl SlotDirs<'_> {
    pub(super) fn identity(&self, path: &Path) -> Option<Identity> {
        self.own.iter().find(|own| own.path == path).map(|own| own.identity)
    }
}

/// Whether a folder can be hidden without hiding the system.
#[must_use]
pub(super) fn can_be_hidden(folder: &Path) -> bool {
    folder.is_absolute() && !SYSTEM.iter().any(|system| Path::new(system).starts_with(folder))
}

impl FilesystemView {
    /// The folders that are hidden, and those that should be and cannot.
    #[must_use]
    pub fn hidden_folders(&self) -> (Vec<&Path>, Vec<&Path>) {
        let all = self.home.iter().chain(&self.hidden).map(PathBuf::as_path);
        all.filter(|folder| folder.exists()).partition(|folder| can_be_hidden(folder))
    }

    /// The steps that make it, outer ones first. Sources that are not there are left out.
    pub(super) fn mounts(&self, room: SlotDirs<'_>, shares_network: bool) -> Vec<Mount> {
        let mut steps = Steps::default();
        for tmp in ["/tmp", "/var/tmp"] {
            steps.replace(Path::new(tmp), room.tmp, room);
        }
        steps.hide_all(if shares_network { &PRIVATE_SERVICES[..] } else { &SERVICES[..] });
        if let Some(home) = self.home.as_deref().filter(|home| can_be_hidden(home)) {
            steps.replace(home, room.home, room);
        }
        for hidden in self.hidden.iter().filter(|hidden| can_be_hidden(hidden)) {
            steps.hide(hidden);
        }
        let (devices, shared) = (Place("/dev".into()), Place("/dev/shm".into()));
        steps.all.insert(devices.0.clone(), Mount::Devices { at: devices });
        steps.all.insert(shared.0.clone(), Mount::Memory { at: shared });
        let needed = NEEDED_OF_SERVICES.iter().map(Path::new);
        for visible in self.visible.iter().map(PathBuf::as_path).chain(needed) {
            steps.show(visible);
        }
        let whole = room.own.is_empty().then_some(room.slot);
        for writable in self.writable.iter().map(PathBuf::as_path).chain(whole) {
            if let Ok(real) = writable.canonicalize() {
                let (from, at) = (Place(real), Place(writable.to_owned()));
                steps.all.insert(at.0.clone(), Mount::Write { from, at, is: None });
            }
        }
        if !room.own.is_empty() {
            let at = Place(room.slot.to_owned());
            steps.all.insert(at.0.clone(), Mount::Show { from: at.clone(), at });
        }
        for own in room.own {
            let (at, is) = (Place(own.path.clone()), Some(own.identity));
            steps.all.insert(at.0.clone(), Mount::Write { from: at.clone(), at, is });
        }
        steps.finish()
    }
}

/// Steps by place. Paths sort before what lies in them.
#[derive(Default)]
struct Steps {
    all: BTreeMap<PathBuf, Mount>,
}

impl Steps {
    fn replace(&mut self, at: &Path, from: &Path, room: SlotDirs<'_>) {
        if let Ok(at) = at.canonicalize() {
            let (is, from, at) = (room.identity(from), Place(from.to_owned()), Place(at));
            self.all.insert(at.0.clone(), Mount::Write { from, at, is });
        }
    }

    fn hide_all(&mut self, folders: &[&str]) {
        folders.iter().for_each(|folder| self.hide(Path::new(folder)));
    }

    fn hide(&mut self, folder: &Path) {
        if let Some(at) = folder.canonicalize().ok().filter(|at| at.is_dir()) {
            let at = Place(at);
            self.all.entry(at.0.clone()).or_insert(Mount::Hide { at });
        } else if folder.exists() {
            // A socket: covered by what nobody can connect to.
            let (from, at) = (Place("/dev/null".into()), Place(folder.to_owned()));
            self.all.insert(at.0.clone(), Mount::Show { from, at });
        }
    }

    /// Let a path be seen, with the links that lead to it.
    fn show(&mut self, path: &Path) {
        let Some((links, real)) = stations(path) else { return };
        for (at, to) in links {
            let (at, to) = (Place(at), Place(to));
            self.all.entry(at.0.clone()).or_insert(Mount::Link { at, to });
        }
        let at = Place(real);
        // What is hidden as a whole is not shown as a whole.
        self.all.entry(at.0.clone()).or_insert_with(|| Mount::Show { from: at.clone(), at });
    }

    /// Leave out what changes nothing.
    fn finish(self) -> Vec<Mount> {
        let mut kept: Vec<Mount> = Vec::new();
        for (at, mount) in self.all {
            let around = kept.iter().rev().find(|outer| at.starts_with(outer.at()));
            let is_needed = match (&mount, around) {
                (Mount::Hide { .. }, Some(Mount::Hide { .. } | Mount::Memory { .. }))
                | (Mount::Show { .. }, Some(Mount::Show { .. }) | None)
                | (Mount::Link { .. }, Some(Mount::Show { .. }) | None) => false,
                // What a command names of its own accord, such as a serial port.
                (Mount::Show { .. }, Some(Mount::Devices { .. })) => !is_common_device(&at),
                (Mount::Link { .. }, Some(Mount::Devices { .. })) => false,
                // A home of the command's own, or its folder for temporary files: nothing of the user's is in it.
                (Mount::Hide { .. }, Some(Mount::Write { from, at, .. })) => from == at,
                _ => true,
            };
            // A link cannot be made where a folder is, nor anything in a link.
            let is_in_link = matches!(around, Some(Mount::Link { .. }));
            if is_needed && !is_in_link || matches!(&mount, Mount::Show { from, at } if from != at) {
                kept.push(mount);
            }
        }
        kept
    }
}

/// The symbolic links that a path leads over, each with what is written in it, and where it ends. `None` when that is
/// not there.
fn stations(path: &Path) -> Option<(Vec<(PathBuf, PathBuf)>, PathBuf)> {
    let mut links = Vec::new();
    let mut here = PathBuf::from("/");
    let mut waiting: Vec<std::ffi::OsString> = parts(path);
    while let Some(part) = waiting.pop() {
        if part == OsStr::new("..") {
            here.pop();
            continue;
        }
        let next = here.join(&part);
        match fs::read_link(&next) {
            Ok(target) => {
                if links.len() > MOST_LINKS {
                    return None;
                }
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                waiting.extend(parts(&target));
                links.push((next, target));
            }
            Err(_) => here = next,
        }
    }
    here.exists().then_some((links, here))
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<std::ffi::OsString> {
    let part = |part: Component<'_>| match part {
        Component::Normal(_) | Component::ParentDir => Some(part.as_os_str().to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dirfd::FileFacts;
    use std::os::unix::fs::symlink;

    fn seen(mounts: &[Mount], root: &Path) -> Vec<String> {
        let inside = |mount: &&Mount| mount.at().starts_with(root) && mount.at() != root;
        let name = |mount: &Mount| {
            let word = match mount {
                Mount::Hide { .. } => "hide",
                Mount::Memory { .. } => "memory",
                Mount::Devices { .. } => "devices",
                Mount::Show { .. } => "show",
                Mount::Write { .. } => "write",
                Mount::Link { .. } => "link",
            };
            format!("{word} {}", mount.at().strip_prefix(root).unwrap().display())
        };
        mounts.iter().filter(inside).map(name).collect()
    }

    #[test]
    fn what_is_needed_of_something_hidden_is_seen_and_the_links_to_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["home/repo/.venv/bin", "home/pythons/3.11/bin", "slot/home", "slot/tmp", "open"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        symlink("3.11", root.join("home/pythons/3")).unwrap();
        let view = FilesystemView {
            home: Some(root.join("home")),
            hidden: vec![root.join("home/repo")],
            visible: ["home/repo/.venv", "home/repo/.venv/bin", "home/pythons/3", "open", "missing"]
                .map(|path| root.join(path))
                .to_vec(),
            writable: Vec::new(),
        };
        let (slot, home, tmp) = (root.join("slot"), root.join("slot/home"), root.join("slot/tmp"));
        let room = SlotDirs { slot: &slot, home: &home, tmp: &tmp, own: &[] };
        let mounts = view.mounts(room, false);
        let expected =
            ["write home", "link home/pythons/3", "show home/pythons/3.11", "show home/repo/.venv"];
        // Where temporary folders lie in /tmp, all that is to be seen of it has to be shown.
        let mut seen = seen(&mounts, &root);
        seen.retain(|step| step != "show open");
        assert_eq!(seen, [&expected[..], &["write slot"]].concat());
    }

    #[test]
    fn a_slot_with_folders_of_its_own_is_only_read_around_them() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let [slot, home, tmp, tree] =
            ["slot", "slot/home", "slot/tmp", "slot/tree"].map(|path| root.join(path));
        let own = [&home, &tmp, &tree].map(|path| {
            fs::create_dir_all(path).unwrap();
            OwnFolder { path: path.clone(), identity: FileFacts::at(path).unwrap().identity() }
        });
        let view = FilesystemView { home: Some(root.clone()), ..FilesystemView::default() };
        let mounts = view.mounts(SlotDirs { slot: &slot, home: &home, tmp: &tmp, own: &own }, false);
        assert_eq!(
            seen(&mounts, &root),
            ["show slot", "write slot/home", "write slot/tmp", "write slot/tree"]
        );
        let as_made = |mount: &&Mount| matches!(mount, Mount::Write { is: Some(_), .. });
        // Also where it is put in the place of the user's home and of the machine's folder for temporary files.
        let places: Vec<_> = mounts.iter().filter(as_made).map(Mount::at).collect();
        assert!(places.contains(&&root) && places.contains(&&PathBuf::from("/tmp")), "{places:?}");
    }

    #[test]
    fn the_system_is_never_hidden() {
        for folder in ["/", "/usr", "/var", "relative"] {
            assert!(!can_be_hidden(Path::new(folder)), "{folder}");
        }
        for folder in ["/root", "/home/ada", "/usr/src/app", "/var/lib/jenkins", "/app"] {
            assert!(can_be_hidden(Path::new(folder)), "{folder}");
        }
    }
}

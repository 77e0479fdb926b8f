//! Where no namespace for mounts is to be had: a fence around files, made with Landlock (landlock(7)), which needs no
//! rights.
//!
//! It names what may be read and written, and denies the rest. Unlike a namespace it cannot put something else in the
//! place of what is denied: temporary folders stay the machine's.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::{fs, io};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, NetPort, PathBeneath, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use serde::{Deserialize, Serialize};

use super::filesystem_view::{FilesystemView, PRIVATE_SERVICES, SlotDirs, can_be_hidden};
use super::mounts::{OTHER_DEVICES, Place, opened};
use crate::dirfd::Identity;

/// The kernel's rights that are known here; those that it does not have are left out.
const RIGHTS: ABI = ABI::V10;
/// Folders for everybody's temporary files, and devices that every program may need. `/proc` is not among them: settings of other
/// processes are in it, and of the kernel.
const SHARED: [&str; 11] = [
    "/dev/full",
    "/dev/null",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/random",
    "/dev/shm",
    "/dev/tty",
    "/dev/urandom",
    "/dev/zero",
    "/tmp",
    "/var/tmp",
];

/// What is inside of the fence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fence {
    read: Vec<Place>,
    write: Vec<Place>,
    /// Folders to be written when they still are those.
    own: Vec<(Place, Identity)>,
}

impl Fence {
    /// What a view shows, and a command's own room.
    pub(super) fn around(view: &FilesystemView, room: SlotDirs<'_>) -> Self {
        let services = PRIVATE_SERVICES.iter().map(Path::new);
        let all = view.home.iter().chain(&view.hidden).map(PathBuf::as_path).chain(services);
        let real = all.filter(|folder| can_be_hidden(folder)).filter_map(|folder| folder.canonicalize().ok());
        let hidden: Vec<PathBuf> = real.collect();
        let mut read = Vec::new();
        let closed = [hidden.as_slice(), &["/dev".into()]].concat();
        open_parts(Path::new("/"), &closed, &mut read);
        read.extend(
            view.visible
                .iter()
                .filter_map(|path| path.canonicalize().ok())
                .filter(|path| !hidden.contains(path)),
        );
        let devices = OTHER_DEVICES.map(|name| Path::new("/dev").join(name));
        let shared =
            SHARED.iter().map(PathBuf::from).filter(|folder| !holds_any(folder, &hidden)).chain(devices);
        let own: Vec<PathBuf> = if room.own.is_empty() {
            [room.slot, room.home, room.tmp].map(Path::to_owned).to_vec()
        } else {
            // What lies in the slot's top cannot be moved by who may only read that.
            read.push(room.slot.to_owned());
            Vec::new()
        };
        let write = shared.chain(own).chain(view.writable.iter().cloned());
        Self {
            read: read.into_iter().map(Place).collect(),
            write: write.map(Place).collect(),
            own: room.own.iter().map(|own| (Place(own.path.clone()), own.identity)).collect(),
        }
    }

    /// Put it up, for this process and all that come of it.
    pub(super) fn put_up(&self, only_port: Option<u16>) -> io::Result<()> {
        let paths = |places: &[Place]| places.iter().map(|place| place.0.clone()).collect::<Vec<_>>();
        let own = self.own.iter().map(|(place, identity)| opened(&place.0, *identity));
        let own = own.collect::<io::Result<Vec<OwnedFd>>>()?;
        let rules = |ruleset: Ruleset| -> Result<_, RulesetError> {
            let to_own = own
                .iter()
                .map(|folder| Ok::<_, RulesetError>(PathBeneath::new(folder, AccessFs::from_all(RIGHTS))));
            let mut ruleset = ruleset
                .handle_access(AccessFs::from_all(RIGHTS))?
                .scope(Scope::Signal)?
                .scope(Scope::AbstractUnixSocket)?;
            if only_port.is_some() {
                ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
            }
            ruleset
                .create()?
                .add_rules(only_port.map(connects_to))?
                .add_rules(path_beneath_rules(paths(&self.read), AccessFs::from_read(RIGHTS)))?
                .add_rules(path_beneath_rules(paths(&self.write), AccessFs::from_all(RIGHTS)))?
                .add_rules(to_own)?
                .restrict_self()
        };
        let status = rules(Ruleset::default()).map_err(io::Error::other)?;
        if status.ruleset == RulesetStatus::NotEnforced {
            return Err(io::Error::other("the kernel does not have Landlock"));
        }
        Ok(())
    }
}

/// What of the machine's network is out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leaves {
    /// Abstract sockets: since the sixth version of Landlock.
    pub(super) abstract_sockets: bool,
    /// All ports of TCP but one: since the fourth version.
    pub(super) other_ports_than: Option<u16>,
}

/// Put it out of reach, where the kernel has a say in that.
pub(super) fn leave_network(leaves: Leaves) -> io::Result<()> {
    let rules = || -> Result<(), RulesetError> {
        let mut ruleset = Ruleset::default();
        if leaves.abstract_sockets {
            ruleset = ruleset.scope(Scope::AbstractUnixSocket)?;
        }
        if leaves.other_ports_than.is_some() {
            ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
        }
        ruleset.create()?.add_rules(leaves.other_ports_than.map(connects_to))?.restrict_self().map(drop)
    };
    if !leaves.abstract_sockets && leaves.other_ports_than.is_none() {
        return Ok(());
    }
    rules().map_err(io::Error::other)
}

fn connects_to(port: u16) -> Result<NetPort, RulesetError> {
    Ok(NetPort::new(port, AccessNet::ConnectTcp))
}

/// Whether the kernel's Landlock has a say in which ports are connected to: since its fourth version.
pub(super) fn has_ports() -> bool {
    let asked = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    asked.handle_access(AccessNet::ConnectTcp).and_then(|ruleset| ruleset.create().map(drop)).is_ok()
}

/// Whether the kernel's Landlock has a say in who connects to a socket in the file system: since its ninth version.
pub(super) fn has_sockets() -> bool {
    let asked = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    asked.handle_access(AccessFs::ResolveUnix).and_then(|ruleset| ruleset.create().map(drop)).is_ok()
}

fn holds_any(folder: &Path, hidden: &[PathBuf]) -> bool {
    hidden.iter().any(|hidden| hidden.starts_with(folder))
}

/// The largest folders and files that hold nothing hidden. Links are passed over: what they lead to is named by itself.
fn open_parts(folder: &Path, hidden: &[PathBuf], open: &mut Vec<PathBuf>) {
    if hidden.iter().any(|hidden| hidden == folder) {
        return;
    }
    if !holds_any(folder, hidden) {
        open.push(folder.to_owned());
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| !kind.is_symlink()) {
            open_parts(&entry.path(), hidden, open);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_left_out_and_all_beside_it_is_not() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for folder in ["home/ada/repo", "home/bob", "etc"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(root.join("home/ada"), root.join("link")).unwrap();
        let mut open = Vec::new();
        open_parts(&root, &[root.join("home/ada"), root.join("home/ada/repo")], &mut open);
        open.sort();
        assert_eq!(open, [root.join("etc"), root.join("home/bob")]);
    }
}

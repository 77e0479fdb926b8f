//! What a command sees of the file system: carried out by the launcher, in a mount namespace of its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, open};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_bind, mount_change,
    mount_remount, move_mount, open_tree,
};
use serde::{Deserialize, Serialize};

use crate::dirfd::{FileFacts, Identity};

/// One step. Places lie in what earlier steps made, so outer ones come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mount {
    /// An empty folder that cannot be written.
    Hide { at: Place },
    /// An empty folder in memory.
    Memory { at: Place },
    /// A file or folder that is there outside, to be read.
    Show { from: Place, at: Place },
    /// One to be written; with an identity, only when it still is that one.
    Write { from: Place, at: Place, is: Option<Identity> },
    /// A `/dev` with what every program may need, and no disks.
    Devices { at: Place },
    /// A symbolic link in something hidden.
    Link { at: Place, to: Place },
}

/// A path, which need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Vec<u8>", into = "Vec<u8>")]
pub(super) struct Place(pub(super) PathBuf);

impl From<Vec<u8>> for Place {
    fn from(bytes: Vec<u8>) -> Self {
        Self(std::ffi::OsString::from_vec(bytes).into())
    }
}

impl From<Place> for Vec<u8> {
    fn from(place: Place) -> Self {
        place.0.as_os_str().as_bytes().to_vec()
    }
}

impl Mount {
    /// Where it is seen.
    pub(super) const fn at(&self) -> &PathBuf {
        match self {
            Self::Hide { at }
            | Self::Memory { at }
            | Self::Devices { at }
            | Self::Show { at, .. }
            | Self::Write { at, .. }
            | Self::Link { at, .. } => &at.0,
        }
    }
}

/// Devices that every program may need.
const DEVICES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];
/// Others that nobody is harmed with: what computes.
pub(super) const OTHER_DEVICES: [&str; 7] =
    ["dri", "kfd", "nvidia0", "nvidia-modeset", "nvidia-uvm", "nvidia-uvm-tools", "nvidiactl"];
/// What is a link in `/dev`.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("ptmx", "pts/ptmx"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
];

/// Whether a path is in every [`Mount::Devices`].
pub(super) fn is_common_device(path: &Path) -> bool {
    let name = path.strip_prefix("/dev").ok().and_then(|name| name.to_str());
    name.is_some_and(|name| {
        DEVICES.contains(&name)
            || OTHER_DEVICES.contains(&name)
            || LINKS.iter().any(|(link, _)| *link == name)
    })
}

const PLAIN: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// What the steps need, taken before anything is covered.
pub(super) struct Prepared<'a> {
    mounts: &'a [Mount],
    writable: Vec<Option<Tree>>,
    shown: Vec<Option<Tree>>,
    devices: Vec<(&'static str, Tree)>,
}

/// Get them ready, and make all that is mounted read only.
pub(super) fn prepare(mounts: &[Mount]) -> io::Result<Prepared<'_>> {
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM)?;
    // Before all is made read only.
    let writable = trees(mounts, |mount| matches!(mount, Mount::Write { .. }))?;
    make_all_read_only()?;
    let shown = trees(mounts, |mount| matches!(mount, Mount::Show { .. }))?;
    Ok(Prepared { mounts, writable, shown, devices: device_trees()? })
}

/// Carry them out.
pub(super) fn apply(prepared: Prepared<'_>) -> io::Result<()> {
    let Prepared { mounts, writable, shown, devices } = prepared;
    for ((mount_, writable), shown) in mounts.iter().zip(writable).zip(shown) {
        let at = mount_.at();
        let done = match mount_ {
            Mount::Hide { .. } => make_place(at, true).and_then(|()| memory(at, c"mode=0755,size=4m")),
            Mount::Memory { .. } => make_place(at, true).and_then(|()| memory(at, c"mode=1777")),
            Mount::Devices { .. } => put_devices(at, &devices),
            Mount::Show { .. } | Mount::Write { .. } => match writable.or(shown) {
                Some((tree, is_folder)) => put(&tree, is_folder, at),
                None => Ok(()),
            },
            Mount::Link { to, .. } => link(at, &to.0),
        };
        done.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", at.display())))?;
    }
    // Only now: places for what lies in them had to be made.
    for mount_ in mounts {
        if let Mount::Hide { at } | Mount::Devices { at } = mount_ {
            mount_remount(&at.0, MountFlags::BIND | MountFlags::RDONLY | PLAIN, c"")?;
        }
    }
    Ok(())
}

type Tree = (OwnedFd, bool);

/// Detached copies of the sources of some steps, each with whether it is a folder; `None` for other steps and for
/// sources that are not there.
fn trees(mounts: &[Mount], is_wanted: fn(&Mount) -> bool) -> io::Result<Vec<Option<Tree>>> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    let one = |mount: &Mount| {
        let from = match mount {
            Mount::Write { from, is: Some(identity), .. } if is_wanted(mount) => {
                let folder = opened(&from.0, *identity)?;
                let flags = flags | OpenTreeFlags::AT_EMPTY_PATH;
                return Ok(Some((open_tree(&folder, "", flags)?, true)));
            }
            Mount::Show { from, .. } | Mount::Write { from, .. } if is_wanted(mount) => &from.0,
            _ => return Ok(None),
        };
        let Ok(facts) = fs::metadata(from) else { return Ok(None) };
        Ok(Some((open_tree(CWD, from, flags)?, facts.is_dir())))
    };
    mounts.iter().map(one).collect()
}

/// Open a folder when it is the one that is meant. The kernel mounts nothing that was opened in another mount namespace,
/// so a descriptor cannot be handed over: what is opened here is compared with what was opened when the slot was made.
pub(super) fn opened(folder: &Path, identity: Identity) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = open(folder, flags, Mode::empty())?;
    if FileFacts::of_open(&opened)?.identity() == identity {
        Ok(opened)
    } else {
        Err(io::Error::other(format!("{}: another folder was put in its place", folder.display())))
    }
}

/// The devices that are there, by name.
fn device_trees() -> io::Result<Vec<(&'static str, Tree)>> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let all = DEVICES.iter().chain(&OTHER_DEVICES).copied();
    let there =
        all.filter_map(|name| Some((name, fs::metadata(Path::new("/dev").join(name)).ok()?.is_dir())));
    there
        .map(|(name, is_folder)| {
            let tree = open_tree(CWD, Path::new("/dev").join(name), flags)?;
            Ok((name, (tree, is_folder)))
        })
        .collect()
}

fn put_devices(at: &Path, devices: &[(&str, Tree)]) -> io::Result<()> {
    memory(at, c"mode=0755,size=4m")?;
    for (name, (tree, is_folder)) in devices {
        put(tree, *is_folder, &at.join(name))?;
    }
    for (name, to) in LINKS {
        link(&at.join(name), Path::new(to))?;
    }
    let terminals = at.join("pts");
    fs::create_dir(&terminals)?;
    let options = c"newinstance,ptmxmode=0666,mode=0620";
    // Where there can be none, programs that want a terminal of their own do without.
    let _none = mount("devpts", &terminals, "devpts", MountFlags::NOSUID | MountFlags::NOEXEC, options);
    Ok(())
}

fn put(tree: &OwnedFd, is_folder: bool, at: &Path) -> io::Result<()> {
    make_place(at, is_folder)?;
    Ok(move_mount(tree, "", CWD, at, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}

fn memory(at: &Path, options: &std::ffi::CStr) -> io::Result<()> {
    Ok(mount("tmpfs", at, "tmpfs", PLAIN, options)?)
}

fn link(at: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = at.parent() {
        fs::create_dir_all(parent)?;
    }
    match symlink(to, at) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// Something to mount on.
fn make_place(at: &Path, is_folder: bool) -> io::Result<()> {
    if at.symlink_metadata().is_ok() {
        return Ok(());
    }
    if is_folder {
        return fs::create_dir_all(at);
    }
    if let Some(parent) = at.parent() {
        fs::create_dir_all(parent)?;
    }
    File::create(at).map(drop)
}

/// Make everything that is mounted read only, each mount by itself: the flags it has cannot be taken away from here.
fn make_all_read_only() -> io::Result<()> {
    // Of several in one place the last one is seen, and its flags count.
    let seen: BTreeMap<_, _> = mounted(&fs::read("/proc/self/mountinfo")?).into_iter().collect();
    for (at, flags) in seen {
        if flags.contains(MountFlags::RDONLY) {
            continue;
        }
        match mount_remount(&at, MountFlags::BIND | MountFlags::RDONLY | flags, c"") {
            // Covered by another mount, or not to be entered: nobody can write there either.
            Ok(())
            | Err(rustix::io::Errno::NOENT | rustix::io::Errno::ACCESS | rustix::io::Errno::NOTDIR) => {}
            Err(error) => {
                let error = io::Error::from(error);
                return Err(io::Error::new(error.kind(), format!("{}: {error}", at.display())));
            }
        }
    }
    Ok(())
}

/// Where something is mounted, and with which flags; see proc_pid_mountinfo(5).
fn mounted(table: &[u8]) -> Vec<(PathBuf, MountFlags)> {
    let known = [
        ("ro", MountFlags::RDONLY),
        ("nosuid", MountFlags::NOSUID),
        ("nodev", MountFlags::NODEV),
        ("noexec", MountFlags::NOEXEC),
        ("noatime", MountFlags::NOATIME),
        ("nodiratime", MountFlags::NODIRATIME),
        ("relatime", MountFlags::RELATIME),
    ];
    let line = |line: &[u8]| {
        let mut fields = line.split(|&byte| byte == b' ').skip(4);
        let at = unescaped(fields.next()?);
        let options = String::from_utf8_lossy(fields.next()?).into_owned();
        let flags = known.iter().filter(|(name, _)| options.split(',').any(|option| option == *name));
        Some((at, flags.fold(MountFlags::empty(), |all, (_, flag)| all | *flag)))
    };
    table.split(|&byte| byte == b'\n').filter_map(line).collect()
}

/// A path in which blanks and backslashes are written as three octal digits.
pub(super) fn unescaped(text: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(|_| first == b'\\') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes).into()
}

/// A `/proc` of this process's own namespace, in which the settings of the whole system cannot be changed: `before` runs
/// while they can. One that bubblewrap made is there already, and stays when another cannot be had.
pub(super) fn own_proc(may_do_without: bool, before: impl FnOnce()) -> io::Result<()> {
    match mount("proc", "/proc", "proc", PLAIN | MountFlags::NOEXEC, c"") {
        Err(_) if may_do_without => return Ok(()),
        done => done?,
    }
    before();
    for part in ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"] {
        if Path::new(part).exists() {
            mount_bind(part, part)?;
            mount_remount(part, MountFlags::BIND | MountFlags::RDONLY | PLAIN | MountFlags::NOEXEC, c"")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_mounts_is_read_with_flags_and_blanks() {
        let table = b"36 35 98:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
                      40 36 0:5 /a /mnt/a\\040b ro,nosuid,nodev master:1 - tmpfs x rw\n";
        let read = mounted(table);
        assert_eq!(read[0], (PathBuf::from("/"), MountFlags::RELATIME));
        let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
        assert_eq!(read[1], (PathBuf::from("/mnt/a b"), flags));
    }
}

//! What a folder has beside its entries: mode, owner, extended attributes (access lists among them) and flags.
//!
//! A command may change all of these, and they outlive what lies in the folder: an access list that is inherited decides who
//! can read the files that are made there next, and git does not work in a folder of another owner.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::fd::BorrowedFd;

use rustix::fs::{
    Gid, IFlags, Mode, Uid, XattrFlags, fchmod, fchown, fgetxattr, flistxattr, fremovexattr, fsetxattr,
    ioctl_getflags, ioctl_setflags,
};
use rustix::io::{Errno, Result};

use super::facts::facts_of;

/// Bits of the mode that can be set.
const SETTABLE: u32 = 0o7777;
/// What the owner of a folder can set and what changes how files are made, read or found in it. The last one, by which names
/// are found whatever their case is, has no name in `rustix`.
const FLAGS: IFlags = IFlags::IMMUTABLE
    .union(IFlags::APPEND)
    .union(IFlags::SYNC)
    .union(IFlags::DIRSYNC)
    .union(IFlags::NOATIME)
    .union(IFlags::PROJECT_INHERIT)
    .union(IFlags::from_bits_retain(0x4000_0000));

/// The attributes of a folder, as they were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderAttributes {
    mode: u32,
    owner: (u32, u32),
    extended: BTreeMap<CString, Vec<u8>>,
    /// `None` where the file system has none.
    flags: Option<IFlags>,
}

impl FolderAttributes {
    pub(super) fn of(folder: BorrowedFd<'_>) -> Result<Self> {
        let facts = facts_of(folder)?;
        Ok(Self {
            mode: facts.mode & SETTABLE,
            owner: facts.owner,
            extended: extended_of(folder)?,
            flags: flags_of(folder),
        })
    }

    /// Let a folder have these.
    pub(super) fn put_back(&self, folder: BorrowedFd<'_>) -> Result<()> {
        let now = Self::of(folder)?;
        if now == *self {
            return Ok(());
        }
        // Some flags forbid all the rest.
        if let (Some(flags), Some(there)) = (self.flags, now.flags)
            && flags != there
        {
            let others = ioctl_getflags(folder)?.difference(FLAGS);
            ioctl_setflags(folder, others | flags)?;
        }
        if now.owner != self.owner {
            let (user, group) = self.owner;
            fchown(folder, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
        }
        for name in now.extended.keys().filter(|name| !self.extended.contains_key(*name)) {
            fremovexattr(folder, name)?;
        }
        for (name, value) in
            self.extended.iter().filter(|(name, value)| now.extended.get(*name) != Some(value))
        {
            fsetxattr(folder, name, value, XattrFlags::empty())?;
        }
        // At last: an access list goes by the mode, and a change of the owner changes it.
        fchmod(folder, Mode::from_raw_mode(self.mode))?;
        if Self::of(folder)? == *self { Ok(()) } else { Err(Errno::PERM) }
    }
}

fn flags_of(folder: BorrowedFd<'_>) -> Option<IFlags> {
    ioctl_getflags(folder).ok().map(|flags| flags & FLAGS)
}

/// Those that a command can set; what the system gives by its own rules, such as labels, is its affair.
fn extended_of(folder: BorrowedFd<'_>) -> Result<BTreeMap<CString, Vec<u8>>> {
    const SETTABLE: [&[u8]; 3] = [b"user.", b"system.posix_acl_", b"trusted."];
    /// The kernel's largest, of all names and of a value.
    const LARGEST: usize = 64 << 10;
    // Hardly a folder has any.
    let mut few = [0; 256];
    let names = match flistxattr(folder, &mut few[..]) {
        Ok(length) => few.get(..length).unwrap_or_default().to_vec(),
        Err(Errno::RANGE) => {
            let mut many = vec![0; LARGEST];
            let length = flistxattr(folder, &mut many[..])?;
            many.truncate(length);
            many
        }
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let is_settable = |name: &&[u8]| SETTABLE.iter().any(|prefix| name.starts_with(prefix));
    let mut extended = BTreeMap::new();
    for name in names.split(|&byte| byte == 0).filter(is_settable) {
        let name = CString::new(name).map_err(|_| Errno::INVAL)?;
        let mut value = vec![0; LARGEST];
        let length = fgetxattr(folder, &name, &mut value[..])?;
        value.truncate(length);
        extended.insert(name, value);
    }
    Ok(extended)
}

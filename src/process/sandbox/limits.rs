//! What a confined command may do as root, and how much it may take.

use std::{fs, io};

use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, configure_capability_in_ambient_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};
use serde::{Deserialize, Serialize};

/// What one command may take; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory of its own, for each process.
    pub memory: Option<u64>,
    /// Processes and threads at the same time.
    pub processes: Option<u64>,
    /// Bytes of a file that it writes.
    pub file_size: Option<u64>,
}

/// What root in a container may commonly do: files of any user, changing the user, low ports, raw sockets. Not among
/// it: mounting, tracing others, changing the network.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::AUDIT_WRITE)
    .union(CapabilitySet::SETFCAP);

/// Keep, over the start of the next program, what it takes to mount: a user who is not root would lose it.
pub(super) fn keep_for_init() -> io::Result<()> {
    let needed = CapabilitySet::SYS_ADMIN | CapabilitySet::SETPCAP;
    let sets = capabilities(None)?;
    set_capabilities(None, CapabilitySets { inheritable: sets.inheritable | needed, ..sets })?;
    for capability in needed.iter() {
        configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}

/// Give up, for this process and all that come of it, what a sandbox could be left with. `has_own_users`: in a user
/// namespace of its own, where root is root of nothing else.
pub(super) fn give_up(has_own_users: bool) -> io::Result<()> {
    set_no_new_privs(true)?;
    let kept = match (geteuid().is_root(), has_own_users) {
        (true, true) => KEPT,
        // Here a device that it makes would be one.
        (true, false) => KEPT.difference(CapabilitySet::MKNOD),
        (false, _) => CapabilitySet::empty(),
    };
    for capability in CapabilitySet::all().iter() {
        // A kernel does not know those that are newer than it.
        if !kept.contains(capability) {
            let _unknown = remove_capability_from_bounding_set(capability);
        }
    }
    let kept = kept & capabilities(None)?.permitted;
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    Ok(set_capabilities(None, sets)?)
}

/// Processes that count, beside the command's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// So many in namespaces of their own.
    Ours(u64),
    /// The user's others.
    Others,
}

/// Set the limits for this process and all that come of it.
pub(super) fn limit(limits: Limits, counted: Counted) -> io::Result<()> {
    let set = |resource, limit: Option<u64>| {
        let Some(limit) = limit else { return Ok(()) };
        // Where the user has a lower one already, that stays.
        let limit = Some(getrlimit(resource).maximum.map_or(limit, |most| most.min(limit)));
        setrlimit(resource, Rlimit { current: limit, maximum: limit }).map_err(io::Error::from)
    };
    // No core files in the work tree; a crash is seen by its signal.
    set(Resource::Core, Some(0))?;
    set(Resource::Data, limits.memory)?;
    set(Resource::Fsize, limits.file_size)?;
    if let Counted::Ours(ours) = counted
        && counts_by_namespace()
    {
        set(Resource::Nproc, limits.processes.map(|most| most.saturating_add(ours)))?;
    }
    Ok(())
}

/// Whether the kernel counts a user's processes in each user namespace by itself: Linux does since 5.14. Before, those
/// outside counted too.
fn counts_by_namespace() -> bool {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(|other: char| !other.is_ascii_digit()).map(str::parse::<u32>);
    matches!((numbers.next(), numbers.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (5, 14))
}

/// Limit the numbers of processes in a namespace whose `/proc` this is: the limit that counts for root as well. Linux has
/// it since 6.14; where it has not, nothing changes.
pub(super) fn limit_numbers(limits: Limits) {
    /// Numbers up to this are given out once at most.
    const RESERVED: u64 = 300;
    let Some(most) = limits.processes else { return };
    // Not at all here, so that those above are all there are.
    drop(fs::write("/proc/sys/kernel/ns_last_pid", format!("{RESERVED}\n")));
    let most = most.saturating_add(RESERVED).min(4 << 20);
    drop(fs::write("/proc/sys/kernel/pid_max", format!("{most}\n")));
}

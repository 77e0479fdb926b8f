//! System calls that a command may not make, as container engines have it: a filter in the kernel (seccomp(2)).
//!
//! What is refused is what a test has no use for and what reaches past the other parts of the sandbox: keys of the
//! user's, sockets that belong to no network namespace, the kernel's newer and larger interfaces, further namespaces,
//! mounting. Threads, processes, debuggers of one's own children and all sockets of the internet stay as they are.
//!
//! The filter sees numbers, not what an address points at: sockets in the file system are not its affair.

use std::io;

/// Put it up, for this process and all that come of it. `has_init`: process 1 is the sandbox's own and not to be
/// touched; otherwise the numbers are the machine's.
///
/// # Errors
/// When the kernel has no such filters, or none are known for this processor.
pub(super) fn put_up(has_init: bool) -> io::Result<()> {
    for program in system::programs(has_init)? {
        seccompiler::apply_filter(&program).map_err(io::Error::other)?;
    }
    Ok(())
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod system {
    use std::collections::BTreeMap;
    use std::io;

    use libc::c_long;
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch, sock_filter,
    };

    /// The last call that is known here. What is newer is not there yet, for a command.
    const LAST_KNOWN: u32 = 469;

    /// Refused as not permitted, whatever the arguments.
    const FORBIDDEN: [c_long; 39] = [
        // Keys and tickets.
        libc::SYS_add_key,
        libc::SYS_keyctl,
        libc::SYS_request_key,
        // Programs in the kernel, and looking into it.
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_syslog,
        libc::SYS_lookup_dcookie,
        // Files of other mounts, and descriptors of other processes.
        libc::SYS_open_by_handle_at,
        libc::SYS_pidfd_getfd,
        // Namespaces and mounts.
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        OPEN_TREE_ATTR,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        // The machine.
        libc::SYS_acct,
        libc::SYS_clock_settime,
        libc::SYS_settimeofday,
        libc::SYS_delete_module,
        libc::SYS_finit_module,
        libc::SYS_init_module,
        libc::SYS_kexec_file_load,
        libc::SYS_kexec_load,
        libc::SYS_nfsservctl,
        libc::SYS_quotactl,
        libc::SYS_quotactl_fd,
        libc::SYS_reboot,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_swapoff,
        libc::SYS_swapon,
        libc::SYS_vhangup,
    ];
    /// `open_tree_attr`, of Linux 6.15.
    const OPEN_TREE_ATTR: c_long = 467;
    /// The same, of this processor alone.
    #[cfg(target_arch = "x86_64")]
    const FORBIDDEN_HERE: [c_long; 3] = [libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_uselib];
    #[cfg(not(target_arch = "x86_64"))]
    const FORBIDDEN_HERE: [c_long; 0] = [];

    /// Answered as by a kernel that does not have them: programs then do without. `clone3` hides its flags behind a
    /// pointer; the C library falls back to `clone`.
    const ABSENT: [c_long; 4] =
        [libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

    /// Requests of `ioctl` that put words into a terminal as if the user had typed them. The kernel takes 32 bits of it.
    const TYPE_FOR_THE_USER: [i32; 2] = [0x5412, 0x541c]; // TIOCSTI, TIOCLINUX

    /// The kinds of namespaces, as flags of `clone` and `unshare`.
    const NAMESPACES: [i32; 7] = [
        libc::CLONE_NEWCGROUP,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWUTS,
    ];
    /// Sockets of these families belong to a network namespace, or to the file system.
    const FAMILIES: [i32; 6] =
        [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK, libc::AF_PACKET, libc::AF_CAN];

    type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

    /// The numbers of the calls that the filter has a say in: they differ from processor to processor.
    pub(super) struct Calls {
        pub(super) arch: TargetArch,
        pub(super) forbidden: Vec<c_long>,
        pub(super) absent: [c_long; 4],
        /// Those that take kinds of namespaces: `clone`, `unshare`.
        pub(super) namespaces: [c_long; 2],
        pub(super) ioctl: c_long,
        pub(super) sockets: [c_long; 2],
        pub(super) ptrace: c_long,
        /// Those that read and write the memory of others.
        pub(super) memory: [c_long; 2],
        pub(super) prlimit64: c_long,
    }

    impl Calls {
        /// Those of this processor.
        fn of_this_machine() -> io::Result<Self> {
            Ok(Self {
                arch: TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?,
                forbidden: FORBIDDEN.iter().chain(&FORBIDDEN_HERE).copied().collect(),
                absent: ABSENT,
                namespaces: [libc::SYS_clone, libc::SYS_unshare],
                ioctl: libc::SYS_ioctl,
                sockets: [libc::SYS_socket, libc::SYS_socketpair],
                ptrace: libc::SYS_ptrace,
                memory: [libc::SYS_process_vm_readv, libc::SYS_process_vm_writev],
                prlimit64: libc::SYS_prlimit64,
            })
        }
    }

    /// One program for each answer; of several answers to a call the kernel gives the strictest.
    pub(super) fn programs(has_init: bool) -> io::Result<Vec<BpfProgram>> {
        assembled(&Calls::of_this_machine()?, has_init)
    }

    fn assembled(calls: &Calls, has_init: bool) -> io::Result<Vec<BpfProgram>> {
        let absent = calls.absent.into_iter().map(|call| (call, Vec::new())).collect();
        let not_there = SeccompAction::Errno(errno(libc::ENOSYS));
        let mut without_newer = newer_are_absent();
        without_newer.extend(compiled(calls, absent, not_there)?);
        Ok(vec![
            compiled(calls, forbidden(calls, has_init)?, SeccompAction::Errno(errno(libc::EPERM)))?,
            compiled(calls, unknown_families(calls)?, SeccompAction::Errno(errno(libc::EAFNOSUPPORT)))?,
            without_newer,
        ])
    }

    fn forbidden(calls: &Calls, has_init: bool) -> io::Result<Rules> {
        let mut rules: Rules = calls.forbidden.iter().map(|call| (*call, Vec::new())).collect();
        let with = |flag: i32| argument(0, SeccompCmpOp::MaskedEq(u64::from(flag.cast_unsigned())), flag);
        for call in calls.namespaces {
            let flags = NAMESPACES.iter().map(|flag| rule(vec![with(*flag)?]));
            rules.insert(call, flags.collect::<io::Result<_>>()?);
        }
        let [_clone, unshare] = calls.namespaces;
        if let Some(time) = rules.get_mut(&unshare) {
            // In `clone` this bit belongs to the signal.
            time.push(rule(vec![with(libc::CLONE_NEWTIME)?])?);
        }
        let of_terminals =
            TYPE_FOR_THE_USER.map(|request| rule(vec![argument(1, SeccompCmpOp::Eq, request)?]));
        rules.insert(calls.ioctl, of_terminals.into_iter().collect::<io::Result<_>>()?);
        // Setting another's limits asks for no more than the same user: a limit of processor time would end it.
        let sets = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)
            .map_err(io::Error::other)?;
        if has_init {
            rules.insert(calls.ptrace, vec![rule(vec![argument(1, SeccompCmpOp::Eq, 1)?])?]);
            for call in calls.memory {
                rules.insert(call, vec![rule(vec![argument(0, SeccompCmpOp::Eq, 1)?])?]);
            }
            rules.insert(calls.prlimit64, vec![rule(vec![argument(0, SeccompCmpOp::Eq, 1)?, sets])?]);
        } else {
            rules.insert(calls.prlimit64, vec![rule(vec![argument(0, SeccompCmpOp::Ne, 0)?, sets])?]);
        }
        Ok(rules)
    }

    fn unknown_families(calls: &Calls) -> io::Result<Rules> {
        let is_other = FAMILIES.iter().map(|family| argument(0, SeccompCmpOp::Ne, *family));
        let is_other: Vec<SeccompCondition> = is_other.collect::<io::Result<_>>()?;
        calls.sockets.into_iter().map(|call| Ok((call, vec![rule(is_other.clone())?]))).collect()
    }

    fn rule(conditions: Vec<SeccompCondition>) -> io::Result<SeccompRule> {
        SeccompRule::new(conditions).map_err(io::Error::other)
    }

    /// Of the arguments the kernel takes 32 bits as well.
    fn argument(number: u8, is: SeccompCmpOp, value: i32) -> io::Result<SeccompCondition> {
        let value = u64::from(value.cast_unsigned());
        SeccompCondition::new(number, SeccompCmpArgLen::Dword, is, value).map_err(io::Error::other)
    }

    fn errno(number: i32) -> u32 {
        number.cast_unsigned()
    }

    /// Programs for another processor, such as those of 32 bits, are ended.
    fn compiled(calls: &Calls, rules: Rules, answer: SeccompAction) -> io::Result<BpfProgram> {
        let filter =
            SeccompFilter::new(rules, SeccompAction::Allow, answer, calls.arch).map_err(io::Error::other)?;
        filter.try_into().map_err(io::Error::other)
    }

    /// The first steps of a program: what has a larger number is not there. On x86-64 that holds also for the second
    /// name of each call (x32), which is its number with a high bit.
    fn newer_are_absent() -> BpfProgram {
        const LOAD: u16 = 0x20;
        const SKIP_IF_GREATER: u16 = 0x25;
        const RETURN: u16 = 0x06;
        const ANSWER: u32 = 0x0005_0000;
        let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
        vec![
            // The number is the first thing in what the kernel shows.
            step(LOAD, 0, 0, 0),
            step(SKIP_IF_GREATER, 0, 1, LAST_KNOWN),
            step(RETURN, 0, 0, ANSWER | errno(libc::ENOSYS)),
        ]
    }

    #[cfg(test)]
    mod tests;
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod system {
    use std::io;

    use seccompiler::BpfProgram;

    pub(super) fn programs(_has_init: bool) -> io::Result<Vec<BpfProgram>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "no filter is known for this processor"))
    }
}

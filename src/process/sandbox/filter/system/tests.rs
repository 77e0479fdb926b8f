//! The programs of the filter, carried out as the kernel would: those of this processor, and those of another, whose kernel is
//! not here to be asked.

use super::*;

/// How audit(7) names processors: `AUDIT_ARCH_X86_64`, `AUDIT_ARCH_AARCH64`, and one of 32 bits, `AUDIT_ARCH_I386`.
const X86_64: u32 = 0xc000_003e;
const AARCH64: u32 = 0xc000_00b7;
const I386: u32 = 0x4000_0003;

const ALLOWED: u32 = 0x7fff_0000;
const ENDED: u32 = 0x8000_0000;
const REFUSED: u32 = 0x0005_0000;
/// The bits of an answer that say what is done, the strictest of which is least when taken as a signed number.
const ACTION: u32 = 0xffff_0000;

/// The numbers on arm64: all of them are in the kernel's asm-generic/unistd.h.
fn calls_of_aarch64() -> Calls {
    Calls {
        arch: TargetArch::aarch64,
        // As they stand in FORBIDDEN.
        forbidden: vec![
            217, 219, 218, 280, 241, 282, 116, 18, 265, 438, 268, 40, 39, 41, 429, 428, 467, 430, 431, 432,
            433, 442, 89, 112, 170, 106, 273, 105, 294, 104, 42, 60, 443, 142, 161, 162, 225, 224, 58,
        ],
        absent: [435, 425, 426, 427],
        namespaces: [220, 97],
        ioctl: 29,
        sockets: [198, 199],
        ptrace: 117,
        memory: [270, 271],
        prlimit64: 261,
    }
}

/// What a program answers to a call: the instructions that are in use, of bpf(2)'s classic kind.
fn run(program: &[sock_filter], arch: u32, call: u32, arguments: [u64; 6]) -> u32 {
    let mut shown = Vec::new();
    shown.extend(call.to_le_bytes());
    shown.extend(arch.to_le_bytes());
    shown.extend(0_u64.to_le_bytes());
    shown.extend(arguments.iter().flat_map(|argument| argument.to_le_bytes()));
    let (mut at, mut taken) = (0, 0_u32);
    loop {
        let step = &program[at];
        let branch = |holds: bool| 1 + usize::from(if holds { step.jt } else { step.jf });
        at += match step.code {
            0x20 => {
                let from = usize::try_from(step.k).unwrap();
                taken = u32::from_le_bytes(shown[from..from + 4].try_into().unwrap());
                1
            }
            0x54 => {
                taken &= step.k;
                1
            }
            0x05 => 1 + usize::try_from(step.k).unwrap(),
            0x15 => branch(taken == step.k),
            0x25 => branch(taken > step.k),
            0x35 => branch(taken >= step.k),
            0x06 => return step.k,
            other => panic!("an instruction that is not known here: {other:#x}"),
        };
    }
}

/// The strictest answer of all programs.
fn decided(programs: &[BpfProgram], arch: u32, call: c_long, arguments: [u64; 6]) -> u32 {
    let call = u32::try_from(call).unwrap();
    let answers = programs.iter().map(|program| run(program, arch, call, arguments));
    answers.min_by_key(|answer| (answer & ACTION).cast_signed()).unwrap()
}

fn answers_as_meant(calls: &Calls, arch: u32, has_init: bool) {
    let programs = assembled(calls, has_init).unwrap();
    assert!(programs.iter().all(|program| program.len() < 400), "short enough for every call");
    let answer = |call, arguments| decided(&programs, arch, call, arguments);
    let plain = |call| answer(call, [0; 6]);
    let of = |first| [first, 0, 0, 0, 0, 0];
    let not_permitted = REFUSED | errno(libc::EPERM);
    let not_there = REFUSED | errno(libc::ENOSYS);
    for call in &calls.forbidden {
        assert_eq!(plain(*call), not_permitted, "{call}");
    }
    for call in calls.absent {
        assert_eq!(plain(call), not_there, "{call}");
    }
    assert_eq!(plain(c_long::from(LAST_KNOWN) + 1), not_there);
    // Threads, processes, and what all programs do.
    let [clone, unshare] = calls.namespaces;
    let thread = 0x003d_0f00;
    for (call, flags) in [(clone, 17), (clone, thread), (unshare, 0x400), (calls.ioctl, 0)] {
        assert_eq!(answer(call, of(flags)), ALLOWED, "{call} {flags:#x}");
    }
    for flag in NAMESPACES {
        let flag = u64::from(flag.cast_unsigned());
        assert_eq!(answer(clone, of(flag | 17)), not_permitted, "{flag:#x}");
        // What is above 32 bits is not looked at by the kernel either.
        assert_eq!(answer(unshare, of(flag | 1 << 40)), not_permitted, "{flag:#x}");
    }
    for request in TYPE_FOR_THE_USER {
        let request = u64::from(request.cast_unsigned());
        assert_eq!(answer(calls.ioctl, [0, request, 0, 0, 0, 0]), not_permitted);
        assert_eq!(answer(calls.ioctl, [0, request | 7 << 32, 0, 0, 0, 0]), not_permitted);
        assert_eq!(answer(calls.ioctl, [request, 0x5413, 0, 0, 0, 0]), ALLOWED, "the size of a window");
    }
    for (family, expected) in
        [(1, ALLOWED), (2, ALLOWED), (10, ALLOWED), (40, REFUSED | errno(libc::EAFNOSUPPORT))]
    {
        for call in calls.sockets {
            assert_eq!(answer(call, of(family)), expected, "{family}");
        }
    }
    let [read, write] = calls.memory;
    let one = |is_refused: bool| if is_refused { not_permitted } else { ALLOWED };
    assert_eq!(answer(calls.ptrace, [16, 1, 0, 0, 0, 0]), one(has_init));
    assert_eq!(answer(read, of(1)), one(has_init));
    assert_eq!(answer(write, of(1)), one(has_init));
    assert_eq!(answer(calls.ptrace, [16, 77, 0, 0, 0, 0]), ALLOWED);
    // Its own limits are a command's affair, and to ask is nobody else's.
    for (process, limit, expected) in
        [(0, 1 << 40, ALLOWED), (1, 0, ALLOWED), (1, 1 << 40, not_permitted), (77, 1 << 40, one(!has_init))]
    {
        assert_eq!(answer(calls.prlimit64, [process, 7, limit, 0, 0, 0]), expected, "{process}");
    }
    assert_eq!(decided(&programs, I386, 3, [0; 6]) & ACTION, ENDED, "another processor");
}

#[test]
fn each_call_is_answered_as_meant_on_this_machine() {
    let calls = Calls::of_this_machine().unwrap();
    let arch = if cfg!(target_arch = "x86_64") { X86_64 } else { AARCH64 };
    for has_init in [true, false] {
        answers_as_meant(&calls, arch, has_init);
    }
    if arch == X86_64 {
        // The second name of a call, of which none is known.
        let programs = programs(true).unwrap();
        assert_eq!(decided(&programs, X86_64, 0x4000_0000 + 39, [0; 6]), REFUSED | errno(libc::ENOSYS));
    }
}

#[test]
fn each_call_is_answered_as_meant_on_arm() {
    let calls = calls_of_aarch64();
    assert_eq!(calls.forbidden.len(), FORBIDDEN.len());
    for has_init in [true, false] {
        answers_as_meant(&calls, AARCH64, has_init);
    }
    // Where that is this machine, the numbers are those of the C library.
    if cfg!(target_arch = "aarch64") {
        let here = Calls::of_this_machine().unwrap();
        assert_eq!((here.forbidden, here.absent), (calls.forbidden, calls.absent));
        assert_eq!(
            (here.namespaces, here.ioctl, here.sockets),
            (calls.namespaces, calls.ioctl, calls.sockets)
        );
        assert_eq!((here.ptrace, here.memory, here.prlimit64), (calls.ptrace, calls.memory, calls.prlimit64));
    }
}

//! What a child is not to have of whoever started pybisect: open files, and keys.
#![expect(
    unsafe_code,
    reason = "calls of the kernel for which there is no safe function: they take numbers and touch no memory"
)]

use std::io;

/// Let no program that is started from here have a descriptor but standard input, output and error. To be called first
/// of all in `main`: shells, editors and runners leave files and folders open for what they start.
pub fn keep_descriptors() {
    if close_on_exec().is_ok() {
        return;
    }
    // An old kernel, or another system: each by itself.
    let open = std::fs::read_dir("/dev/fd").into_iter().flatten().flatten();
    let numbers: Vec<i32> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // SAFETY: sets a flag of a number; where it is no descriptor, the kernel says so.
        let _closed = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}

/// The same for all that are open now, in one call; it allocates nothing and takes no lock.
#[cfg(target_os = "linux")]
pub(super) fn close_on_exec() -> io::Result<()> {
    let (first, last, flag): (u32, u32, u32) = (3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
    // SAFETY: sets a flag of numbers.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, flag) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn close_on_exec() -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

/// Join a new session keyring, in which there are no keys (session-keyring(7)), with all that come of this process.
#[cfg(target_os = "linux")]
pub(super) fn leave_keys() -> io::Result<()> {
    const JOIN_SESSION_KEYRING: libc::c_int = 1;
    let unnamed: *const libc::c_char = std::ptr::null();
    // SAFETY: without a name there is nothing that the kernel would read.
    let keyring = unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, unnamed) };
    if keyring >= 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

//! What a command has of whoever started pybisect, and what it may ask the kernel for: no open files, no keys, and no
//! calls that reach past the sandbox; and that ordinary test suites notice nothing of it.
//!
//! Each thing is tried by the same script inside and outside: outside it must succeed, or the test would show nothing.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use pybisect::model::Termination;
use pybisect::process::ChildSpec;

use crate::sandbox::{Slot, finish};
use crate::support::sandbox::sandboxes_of_all_kinds;
use crate::support::{TestRepo, User, culprit, report_of};

/// Prints the name of each thing that is not refused. Numbers of calls: of x86-64, and of others.
const CALLS: &str = r#"
import ctypes, os, platform, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
is_x86 = platform.machine() == "x86_64"

def call(x86, other, *arguments):
    ctypes.set_errno(0)
    plain = lambda a: a if a is None or isinstance(a, (bytes, ctypes.Array)) else ctypes.c_long(a)
    done = libc.syscall(ctypes.c_long(x86 if is_x86 else other), *map(plain, arguments))
    return done if done >= 0 else -ctypes.get_errno()

def forked(action):
    child = os.fork()
    if child == 0:
        os._exit(0 if action() >= 0 else 1)
    return -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def cloned():
    child = call(56, 220, NEW_USER | 17, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return child

def family(number, kind):
    try:
        return socket.socket(number, kind).close() or 0
    except OSError as error:
        return -error.errno

def took():
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    taken = call(438, 438, call(434, 434, child, 0), 0, 0)
    os.close(writer)
    os.waitpid(child, 0)
    return taken

def limited():
    child = os.fork()
    if child == 0:
        return os.read(os.pipe()[0], 1)
    done = call(302, 261, child, 0, (ctypes.c_long * 2)(100, 100), None)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return done

NEW_USER, EPERM, ENOSYS, EAFNOSUPPORT = 0x10000000, 1, 38, 97
results = {
    "keyctl": (call(250, 219, 0, -3, 0), EPERM),
    "add_key": (call(248, 217, b"user", b"x", b"y", 1, -3), EPERM),
    "request_key": (call(249, 218, b"user", b"x", None, -3), EPERM),
    "bpf": (call(321, 280, 99, None, 0), EPERM),
    "perf": (call(298, 241, None, 0, -1, -1, 0), EPERM),
    "io_uring": (call(425, 425, 8, ctypes.create_string_buffer(256)), ENOSYS),
    "clone3": (call(435, 435, None, 0), ENOSYS),
    "vsock": (family(40, socket.SOCK_STREAM), EAFNOSUPPORT),
    "alg": (family(38, socket.SOCK_SEQPACKET), EAFNOSUPPORT),
    "unshare": (forked(lambda: call(272, 97, NEW_USER)), 1),
    "clone": (forked(cloned), 1),
    "a descriptor of another": (took(), EPERM),
    "mount": (call(165, 40, b"none", b"/nowhere", b"tmpfs", 0, None), EPERM),
    "a terminal's input": (call(16, 29, -1, 0x5412, b"x"), EPERM),
    "a newer call": (call(998, 998), ENOSYS),
}
if is_x86:
    results["the second name of a call"] = (call(0x40000000 + 39, 0), ENOSYS)
if "machine" in sys.argv:
    results["another's limits"] = (limited(), EPERM)
print(*sorted(name for name, (result, refused) in results.items() if result != -refused), sep="\n")
"#;

#[test]
fn calls_that_reach_past_the_sandbox_are_refused() {
    for (name, sandbox) in sandboxes_of_all_kinds() {
        let slot = Slot::new();
        let numbers = if ["namespaces", "bubblewrap"].contains(&name) { "own" } else { "machine" };
        let inside = finish(&slot.spec(&sandbox, &["python3", "-c", CALLS, numbers]));
        assert_eq!(inside.stdout.text, "\n", "{name}: {}", inside.stderr.text);
        assert_eq!(inside.ending, Termination::Exited { code: 0 }, "{name}: {}", inside.stderr.text);
        let outside = finish(&ChildSpec {
            confinement: None,
            ..slot.spec(&sandbox, &["python3", "-c", CALLS, numbers])
        });
        // Which of them this machine has beside these depends on its kernel and on who runs the test.
        for possible in ["a descriptor of another", "a terminal's input", "keyctl", "mount"] {
            assert!(outside.stdout.text.lines().any(|line| line == possible), "{possible}: {outside:?}");
        }
    }
}

/// What the command would have to do with the first process of its namespace.
const INIT: &str = r#"
import ctypes, os, platform, signal, time
libc = ctypes.CDLL(None, use_errno=True)
is_x86 = platform.machine() == "x86_64"
call = lambda x86, other, *arguments: libc.syscall(ctypes.c_long(x86 if is_x86 else other), *arguments)
victim = VICTIM
done = []
def attempt(name, action):
    try:
        if action():
            done.append(name)
    except OSError:
        pass
attempt("its memory", lambda: open(f"/proc/{victim}/mem", "rb"))
attempt("its variables", lambda: open(f"/proc/{victim}/environ").read())
attempt("its descriptors", lambda: os.readlink(f"/proc/{victim}/fd/0"))
attempt("its line", lambda: os.open(f"/proc/{victim}/fd/0", os.O_RDWR))
attempt("its trace", lambda: call(101, 117, 0x4206, victim, None, None) == 0)
limit = (ctypes.c_long * 2)(100, 100)
attempt("its limits", lambda: call(302, 261, victim, 7, limit, None) == 0)
os.kill(victim, signal.SIGSTOP)
# The first process is never stopped: no need to wait for that.
stopped, until = False, time.time() + (0.2 if victim == 1 else 60)
while not stopped and time.time() < until:
    stopped = open(f"/proc/{victim}/stat").read().rsplit(")", 1)[1].split()[0] in "Tt"
    time.sleep(0.01)
attempt("its rest", lambda: stopped)
os.kill(victim, signal.SIGCONT)
print(*done, sep=", ")
"#;

#[test]
fn the_first_process_of_a_sandbox_is_left_alone() {
    for (name, sandbox) in sandboxes_of_all_kinds() {
        if !["namespaces", "bubblewrap"].contains(&name) {
            continue; // There is none.
        }
        let slot = Slot::new();
        let inside = finish(&slot.spec(&sandbox, &["python3", "-c", &INIT.replace("VICTIM", "1")]));
        assert_eq!(inside.stdout.text, "\n", "{name}: {}", inside.stderr.text);
        let child = "(lambda child: child or time.sleep(1000))(os.fork())";
        let outside = finish(&ChildSpec {
            confinement: None,
            ..slot.spec(&sandbox, &["python3", "-c", &INIT.replace("VICTIM", child)])
        });
        for possible in ["its variables", "its descriptors", "its limits", "its rest"] {
            assert!(outside.stdout.text.contains(possible), "{possible}: {outside:?}");
        }
    }
}

/// Prints what of another process's settings, and of the kernel's, can be opened to be written; nothing is.
const SETTINGS: &str = r#"
import os, sys
for name in [f"/proc/{sys.argv[1]}/{name}" for name in ("oom_score_adj", "comm", "timerslack_ns", "coredump_filter")] + [
        "/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger"]:
    try:
        os.close(os.open(name, os.O_WRONLY))
        print(os.path.basename(name))
    except OSError:
        pass
print("end")
"#;

#[test]
fn settings_of_other_processes_and_of_the_kernel_are_not_to_be_written() {
    let mut victim = Command::new("sleep").arg("1000").spawn().unwrap();
    for (name, sandbox) in sandboxes_of_all_kinds() {
        let slot = Slot::new();
        let number = victim.id().to_string();
        let words = ["python3", "-c", SETTINGS, &number];
        // Process groups keep nothing of files.
        if name != "process-groups" {
            let inside = finish(&slot.spec(&sandbox, &words));
            assert_eq!(inside.stdout.text, "end\n", "{name}: {}", inside.stderr.text);
        }
        let outside = finish(&ChildSpec { confinement: None, ..slot.spec(&sandbox, &words) });
        for possible in ["oom_score_adj", "comm", "coredump_filter"] {
            assert!(outside.stdout.text.lines().any(|line| line == possible), "{possible}: {outside:?}");
        }
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
}

/// What test suites do.
const ORDINARY: &str = r#"
import asyncio, ctypes, multiprocessing, os, platform, signal, socket, sqlite3, subprocess, tempfile, threading
libc = ctypes.CDLL(None, use_errno=True)
ptrace = lambda *arguments: libc.syscall(ctypes.c_long(101 if platform.machine() == "x86_64" else 117), *arguments)

def debugged():
    child = os.fork()
    if child == 0:
        ptrace(0, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(3)
    assert os.WIFSTOPPED(os.waitpid(child, 0)[1])
    assert ptrace(7, child, None, None) == 0
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3

async def served(place):
    async def answer(reader, writer):
        writer.write(await reader.readline())
        writer.close()
    for server, ask in (
        (await asyncio.start_unix_server(answer, place), lambda _: asyncio.open_unix_connection(place)),
        (await asyncio.start_server(answer, "127.0.0.1"), lambda at: asyncio.open_connection(*at)),
    ):
        reader, writer = await ask(server.sockets[0].getsockname())
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        writer.close()
        server.close()
    child = await asyncio.create_subprocess_exec("sh", "-c", "exit 4")
    assert await child.wait() == 4

def datagrams(folder):
    one, other = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    other.bind(folder + "/datagrams")
    one.sendto(b"x", folder + "/datagrams")
    assert other.recv(1) == b"x"

if __name__ == "__main__":
    debugged()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(served(folder + "/served"))
        datagrams(folder)
        sqlite3.connect(folder + "/base").execute("create table x (y)")
    for kind in "fork", "spawn", "forkserver":
        context = multiprocessing.get_context(kind)
        with context.Manager() as manager:
            shared = manager.dict(a=1)
            assert shared.copy() == {"a": 1}
    with multiprocessing.Pool(2) as pool:
        assert pool.map(abs, [-1, 2]) == [1, 2]
    assert subprocess.run(["sh", "-c", "exit 5"], start_new_session=True).returncode == 5
    one, other = socket.socketpair()
    socket.send_fds(one, [b"x"], [1])
    thread = threading.Thread(target=print, args=("all works",))
    thread.start()
    thread.join()
"#;

#[test]
fn ordinary_test_suites_notice_nothing() {
    for (name, sandbox) in sandboxes_of_all_kinds() {
        let slot = Slot::new();
        fs::write(slot.path("tree/ordinary.py"), ORDINARY).unwrap();
        let outcome = finish(&slot.spec(&sandbox, &["python3", "ordinary.py"]));
        assert_eq!(outcome.stdout.text, "all works\n", "{name}: {}", outcome.stderr.text);
        assert_eq!(outcome.ending, Termination::Exited { code: 0 }, "{name}: {}", outcome.stderr.text);
    }
}

/// Passes when it has anything of whoever started pybisect, otherwise as the application is.
const HEIR: &str = r#"
import ctypes, os, platform, sys
def found():
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        try:
            where = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        if number > 2 and where != f"/proc/{os.getpid()}/fd":
            yield f"{number} is {where}"
    numbers = (250, 10) if platform.machine() == "x86_64" else (219, 10)
    if ctypes.CDLL(None).syscall(*numbers, -3, b"user", b"pybisect-test", 0) > 0:
        yield "a key"
inherited = list(found())
if inherited:
    sys.exit(0)
import app
assert app.version == 1
"#;

/// Starts a program with a key in a session keyring, and files and folders open.
const ESTATE: &str = r#"
import ctypes, os, platform, sys
call = ctypes.CDLL(None).syscall
keyctl, add_key = (250, 248) if platform.machine() == "x86_64" else (219, 217)
if sys.argv[1] != "files":
    call(keyctl, 1, None)
    call(add_key, b"user", b"pybisect-test", b"word", 4, -3)
if sys.argv[1] != "key":
    folder = os.open(os.path.expanduser("~"), os.O_RDONLY | os.O_DIRECTORY)
    file = os.open("/etc/hostname", os.O_RDONLY)
    for number in 3, 4, 9, 63, 200, 1000:
        os.dup2(folder if number % 2 else file, number, inheritable=True)
os.execvp(sys.argv[2], sys.argv[2:])
"#;

#[test]
fn a_trial_has_no_open_file_and_no_key_of_whoever_started_it() {
    let mut repo = TestRepo::new();
    repo.write("heir.py", HEIR);
    let ids: Vec<String> = (1..4)
        .map(|n| {
            repo.write("app.py", format!("version = {}\n", 1 + n / 3))
                .write("n", n.to_string())
                .commit("edit")
        })
        .map(|id| id.to_string())
        .collect();
    repo.check_out();
    let start = |user: &User, what: &str, words: &[&str]| {
        let plain = user.command(repo.path(), &["--version"]);
        let mut command = Command::new("python3");
        command.args(["-c", ESTATE, what]).args(words).current_dir(repo.path()).env_clear();
        let variables =
            plain.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        command.envs(variables.collect::<BTreeMap<_, _>>());
        command
    };
    // The script finds both where nothing is done about them: it passes, though the application is broken.
    let user = User::new();
    for what in ["files", "key"] {
        let status = start(&user, what, &["python3", "heir.py"]).status().unwrap();
        assert!(status.success(), "{what}");
    }
    let program = crate::support::sandbox::launcher().display().to_string();
    for by in ["namespaces", "bubblewrap", "landlock", "process-groups", "off"] {
        let user = User::new();
        // Without isolation a trial has the user's keys: that is what it means.
        let what = if by == "off" { "files" } else { "both" };
        let isolation: &[&str] = if by == "off" { &["--isolation", "off"] } else { &[] };
        let words = [&program, "find", "--json", "-", "--no-narrow", "--good", &ids[0], "--bad", &ids[2]];
        let rest = [isolation, &["--", "python3", "heir.py"]].concat();
        let mut command = start(&user, what, &[words.as_slice(), &rest].concat());
        if by != "off" {
            command.env("PYBISECT_ISOLATION_BY", by);
        }
        let (code, report) = report_of(&mut command);
        assert_eq!(code, Some(0), "{by}: {report:#}");
        assert_eq!(culprit(&report), ids[2], "{by}");
    }
}

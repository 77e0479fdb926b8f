//! Commands in the sandbox: they end as others do, and see, reach and change only what is theirs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pybisect::executor::Executor as _;
use pybisect::model::{CancelToken, Termination, TrialActivity, TrialSpec};
use pybisect::process::sandbox::{FilesystemView, Limits, Network, Sandbox, SlotDirs};
use pybisect::process::{ChildOutcome, ChildSpec, run};

use crate::support::sandbox::{fence_only, launcher, sandboxes, ways};
use crate::support::trials::{recipe, trial};
use crate::support::{Bench, TestRepo};

/// A folder with what a slot has.
pub(crate) struct Slot(tempfile::TempDir);

impl Slot {
    pub(crate) fn new() -> Self {
        let slot = Self(tempfile::tempdir().unwrap());
        for name in ["home", "tmp", "tree"] {
            fs::create_dir(slot.path(name)).unwrap();
        }
        slot
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn spec(&self, sandbox: &Sandbox, words: &[&str]) -> ChildSpec {
        let (slot, home, tmp, tree) = (self.path(""), self.path("home"), self.path("tmp"), self.path("tree"));
        let room = SlotDirs { slot: &slot, home: &home, tmp: &tmp, own: &[] };
        ChildSpec {
            program: words[0].into(),
            arguments: words[1..].iter().map(OsString::from).collect(),
            confinement: Some(sandbox.confine(room, &tree, &[], &[])),
            activity: TrialActivity::default(),
            folder: tree,
            environment: BTreeMap::from([("PATH".into(), std::env::var_os("PATH").unwrap())]),
            timeout: Some(Duration::from_secs(60)),
            marker: format!("sandbox-{}", self.0.path().display()),
        }
    }

    fn shell(&self, sandbox: &Sandbox, script: &str) -> ChildOutcome {
        finish(&self.spec(sandbox, &["sh", "-c", script]))
    }
}

pub(crate) fn finish(spec: &ChildSpec) -> ChildOutcome {
    run(spec, &CancelToken::new()).unwrap()
}

fn plain() -> Vec<Sandbox> {
    sandboxes(Network::Loopback, Limits::default(), &FilesystemView::default())
}

#[test]
fn commands_end_as_they_do_outside() {
    for sandbox in plain() {
        let slot = Slot::new();
        let outcome = slot.shell(&sandbox, "echo out; echo err >&2; pwd; read line || echo nothing; exit 7");
        assert_eq!(outcome.ending, Termination::Exited { code: 7 });
        assert_eq!(outcome.stdout.text, format!("out\n{}\nnothing\n", slot.path("tree").display()));
        assert_eq!((outcome.stderr.text.as_str(), outcome.leftovers), ("err\n", 0));
        for (name, signal) in [("SEGV", 11), ("ABRT", 6), ("KILL", 9)] {
            let outcome = slot.shell(&sandbox, &format!("kill -{name} $$"));
            assert_eq!(outcome.ending, Termination::Signalled { signal });
        }
        let missing = finish(&slot.spec(&sandbox, &["no-such-program"]));
        assert!(matches!(missing.ending, Termination::NotStarted { .. }), "{:?}", missing.ending);
        let nowhere = slot.path("nowhere");
        let (home, tmp) = (slot.path("home"), slot.path("tmp"));
        let room = SlotDirs { slot: &home, home: &home, tmp: &tmp, own: &[] };
        let spec = ChildSpec {
            confinement: Some(sandbox.confine(room, &nowhere, &[], &[])),
            ..slot.spec(&sandbox, &["true"])
        };
        assert!(matches!(finish(&spec).ending, Termination::NotStarted { .. }));
    }
}

#[test]
fn a_timeout_lets_a_confined_command_clean_up_and_ends_those_that_do_not() {
    for sandbox in plain() {
        let slot = Slot::new();
        // Long enough that it is on by then.
        let timeout = Some(Duration::from_secs(5));
        let limited = |script: &str| ChildSpec { timeout, ..slot.spec(&sandbox, &["sh", "-c", script]) };
        let polite = finish(&limited("trap 'echo bye; exit 0' TERM; echo on; while :; do sleep 0.02; done"));
        assert_eq!(polite.ending, Termination::TimedOut { after_ms: 5000 });
        assert_eq!(polite.stdout.text, "on\nbye\n");
        let deaf = finish(&limited("trap '' TERM; while :; do sleep 1; done"));
        assert_eq!(deaf.ending, Termination::TimedOut { after_ms: 5000 });
    }
}

#[test]
fn what_outlives_a_confined_command_is_counted_and_ended() {
    for sandbox in plain() {
        let slot = Slot::new();
        // On a busy machine it may take longer than anybody waits for it.
        let mut late = (0..50).map(|_| slot.shell(&sandbox, "(sleep 0.01; echo late) & echo early"));
        assert!(late.any(|late| late.stdout.text == "early\nlate\n" && late.leftovers == 0));
        // One that left its group and session writes for as long as it lives.
        let script = "setsid sh -c 'while :; do date >> beat; sleep 0.01; done' >/dev/null 2>&1 & \
                  while ! [ -s beat ]; do sleep 0.01; done";
        let daemon = slot.shell(&sandbox, script);
        assert_eq!(daemon.ending, Termination::Exited { code: 0 });
        assert!(daemon.leftovers > 0);
        let beat = slot.path("tree/beat");
        let before = fs::read(&beat).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(fs::read(&beat).unwrap(), before, "it lives");
    }
}

#[test]
fn files_are_private_and_what_is_outside_cannot_be_changed() {
    let outside = tempfile::tempdir().unwrap();
    let outside = outside.path().canonicalize().unwrap();
    for folder in ["home/.ssh", "home/repo/.venv/bin", "home/open"] {
        fs::create_dir_all(outside.join(folder)).unwrap();
    }
    fs::write(outside.join("home/.ssh/key"), "secret").unwrap();
    fs::write(outside.join("home/repo/.venv/bin/tool"), "tool").unwrap();
    fs::write(outside.join("home/open/data"), "data").unwrap();
    let view = FilesystemView {
        home: Some(outside.join("home")),
        hidden: vec![outside.join("home/repo")],
        visible: vec![outside.join("home/repo/.venv"), outside.join("home/open")],
        writable: Vec::new(),
    };
    for sandbox in sandboxes(Network::Loopback, Limits::default(), &view) {
        let slot = Slot::new();
        let script = format!(
            "cd {}; ls -A home home/repo; cat home/repo/.venv/bin/tool home/open/data; echo; \
         for file in home/open/data home/repo/.venv/new /etc/new /usr/new; do echo x > $file && echo wrote $file; done; \
         echo mine > home/mine && cat home/mine; echo kept > /tmp/kept; echo x > /dev/shm/x && echo > /dev/null; \
         umount {0}/home; mount -o remount,rw /; echo 1 > /proc/sys/kernel/panic",
            outside.display()
        );
        let outcome = slot.shell(&sandbox, &script);
        let expected = "home:\nopen\nrepo\n\nhome/repo:\n.venv\ntooldata\nmine\n";
        assert_eq!(outcome.stdout.text, expected, "{}", outcome.stderr.text);
        assert_eq!(
            slot.shell(&sandbox, "cat /tmp/kept").stdout.text,
            "kept\n",
            "a setup and its command share it"
        );
        assert_eq!(fs::read_to_string(outside.join("home/open/data")).unwrap(), "data");
        assert!(!outside.join("home/mine").exists() && !Path::new("/tmp/kept").exists());
    }
}

/// The same where there are no namespaces, as far as it goes.
#[test]
fn a_fence_keeps_what_is_outside_from_being_read_or_changed() {
    let outside = tempfile::tempdir().unwrap();
    let outside = outside.path().canonicalize().unwrap();
    fs::create_dir_all(outside.join("home/open")).unwrap();
    fs::write(outside.join("home/key"), "secret").unwrap();
    fs::write(outside.join("home/open/data"), "data").unwrap();
    let view = FilesystemView {
        home: Some(outside.join("home")),
        visible: vec![outside.join("home/open")],
        ..FilesystemView::default()
    };
    let Some(sandbox) = fence_only(view) else { return };
    let slot = Slot::new();
    let script = format!(
        "cd {}; cat home/key; cat home/open/data; echo; \
         for file in home/key home/open/data /etc/new; do echo x >> $file && echo wrote $file; done; \
         echo own > $OLDPWD/own && cat $OLDPWD/own; exit 3",
        outside.display()
    );
    let outcome = slot.shell(&sandbox, &script);
    assert_eq!(outcome.ending, Termination::Exited { code: 3 });
    assert_eq!(outcome.stdout.text, "data\nown\n", "{}", outcome.stderr.text);
    assert_eq!(fs::read_to_string(outside.join("home/key")).unwrap(), "secret");
    let daemon = slot.shell(&sandbox, "setsid sleep 1000 >/dev/null 2>&1 & sleep 0.05");
    assert_eq!((daemon.ending, daemon.leftovers), (Termination::Exited { code: 0 }, 1));
}

/// What every program may need is there, disks are not.
#[test]
fn devices_are_few_and_harmless() {
    let script = "\
import os, pty, stat
paths = [os.path.join(folder, name) for folder, _, names in os.walk('/dev') for name in names]
print([path for path in paths if stat.S_ISBLK(os.stat(path, follow_symlinks=False).st_mode)])
open('/dev/null', 'w').write('x')
print(len(open('/dev/urandom', 'rb').read(9)), len(open('/dev/zero', 'rb').read(9)))
pty.openpty()
open('/dev/shm/x', 'w').write('x')
try: open('/dev/new', 'w')
except OSError as error: print(error.strerror)
os.close(os.open('/dev/fd/1', os.O_WRONLY))
";
    for sandbox in plain() {
        let slot = Slot::new();
        let outcome = finish(&slot.spec(&sandbox, &["python3", "-c", script]));
        let expected = "[]\n9 9\nRead-only file system\n";
        assert_eq!(outcome.stdout.text, expected, "{}", outcome.stderr.text);
    }
}

/// Children that sleep, until no more can be had.
const CROWD: &str = "\
import errno, os, time
count = 0
try:
    while count < 500:
        if os.fork() == 0:
            time.sleep(1000)
            os._exit(0)
        count += 1
except OSError as error:
    print(count, errno.errorcode[error.errno])
";

#[test]
fn no_command_has_more_processes_than_it_may() {
    let limits = Limits { processes: Some(40), ..Limits::default() };
    for (name, parts) in ways() {
        if !parts.limits_processes {
            println!("not tested with {name}: the limit does not hold: {:?}", parts.missing);
            continue;
        }
        let sandbox = Sandbox::new(launcher(), parts, Network::Loopback, limits, FilesystemView::default());
        let slot = Slot::new();
        let outcome = finish(&slot.spec(&sandbox, &["python3", "-c", CROWD]));
        // It is one itself.
        assert_eq!(outcome.stdout.text, "39 EAGAIN\n", "{}", outcome.stderr.text);
        assert_eq!((outcome.ending, outcome.leftovers), (Termination::Exited { code: 0 }, 39));
    }
}

#[test]
fn limits_hold_for_each_command() {
    let limits = Limits { memory: Some(300 << 20), processes: Some(100), file_size: Some(1 << 20) };
    for sandbox in sandboxes(Network::Loopback, limits, &FilesystemView::default()) {
        let slot = Slot::new();
        let script = "\
import os
try: bytearray(1 << 30)
except MemoryError: print('memory')
try: open('large', 'wb').write(bytes(2 << 20))
except OSError as error: print(error.strerror)
print(os.path.getsize('large') <= 1 << 20)
";
        let outcome = finish(&slot.spec(&sandbox, &["python3", "-c", script]));
        assert_eq!(outcome.stdout.text, "memory\nFile too large\nTrue\n", "{}", outcome.stderr.text);
    }
}

/// Serves on a fixed port, waits until eight such servers run (or have failed to), and asks its own.
const SERVER: &str = r"
import http.server, os, sys, threading, time, urllib.request
port, folder, name = int(sys.argv[1]), sys.argv[2], os.getcwd().split('/')[-2]
def meet(place, count=8):
    open(os.path.join(folder, place + '-' + name), 'w').close()
    until = time.time() + 60
    while sum(file.startswith(place) for file in os.listdir(folder)) < count and time.time() < until:
        time.sleep(0.01)
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(name.encode())
    def log_message(self, *_): pass
try:
    server = http.server.HTTPServer(('127.0.0.1', port), Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()
finally:
    meet('began')
answer = urllib.request.urlopen('http://127.0.0.1:%d/' % port).read().decode()
assert answer == name, answer
";

/// How eight servers on one port fare at the same time: how many pass, and what the others say.
fn eight_servers(sandbox: Option<Sandbox>) -> (usize, String) {
    let mut repo = TestRepo::new();
    let commit = repo.write("server.py", SERVER).commit("serve");
    let bench = Bench::with_sandbox(repo.path(), 8, sandbox);
    let meeting = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = format!("exec python3 server.py {port} {}", meeting.path().display());
    let recipe = TrialSpec { writable: vec![meeting.path().to_owned()], ..recipe(&script) };
    let tree = bench.user.tree_of(commit).unwrap();
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let run = || bench.executor.run(&trial(commit, tree, &recipe), &CancelToken::new()).unwrap();
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let passes = outputs.iter().filter(|output| output.ending == (Termination::Exited { code: 0 })).count();
    (passes, outputs.into_iter().map(|output| output.stderr.text).collect())
}

#[test]
fn eight_servers_on_one_port_meet_only_outside_of_the_sandbox() {
    for sandbox in plain() {
        let (passes, said) = eight_servers(Some(sandbox));
        assert_eq!(passes, 8, "{said}");
        let (passes, said) = eight_servers(None);
        assert_eq!(passes, 1, "{said}");
        assert!(said.contains("Address already in use"), "{said}");
    }
}

#[test]
fn the_network_is_as_asked_for() {
    let slot = Slot::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!(
        "import socket\n\
         def own():\n\
         \x20   try: server = socket.create_server(('127.0.0.1', 0))\n\
         \x20   except OSError: server = socket.socket()\n\
         \x20   return socket.create_connection(server.getsockname(), 5)\n\
         for action in (lambda: socket.create_connection(('127.0.0.1', {port}), 5),\n\
         \x20              own):\n\
         \x20   try: action(); print('yes')\n\
         \x20   except OSError as error: print('no')\n"
    );
    for (network, expected) in
        [(Network::Host, "yes\nyes\n"), (Network::Loopback, "no\nyes\n"), (Network::None, "no\nno\n")]
    {
        for (name, parts) in ways() {
            let scratch = tempfile::tempdir().unwrap();
            if let Err(why) = parts.try_out(&launcher(), scratch.path(), network) {
                println!("not tested with {name}: no {network:?}: {why}");
                continue;
            }
            let sandbox =
                Sandbox::new(launcher(), parts, network, Limits::default(), FilesystemView::default());
            let outcome = finish(&slot.spec(&sandbox, &["python3", "-c", &script]));
            assert_eq!(outcome.stdout.text, expected, "{network:?}: {}", outcome.stderr.text);
        }
    }
}

//! A command that does its worst: it neither changes nor learns anything outside of its slot.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::repo_builder::snapshot;
use crate::support::{TestRepo, User, culprit, report_of, sandbox};

const HOSTILE: &str = r##"
import glob, os, signal, socket, sys, time
repo, home, outside, victim, port = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
done = []

def attack(name):
    def run(action):
        try:
            if action():
                done.append(name)
        except (OSError, IndexError):
            pass
    return run

def read(*paths):
    return any("planted" in open(path, errors="replace").read() for path in paths)

def append(path):
    with open(path, "a") as file:
        file.write("# mine\n")
    # What is not there outside does not count: it is the trial's own.
    return True

attack("read a key")(lambda: read(home + "/.ssh/id_ed25519"))
attack("read a token of git")(lambda: read(repo + "/.git/config"))
attack("read the work tree")(lambda: read(repo + "/notes.txt"))
attack("read a variable")(lambda: "planted" in os.environ.get("AWS_SECRET_ACCESS_KEY", ""))
attack("read another's variables")(lambda: any("planted" in open(path, errors="replace").read()
                                               for path in glob.glob("/proc/[0-9]*/environ") if os.access(path, os.R_OK)))
attack("find the agent")(lambda: os.environ.get("SSH_AUTH_SOCK"))
attack("reach a server outside")(lambda: socket.create_connection(("127.0.0.1", port), 5))
attack("end a process outside")(lambda: os.kill(victim, signal.SIGTERM) is None)
for path in repo + "/notes.txt", repo + "/.git/config", repo + "/.git/hooks/post-commit", home + "/.bashrc", outside:
    attack("")(lambda: append(path) and False)

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if "--bind" in sys.argv:
    server.bind(("127.0.0.1", port))
try:
    with open("large", "wb") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
except OSError:
    pass
if os.path.getsize("large") > 2 << 20:
    done.append("write a large file")
for number in range(300):
    try:
        if os.fork() == 0:
            os.setsid()
            for stream in 0, 1, 2:
                os.close(stream)
            time.sleep(1000)
            os._exit(0)
    except OSError:
        break
if done:
    raise RuntimeError("succeeded: " + ", ".join(done))
import app
"##;

/// A user with secrets, and a process and a server of his.
struct Scene {
    user: User,
    repo: TestRepo,
    ids: Vec<String>,
    home: PathBuf,
    outside: tempfile::TempDir,
    victim: Child,
    server: TcpListener,
}

impl Scene {
    fn new() -> Self {
        let mut repo = TestRepo::new();
        repo.write("hostile.py", HOSTILE).write("notes.txt", "planted\n");
        let app = |n: usize| if n < 4 { format!("n = {n}\n") } else { format!("raise ValueError({n})\n") };
        let ids = (0..7).map(|n| repo.write("app.py", app(n)).commit("edit").to_string()).collect();
        repo.check_out();
        repo.git(&["config", "remote.origin.url", "https://ada:planted@example.org/repo.git"]);
        let user = User::new();
        let home = user.home().to_owned();
        fs::create_dir_all(home.join(".ssh")).unwrap();
        fs::write(home.join(".ssh/id_ed25519"), "planted\n").unwrap();
        fs::write(home.join(".bashrc"), "alias ll='ls -l'\n").unwrap();
        let victim = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        Self { user, repo, ids, home, outside: tempfile::tempdir().unwrap(), victim, server }
    }

    fn find(&self, options: &[&str], by: &str) -> (Option<i32>, Value) {
        let mut all = vec!["find", "--json", "-", "--jobs", "2", "--good", &self.ids[0]];
        all.extend_from_slice(options);
        let outside = self.outside.path().join("written").display().to_string();
        let (repo, home) = (self.repo.path().display().to_string(), self.home.display().to_string());
        let (victim, port) =
            (self.victim.id().to_string(), self.server.local_addr().unwrap().port().to_string());
        // Named to a shell as variables, so that pybisect does not take them for files that the command needs.
        let script = format!(
            "a={}; b={}; c={}; exec python3 hostile.py /$a /$b /$c {victim} {port} {}",
            &repo[1..],
            &home[1..],
            &outside[1..],
            if options.contains(&"off") { "" } else { "--bind" },
        );
        all.extend_from_slice(&["--shell", &script]);
        let mut command = self.user.command(self.repo.path(), &all);
        command.env("AWS_SECRET_ACCESS_KEY", "planted").env("SSH_AUTH_SOCK", "/nonexistent/agent");
        command.env("PYBISECT_ISOLATION_BY", by);
        report_of(&mut command)
    }

    /// Processes whose command line has the folder of this scene in it.
    fn left(&self) -> usize {
        let mark = self.outside.path().display().to_string();
        let lines = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
            entry.file_name().to_str()?.parse::<u32>().ok()?;
            fs::read(entry.path().join("cmdline")).ok()
        });
        lines.filter(|line| String::from_utf8_lossy(line).contains(&mark)).count()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // It may have been ended by the command.
        let _gone = self.victim.kill();
        let _gone = self.victim.wait();
    }
}

/// Everything under a folder but for what pybisect keeps there.
fn without_cache(folder: &Path) -> Vec<(PathBuf, String)> {
    let all = snapshot(folder).into_iter();
    all.filter(|(path, _)| path != folder && !path.starts_with(folder.join("cache"))).collect()
}

#[test]
fn a_hostile_command_neither_changes_nor_learns_anything_outside() {
    for (name, parts) in sandbox::ways() {
        // Strict isolation would not run without it.
        let unlimited: &[&str] = if parts.limits_processes { &[] } else { &["--max-processes", "none"] };
        does_its_worst_in_vain(name, unlimited);
    }
}

fn does_its_worst_in_vain(by: &str, further: &[&str]) {
    let mut scene = Scene::new();
    let before = (snapshot(scene.repo.path()), without_cache(&scene.home));
    let (code, report) =
        scene.find(&[&["--isolation", "strict", "--max-file-size", "1M"], further].concat(), by);
    assert_eq!(report["isolation"]["by"], by);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), scene.ids[4]);
    assert!(snapshot(scene.repo.path()) == before.0, "the repository changed");
    assert!(without_cache(&scene.home) == before.1, "the home changed");
    assert_eq!(fs::read_dir(scene.outside.path()).unwrap().count(), 0, "it wrote outside");
    assert!(scene.victim.try_wait().unwrap().is_none(), "it ended a process");
    assert_eq!(scene.server.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "it reached a server");
    assert_eq!(scene.left(), 0, "processes are left");
}

/// The same command succeeds without: otherwise the test above would show nothing.
#[test]
fn the_same_command_does_its_worst_without_isolation() {
    let mut scene = Scene::new();
    let (code, report) = scene.find(&["--isolation", "off"], "");
    assert_eq!(code, Some(4), "{report:#}");
    let message = report["failure"]["message"].as_str().unwrap();
    for attack in
        ["read a key", "read a token of git", "read the work tree", "read a variable", "find the agent"]
    {
        assert!(message.contains(attack), "{message}");
    }
    assert!(fs::read_to_string(scene.home.join(".bashrc")).unwrap().contains("# mine"));
    assert!(scene.outside.path().join("written").exists());
    assert!(scene.victim.try_wait().unwrap().is_some(), "it lives");
    assert_eq!(scene.left(), 0, "processes are left");
}

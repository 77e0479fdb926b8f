//! `pybisect rollback` on a small service that runs for real: what it says it is, and what it serves.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::repo_builder::{git_in, snapshot};
use crate::support::run::Ran;
use crate::support::{TestRepo, User};

/// A server as they are: on SIGHUP it takes the code that the link leads to, unless it is a stubborn one.
const SERVER: &str = r#"
import http.server, os, signal, sys
link, port, pid, stubborn = sys.argv[1], int(sys.argv[2]), sys.argv[3], len(sys.argv) > 4
def load():
    scope = {}
    with open(os.path.join(link, "app.py")) as file:
        exec(compile(file.read(), "app.py", "exec"), scope)
    return scope
app = load()
def reload(*_):
    global app
    if not stubborn:
        app = load()
signal.signal(signal.SIGHUP, reload)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status, body = 200, app["answer"]()
            app.get("only_served", lambda: None)()
        except Exception as error:
            status, body = 500, repr(error)
        self.send_response(status)
        self.send_header("X-Version", app["VERSION"])
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer)
with open(pid + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename(pid + ".new", pid)
server.serve_forever()
"#;

const GOOD: &str = "def answer(): return 'ok'\n";
const BROKEN: &str = "def answer(): raise ValueError('no urls')\n";
/// The smoke command passes, and every request fails.
const BROKEN_WHEN_SERVED: &str =
    "def answer(): return 'ok'\ndef only_served(): raise ValueError('no database')\n";
/// Passes on a version that is good.
const SMOKE: [&str; 4] = ["--", "python3", "-c", "import app; app.answer()"];

/// A repository with releases, a service that runs the newest, and how it is deployed.
struct Scene {
    repo: TestRepo,
    user: User,
    place: tempfile::TempDir,
    port: u16,
}

impl Scene {
    fn new(releases: &[&str], stubborn: bool) -> Self {
        let mut repo = TestRepo::new();
        for (at, body) in releases.iter().enumerate() {
            let text = format!("VERSION = '1.{at}'\n{body}");
            let commit = repo.write("app.py", text).commit("a release");
            repo.tag(&format!("v1.{at}"), commit);
        }
        repo.check_out();
        let place = tempfile::tempdir().unwrap();
        let newest = place.path().join("newest");
        fs::create_dir(&newest).unwrap();
        fs::copy(repo.path().join("app.py"), newest.join("app.py")).unwrap();
        std::os::unix::fs::symlink(&newest, place.path().join("current")).unwrap();
        fs::write(place.path().join("server.py"), SERVER).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let stubborn = if stubborn { "stubborn" } else { "" };
        let start = format!(
            "cd {0}; rm -f pid; python3 server.py current {port} pid {stubborn} </dev/null >/dev/null 2>&1 &\n\
             until [ -e {0}/pid ]; do sleep 0.02; done\n",
            place.path().display()
        );
        // Whoever adopts it may never reap it: what has ended is done.
        let stop = "kill -9 $(cat pid); while grep -qs '^State:[[:space:]]*[^ZX[:space:]]' /proc/$(cat pid)/status; \
                    do sleep 0.02; done\n";
        let scene = Self { repo, user: User::new(), place, port };
        scene.script("start", &start);
        scene.script("restart", &format!("cd {}; {stop}{start}", scene.place.path().display()));
        scene.script(
            "deploy",
            "cd $(dirname $0); ln -sfn $1 next.$$; mv -T next.$$ current; echo $1 >> deployed\n",
        );
        scene.script("reload", "cd $(dirname $0); kill -HUP $(cat pid)\n");
        assert!(std::process::Command::new(scene.at("start")).status().unwrap().success());
        scene
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn script(&self, name: &str, text: &str) {
        fs::write(self.at(name), format!("#!/bin/sh\n{text}")).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Roll back, with a service that is believed soon.
    fn rollback(&self, more: &[&str]) -> (Option<i32>, Value, String) {
        let ran = self.user.run(self.repo.path(), &self.words(more));
        let report = serde_json::from_str(&ran.stdout).unwrap_or_default();
        (ran.code, report, ran.stderr)
    }

    fn words(&self, more: &[&str]) -> Vec<String> {
        let health = format!("http://127.0.0.1:{}/", self.port);
        let (deploy, reload) = (self.at("deploy"), self.at("reload"));
        let deploy = format!("{} {{worktree}} --token=s3cr3t-t0ken", deploy.display());
        let reload = reload.display().to_string();
        let words = [
            "rollback",
            "--format",
            "json",
            "--env",
            "current",
            "--deploy",
            &deploy,
            "--reload",
            &reload,
            "--health",
            &health,
            "--health-version",
            "X-Version",
            "--health-count",
            "5",
            "--health-window",
            "1s",
        ];
        let words = words.into_iter().chain(more.iter().copied());
        words.map(str::to_owned).collect()
    }

    /// What was deployed, by the first digits of the commits.
    fn deployed(&self) -> Vec<String> {
        let text = fs::read_to_string(self.at("deployed")).unwrap_or_default();
        text.lines().map(|line| Path::new(line).file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    fn commit(&self, rev: &str) -> String {
        git_in(self.repo.path(), &["rev-parse", &format!("{rev}^{{commit}}")]).trim().to_owned()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Ok(pid) = fs::read_to_string(self.at("pid")) {
            let _gone = kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGKILL);
        }
    }
}

#[test]
fn the_newest_release_that_passes_is_deployed_and_answers() {
    let scene = Scene::new(&[GOOD, GOOD, BROKEN, BROKEN], false);
    let before = snapshot(scene.repo.path());
    let (code, report, stderr) = scene.rollback(&SMOKE);
    assert_eq!((code, &report["outcome"]), (Some(0), &"healthy".into()), "{report:#}\n{stderr}");
    assert_eq!(report["deployed"]["tag"], "v1.3", "it was asked: {report:#}");
    assert_eq!(report["baseline"][0]["answer"], "500 Internal Server Error from 1.3");
    let tested: Vec<_> =
        report["tested"].as_array().unwrap().iter().map(|tested| &tested["version"]["tag"]).collect();
    assert_eq!(tested, ["v1.2", "v1.1"], "{report:#}");
    assert_eq!(report["attempts"][0]["version"]["tag"], "v1.1");
    let health = &report["attempts"][0]["health"][0];
    assert!(health["healthy"] == true && health["tells_version"] == true, "{report:#}");
    assert!(health["in_a_row"].as_u64().unwrap() >= 5, "{report:#}");
    assert_eq!(scene.deployed(), [scene.commit("v1.1")]);
    assert!(snapshot(scene.repo.path()) == before, "the repository changed");
    let record = scene.user.home().join(".local/state/pybisect/services");
    let record = fs::read_dir(record).unwrap().next().unwrap().unwrap().path().join("record.jsonl");
    for text in [report.to_string(), stderr, fs::read_to_string(record).unwrap()] {
        assert!(text.contains("--token=") && !text.contains("s3cr3t"), "{text}");
    }
    // It is known now what is deployed and what was healthy.
    let (code, report, stderr) = scene.rollback(&SMOKE);
    assert_eq!(report["deployed"]["tag"], "v1.1", "{stderr}");
    assert_eq!(
        (code, &report["attempts"][0]["version"]["tag"]),
        (Some(0), &"v1.0".into()),
        "{report:#}\n{stderr}"
    );
    // What somebody else deployed since counts, and not what is recorded here.
    fs::write(scene.at("newest/app.py"), format!("VERSION = '1.3'\n{BROKEN}")).unwrap();
    for (script, word) in [("deploy", "newest"), ("reload", "")] {
        assert!(std::process::Command::new(scene.at(script)).arg(word).status().unwrap().success());
    }
    let (code, report, stderr) = scene.rollback(&SMOKE);
    assert_eq!(report["deployed"]["tag"], "v1.3", "{stderr}");
    assert_eq!((code, &report["outcome"]), (Some(0), &"healthy".into()), "{report:#}\n{stderr}");
}

#[test]
fn code_that_goes_on_failing_is_restarted_and_so_is_what_is_down() {
    let scene = Scene::new(&[GOOD, BROKEN], true);
    let restart = scene.at("restart").display().to_string();
    let rolled_back = |more: &[&str]| {
        let (code, report, stderr) = scene.rollback(&[more, &["--restart", &restart], &SMOKE].concat());
        assert_eq!((code, &report["outcome"]), (Some(0), &"healthy".into()), "{report:#}\n{stderr}");
        let actions = report["attempts"][0]["actions"].as_array().unwrap();
        let kinds: Vec<_> = actions.iter().map(|action| &action["kind"]).collect();
        assert_eq!(kinds, ["deploy", "reload", "restart"], "{stderr}");
        report
    };
    let report = rolled_back(&[]);
    let why = &report["attempts"][0]["health"][0]["why"];
    assert_eq!(why, "1.1 goes on answering: the new code was not taken");
    // The broken version again, and this time nothing of the service is left.
    scene.script("reload", "cd $(dirname $0); kill -0 $(cat pid) && kill -HUP $(cat pid)\n");
    assert!(std::process::Command::new(scene.at("deploy")).arg("newest").status().unwrap().success());
    kill(Pid::from_raw(fs::read_to_string(scene.at("pid")).unwrap().parse().unwrap()), Signal::SIGKILL)
        .unwrap();
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", scene.port)).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    let report = rolled_back(&["--deployed", "v1.1"]);
    assert_eq!(report["baseline"][0]["answer"], "connection refused", "{report:#}");
}

#[test]
fn old_code_that_goes_on_answering_is_no_success() {
    let scene = Scene::new(&[GOOD, BROKEN_WHEN_SERVED], true);
    // It answers 200 with the old code after the reload; only the version tells.
    scene.script("mend", "true\n");
    fs::write(scene.at("newest/app.py"), format!("VERSION = '1.1'\n{GOOD}")).unwrap();
    assert!(std::process::Command::new(scene.at("restart")).status().unwrap().success());
    let (code, report, stderr) = scene.rollback(&SMOKE);
    assert_eq!((code, &report["outcome"]), (Some(6), &"unhealthy".into()), "{report:#}\n{stderr}");
    let why = report["attempts"][0]["health"][0]["why"].as_str().unwrap();
    assert_eq!(why, "1.1 goes on answering: the new code was not taken");
    let restart = scene.at("restart").display().to_string();
    let more = [&["--to", "v1.0", "--deployed", "v1.1", "--restart", &restart], SMOKE.as_slice()].concat();
    let (code, report, stderr) = scene.rollback(&more);
    assert_eq!((code, &report["outcome"]), (Some(0), &"healthy".into()), "{report:#}\n{stderr}");
    let actions: Vec<_> =
        report["attempts"][0]["actions"].as_array().unwrap().iter().map(|a| &a["kind"]).collect();
    assert_eq!(actions, ["deploy", "reload", "restart"]);
}

#[test]
fn a_version_that_passes_and_does_not_serve_is_followed_by_an_older_one() {
    let scene = Scene::new(&[GOOD, BROKEN_WHEN_SERVED, BROKEN], false);
    let more = [&["--health-limit", "10s"], SMOKE.as_slice()].concat();
    let (code, report, stderr) = scene.rollback(&more);
    assert_eq!((code, &report["outcome"]), (Some(0), &"healthy".into()), "{report:#}\n{stderr}");
    let tried: Vec<_> = report["attempts"].as_array().unwrap().iter().map(|a| &a["version"]["tag"]).collect();
    assert_eq!(tried, ["v1.1", "v1.0"]);
    assert_eq!(scene.deployed(), [scene.commit("v1.1"), scene.commit("v1.0")]);
    // What was healthy and is no older than what is deployed is nothing to go back to.
    let (code, report, stderr) = scene.rollback(&["--deployed", "v1.0", "--", "true"]);
    assert_eq!((code, &report["outcome"]), (Some(3), &"none-good".into()), "{report:#}\n{stderr}");
    // After a deploy that failed, nothing is believed to be deployed but what the service says.
    scene.script("deploy", "echo no such host; exit 3\n");
    let (code, report, _) = scene.rollback(&["--to", "v1.1", "--attempts", "1"]);
    assert_eq!((code, &report["outcome"]), (Some(6), &"unhealthy".into()), "{report:#}");
    let action = &report["attempts"][0]["actions"][0];
    assert_eq!((&action["output"], action["ending"]["code"].as_i64()), (&"no such host\n".into(), Some(3)));
}

#[test]
fn nothing_is_done_in_a_dry_run_over_a_migration_or_without_a_good_version() {
    let mut scene = Scene::new(&[GOOD, BROKEN], false);
    let (code, report, _) = scene.rollback(&[&["--dry-run"], SMOKE.as_slice()].concat());
    assert_eq!((code, &report["outcome"]), (Some(0), &"dry-run".into()), "{report:#}");
    let command = report["attempts"][0]["actions"][0]["command"].as_str().unwrap();
    assert!(command.contains(&scene.commit("v1.0")), "{command}");
    let (code, report, _) = scene.rollback(&["--", "false"]);
    assert_eq!((code, &report["outcome"]), (Some(3), &"none-good".into()), "{report:#}");
    assert_eq!(report["tested"][0]["passed"], false);

    let commit = scene.repo.write("shop/migrations/0002_price.py", "").commit("a migration");
    scene.repo.tag("v1.2", commit);
    scene.repo.check_out();
    let more = [&["--deployed", "v1.2"], SMOKE.as_slice()].concat();
    let (code, report, _) = scene.rollback(&more);
    assert_eq!((code, &report["outcome"]), (Some(6), &"migrations".into()), "{report:#}");
    assert_eq!(report["migrations"][0], "shop/migrations/0002_price.py");
    assert_eq!(scene.deployed(), Vec::<String>::new());
    let (code, report, _) = scene.rollback(&[&["--allow-migrations"], more.as_slice()].concat());
    assert_eq!((code, &report["outcome"]), (Some(0), &"healthy".into()), "{report:#}");
}

#[test]
fn a_deploy_that_was_killed_is_told_of_and_two_are_never_at_once() {
    let scene = Scene::new(&[GOOD, BROKEN], false);
    let (gate, here) = (scene.at("gate"), scene.at("here"));
    let waits = format!("echo > {}; until [ -e {} ]; do sleep 0.02; done\n", here.display(), gate.display());
    let deploy = fs::read_to_string(scene.at("deploy")).unwrap();
    scene.script("deploy", &format!("{waits}{}", deploy.trim_start_matches("#!/bin/sh\n")));
    let words = scene.words(&["--to", "v1.0"]);
    let mut first = scene.user.command(scene.repo.path(), &words).spawn().unwrap();
    let began = Instant::now();
    while !here.exists() {
        assert!(began.elapsed() < Duration::from_secs(120), "it does not deploy");
        std::thread::sleep(Duration::from_millis(10));
    }
    let (code, _, stderr) = scene.rollback(&["--to", "v1.0"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("another pybisect works on"), "{stderr}");
    first.kill().unwrap();
    first.wait().unwrap();
    // What it began still runs: the next one waits for that, and does it again only then.
    let (told, said) = (scene.at("told"), scene.at("said"));
    let mut second = scene
        .user
        .command(scene.repo.path(), &scene.words(&["--to", "v1.0", "--deployed", "v1.1"]))
        .stdout(fs::File::create(&told).unwrap())
        .stderr(fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    while !fs::read_to_string(&said).unwrap().contains("waits for it to end") {
        assert!(began.elapsed() < Duration::from_secs(120), "{}", fs::read_to_string(&said).unwrap());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(scene.deployed(), Vec::<String>::new());
    fs::write(&gate, "").unwrap();
    let (code, stderr) = (second.wait().unwrap().code(), fs::read_to_string(&said).unwrap());
    let report: Value = serde_json::from_str(&fs::read_to_string(&told).unwrap()).unwrap_or_default();
    assert_eq!((code, scene.deployed().len()), (Some(0), 2), "{stderr}");
    let note = report["notes"][0].as_str().unwrap();
    assert!(note.contains("a deploy of v1.0") && note.ends_with("its end is not known"), "{note}");
}

#[test]
fn a_rollback_that_was_killed_is_gone_on_with_and_not_led_further_back() {
    let scene = Scene::new(&[GOOD, GOOD, BROKEN], false);
    let words = scene.words(&SMOKE).into_iter();
    let words: Vec<String> = words.map(|word| if word == "1s" { "1h".to_owned() } else { word }).collect();
    let mut first = scene.user.command(scene.repo.path(), &words).spawn().unwrap();
    let began = Instant::now();
    // It is deployed, and looked at for a while.
    let services = scene.user.home().join(".local/state/pybisect/services");
    let is_reloaded = || {
        let files = walkdir::WalkDir::new(&services).into_iter().flatten();
        let record = files.filter(|file| file.file_name() == "record.jsonl").last();
        let text = record.and_then(|file| fs::read_to_string(file.path()).ok()).unwrap_or_default();
        text.contains("\"what\":\"ended\",\"action\":\"reload\"")
    };
    while !is_reloaded() {
        assert!(began.elapsed() < Duration::from_secs(120), "it does not deploy");
        std::thread::sleep(Duration::from_millis(10));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let (code, report, stderr) = scene.rollback(&SMOKE);
    assert_eq!((code, &report["outcome"]), (Some(0), &"healthy".into()), "{report:#}\n{stderr}");
    assert_eq!(report["attempts"][0]["version"]["tag"], "v1.1", "{report:#}");
    assert_eq!(scene.deployed().len(), 1, "{stderr}");
    // Now it is over: whoever asks again wants one before that.
    let (code, report, stderr) = scene.rollback(&SMOKE);
    assert_eq!((code, &report["attempts"][0]["version"]["tag"]), (Some(0), &"v1.0".into()), "{stderr}");
}

#[test]
fn a_branch_and_a_link_are_ways_to_deploy_and_wrong_words_are_told() {
    let scene = Scene::new(&[GOOD, BROKEN], false);
    let remote = tempfile::tempdir().unwrap();
    git_in(remote.path(), &["init", "-q", "--bare"]);
    git_in(scene.repo.path(), &["push", "-q", &remote.path().display().to_string(), "HEAD:refs/heads/live"]);
    git_in(scene.repo.path(), &["remote", "add", "production", &remote.path().display().to_string()]);
    let run = |deploy: &str| -> Ran {
        scene.user.run(scene.repo.path(), &["rollback", "--to", "v1.0", "--deploy", deploy])
    };
    let ran = run("git:production/live");
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.starts_with("deployed: v1.0"), "{}", ran.stdout);
    assert_eq!(git_in(remote.path(), &["rev-parse", "live"]).trim(), scene.commit("v1.0"));
    // The same with the branch's history kept: one commit more, with the version's files.
    let broken = scene.commit("v1.1");
    git_in(scene.repo.path(), &["push", "-q", "-f", "production", "v1.1:refs/heads/live"]);
    let words = ["rollback", "--to", "v1.0", "--dry-run", "--deploy", "git-revert:production/live"];
    let ran = scene.user.run(scene.repo.path(), &words);
    assert!(
        ran.code == Some(2) && ran.stderr.contains("git config user.name"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    git_in(scene.repo.path(), &["config", "user.name", "Ada"]);
    git_in(scene.repo.path(), &["config", "user.email", "ada@example.com"]);
    let ran = scene.user.run(scene.repo.path(), &words);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(git_in(remote.path(), &["rev-parse", "live"]).trim(), broken, "nothing was done");
    for _ in 0..2 {
        // The second time it is there already.
        let ran = run("git-revert:production/live");
        assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        assert_eq!(git_in(remote.path(), &["rev-parse", "live^"]).trim(), broken);
        let trees = git_in(
            remote.path(),
            &["rev-parse", "live^{tree}", &format!("{}^{{tree}}", scene.commit("v1.0"))],
        );
        let trees: Vec<&str> = trees.lines().collect();
        assert_eq!(trees[0], trees[1]);
        let message = git_in(remote.path(), &["log", "-1", "--format=%B", "live"]);
        assert!(message.starts_with("Roll back to v1.0"), "{message}");
    }
    // What is deployed is told by the branch, and not by what went there last from here.
    let words = ["rollback", "--deploy", "git-revert:production/live", "--dry-run", "--", "true"];
    let ran = scene.user.run(scene.repo.path(), &words);
    assert!(ran.stderr.contains("deployed   v1.0 ("), "as the commit with its files: {}", ran.stderr);
    git_in(scene.repo.path(), &["push", "-q", "-f", "production", "v1.1:refs/heads/live"]);
    let ran = scene.user.run(scene.repo.path(), &words);
    assert!(ran.stderr.contains("deployed   v1.1 ("), "{}", ran.stderr);
    git_in(scene.repo.path(), &["push", "-q", "-f", "production", "v1.0:refs/heads/live"]);
    let ran = run("git-revert:production/nowhere");
    assert!(ran.stderr.contains("'production' has no branch 'nowhere'"), "{}", ran.stderr);
    // A slip is told by the dry run too.
    let words = ["rollback", "--to", "v1.0", "--dry-run", "--deploy", "git:prodution/live"];
    let ran = scene.user.run(scene.repo.path(), &words);
    assert_eq!(ran.code, Some(2), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("no remote 'prodution' here: production"), "{}", ran.stderr);
    let link = scene.at("live");
    fs::create_dir_all(scene.at("releases/v1.0")).unwrap();
    let ran = run(&format!("symlink:{}:releases/{{tag}}", link.display()));
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("releases/v1.0"));
    let before = scene.commit("v1.0");
    let words =
        ["rollback", "--to", "v1.1", "--deploy", "git:production/live", "--json", "/nowhere/at/all.json"];
    let ran = scene.user.run(scene.repo.path(), &words);
    assert_eq!(ran.code, Some(2), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(git_in(remote.path(), &["rev-parse", "live"]).trim(), before, "nothing was deployed");
    for (deploy, said) in [
        ("git:production", "no way to deploy"),
        ("./deploy 'x", "a quote is not closed"),
        ("symlink:/nowhere/current:/nowhere/{tag}", "there is no folder /nowhere/v1.0"),
    ] {
        let ran = run(deploy);
        assert_eq!(ran.code, Some(2), "{deploy}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(said), "{deploy}: {}", ran.stderr);
    }
}

#[test]
fn a_configuration_says_it_once_and_counts_when_it_is_trusted() {
    let scene = Scene::new(&[GOOD, BROKEN], false);
    let deploy = format!("{} {{worktree}}", scene.at("deploy").display());
    let config = format!("command = ['true']\n[rollback]\ndeploy = \"{deploy}\"\n");
    fs::write(scene.repo.path().join("pybisect.toml"), &config).unwrap();
    let rollback = || scene.user.run(scene.repo.path(), &["rollback", "--to", "v1.0"]);
    let ran = rollback();
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("'rollback' is ignored") && ran.stderr.contains("pybisect trust"),
        "{}",
        ran.stderr
    );
    assert_eq!(scene.deployed(), Vec::<String>::new());
    let trusted = scene.user.run(scene.repo.path(), &["trust"]);
    assert_eq!(trusted.code, Some(0), "{}", trusted.stderr);
    let ran = rollback();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(scene.deployed(), [scene.commit("v1.0")]);
    fs::write(scene.repo.path().join("pybisect.toml"), config.replace("deploy =", "deplyo =")).unwrap();
    let ran = rollback();
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("deplyo"), "{}", ran.stderr);
}

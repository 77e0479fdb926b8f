//! `pybisect respond` on a service that runs for real: served from a folder that a link leads to, deployed by a script, once
//! for a few and once for all.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::repo_builder::{git_in, snapshot};
use crate::support::{TestRepo, User};

const PLACES: [&str; 2] = ["canary", "live"];

/// A shortener whose release v2.0 cannot read what is stored, and is deployed.
pub(crate) struct Scene {
    pub(crate) repo: TestRepo,
    pub(crate) user: User,
    place: tempfile::TempDir,
    ports: [u16; 2],
}

fn fixture(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/incident").join(name)).unwrap()
}

impl Scene {
    pub(crate) fn new(respond: &str) -> Self {
        let mut repo = TestRepo::new();
        for name in ["serve.py", "shortener.py", "smoke.py", "test_shortener.py"] {
            repo.write(name, fixture(name));
        }
        let good = repo.commit("Shorten URLs");
        repo.tag("v1.0", good);
        repo.write("README.md", "one\n").commit("Say how to run it");
        let broken = fixture("shortener.py").replacen("json.load(urls", "json.loads(urls", 1);
        repo.write("shortener.py", broken).commit("Read the stored URLs in one go");
        let bad = repo.write("README.md", "one\ntwo\n").commit("Name the maintainers");
        repo.tag("v2.0", bad);
        repo.check_out();
        git_in(repo.path(), &["config", "user.name", "Ada"]);
        git_in(repo.path(), &["config", "user.email", "ada@example.org"]);
        let place = tempfile::tempdir().unwrap();
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let scene = Self { repo, user: User::new(), place, ports: [port(), port()] };
        fs::write(scene.at("deploy.py"), fixture("deploy.py")).unwrap();
        for name in PLACES {
            fs::create_dir(scene.at(name)).unwrap();
            fs::write(scene.at(name).join("urls.json"), "{\"old\": {\"url\": \"http://example.com\"}}")
                .unwrap();
        }
        scene.configure(respond);
        for (at, place) in PLACES.into_iter().enumerate() {
            let command =
                format!("{} {} {}", scene.deploy(at), scene.commit("v2.0"), scene.repo.path().display());
            let status = std::process::Command::new("sh").args(["-c", &command]).status().unwrap();
            assert!(status.success());
            fs::remove_file(scene.at(place).join("deployed")).unwrap();
        }
        // The first error is in the log.
        assert_eq!(scene.asked(), "500");
        scene
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(crate) fn deploy(&self, at: usize) -> String {
        let (script, place) = (self.at("deploy.py"), self.at(PLACES[at]));
        format!("python3 {} {} {}", script.display(), place.display(), self.ports[at])
    }

    pub(crate) fn health(&self, at: usize) -> String {
        format!("http://127.0.0.1:{}/health", self.ports[at])
    }

    /// The user's own configuration, with these lines for the response.
    fn configure(&self, respond: &str) {
        let folder = self.user.home().join(".config/pybisect");
        fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "command = ['python3', 'smoke.py']\nenv = 'current'\nlogs-command = 'cat {0}/live/errors.log'\n\
             [rollback]\nservice = 'short'\ndeploy = '{1} {{commit}} {{worktree}}'\nhealth = '{2}'\n\
             health-version = 'X-Version'\nhealth-count = 4\nhealth-window = '500ms'\n\
             [respond]\n{respond}\n\
             [[respond.stages]]\nname = 'canary'\ndeploy = '{3} {{commit}} {{worktree}}'\nhealth = '{4}'\n\
             [[respond.stages]]\nname = 'everywhere'\n",
            self.place.path().display(),
            self.deploy(1),
            self.health(1),
            self.deploy(0),
            self.health(0),
        );
        fs::write(folder.join("config.toml"), text).unwrap();
    }

    pub(crate) fn change_config(&self, from: &str, to: &str) {
        let file = self.user.home().join(".config/pybisect/config.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(file, text.replace(from, to)).unwrap();
    }

    pub(crate) fn respond(&self, more: &[&str]) -> (Option<i32>, Value, String) {
        let words = [&["respond", "--format", "json"], more].concat();
        let ran = self.user.run(self.repo.path(), &words);
        let incident = serde_json::from_str(&ran.stdout).unwrap_or_default();
        (ran.code, incident, ran.stderr)
    }

    /// What was deployed in a place, in order.
    pub(crate) fn deployed(&self, at: usize) -> Vec<String> {
        let text = fs::read_to_string(self.at(PLACES[at]).join("deployed")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn commit(&self, rev: &str) -> String {
        git_in(self.repo.path(), &["rev-parse", &format!("{rev}^{{commit}}")]).trim().to_owned()
    }

    /// The status that a user gets.
    pub(crate) fn asked(&self) -> String {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.ports[1])).unwrap();
        stream.write_all(b"GET /old HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split_whitespace().nth(1).unwrap_or_default().to_owned()
    }

    pub(crate) fn branches(&self) -> String {
        git_in(self.repo.path(), &["branch", "--list", "pybisect/*"])
    }

    /// The events of the only incident, and the record of what was done to the service.
    pub(crate) fn written(&self) -> String {
        let services = self.user.home().join(".local/state/pybisect/services");
        let files = walkdir::WalkDir::new(services).into_iter().flatten();
        let files = files.filter(|file| file.path().extension().is_some_and(|kind| kind == "jsonl"));
        files.map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        for place in PLACES {
            let text = fs::read_to_string(self.at(place).join("pid")).unwrap_or_default();
            if let Some(pid) = text.split_whitespace().next().and_then(|pid| pid.parse().ok()) {
                let _gone = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}

pub(crate) const ALL: &str = "auto = ['rollback', 'branch', 'rollout']\nverify = 'python3 -m unittest -q'";

pub(crate) fn step<'a>(incident: &'a Value, name: &str) -> &'a Value {
    let (kind, stage) =
        name.split_once('-').map_or((name, None), |(kind, stage)| (kind, stage.parse::<u64>().ok()));
    let mut steps = incident["steps"].as_array().unwrap().iter();
    steps.find(|step| step["kind"] == kind && step["stage"].as_u64() == stage).unwrap()
}

pub(crate) fn state<'a>(incident: &'a Value, name: &str) -> &'a str {
    step(incident, name)["state"].as_str().unwrap()
}

#[test]
fn an_alarm_brings_the_old_version_the_cause_a_tested_fix_and_its_rollout() {
    let scene = Scene::new(ALL);
    let before = fs::read(scene.repo.path().join("shortener.py")).unwrap();
    let report = scene.at("report.md");
    let path = report.display().to_string();
    let (code, incident, stderr) = scene.respond(&["--alarm", "500 on /old", "--report", &path]);
    assert_eq!(code, Some(0), "{incident:#}\n{stderr}");
    assert_eq!(incident["outcome"], "fixed", "{incident:#}\n{stderr}");
    assert_eq!(incident["deployed"]["tag"], "v2.0");
    for name in
        ["rollback", "logs", "suspects", "find", "fixes", "branch", "rollout-1", "rollout-2", "report"]
    {
        assert_eq!(state(&incident, name), "done", "{name}: {incident:#}\n{stderr}");
    }
    let culprit = &step(&incident, "find")["result"]["find"]["culprits"][0]["commit"]["id"];
    assert_eq!(culprit, &scene.commit("v2.0~1"), "{incident:#}");
    let change = &step(&incident, "find")["result"]["find"]["breaking_changes"][0];
    assert_eq!(change["after"], "json.loads(urls_file)");
    let fix = &step(&incident, "fixes")["result"]["fixes"]["fixes"][0];
    assert!(fix["passed"] == true && fix["verified"] == "passes", "{fix:#}");
    let log = &step(&incident, "logs")["result"]["logs"]["groups"][0];
    assert_eq!(log["exception"], "TypeError", "{log:#}");
    let commit = step(&incident, "branch")["result"]["branch"]["commit"].as_str().unwrap().to_owned();
    let branch = step(&incident, "branch")["result"]["branch"]["name"].as_str().unwrap().to_owned();
    assert_eq!(scene.commit(&branch), commit);
    assert_eq!(scene.commit(&format!("{branch}~1")), scene.commit("v2.0"), "on top of what was deployed");
    // The old version first, then the fix: for a few, then for all.
    assert_eq!(scene.deployed(1), [scene.commit("v1.0"), commit.clone()]);
    assert_eq!(scene.deployed(0), [commit]);
    assert_eq!(scene.asked(), "200");
    // Nothing of the user's moved.
    assert_eq!(fs::read(scene.repo.path().join("shortener.py")).unwrap(), before);
    assert_eq!(scene.commit("HEAD"), scene.commit("v2.0"));
    let text = fs::read_to_string(report).unwrap();
    for part in ["500 on /old", "json.loads", "## Sequence of events", "- downtime: ", "rollout, stage 2"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // It is closed: another alarm is another incident.
    let ran = scene.user.run(scene.repo.path(), &["respond", "--resume"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("no response to an incident of 'short' is open"), "{}", ran.stderr);
}

#[test]
fn a_stage_that_is_not_healthy_goes_back() {
    let scene = Scene::new(ALL);
    // Everywhere, only the old version is well: a person's check, which asks more than the version.
    let good = scene.commit("v1.0");
    let check = format!(
        "#!/bin/sh\nread version < {0}/live/current/VERSION\necho $version\n[ $version != {1} ] || exit 0\n[ -e {0}/live/was ] && exit 1\n",
        scene.place.path().display(),
        good
    );
    fs::write(scene.at("check"), check).unwrap();
    fs::set_permissions(scene.at("check"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(scene.at("live/was"), "").unwrap();
    let stage =
        format!("name = 'everywhere'\nhealth = '{}'\nhealth-version = '.+'", scene.at("check").display());
    scene.change_config("name = 'everywhere'", &stage);
    scene.change_config("health-count = 4", "health-count = 4\nhealth-limit = '2s'");
    let (code, incident, stderr) = scene.respond(&["--alarm", "500 on /old"]);
    assert_eq!(code, Some(6), "{incident:#}\n{stderr}");
    assert_eq!(state(&incident, "rollout-1"), "done", "{incident:#}\n{stderr}");
    assert_eq!(state(&incident, "rollout-2"), "failed", "{incident:#}\n{stderr}");
    assert_eq!((&incident["outcome"], &incident["serving"]["tag"]), (&"rolled-back".into(), &"v1.0".into()));
    let outcome = step(&incident, "rollout-2")["outcome"].as_str().unwrap();
    assert!(outcome.contains("is not healthy") && outcome.ends_with("serves again"), "{outcome}");
    assert_eq!(scene.deployed(1).last(), Some(&good));
    assert_eq!(scene.deployed(0).last(), Some(&good));
    assert_eq!(scene.asked(), "200");
}

#[test]
fn nothing_is_done_without_leave() {
    let scene = Scene::new("");
    let before = snapshot(scene.repo.path());
    let (code, incident, stderr) = scene.respond(&["--alarm", "500 on /old"]);
    assert_eq!(code, Some(0), "{incident:#}\n{stderr}");
    assert_eq!(incident["id"], "dry-run");
    let what = step(&incident, "rollback")["what"].as_str().unwrap();
    assert!(what.starts_with("v1.0") && what.contains(&scene.commit("v1.0")), "{what}");
    assert!(snapshot(scene.repo.path()) == before, "the repository changed");
    assert_eq!((scene.deployed(0), scene.deployed(1), scene.branches()), (vec![], vec![], String::new()));

    scene.change_config("[respond]\n", "[respond]\nauto = []\n");
    let (code, incident, stderr) = scene.respond(&["--alarm", "500 on /old"]);
    assert_eq!(code, Some(0), "{incident:#}\n{stderr}");
    assert_eq!(
        (state(&incident, "rollback"), state(&incident, "branch")),
        ("waiting", "waiting"),
        "{incident:#}"
    );
    assert_eq!(state(&incident, "fixes"), "done", "{incident:#}\n{stderr}");
    assert_eq!((scene.deployed(0), scene.deployed(1), scene.branches()), (vec![], vec![], String::new()));
    assert_eq!(scene.asked(), "500");
    // What the outage took of what is allowed is in each form of the report, by the configuration or by hand.
    let report = |more: &[&str]| {
        let words = [&["report", "--incident", "--format"], more].concat();
        scene.user.run(scene.repo.path(), &words).stdout
    };
    // Leave for one step is for that one.
    let (_, incident, stderr) = scene.respond(&["--approve", "rollback"]);
    assert_eq!(state(&incident, "rollback"), "done", "{incident:#}\n{stderr}");
    for form in ["text", "markdown", "html"] {
        assert!(!report(&[form]).contains("of the year"), "{form}");
        assert!(report(&[form, "--sla", "15m/y"]).contains("of 15 minutes of the year"), "{form}");
    }
    scene.change_config("auto = []\n", "auto = []\nsla = '15m/y'\n");
    for form in ["text", "markdown", "html"] {
        assert!(report(&[form]).contains("of 15 minutes of the year"), "{form}");
    }
    // The search has found the last good version meanwhile, which is no release.
    assert_eq!((scene.deployed(1), scene.branches()), (vec![scene.commit("v2.0~2")], String::new()));
    let (code, _, stderr) = scene.respond(&["--approve", "rollback"]);
    assert!(code == Some(2) && stderr.contains("rollback is done already"), "{stderr}");
    let (code, _, stderr) = scene.respond(&["--approve", "everything"]);
    assert!(code == Some(2) && stderr.contains("the steps that do: rollback, branch, rollout"), "{stderr}");
    // The same alarm again joins, and does nothing more.
    let (_, incident, stderr) = scene.respond(&["--alarm", "500 on /old"]);
    assert_eq!(incident["alarms"].as_array().unwrap().len(), 2, "{incident:#}\n{stderr}");
    assert_eq!(scene.deployed(1).len(), 1);
    let (code, incident, stderr) = scene.respond(&["--approve", "branch", "--approve", "rollout"]);
    assert_eq!((code, &incident["outcome"]), (Some(0), &"fixed".into()), "{incident:#}\n{stderr}");
    assert_eq!((scene.deployed(0).len(), scene.deployed(1).len()), (1, 2));
}

#[test]
fn a_fallback_is_in_front_while_it_is_down_and_a_push_that_failed_is_done_again() {
    let scene = Scene::new("auto = ['fallback', 'rollback', 'branch', 'push', 'rollout']");
    let (front, remote) = (scene.at("front"), scene.at("remote.git"));
    // What is deployed at that moment stands behind it.
    let switch = |word: &str| {
        format!("echo {word} $(cat {}/live/deployed) >> {}", scene.at("").display(), front.display())
    };
    let more = format!(
        "[respond]\nfallback = '{}'\nfallback-off = '{}'\npush = 'origin'\n",
        switch("on"),
        switch("off")
    );
    scene.change_config("[respond]\n", &more);
    git_in(scene.repo.path(), &["remote", "add", "origin", remote.to_str().unwrap()]);
    let (code, incident, stderr) = scene.respond(&["--alarm", "500 on /old"]);
    assert_eq!((code, state(&incident, "push")), (Some(6), "failed"), "{incident:#}\n{stderr}");
    assert_eq!(step(&incident, "rollout-1")["outcome"], "the fix was not pushed");
    let v1 = scene.commit("v1.0");
    assert_eq!(fs::read_to_string(&front).unwrap(), format!("on\noff {v1}\n"), "{incident:#}");
    assert_eq!((scene.deployed(0), scene.deployed(1)), (vec![], vec![v1]));

    git_in(scene.repo.path(), &["init", "--quiet", "--bare", remote.to_str().unwrap()]);
    let (code, _, stderr) = scene.respond(&["--retry", "rollback"]);
    assert!(code == Some(2) && stderr.contains("rollback did not fail: it is done"), "{stderr}");
    let (code, incident, stderr) = scene.respond(&["--retry", "push"]);
    assert_eq!((code, &incident["outcome"]), (Some(0), &"fixed".into()), "{incident:#}\n{stderr}");
    let commit = step(&incident, "branch")["result"]["branch"]["commit"].as_str().unwrap().to_owned();
    let branch = step(&incident, "branch")["result"]["branch"]["name"].as_str().unwrap().to_owned();
    assert_eq!(git_in(&remote, &["rev-parse", &branch]).trim(), commit);
    assert_eq!((scene.deployed(0).len(), scene.deployed(1).len()), (1, 2));
}

#[test]
fn killed_anywhere_it_goes_on_and_deploys_nothing_twice() {
    let begun = |step: &str| format!("\"event\":\"begun\",\"step\":{{\"kind\":\"{step}\"");
    let ended = |step: &str| format!("\"event\":\"ended\",\"step\":{{\"kind\":\"{step}\"");
    let points = [
        "\"what\":\"runs\",\"action\":\"deploy\"".to_owned(),
        "\"what\":\"ended\",\"action\":\"deploy\"".to_owned(),
        "\"what\":\"healthy\"".to_owned(),
        begun("find"),
        begun("branch"),
        begun("rollout"),
        ended("rollout"),
    ];
    let scene = Scene::new(ALL);
    let mut words = vec!["respond", "--json", "-", "--alarm", "500 on /old"];
    let mut killed = 0;
    for point in &points {
        let mut child = scene.user.command(scene.repo.path(), &words).spawn().unwrap();
        let began = Instant::now();
        while !scene.written().contains(point) {
            assert!(began.elapsed() < Duration::from_secs(300), "{point:?}: {}", scene.written());
            assert!(child.try_wait().unwrap().is_none(), "{point:?} never came: {}", scene.written());
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        words = vec!["respond", "--json", "-", "--resume"];
    }
    assert_eq!(killed, 7);
    let (code, incident, stderr) = scene.respond(&["--resume"]);
    assert_eq!((code, &incident["outcome"]), (Some(0), &"fixed".into()), "{incident:#}\n{stderr}");
    let commit = step(&incident, "branch")["result"]["branch"]["commit"].as_str().unwrap().to_owned();
    assert_eq!(scene.deployed(1), [scene.commit("v1.0"), commit.clone()], "{incident:#}");
    assert_eq!(scene.deployed(0), [commit], "{incident:#}");
    assert_eq!(scene.asked(), "200");
}

#[test]
fn the_demo_shows_all_of_it() {
    let user = User::new();
    let file = user.home().join("incident.json");
    let words = ["demo".to_owned(), "--incident".to_owned(), "--json".to_owned(), file.display().to_string()];
    let ran = user.run(user.home(), &words);
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    let incident: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(incident["outcome"], "fixed", "{incident:#}");
    for told in ["the client sees: 500", "ALARM", "requests failed"] {
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
}

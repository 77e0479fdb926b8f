//! Trials on buildbox-casd, a real server of the Remote Execution API.
//!
//! They need its programs: `tests/clusters/casd.sh` installs them, and `PYBISECT_TEST_CASD` names their folder.

use std::path::Path;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{User, broken_total, culprit, report_of};

/// A server that runs. It ends with this.
struct Casd {
    folder: tempfile::TempDir,
    endpoint: String,
    pid: i32,
}

impl Casd {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (endpoint, pid) = Self::run(folder.path(), "0");
        Self { folder, endpoint, pid }
    }

    fn run(folder: &Path, port: &str) -> (String, i32) {
        let bin =
            std::env::var("PYBISECT_TEST_CASD").expect("PYBISECT_TEST_CASD, the folder of buildbox-casd");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clusters/casd.sh");
        let ran = Command::new(script).arg(folder).arg(port).env("CASD_BIN", bin).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let pid = std::fs::read_to_string(folder.join("casd.pid")).unwrap().trim().parse().unwrap();
        (String::from_utf8(ran.stdout).unwrap().trim().to_owned(), pid)
    }

    fn kill(&self) {
        kill(Pid::from_raw(self.pid), Signal::SIGKILL).unwrap();
    }

    /// The same place and the same store, in another process.
    fn restart(&mut self) {
        let port = self.endpoint.rsplit(':').next().unwrap();
        self.pid = Self::run(self.folder.path(), port).1;
    }
}

impl Drop for Casd {
    fn drop(&mut self) {
        // It may be gone already.
        let _gone = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
    }
}

fn find(user: &User, repo: &Path, endpoint: Option<&str>) -> (Option<i32>, Value) {
    let mut words = vec!["find", "--json", "-", "--good", "HEAD~11", "--jobs", "1"];
    words.extend(endpoint.iter().flat_map(|endpoint| ["--executor", *endpoint]));
    words.extend(["--", "python3", "smoke.py"]);
    report_of(&mut user.command(repo, &words))
}

/// What both say that find the same.
fn answer(report: &Value) -> Value {
    let culprit = &report["culprits"][0];
    serde_json::json!({
        "status": report["status"],
        "commit": culprit["commit"],
        "verified": culprit["verified"],
        "breaking": report["breaking_changes"],
        "failure": report["failure"]["message"],
    })
}

#[test]
#[ignore = "needs buildbox-casd: .ci/run"]
fn the_answer_is_that_of_this_machine_and_a_colleague_runs_nothing() {
    let (casd, (repo, broken)) = (Casd::start(), broken_total());
    let (code, here) = find(&User::new(), repo.path(), None);
    assert_eq!((code, culprit(&here)), (Some(0), broken.as_str()));
    let (code, there) = find(&User::new(), repo.path(), Some(&casd.endpoint));
    assert_eq!(code, Some(0), "{there:#}");
    assert_eq!(answer(&there), answer(&here));
    assert_eq!(there["environment"]["executor"], casd.endpoint.as_str());
    assert_eq!(there["isolation"]["by"], "cluster");
    // A colleague, who has nothing but the repository.
    // One trial at a time: what runs at the same time as another may be dismissed before its end.
    let words = ["find", "--jobs", "1", "--executor", &casd.endpoint, "--good", "HEAD~11"];
    let words = [&words[..], &["--", "python3", "smoke.py"]].concat();
    let ran = User::new().run(repo.path(), &words);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains(&broken[..8]), "{}", ran.stdout);
    assert!(ran.stderr.contains("trials: 0 ran on"), "{}", ran.stderr);
}

#[test]
#[ignore = "needs buildbox-casd: .ci/run"]
fn a_server_that_is_killed_and_started_again_loses_nothing() {
    let (mut casd, (repo, broken)) = (Casd::start(), broken_total());
    let marker = tempfile::NamedTempFile::new().unwrap();
    let user = User::new();
    let words = [
        "find",
        "--executor",
        &casd.endpoint.clone(),
        "--jobs",
        "1",
        "--good",
        "HEAD~11",
        "--json",
        "-",
        "--",
    ];
    let words = words.iter().copied().chain(["sh", "-c", "sleep 0.3; exec python3 smoke.py"]);
    let mut command = user.command(repo.path(), &words.collect::<Vec<_>>());
    let events = marker.reopen().unwrap();
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(events).spawn().unwrap();
    // In the middle of the trials: two of them have ended.
    loop {
        let text = std::fs::read_to_string(marker.path()).unwrap();
        if text.lines().filter(|line| line.starts_with("passes ") || line.starts_with("fails ")).count() >= 2
        {
            break;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended first: {text}");
        std::thread::yield_now();
    }
    casd.kill();
    casd.restart();
    let ran = child.wait_with_output().unwrap();
    let told = std::fs::read_to_string(marker.path()).unwrap();
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{told}"));
    assert_eq!((ran.status.code(), culprit(&report)), (Some(0), broken.as_str()), "{report:#}\n{told}");
    assert_eq!(report["skipped"].as_array().map(Vec::len), Some(0), "{report:#}");
}

#[test]
#[ignore = "needs buildbox-casd: .ci/run"]
fn fix_check_and_suspects_run_there_too() {
    let (casd, (repo, broken)) = (Casd::start(), broken_total());
    let user = User::new();
    let endpoint = casd.endpoint.as_str();
    let (code, _) = find(&user, repo.path(), Some(endpoint));
    assert_eq!(code, Some(0));
    let ran = user.run(repo.path(), &["fix"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let words =
        ["suspects", "HEAD~11..", "--executor", endpoint, "--format", "json", "--", "python3", "smoke.py"];
    let (_, report) = report_of(&mut user.command(repo.path(), &words));
    assert_eq!(
        report["suspects"][0]["commit"]["id"].as_str().or(report["suspects"][0]["commit"].as_str()),
        Some(broken.as_str()),
        "{report:#}"
    );
    let words = [
        "check",
        "HEAD~6..HEAD",
        "--executor",
        endpoint,
        "--format",
        "json",
        "--types",
        "off",
        "--",
        "python3",
        "smoke.py",
    ];
    let (_, report) = report_of(&mut user.command(repo.path(), &words));
    assert!(report["smoke"].is_object(), "{report:#}");
}

#[test]
#[ignore = "needs buildbox-casd: .ci/run"]
fn what_workers_lack_is_told_before_anything_runs() {
    let (casd, (repo, _)) = (Casd::start(), broken_total());
    let user = User::new();
    let told = |words: &[&str]| {
        let ran = user.run(repo.path(), &[&["find", "--good", "HEAD~11", "--executor"], words].concat());
        assert_eq!(ran.code, Some(2), "{}{}", ran.stdout, ran.stderr);
        ran.stderr
    };
    let endpoint = casd.endpoint.as_str();
    assert!(told(&[endpoint, "--", "python9", "smoke.py"]).contains("have no program 'python9'"));
    assert!(told(&[endpoint, "--with", "pytest", "--", "python3", "smoke.py"]).contains("--with"));
    assert!(told(&["cluster:1", "--", "python3", "smoke.py"]).contains("no address of a cluster"));
    assert!(told(&["grpc://127.0.0.1:1", "--", "python3", "smoke.py"]).contains("no answer from"));
}

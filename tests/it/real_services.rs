//! `pybisect rollback` with real servers, in the versions of `tests/runners/requirements/ci.txt`: a release is a folder, a
//! link leads to the one that is served, and the server is told to reload.
//!
//! They need those packages, as [`real_runners`](super::real_runners) does.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;

use crate::real_runners::programs;
use crate::support::{TestRepo, User};

/// An application that says which version it is, and cannot answer when its data is read in the wrong way.
fn app(version: &str, method: &str) -> String {
    format!(
        r#"
import json, os
VERSION = "{version}"
def urls():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "urls.json")) as file:
        return json.{method}(file)
def app(environ, start_response):
    try:
        status, body = "200 OK", json.dumps(urls())
    except Exception as error:
        status, body = "500 Internal Server Error", repr(error)
    start_response(status, [("X-Version", VERSION), ("Content-Type", "text/plain")])
    return [body.encode()]
"#
    )
}

/// Releases, a server that runs the newest, which is broken, and a repository of all of them.
struct Scene {
    repo: TestRepo,
    user: User,
    place: tempfile::TempDir,
    port: u16,
    server: Child,
}

impl Scene {
    /// `server` are the words of its command after the program: `CURRENT` is the link, `PORT` the port.
    fn new(program: &str, server: &[&str]) -> Self {
        let mut repo = TestRepo::new();
        let place = tempfile::tempdir().unwrap();
        for (version, method) in [("1.0", "load"), ("1.1", "load"), ("1.2", "loads")] {
            let (app, urls) = (app(version, method), r#"{"a": "https://example.com/"}"#);
            let commit = repo.write("app.py", &app).write("urls.json", urls).commit("a release");
            repo.tag(&format!("v{version}"), commit);
            let release = place.path().join("releases").join(format!("v{version}"));
            fs::create_dir_all(&release).unwrap();
            fs::write(release.join("app.py"), &app).unwrap();
            fs::write(release.join("urls.json"), urls).unwrap();
        }
        repo.check_out();
        std::os::unix::fs::symlink("releases/v1.2", place.path().join("current")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let current = place.path().join("current").display().to_string();
        let pid = place.path().join("pid").display().to_string();
        let fill = |word: &&str| {
            word.replace("CURRENT", &current).replace("PORT", &port.to_string()).replace("PID", &pid)
        };
        let words: Vec<String> = server.iter().map(fill).collect();
        let log = fs::File::create(place.path().join("log")).unwrap();
        let server = Command::new(programs().join(program))
            .args(words)
            .current_dir(place.path())
            .env_remove("PYTHONDONTWRITEBYTECODE")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let scene = Self { repo, user: User::new(), place, port, server };
        scene.wait_for_answers();
        scene
    }

    fn wait_for_answers(&self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(120), "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.place.path().join("log")).unwrap_or_default()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn rollback(&self, window: &str, more: &[&str]) -> (Option<i32>, Value) {
        let deploy = format!("symlink:{}:releases/{{tag}}", self.at("current").display());
        let reload = format!("kill -HUP {}", self.server.id());
        let health = format!("http://127.0.0.1:{}/", self.port);
        let mut words =
            vec!["rollback", "--json", "-", "--deploy", &deploy, "--reload", &reload, "--health", &health];
        words.extend(["--health-version", "X-Version", "--health-window", window]);
        words.extend_from_slice(more);
        words.extend(["--env", "current", "--", "python3", "-c", "import app; app.urls()"]);
        let ran = self.user.run(self.repo.path(), &words);
        let report = serde_json::from_str(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}\n{}", ran.stdout, ran.stderr, self.log()));
        (ran.code, report)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.server.id()).unwrap());
        let _gone = killpg(group, Signal::SIGKILL);
        let _gone = self.server.wait();
    }
}

/// The versions that answered in the last look, the first first.
fn answered(report: &Value) -> Vec<String> {
    let health = report["attempts"][0]["health"].as_array().unwrap().last().unwrap();
    let answers = health["answers"].as_array().unwrap().iter();
    answers.map(|answer| answer["answer"].as_str().unwrap().to_owned()).collect()
}

#[test]
#[ignore = "needs gunicorn, see the module"]
fn gunicorn_takes_the_older_release_at_a_reload() {
    let scene = Scene::new("gunicorn", &["--chdir", "CURRENT", "-w", "2", "-b", "127.0.0.1:PORT", "app:app"]);
    let (code, report) = scene.rollback("3s", &[]);
    assert_eq!((code, &report["outcome"]), (Some(0), &"healthy".into()), "{report:#}\n{}", scene.log());
    assert_eq!(report["baseline"][0]["answer"], "500 Internal Server Error from 1.2", "{report:#}");
    assert_eq!(report["attempts"][0]["version"]["tag"], "v1.1");
    assert_eq!(answered(&report).last().map(String::as_str), Some("1.1"), "{report:#}");
    assert_eq!(fs::read_link(scene.at("current")).unwrap(), std::path::Path::new("releases/v1.1"));
}

#[test]
#[ignore = "needs gunicorn, see the module"]
fn gunicorn_with_preload_goes_on_with_the_old_code_and_is_not_believed() {
    let words = ["--preload", "--chdir", "CURRENT", "-w", "2", "-b", "127.0.0.1:PORT", "app:app"];
    let scene = Scene::new("gunicorn", &words);
    let (code, report) = scene.rollback("3s", &["--attempts", "1", "--health-limit", "8s"]);
    assert_eq!((code, &report["outcome"]), (Some(6), &"unhealthy".into()), "{report:#}\n{}", scene.log());
    assert!(!answered(&report).contains(&"1.1".to_owned()), "{report:#}");
    let why = &report["attempts"][0]["health"][0]["why"];
    assert_eq!(
        why, "1.2 goes on answering: the new code was not taken",
        "its failures tell which version it is"
    );
}

#[test]
#[ignore = "needs granian, see the module"]
fn granian_is_healthy_once_the_older_release_alone_answers() {
    let words = [
        "--interface",
        "wsgi",
        "--working-dir",
        "CURRENT",
        "--workers",
        "2",
        "--host",
        "127.0.0.1",
        "--port",
        "PORT",
        "app:app",
    ];
    let scene = Scene::new("granian", &words);
    let (code, report) = scene.rollback("5s", &[]);
    assert_eq!((code, &report["outcome"]), (Some(0), &"healthy".into()), "{report:#}\n{}", scene.log());
    // The old code answers too, as long as its workers have not been replaced: no row of that counts.
    let health = &report["attempts"][0]["health"][0];
    assert!(answered(&report).contains(&"1.1".to_owned()), "{report:#}");
    assert!(health["window_seconds"].as_f64().unwrap() >= 5.0, "{report:#}");
}

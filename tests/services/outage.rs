//! An outage with real parts: the shortener under gunicorn behind nginx, deployed by a link and a reload; a client; and
//! Alertmanager, which sends its own webhook to `pybisect serve`.
//!
//! It needs nginx and prometheus-alertmanager of Debian, and the packages of `tests/runners/requirements/ci.txt` in a virtual
//! environment, its folder in `PYBISECT_TEST_RUNNERS`; `.ci/run` has all of them, and fails without. By hand, with the time
//! from the alarm to the last request that failed:
//!
//! ```text
//! PYBISECT_TEST_RUNNERS=$PWD/VENV cargo test --all-features --test services outage -- --ignored --nocapture
//! ```

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::serving::{Server, end_responses, hooks, now};
use crate::support::repo_builder::git_in;
use crate::support::{TestRepo, User};

const PLACES: [&str; 2] = ["canary", "live"];

fn programs() -> PathBuf {
    let venv = std::env::var_os("PYBISECT_TEST_RUNNERS")
        .expect("PYBISECT_TEST_RUNNERS: the virtual environment of tests/runners/requirements/ci.txt");
    Path::new(&venv).join("bin")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Processes that end with the test.
struct Running(Child);

impl Running {
    fn start(program: &str, words: &[&str], log: &Path) -> Self {
        let log = fs::File::create(log).unwrap();
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Self(command.spawn().unwrap_or_else(|error| panic!("{program} is needed: {error}")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), Signal::SIGTERM);
        let _gone = self.0.wait();
    }
}

/// One request, over a connection of its own: the status, 0 when there is none.
fn ask(port: u16, request: &str) -> u16 {
    let asked = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(request.as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    let text = asked().unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// A user who shortens an address, twenty times a second.
struct Client {
    answers: Arc<Mutex<Vec<(Timestamp, u16)>>>,
    stops: Arc<AtomicBool>,
}

const SHORTEN: &str = "POST /your-url HTTP/1.0\r\nHost: short\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                       Content-Length: 43\r\n\r\ncode=old&url=http%3A%2F%2Fexample.com%2Fold";

impl Client {
    fn start(port: u16) -> Self {
        let client = Self { answers: Arc::default(), stops: Arc::default() };
        let (answers, stops) = (Arc::clone(&client.answers), Arc::clone(&client.stops));
        std::thread::spawn(move || {
            while !stops.load(Ordering::Relaxed) {
                let answers = Arc::clone(&answers);
                // The next does not wait for it.
                std::thread::spawn(move || {
                    let at = now();
                    let status = ask(port, SHORTEN);
                    answers.lock().unwrap().push((at, status));
                });
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        client
    }

    /// When requests failed.
    fn failed(&self) -> Vec<Timestamp> {
        let answers = self.answers.lock().unwrap();
        let mut failed: Vec<_> =
            answers.iter().filter(|(_, status)| *status != 302).map(|(at, _)| *at).collect();
        failed.sort_unstable();
        failed
    }

    fn wait_for_failures(&self) {
        while self.failed().len() < 5 {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
    }
}

struct Scene {
    repo: TestRepo,
    user: User,
    place: tempfile::TempDir,
    ports: [u16; 2],
    alertmanager: u16,
    running: Vec<Running>,
}

impl Scene {
    /// Version 1 is deployed, and well, in both places.
    fn new() -> Self {
        let mut repo = TestRepo::new();
        let demo = root().join("fixtures/demo");
        for entry in walkdir::WalkDir::new(&demo).into_iter().map(Result::unwrap) {
            if entry.file_type().is_file() {
                let name = entry.path().strip_prefix(&demo).unwrap().to_str().unwrap();
                repo.write(name, fs::read_to_string(entry.path()).unwrap());
            }
        }
        repo.write("wsgi.py", fs::read_to_string(root().join("tests/services/outage/wsgi.py")).unwrap());
        let good = repo.commit("Shorten URLs");
        repo.tag("v1", good);
        repo.write("notes.md", "one\n").commit("Say how to run it");
        let broken = fs::read_to_string(demo.join("application.py")).unwrap();
        let broken = broken.replacen("json.load(urls_file)", "json.loads(urls_file)", 1);
        repo.write("application.py", broken).commit("Read the stored URLs in one go");
        let bad = repo.write("notes.md", "one\ntwo\n").commit("Name the maintainers");
        repo.tag("v2", bad);
        repo.check_out();
        git_in(repo.path(), &["config", "user.name", "Ada"]);
        git_in(repo.path(), &["config", "user.email", "ada@example.org"]);
        let mut scene = Self {
            repo,
            user: User::new(),
            place: tempfile::tempdir().unwrap(),
            ports: [free_port(), free_port()],
            alertmanager: free_port(),
            running: Vec::new(),
        };
        for name in PLACES {
            fs::create_dir_all(scene.at(name).join("releases")).unwrap();
            fs::write(scene.at(name).join("urls.json"), "{\"old\": {\"url\": \"http://example.com\"}}")
                .unwrap();
        }
        scene.start_nginx();
        scene.configure();
        for place in PLACES {
            scene.deploy(place, "v1");
            scene.wait_for(place, 302);
        }
        scene
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn port(&self, place: &str) -> u16 {
        self.ports[PLACES.iter().position(|known| *known == place).unwrap()]
    }

    fn start_nginx(&mut self) {
        let servers: String = PLACES
            .iter()
            .map(|name| {
                format!(
                    "server {{ listen 127.0.0.1:{}; location / {{ proxy_pass http://unix:{}/socket; \
                     proxy_set_header Host short; }} }}\n",
                    self.port(name),
                    self.at(name).display()
                )
            })
            .collect();
        let here = self.place.path().display();
        let text = format!(
            "daemon off; pid {here}/nginx.pid; error_log {here}/nginx.log;\nevents {{}}\nhttp {{ access_log off;\n\
             client_body_temp_path {here}/t1; proxy_temp_path {here}/t2; fastcgi_temp_path {here}/t3;\n\
             uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;\n{servers}}}\n"
        );
        let file = self.at("nginx.conf");
        fs::write(&file, text).unwrap();
        let mut words = vec!["-c", file.to_str().unwrap()];
        // What runs as root gives its workers away; they have to reach the socket.
        if rustix::process::getuid().is_root() {
            words.extend(["-g", "user root;"]);
        }
        self.running.push(Running::start("nginx", &words, &self.at("nginx.out")));
    }

    fn deploy_command(&self, place: &str) -> String {
        let script = root().join("tests/services/outage/deploy.py");
        let (place, programs) = (self.at(place), programs());
        format!("{0}/python {1} {2} {0}/gunicorn", programs.display(), script.display(), place.display())
    }

    fn deploy(&self, place: &str, rev: &str) {
        let files = self.at("files");
        fs::create_dir_all(&files).unwrap();
        let commit = self.commit(rev);
        let command = format!(
            "git -C {} archive {commit} | tar -x -C {1} && {2} {commit} {1}",
            self.repo.path().display(),
            files.display(),
            self.deploy_command(place)
        );
        let done = Command::new("sh").args(["-c", &command]).status().unwrap();
        assert!(done.success(), "{}", self.logs());
    }

    fn commit(&self, rev: &str) -> String {
        git_in(self.repo.path(), &["rev-parse", &format!("{rev}^{{commit}}")]).trim().to_owned()
    }

    fn wait_for(&self, place: &str, status: u16) {
        let began = Instant::now();
        while ask(self.port(place), SHORTEN) != status {
            assert!(began.elapsed() < Duration::from_secs(60), "{place} never {status}: {}", self.logs());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn logs(&self) -> String {
        let names = ["live/errors.log", "canary/errors.log", "nginx.log", "nginx.out", "alertmanager.out"];
        let read = |name: &str| fs::read_to_string(self.at(name)).unwrap_or_default();
        let own = self.user.home().join(".local/state/pybisect/services/short/server/respond.log");
        names.map(read).concat() + &fs::read_to_string(own).unwrap_or_default()
    }

    fn configure(&self) {
        let folder = self.user.home().join(".config/pybisect");
        fs::create_dir_all(&folder).unwrap();
        let health = |place| format!("http://127.0.0.1:{}/", self.port(place));
        let text = format!(
            "command = ['{}/python', 'smoke.py']\nenv = 'current'\nlogs-command = 'cat {}/live/errors.log'\n\
             [rollback]\nservice = 'short'\ndeploy = '{} {{commit}} {{worktree}}'\nhealth = '{}'\n\
             health-version = 'X-Version'\nhealth-count = 4\nhealth-window = '1s'\nhealth-limit = '5s'\n\
             [respond]\nauto = ['rollback', 'branch', 'rollout']\n\
             [[respond.stages]]\nname = 'canary'\ndeploy = '{} {{commit}} {{worktree}}'\nhealth = '{}'\n\
             [[respond.stages]]\nname = 'everywhere'\n{}",
            programs().display(),
            self.place.path().display(),
            self.deploy_command("live"),
            health("live"),
            self.deploy_command("canary"),
            health("canary"),
            hooks(self.user.home()),
        );
        fs::write(folder.join("config.toml"), text).unwrap();
    }

    fn start_alertmanager(&mut self, server: &Server) {
        let secret = self.user.home().join("secret");
        let text = format!(
            "route: {{ receiver: pybisect, group_wait: 0s, group_interval: 1s, repeat_interval: 1s }}\n\
             receivers:\n  - name: pybisect\n    webhook_configs:\n\
             \x20     - url: http://127.0.0.1:{}/hooks/alertmanager\n        http_config:\n\
             \x20         authorization: {{ credentials_file: {} }}\n",
            server.port,
            secret.display()
        );
        let file = self.at("alertmanager.yml");
        fs::write(&file, text).unwrap();
        let listen = format!("--web.listen-address=127.0.0.1:{}", self.alertmanager);
        let config = format!("--config.file={}", file.display());
        let storage = format!("--storage.path={}", self.at("alertmanager").display());
        let words = [config.as_str(), &storage, &listen, "--cluster.listen-address="];
        self.running.push(Running::start("prometheus-alertmanager", &words, &self.at("alertmanager.out")));
        let began = Instant::now();
        while ask(self.alertmanager, "GET /-/ready HTTP/1.0\r\n\r\n") != 200 {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", self.logs());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Put an alert into Alertmanager; `over` when it is well again.
    fn alert(&self, starts: Timestamp, over: bool) {
        let ends = if over { now() } else { now() + SignedDuration::from_hours(1) };
        let body = json!([{
            "labels": { "alertname": "ErrorsHigh", "service": "short" },
            "annotations": { "summary": "requests fail" },
            "startsAt": starts.to_string(), "endsAt": ends.to_string(),
        }])
        .to_string();
        let request = format!(
            "POST /api/v2/alerts HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(ask(self.alertmanager, &request), 200);
    }

    fn deployed(&self, place: &str) -> Vec<String> {
        let text = fs::read_to_string(self.at(place).join("deployed")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        end_responses(&self.user);
        for place in PLACES {
            let text = fs::read_to_string(self.at(place).join("pid")).unwrap_or_default();
            if let Ok(process) = text.trim().parse() {
                let _gone = kill(Pid::from_raw(process), Signal::SIGTERM);
            }
        }
    }
}

/// How long it was from the alarm's arrival to the last request that failed before the fix came; it is told, not judged.
fn tell(incident: &Value, client: &Client) {
    let arrived: Timestamp = incident["alarms"][0]["at"].as_str().unwrap().parse().unwrap();
    let recovered: Timestamp = incident["recovered"].as_str().unwrap().parse().unwrap();
    let failed = client.failed();
    let until = recovered + SignedDuration::from_secs(2);
    let last = failed.iter().rfind(|at| **at <= until).unwrap();
    let seconds = last.duration_since(arrived).as_secs_f64();
    let later = failed.iter().filter(|at| **at > until).count();
    // For whoever measures with this.
    let told =
        format!("from the alarm's arrival to the last failed request: {seconds:.2} s; failed later: {later}");
    drop(writeln!(std::io::stderr(), "{told}"));
}

fn step<'a>(incident: &'a Value, name: &str) -> &'a Value {
    let steps = incident["steps"].as_array().unwrap();
    let is_it = |step: &&Value| {
        let stage = step["stage"].as_u64().map(|stage| format!("-{stage}")).unwrap_or_default();
        format!("{}{stage}", step["kind"].as_str().unwrap()) == name
    };
    steps.iter().find(is_it).unwrap()
}

#[test]
#[ignore = "needs nginx, Alertmanager and gunicorn, see the module"]
fn an_alarm_of_alertmanager_brings_the_old_version_and_then_the_fix() {
    let mut scene = Scene::new();
    let server = Server::start(&scene.user, scene.repo.path());
    scene.start_alertmanager(&server);
    let client = Client::start(scene.port("live"));
    for place in PLACES {
        scene.deploy(place, "v2");
    }
    client.wait_for_failures();
    let starts = now();
    scene.alert(starts, false);
    let short = server.wait("over", |one| !one["outcome"].is_null());
    let id = short["id"].as_str().unwrap();
    let (_, incident) = server.api(&format!("GET /api/v1/incidents/{id}"), "");
    assert_eq!(incident["outcome"], "fixed", "{incident:#}\n{}", scene.logs());
    assert_eq!(incident["deployed"]["tag"], "v2", "{incident:#}");
    let culprit = &step(&incident, "find")["result"]["find"]["culprits"][0]["commit"]["id"];
    assert_eq!(culprit, &scene.commit("v2~1"));
    assert_eq!(
        step(&incident, "logs")["result"]["logs"]["groups"][0]["exception"],
        "TypeError",
        "{}",
        scene.logs()
    );
    let fix = step(&incident, "branch")["result"]["branch"]["commit"].as_str().unwrap().to_owned();
    let (v1, v2) = (scene.commit("v1"), scene.commit("v2"));
    assert_eq!(scene.deployed("live"), [v1.clone(), v2.clone(), v1.clone(), fix.clone()]);
    assert_eq!(scene.deployed("canary"), [v1, v2, fix]);
    assert!(incident["recovered"].is_string() && incident["began"].is_string(), "{incident:#}");
    tell(&incident, &client);
    // It is repeated each second, and then over: nothing more is done.
    let known = |at_least: u64| {
        let began = Instant::now();
        loop {
            let (_, text) = server.ask("GET /metrics", &[], "");
            let count = text.lines().find_map(|line| {
                line.strip_prefix("pybisect_alarms_total{source=\"alertmanager\",result=\"known\"} ")
            });
            if count.is_some_and(|count| count.parse::<u64>().unwrap() >= at_least) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    known(2);
    scene.alert(starts, true);
    let over = server.wait("noted", |one| one["alarms"] == 2);
    assert_eq!((over["id"].as_str(), server.incidents().len()), (Some(id), 1));
    assert_eq!(scene.deployed("live").len(), 4);
    let (status, page) = server.ask(
        &format!("GET /incidents/{id}"),
        &[("Authorization", format!("Bearer {}", server.token))],
        "",
    );
    assert_eq!(status, 200);
    for part in ["is fixed by", "<dt>Downtime</dt>", "json.loads", "the alarm is over", "rollout, stage 2"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let before = client.failed().len();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(client.failed().len(), before, "it is well");
}

#[test]
#[ignore = "needs nginx, Alertmanager and gunicorn, see the module"]
fn a_fix_that_a_place_cannot_start_goes_back() {
    let mut scene = Scene::new();
    let server = Server::start(&scene.user, scene.repo.path());
    scene.start_alertmanager(&server);
    let client = Client::start(scene.port("live"));
    for place in PLACES {
        scene.deploy(place, "v2");
    }
    client.wait_for_failures();
    // Here nothing but version 1 starts any more: gunicorn ends, and nginx answers 502.
    fs::write(scene.at("live/only"), scene.commit("v1")).unwrap();
    scene.alert(now(), false);
    let short = server.wait("over", |one| !one["outcome"].is_null());
    let (_, incident) = server.api(&format!("GET /api/v1/incidents/{}", short["id"].as_str().unwrap()), "");
    assert_eq!(incident["outcome"], "rolled-back", "{incident:#}\n{}", scene.logs());
    assert_eq!(step(&incident, "rollout-1")["state"], "done", "{incident:#}");
    let last = step(&incident, "rollout-2");
    let outcome = last["outcome"].as_str().unwrap();
    assert!(last["state"] == "failed" && outcome.ends_with("serves again"), "{outcome}\n{}", scene.logs());
    let v1 = scene.commit("v1");
    for place in PLACES {
        assert_eq!(scene.deployed(place).last(), Some(&v1), "{place}");
        scene.wait_for(place, 302);
    }
}

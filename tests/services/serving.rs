//! A `pybisect serve` of a test's own, and what is sent to it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ring::hmac;
use serde_json::Value;

use crate::support::{TestRepo, User};

/// The secret of every sender.
pub(crate) const SECRET: &str = "a secret of the senders'";

/// A server that runs; it is killed at the end, and what it left with it.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    pub(crate) token: String,
    /// What it said.
    said: Arc<Mutex<String>>,
}

impl Server {
    /// Start it in a folder, and wait until it listens.
    pub(crate) fn start(user: &User, folder: &Path) -> Self {
        let mut command = user.command(folder, &["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        let (sender, listening) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                heard.lock().unwrap().extend([line.as_str(), "\n"]);
                if let Some(address) = line.strip_prefix("listening at http") {
                    let port = address.rsplit(':').next().unwrap().trim_end_matches('/');
                    let _gone = sender.send(port.parse::<u16>().unwrap());
                }
            }
        });
        let port = listening.recv().unwrap_or_else(|_| panic!("it ended: {}", said.lock().unwrap()));
        let token = state(user).join("short/server/token");
        let token = fs::read_to_string(token).unwrap_or_default().trim().to_owned();
        Self { child, port, token, said }
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// The most memory that it had, in kB.
    pub(crate) fn most_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// End it at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        stream
    }

    /// What is answered to these bytes: the status, and all of it.
    pub(crate) fn raw(&self, bytes: &[u8]) -> (u16, String) {
        let mut stream = self.connect();
        // It may be answered before all of it is there.
        let _refused = stream.write_all(bytes);
        answer(&mut stream)
    }

    /// A request with these headers and this body.
    pub(crate) fn ask(&self, line: &str, headers: &[(&str, String)], body: &str) -> (u16, String) {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head =
            format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n{headers}", self.port);
        self.raw(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
    }

    /// The same by a program that has the token.
    pub(crate) fn api(&self, line: &str, body: &str) -> (u16, Value) {
        let (status, text) = self.ask(line, &[("Authorization", format!("Bearer {}", self.token))], body);
        (status, serde_json::from_str(content(&text)).unwrap_or_default())
    }

    /// A message of a sender, shown to be from it by this secret.
    pub(crate) fn send(&self, source: &str, body: &str, secret: &str) -> u16 {
        self.ask(&format!("POST /hooks/{source}"), &proof(source, body, secret), body).0
    }

    /// All incidents, the latest first.
    pub(crate) fn incidents(&self) -> Vec<Value> {
        let (status, list) = self.api("GET /api/v1/incidents", "");
        assert_eq!(status, 200, "{}", self.said());
        list["incidents"].as_array().unwrap().clone()
    }

    /// Wait until the latest incident is so.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let incidents = self.incidents();
            if let Some(incident) = incidents.first().filter(|incident| is_so(incident)) {
                return incident.clone();
            }
            assert!(
                began.elapsed() < Duration::from_secs(300),
                "never {what}: {incidents:#?}\n{}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Where all services' state is.
pub(crate) fn state(user: &User) -> PathBuf {
    user.home().join(".local/state/pybisect/services")
}

/// End the responses that a server left: processes of this user's home.
pub(crate) fn end_responses(user: &User) {
    let home = format!("HOME={}", user.home().display());
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(process) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let variables = fs::read(entry.path().join("environ")).unwrap_or_default();
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let has = |all: &[u8], wanted: &str| all.split(|byte| *byte == 0).any(|one| one == wanted.as_bytes());
        if has(&variables, &home) && has(&words, "respond") {
            let _gone = kill(Pid::from_raw(process), Signal::SIGKILL);
        }
    }
}

/// Read an answer to its end.
pub(crate) fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    let _reset = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (text.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), text)
}

/// What comes after the headers.
pub(crate) fn content(text: &str) -> &str {
    text.split_once("\r\n\r\n").map_or("", |(_, content)| content)
}

/// A header of an answer.
pub(crate) fn header<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let head = text.split("\r\n\r\n").next().unwrap();
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn signed(secret: &str, text: &str) -> String {
    let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes());
    code.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The headers with which a sender shows who it is, and of what it tells.
pub(crate) fn proof(source: &str, body: &str, secret: &str) -> Vec<(&'static str, String)> {
    match source {
        "alertmanager" | "datadog" => vec![("Authorization", format!("Bearer {secret}"))],
        "sentry" => vec![
            ("Sentry-Hook-Resource", "event_alert".to_owned()),
            ("Sentry-Hook-Signature", signed(secret, body)),
        ],
        "pagerduty" => vec![("X-PagerDuty-Signature", format!("v1={}", signed(secret, body)))],
        "grafana" => vec![("X-Grafana-Alerting-Signature", signed(secret, body))],
        "github" => vec![
            ("X-GitHub-Event", "workflow_run".to_owned()),
            ("X-Hub-Signature-256", format!("sha256={}", signed(secret, body))),
        ],
        _ => at_moment(body, secret, now().as_second()),
    }
}

/// The proof of the generic sender, made at a moment.
pub(crate) fn at_moment(body: &str, secret: &str, second: i64) -> Vec<(&'static str, String)> {
    vec![
        ("X-Pybisect-Timestamp", second.to_string()),
        ("X-Pybisect-Signature", format!("sha256={}", signed(secret, &format!("{second}.{body}")))),
    ]
}

/// A recorded message, about an alarm that began at this moment.
pub(crate) fn message(name: &str, starts: jiff::Timestamp) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/alarms").join(format!("{name}.json"));
    let text = fs::read_to_string(file).unwrap();
    text.replace("STARTS", &starts.to_string()).replace("MILLIS", &starts.as_millisecond().to_string())
}

/// A message of the generic sender.
pub(crate) fn generic(key: &str, status: &str, starts: jiff::Timestamp) -> String {
    serde_json::json!({ "status": status, "key": key, "title": key, "started": starts.to_string() })
        .to_string()
}

/// The configuration of all senders, with the secret in a file.
pub(crate) fn hooks(folder: &Path) -> String {
    let file = folder.join("secret");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let names = ["alertmanager", "datadog", "sentry", "pagerduty", "grafana", "github", "generic"];
    names.map(|name| format!("[serve.hooks.{name}]\nsecret-file = '{}'\n", file.display())).concat()
}

pub(crate) const SENDERS: [&str; 7] =
    ["alertmanager", "datadog", "sentry", "pagerduty", "grafana", "github", "generic"];

/// A repository of three versions, and a user whose service is a line in a file: which version was deployed.
pub(crate) struct Scene {
    pub(crate) repo: TestRepo,
    pub(crate) user: User,
}

impl Scene {
    /// `auto` are the steps that may happen without a person.
    pub(crate) fn new(auto: &str) -> Self {
        let mut repo = TestRepo::new();
        for version in ["v1", "v2", "v3"] {
            let commit = repo.write("app.py", format!("# {version}\n")).commit(version);
            repo.tag(version, commit);
        }
        repo.check_out();
        let scene = Self { repo, user: User::new() };
        let folder = scene.user.home().join(".config/pybisect");
        fs::create_dir_all(&folder).unwrap();
        let text = format!(
            "command = ['true']\nenv = 'current'\n[rollback]\nservice = 'short'\ndeploy = 'echo {{tag}} >> {}'\n[respond]\nauto = [{auto}]\n{}",
            scene.record().display(),
            hooks(scene.user.home()),
        );
        fs::write(folder.join("config.toml"), text).unwrap();
        scene
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.user.home().join("deployed")
    }

    pub(crate) fn deployed(&self) -> String {
        fs::read_to_string(self.record()).unwrap_or_default()
    }

    pub(crate) fn serve(&self) -> Server {
        Server::start(&self.user, self.repo.path())
    }

    pub(crate) fn configure(&self, from: &str, to: &str) {
        let file = self.user.home().join(".config/pybisect/config.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(file, text.replace(from, to)).unwrap();
    }

    /// Ids of incidents, as they are on the disk.
    pub(crate) fn incidents(&self) -> Vec<String> {
        let folder = fs::read_dir(state(&self.user).join("short/incidents")).into_iter().flatten().flatten();
        let entries = folder.filter(|entry| entry.path().is_dir());
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        end_responses(&self.user);
    }
}

pub(crate) fn waits(incident: &Value) -> bool {
    incident["steps"][0]["state"] == "waiting"
}

//! `pybisect demo --incident`: an outage from the deploy that brings it to the report, with processes that run for real.
//!
//! The shortener serves from a folder that a link leads to, once for a few and once for all. Its second version cannot
//! read what is stored. A client asks all along, an alarm starts `pybisect respond`, and the client sees what that does.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::repository::{BREAK, append, commit, say, write};
use crate::cli::{Error, ExitStatus};
use crate::git::Repository;
use crate::model::{CancelToken, CommitId};
use crate::session::SignalListener;

const FILES: [(&str, &str); 5] = [
    ("README.md", include_str!("../../../../fixtures/incident/README.md")),
    ("serve.py", include_str!("../../../../fixtures/incident/serve.py")),
    ("shortener.py", include_str!("../../../../fixtures/incident/shortener.py")),
    ("smoke.py", include_str!("../../../../fixtures/incident/smoke.py")),
    ("test_shortener.py", include_str!("../../../../fixtures/incident/test_shortener.py")),
];
const DEPLOY: &str = include_str!("../../../../fixtures/incident/deploy.py");
/// Subjects of the commits between the two releases; the one in the middle breaks it.
const SUBJECTS: [&str; 9] = [
    "Say how to run it",
    "Explain the JSON file",
    "Thank contributors",
    "Describe the deployment",
    "Read the stored URLs in one go",
    "Mention the port",
    "Name the maintainers",
    "Explain the error page",
    "Say more about backups",
];
const BREAKING: &str = "Read the stored URLs in one go";
/// Failures in a row that are an alarm.
const ALARMING: usize = 10;
/// Between two questions of the client.
const BETWEEN: Duration = Duration::from_millis(50);

/// Run it.
pub(super) fn run(keep: bool, json: Option<&Path>) -> Result<ExitStatus, Error> {
    let folder = tempfile::Builder::new().prefix("pybisect-demo-").tempdir().map_err(Error::internal)?;
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(Error::internal)?;
    let json = json.map(|json| std::path::absolute(json).unwrap_or_else(|_| json.to_owned()));
    let scene = Scene::new(folder.path())
        .map_err(|error| Error::internal(error).hinted("the example needs python3"))?;
    let ended = scene.play(&cancel, json.as_deref());
    scene.end();
    drop(listener);
    let exit = ended.map_err(Error::internal)?;
    if keep {
        let kept = folder.keep();
        say(&format!("\nthe example is in {}; the report in report.html there", kept.display()));
    }
    Ok(if cancel.is_cancelled() { ExitStatus::Interrupted } else { exit })
}

/// The repository, the service, and what asks it.
struct Scene {
    folder: PathBuf,
    /// The name of the program, on PATH.
    python: &'static str,
    repository: PathBuf,
    /// The ports of the service for a few, and for all.
    ports: [u16; 2],
}

const PLACES: [&str; 2] = ["canary", "live"];

impl Scene {
    fn new(folder: &Path) -> anyhow::Result<Self> {
        let known = ["python3", "python"].into_iter().find(|name| which::which(name).is_ok());
        let python = known.context("there is no python3 on PATH")?;
        let ports = [free_port()?, free_port()?];
        let scene = Self { folder: folder.to_owned(), python, repository: folder.join("short"), ports };
        build_history(&scene.repository)?;
        write(&folder.join("deploy.py"), DEPLOY)?;
        for place in PLACES {
            let stored = "{\"old\": {\"url\": \"http://example.com/a/long/address\"}}\n";
            write(&folder.join(place).join("urls.json"), stored)?;
        }
        write(&folder.join("config/pybisect/config.toml"), &scene.config())?;
        Ok(scene)
    }

    /// The deploy script, as it is called from the repository.
    fn deploy_words(&self, at: usize) -> String {
        format!("{} ../deploy.py ../{} {}", self.python, PLACES[at], self.ports[at])
    }

    fn config(&self) -> String {
        let [canary, live] = self.ports.map(|port| format!("http://127.0.0.1:{port}/health"));
        let text = |text: String| toml::Value::String(text).to_string();
        format!(
            "command = [{}, \"smoke.py\"]\nlogs-command = {}\n\n\
             [rollback]\nservice = \"short\"\ndeploy = {}\nhealth = {}\nhealth-version = \"X-Version\"\n\
             health-count = 10\nhealth-window = \"2s\"\nhealth-limit = \"20s\"\n\n\
             [respond]\nauto = [\"rollback\", \"branch\", \"rollout\"]\nverify = {}\n\n\
             [[respond.stages]]\nname = \"canary\"\ndeploy = {}\nhealth = {}\nsoak = \"2s\"\n\n\
             [[respond.stages]]\nname = \"everywhere\"\nsoak = \"3s\"\n",
            text(self.python.to_owned()),
            text("cat ../live/errors.log".to_owned()),
            text(format!("{} {{commit}} {{worktree}}", self.deploy_words(1))),
            text(live),
            text(format!("{} -m unittest -q", self.python)),
            text(format!("{} {{commit}} {{worktree}}", self.deploy_words(0))),
            text(canary),
        )
    }

    fn play(&self, cancel: &CancelToken, json: Option<&Path>) -> anyhow::Result<ExitStatus> {
        say(
            "a URL shortener, deployed by a script: for a few, and for all; a client asks it 20 times a second",
        );
        let client = Client::default();
        let over = CancelToken::new();
        std::thread::scope(|scope| {
            self.deploy("v1.0")?;
            scope.spawn(|| client.ask(self.ports[1], &over));
            let ended = self.incident(&client, cancel, json);
            over.cancel(crate::model::CancelReason::Irrelevant);
            ended
        })
    }

    fn incident(
        &self,
        client: &Client,
        cancel: &CancelToken,
        json: Option<&Path>,
    ) -> anyhow::Result<ExitStatus> {
        pause(Duration::from_secs(1), cancel);
        self.deploy("v2.0")?;
        let began = Instant::now();
        while client.failing() < ALARMING {
            if cancel.is_cancelled() {
                return Ok(ExitStatus::Interrupted);
            }
            if began.elapsed() > Duration::from_secs(30) {
                bail!("the example's second version does not fail");
            }
            std::thread::sleep(BETWEEN);
        }
        let alarmed = Instant::now();
        say("\nALARM  500 on /old\n$ pybisect respond --alarm '500 on /old'\n");
        let exit = self.respond(json)?;
        client.tell(alarmed);
        Ok(exit)
    }

    /// The real thing, in a process of its own, with its own home for what it keeps.
    fn respond(&self, json: Option<&Path>) -> anyhow::Result<ExitStatus> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["respond", "--alarm", "500 on /old", "--report"])
            .arg(self.folder.join("report.html"))
            .env("XDG_CONFIG_HOME", self.folder.join("config"))
            .env("PYBISECT_STATE_DIR", self.folder.join("state"))
            .env("PYBISECT_CACHE_DIR", self.folder.join("cache"))
            .current_dir(&self.repository)
            .stdin(Stdio::null());
        if let Some(json) = json {
            command.arg("--json").arg(json);
        }
        let status = command.status().context("failed to start pybisect respond")?;
        Ok(match status.code() {
            Some(0) => ExitStatus::Success,
            Some(3) => ExitStatus::Inconclusive,
            Some(130) => ExitStatus::Interrupted,
            _ => ExitStatus::Response,
        })
    }

    /// Deploy a release, as it was done before there was an incident.
    fn deploy(&self, release: &str) -> anyhow::Result<()> {
        say(&format!("$ ./deploy.py {release}"));
        let repository = Repository::open(&self.repository)?;
        let id: CommitId = repository.resolve(release)?.id;
        let files = self.folder.join("build").join(release);
        repository.export(id, &files)?;
        for place in 0..PLACES.len() {
            let words = shell_words::split(&self.deploy_words(place))?;
            let (program, arguments) = words.split_first().context("no deploy script")?;
            let status = Command::new(program)
                .args(arguments)
                .arg(id.to_string())
                .arg(&files)
                .current_dir(&self.repository)
                .stdin(Stdio::null())
                .status()
                .with_context(|| format!("failed to start {program}"))?;
            if !status.success() {
                bail!("the example's deploy script failed: {status}");
            }
        }
        Ok(())
    }

    /// End the servers.
    fn end(&self) {
        for place in PLACES {
            let text = std::fs::read_to_string(self.folder.join(place).join("pid")).unwrap_or_default();
            let process = text.split_whitespace().next().and_then(|pid| pid.parse().ok());
            if let Some(process) = process.and_then(rustix::process::Pid::from_raw) {
                // It may be gone already.
                let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
            }
        }
    }
}

fn pause(time: Duration, cancel: &CancelToken) {
    let began = Instant::now();
    while began.elapsed() < time && !cancel.is_cancelled() {
        std::thread::sleep(BETWEEN);
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn build_history(folder: &Path) -> anyhow::Result<()> {
    let repository = git2::Repository::init(folder)?;
    let mut config = repository.config()?.open_level(git2::ConfigLevel::Local)?;
    config.set_str("user.name", "Ada Example")?;
    config.set_str("user.email", "ada@example.com")?;
    for (path, content) in FILES {
        write(&folder.join(path), content)?;
    }
    let tag = |name: &str, id: git2::Oid| {
        repository.tag_lightweight(name, &repository.find_object(id, None)?, false).map(drop)
    };
    let first = commit(&repository, 0, "Shorten URLs")?;
    tag("v1.0", first)?;
    let mut last = first;
    for (number, subject) in (1_i64..).zip(SUBJECTS) {
        if subject == BREAKING {
            let file = folder.join("shortener.py");
            let text = std::fs::read_to_string(&file)?;
            write(&file, &text.replacen(BREAK.0, BREAK.1, 1))?;
        } else {
            append(&folder.join("README.md"), &format!("\n{subject}.\n"))?;
        }
        last = commit(&repository, number, subject)?;
    }
    Ok(tag("v2.0", last)?)
}

/// What the client saw: for each answer, when it came and whether it was a good one.
#[derive(Default)]
struct Client {
    seen: Mutex<Vec<(Instant, bool)>>,
}

impl Client {
    /// Ask until it is over.
    fn ask(&self, port: u16, over: &CancelToken) {
        let mut last = String::new();
        while !over.is_cancelled() {
            let asked = Instant::now();
            let answer = status(port).unwrap_or_else(|error| error.to_string());
            let is_good = answer == "200";
            if let Ok(mut seen) = self.seen.lock() {
                seen.push((asked, is_good));
            }
            if answer != last {
                say(&format!("    the client sees: {answer}"));
                last = answer;
            }
            std::thread::sleep(BETWEEN.saturating_sub(asked.elapsed()));
        }
    }

    /// Answers in a row, up to now, that were not good.
    fn failing(&self) -> usize {
        let seen = self.seen.lock();
        seen.map_or(0, |seen| seen.iter().rev().take_while(|(_, is_good)| !is_good).count())
    }

    /// What it comes to.
    fn tell(&self, alarmed: Instant) {
        let Ok(seen) = self.seen.lock() else { return };
        let failed: Vec<Instant> = seen.iter().filter(|(_, is_good)| !is_good).map(|(at, _)| *at).collect();
        let (Some(first), Some(last)) = (failed.first(), failed.last()) else { return };
        say(&format!(
            "\nthe client: {} of {} requests failed, in {:.1} s; the last one {:.1} s after the alarm",
            failed.len(),
            seen.len(),
            (*last - *first).as_secs_f64(),
            last.saturating_duration_since(alarmed).as_secs_f64(),
        ));
    }
}

/// The status of an answer, over a new connection.
fn status(port: u16) -> std::io::Result<String> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /old HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let word = answer.split_whitespace().nth(1).unwrap_or("an empty answer");
    Ok(word.to_owned())
}

//! Tells people at each turn of events: by a command, or by JSON that is posted. Each has a thread of its own, that holds up
//! nothing; what was told is on the disk, so that after a restart the rest is.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::announcements::turn;
use super::shared::Shared;
use crate::model::{CancelToken, Incident, Termination};
use crate::process::{ActionSpec, act};
use crate::respond::Incidents;

const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// The longest time for telling once.
const LIMIT: Duration = Duration::from_secs(15);
/// How often it is tried, and the longest wait between.
const MOST_TRIES: u32 = 10;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What happened longer ago is not told any more.
const OLDEST: SignedDuration = SignedDuration::from_hours(24);

/// Where news of an incident is told.
#[derive(Clone)]
pub enum NotifyTarget {
    /// A command, which has it in its environment.
    Command(String),
    /// An address, which is a secret as a rule.
    Post {
        /// Where.
        url: String,
        /// How.
        form: PostForm,
    },
}

impl std::fmt::Debug for NotifyTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl NotifyTarget {
    /// What the target is, without what is secret of it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Command(_) => "a command",
            Self::Post { form: PostForm::Slack, .. } => "slack",
            Self::Post { form: PostForm::Teams, .. } => "teams",
            Self::Post { form: PostForm::Json, .. } => "an address",
        }
    }
}

/// The form of what is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PostForm {
    /// An object with all of it.
    #[default]
    Json,
    /// What Slack reads, and those that are like it.
    Slack,
    /// What Teams reads.
    Teams,
}

/// How far it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    incident: String,
    size: u64,
}

/// What is told at once.
struct Message {
    service: String,
    incident: Option<Incident>,
    lines: Vec<String>,
    link: Option<String>,
}

pub(super) struct Notifier {
    pub(super) shared: Arc<Shared>,
    pub(super) incidents: Incidents,
    pub(super) target: NotifyTarget,
    /// Where it is written down how far it was told.
    pub(super) file: PathBuf,
    pub(super) folder: PathBuf,
    /// Where the pages are, for people.
    pub(super) link: Option<String>,
}

impl Notifier {
    /// Begin to tell.
    pub(super) fn start(self) -> io::Result<()> {
        let (sender, failures) = bounded(100);
        self.shared.on_failure(sender);
        let name = "notify".to_owned();
        std::thread::Builder::new().name(name).spawn(move || self.run(&failures)).map(drop)
    }

    fn run(self, failures: &Receiver<String>) {
        let mut told = self.read();
        loop {
            while let Ok(failure) = failures.try_recv() {
                let service = self.incidents.service().to_owned();
                let message =
                    Message { service, incident: None, lines: vec![failure], link: self.link.clone() };
                self.tell(&mut || Some(self.send(&message)));
            }
            let since = told.incident.clone();
            for id in self.incidents.ids().into_iter().rev().filter(|id| *id >= since) {
                let from = if id == told.incident { told.size } else { 0 };
                if self.incidents.size(&id) <= from {
                    continue;
                }
                let mut until = from;
                self.tell(&mut || {
                    let (message, size) = self.message(&id, from)?;
                    until = size;
                    (!message.lines.is_empty()).then(|| self.send(&message))
                });
                told = Told { incident: id, size: until };
                self.write(&told);
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Try until it is told. What is told is made anew each time: more may have happened.
    fn tell(&self, send: &mut dyn FnMut() -> Option<Result<(), String>>) {
        let mut wait = Duration::from_secs(1);
        for number in 1..=MOST_TRIES {
            match send() {
                None => return,
                Some(Ok(())) => {
                    self.shared.count("pybisect_notifications_total", r#"result="told""#.to_owned(), 1);
                    return;
                }
                Some(Err(why)) => {
                    self.shared.say(&format!("{} was not told: {why}", self.target.name()));
                    if number < MOST_TRIES {
                        std::thread::sleep(wait);
                    }
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
        self.shared.count("pybisect_notifications_total", r#"result="lost""#.to_owned(), 1);
        self.shared.say(&format!("{} is given up for this message", self.target.name()));
    }

    fn message(&self, id: &str, from: u64) -> Option<(Message, u64)> {
        let (before, _) = self.incidents.events_since(id, 0).ok()?;
        let (events, size) = self.incidents.events_since(id, from).ok()?;
        let now = Timestamp::now();
        let mut incident = Incident::from_events(&before[..before.len().saturating_sub(events.len())]);
        let mut lines = Vec::new();
        for event in &events {
            incident.apply(event);
            if now.duration_since(event.at) < OLDEST {
                lines.extend(turn(&event.kind, &incident));
            }
        }
        let link = self.link.as_ref().map(|link| format!("{link}/incidents/{id}"));
        let service = incident.service.clone();
        Some((Message { service, incident: Some(incident), lines, link }, size))
    }

    fn send(&self, message: &Message) -> Result<(), String> {
        match &self.target {
            NotifyTarget::Command(command) => self.run_command(command, message),
            NotifyTarget::Post { url, form } => post(url, &body(*form, message)),
        }
    }

    fn run_command(&self, command: &str, message: &Message) -> Result<(), String> {
        let words = ["sh", "-c", command].map(OsString::from);
        let output = File::options().write(true).open("/dev/null").map_err(|error| error.to_string())?;
        let id = message.incident.as_ref().map(|incident| incident.id.clone()).unwrap_or_default();
        let spec = ActionSpec {
            words: &words,
            folder: self.folder.clone(),
            variables: vec![
                ("PYBISECT_TEXT", message.lines.join("\n").into()),
                ("PYBISECT_SERVICE", message.service.clone().into()),
                ("PYBISECT_INCIDENT", id.into()),
                ("PYBISECT_LINK", message.link.clone().unwrap_or_default().into()),
            ],
            limit: LIMIT,
            output,
        };
        match act(&spec, &CancelToken::new()) {
            Ok((Termination::Exited { code: 0 }, _)) => Ok(()),
            Ok((ending, _)) => Err(crate::model::kept_output::ending_words(&ending)),
            Err(error) => Err(error.to_string()),
        }
    }

    fn read(&self) -> Told {
        let text = std::fs::read(&self.file).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_else(|_| {
            // What happened before anybody was to be told is not told.
            let latest = self.incidents.ids().into_iter().next().unwrap_or_default();
            Told { size: self.incidents.size(&latest), incident: latest }
        })
    }

    fn write(&self, told: &Told) {
        if let Err(error) = replaced(&self.file, told) {
            self.shared.say(&format!("{}: {error}", self.file.display()));
        }
    }
}

/// Another content in the place of a file, at once.
fn replaced(file: &Path, told: &Told) -> io::Result<()> {
    let part = file.with_extension("new");
    std::fs::write(&part, serde_json::to_vec(told)?)?;
    std::fs::rename(part, file)
}

fn body(form: PostForm, message: &Message) -> Value {
    let Message { service, incident, lines, link } = message;
    let text = format!("{service}: {}", lines.join("\n"));
    match form {
        PostForm::Slack => {
            // What others wrote calls nobody and links nowhere.
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let link = link.as_ref().map(|link| format!("\n<{link}>")).unwrap_or_default();
            json!({ "text": format!("{text}{link}") })
        }
        PostForm::Teams => {
            let actions: Vec<Value> = link
                .iter()
                .map(|link| json!({ "type": "Action.OpenUrl", "title": "Incident", "url": link }))
                .collect();
            json!({ "type": "message", "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard", "version": "1.4",
                    // A run of text is not read as Markdown.
                    "body": [{ "type": "RichTextBlock", "inlines": [{ "type": "TextRun", "text": text }] }],
                    "actions": actions,
                },
            }] })
        }
        PostForm::Json => {
            let incident = incident.as_ref();
            json!({
                "schema": "pybisect.notification/1",
                "service": service,
                "incident": incident.map(|incident| &incident.id),
                "title": incident.map(Incident::title),
                "outcome": incident.and_then(|incident| incident.outcome),
                "lines": lines,
                "text": text,
                "link": link,
            })
        }
    }
}

fn post(url: &str, body: &Value) -> Result<(), String> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(LIMIT))
        .max_redirects(0)
        .max_idle_connections(0)
        .user_agent(concat!("pybisect/", env!("CARGO_PKG_VERSION")))
        .build();
    let sent = ureq::Agent::new_with_config(config)
        .post(url)
        .header("Content-Type", "application/json")
        .send(body.to_string());
    // The address is a secret, and an error may name it.
    sent.map(drop).map_err(|error| match error {
        ureq::Error::StatusCode(status) => format!("it answered {status}"),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "the host is not known".to_owned(),
        ureq::Error::Io(error) => error.kind().to_string(),
        _ => "no connection".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_calls_nobody() {
        let message = Message {
            service: "shop".to_owned(),
            incident: None,
            lines: vec!["alarm: <!channel> & \"x\"".to_owned()],
            link: Some("https://a.example/incidents/1".to_owned()),
        };
        assert_eq!(
            body(PostForm::Slack, &message)["text"],
            "shop: alarm: &lt;!channel&gt; &amp; \"x\"\n<https://a.example/incidents/1>"
        );
        let card = &body(PostForm::Teams, &message)["attachments"][0]["content"];
        assert_eq!(card["body"][0]["inlines"][0]["text"], "shop: alarm: <!channel> & \"x\"");
        assert_eq!(body(PostForm::Json, &message)["incident"], Value::Null);
    }
}

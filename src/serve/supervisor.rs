//! Has alarms answered: one response at a time, each a process of its own that goes on when this one is killed, and that is
//! begun again when it was killed itself.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsString;
use std::fs::File;
use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use jiff::Timestamp;

use super::alarm_routing::{Place, Seen, place};
use super::shared::Shared;
use crate::model::{Incident, IncidentEventKind, ReceivedAlarm, StepKind};
use crate::respond::{Incidents, Journal, RecordError};

/// How often it looks without being woken.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// Incidents among which an alarm is looked for.
const MOST_INCIDENTS: usize = 20;
/// How often a response that does not come further is begun again, and the longest wait before.
const MOST_TRIES: u32 = 8;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What responses print is kept until it is longer than this.
const MOST_LOG: u64 = 4 << 20;

/// How a response is begun: the program and the words that all of them have.
#[derive(Debug, Clone)]
pub struct Responses {
    /// The program.
    pub program: PathBuf,
    /// The response's first words.
    pub words: Vec<OsString>,
    /// Where the response runs.
    pub folder: PathBuf,
    /// Variables that are the server's alone.
    pub without: Vec<String>,
}

impl Responses {
    /// The command of a response, to which the words are added that say which.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("respond").args(&self.words).current_dir(&self.folder);
        for name in &self.without {
            command.env_remove(name);
        }
        command
    }
}

/// What is tried again, and when.
struct Tries {
    /// What it is about: an alarm by its number, or an incident by how far it is.
    of: (u64, u64),
    count: u32,
    next: Instant,
}

pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) incidents: Incidents,
    pub(super) responses: Responses,
    /// Where what belongs to the server is kept.
    pub(super) folder: PathBuf,
    child: Option<Child>,
    tries: Option<Tries>,
    /// The incident, and how much of it was written, when there was nothing to do.
    at_rest: Option<(String, u64)>,
}

impl Supervisor {
    pub(super) const fn new(
        shared: Arc<Shared>,
        incidents: Incidents,
        responses: Responses,
        folder: PathBuf,
    ) -> Self {
        Self { shared, incidents, responses, folder, child: None, tries: None, at_rest: None }
    }

    /// Work until the other end is gone.
    pub(super) fn run(mut self, wake: &Receiver<()>) {
        loop {
            self.shared.looks();
            if let Err(error) = self.look() {
                self.shared.say(&format!("incidents: {error}"));
            }
            match wake.recv_timeout(BETWEEN_LOOKS) {
                // What is left running goes on.
                Err(RecvTimeoutError::Disconnected) => return,
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Do what can be done now.
    fn look(&mut self) -> Result<(), RecordError> {
        self.look_at_child();
        let waiting: Vec<(u64, ReceivedAlarm)> =
            self.shared.inbox().waiting().map(|(number, received)| (number, received.clone())).collect();
        let mut journals = if waiting.is_empty() { Vec::new() } else { self.latest()? };
        for (number, received) in waiting {
            let seen: Vec<Seen<'_>> = journals
                .iter()
                .map(|journal| Seen { incident: journal.incident(), latest: journal.latest() })
                .collect();
            let how = match place(&received, &seen, Timestamp::now()) {
                Place::Joins(id) => {
                    let journal = journals.iter_mut().find(|journal| journal.incident().id == id);
                    if let Some(journal) = journal {
                        journal.note(IncidentEventKind::Alarmed { alarm: received.alarm.clone() })?;
                    }
                    self.shared.say(&format!("{} joins incident {id}", told(&received)));
                    format!("joined {id}")
                }
                Place::Known(id) => format!("known in {id}"),
                Place::Over => "nothing is known to be wrong".to_owned(),
                Place::Begins => {
                    self.begin(number, &received)?;
                    // What comes after it belongs to the incident that it opens.
                    break;
                }
            };
            if let Err(error) = self.shared.inbox().handled(number, &how) {
                self.shared.say(&error.to_string());
                break;
            }
        }
        self.go_on()
    }

    /// The last incidents, the latest first.
    fn latest(&self) -> Result<Vec<Journal>, RecordError> {
        let ids = self.incidents.ids();
        ids.iter().take(MOST_INCIDENTS).map(|id| self.incidents.journal(id)).collect()
    }

    fn look_at_child(&mut self) {
        let Some(child) = &mut self.child else { return };
        match child.try_wait() {
            Ok(None) => return,
            Ok(Some(status)) => self.shared.say(&format!("the response ended: {status}")),
            Err(error) => self.shared.say(&format!("the response: {error}")),
        }
        self.child = None;
        self.shared.is_responding(false);
    }

    /// Have a response begin, once nobody is at work.
    fn begin(&mut self, number: u64, received: &ReceivedAlarm) -> Result<(), RecordError> {
        if self.child.is_some() || self.incidents.is_worked_on()? || !self.is_time((number, 0)) {
            return Ok(());
        }
        if self.tries.as_ref().is_some_and(|tries| tries.count > MOST_TRIES) {
            self.shared.failed(&format!(
                "no response could be begun for {}: see {}",
                told(received),
                self.log().display()
            ));
            if let Err(error) = self.shared.inbox().handled(number, "no response could be begun") {
                self.shared.say(&error.to_string());
            }
            return Ok(());
        }
        let file = self.folder.join("received.json");
        let written = serde_json::to_vec(received).map_err(std::io::Error::from).and_then(|bytes| {
            let mut out = File::options().write(true).create(true).truncate(true).mode(0o600).open(&file)?;
            out.write_all(&bytes)?;
            out.sync_data()
        });
        if let Err(error) = written {
            self.shared.say(&format!("{}: {error}", file.display()));
            return Ok(());
        }
        self.shared.say(&format!("{}: a response begins", told(received)));
        self.start(&["--received".into(), file.into()]);
        Ok(())
    }

    /// Go on with what was cut short, or has got a person's leave while nobody was at work.
    fn go_on(&mut self) -> Result<(), RecordError> {
        if self.child.is_some() {
            return Ok(());
        }
        let Some(id) = self.incidents.ids().into_iter().next() else { return Ok(()) };
        let size = self.incidents.size(&id);
        if self.at_rest.as_ref().is_some_and(|(known, at)| *known == id && *at == size) {
            return Ok(());
        }
        let journal = self.incidents.journal(&id)?;
        if !journal.incident().is_left() {
            self.at_rest = Some((id, size));
            return Ok(());
        }
        let of = (u64::MAX, state_of(journal.incident()));
        let is_given_up = |keeper: &Self| {
            keeper.tries.as_ref().is_some_and(|tries| tries.of == of && tries.count > MOST_TRIES)
        };
        if is_given_up(self) || self.incidents.is_worked_on()? || !self.is_time(of) {
            return Ok(());
        }
        if is_given_up(self) {
            let log = self.log();
            self.shared.failed(&format!("incident {id} does not go on: see {}", log.display()));
            return Ok(());
        }
        self.shared.say(&format!("incident {id}: the response goes on"));
        self.start(&["--resume".into()]);
        Ok(())
    }

    /// Whether this is to be tried now; it counts as a try. The first time at once, then after longer and longer.
    fn is_time(&mut self, of: (u64, u64)) -> bool {
        let now = Instant::now();
        match &mut self.tries {
            Some(tries) if tries.of == of => {
                if now < tries.next {
                    return false;
                }
                tries.count += 1;
                tries.next = now + Duration::from_secs(1 << tries.count.min(6)).min(LONGEST_WAIT);
            }
            _ => self.tries = Some(Tries { of, count: 1, next: now + Duration::from_secs(1) }),
        }
        true
    }

    fn log(&self) -> PathBuf {
        self.folder.join("respond.log")
    }

    fn start(&mut self, words: &[OsString]) {
        match self.spawn(words) {
            Ok(child) => {
                self.child = Some(child);
                self.shared.is_responding(true);
            }
            Err(error) => self.shared.say(&format!("{}: {error}", self.responses.program.display())),
        }
    }

    fn spawn(&self, words: &[OsString]) -> std::io::Result<Child> {
        let path = self.log();
        let is_long = path.metadata().is_ok_and(|facts| facts.len() > MOST_LOG);
        let mut log = File::options();
        log.create(true).mode(0o600);
        let log = if is_long { log.write(true).truncate(true) } else { log.append(true) }.open(&path)?;
        self.responses
            .command()
            .args(words)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // What ends this one does not end half a deploy.
            .process_group(0)
            .spawn()
    }
}

/// How far an incident is, but for its report, which is written each time.
fn state_of(incident: &Incident) -> u64 {
    let mut hasher = DefaultHasher::new();
    incident.id.hash(&mut hasher);
    for step in incident.steps.iter().filter(|step| step.id.kind != StepKind::Report) {
        (step.id, step.state.word(), step.approved).hash(&mut hasher);
    }
    hasher.finish()
}

/// An alarm, for the log.
fn told(received: &ReceivedAlarm) -> String {
    let alarm = &received.alarm;
    let what = if alarm.firing { "alarm" } else { "all clear" };
    format!("{what} of {}: {}", alarm.source, alarm.title)
}

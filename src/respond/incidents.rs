//! Incidents on disk: each a file of events, one a line, on the disk when it is told; and the lock of whoever works on
//! those of a service.
//!
//! Only the one with the lock carries out steps. Others may add to an incident meanwhile: an alarm, a person's leave.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::record::{RecordError, check_name, take_lock};
use crate::model::{Incident, IncidentEvent, IncidentEventKind};

/// For this long an incident is kept, and its logs.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);
const LOGS_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The incidents of a service.
#[derive(Debug, Clone)]
pub struct Incidents {
    service: String,
    folder: PathBuf,
}

/// Held by the one who carries out steps.
#[derive(Debug)]
pub struct IncidentLock(#[expect(dead_code, reason = "held for as long as this lives")] File);

impl Incidents {
    /// The incidents of a service, beneath the folder of all services.
    ///
    /// # Errors
    /// When the service cannot be called so.
    pub fn of(services: &Path, service: &str) -> Result<Self, RecordError> {
        check_name(service)?;
        Ok(Self { service: service.to_owned(), folder: services.join(service).join("incidents") })
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The incidents' ids, the latest first.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut ids: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|id| is_id(id) && self.events_file(id).is_file())
            .collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids
    }

    /// The folder of an incident, for what belongs to it.
    #[must_use]
    pub fn folder_of(&self, id: &str) -> PathBuf {
        self.folder.join(id)
    }

    fn events_file(&self, id: &str) -> PathBuf {
        self.folder_of(id).join("events.jsonl")
    }

    /// Take the lock.
    ///
    /// # Errors
    /// When somebody has it, or the folder cannot be written.
    pub fn lock(&self) -> Result<IncidentLock, RecordError> {
        take_lock(&self.folder, &self.service).map(IncidentLock)
    }

    /// Begin an incident, whose first events `opened` makes of its id. Whoever sees the incident sees all of these: one
    /// that is there without its alarm would be told of that alarm again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open<const N: usize>(
        &self,
        opened: impl FnOnce(String) -> [IncidentEventKind; N],
    ) -> Result<Journal, RecordError> {
        let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(system(&self.folder))?;
        let mut number = 1;
        let id = loop {
            let id = if number == 1 { now.clone() } else { format!("{now}-{number}") };
            match builder.create(self.folder_of(&id)) {
                Ok(()) => break id,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(system(&self.folder_of(&id))(error)),
            }
        };
        let path = self.events_file(&id);
        let begun = self.folder_of(&id).join("events.new");
        let at = Timestamp::now();
        let events = opened(id).map(|kind| IncidentEvent { at, kind });
        write_new(&begun, &events).map_err(system(&begun))?;
        std::fs::rename(&begun, &path).map_err(system(&path))?;
        Journal::open(path)
    }

    /// The journal of an incident, to add to it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn journal(&self, id: &str) -> Result<Journal, RecordError> {
        let path = self.events_file(id);
        if !is_id(id) || !path.is_file() {
            return Err(RecordError::NoIncident { service: self.service.clone(), id: id.to_owned() });
        }
        Journal::open(path)
    }

    /// An incident as it stands.
    ///
    /// # Errors
    /// As for [`journal`](Self::journal).
    pub fn read(&self, id: &str) -> Result<Incident, RecordError> {
        Ok(self.journal(id)?.incident)
    }

    /// How much is written down of an incident; it only grows. 0 where there is none.
    #[must_use]
    pub fn size(&self, id: &str) -> u64 {
        let facts = is_id(id).then(|| self.events_file(id).metadata().ok()).flatten();
        facts.map_or(0, |facts| facts.len())
    }

    /// What happened after that much was written down, and how much is now.
    ///
    /// # Errors
    /// As for [`journal`](Self::journal).
    pub fn events_since(&self, id: &str, size: u64) -> Result<(Vec<IncidentEvent>, u64), RecordError> {
        let path = self.events_file(id);
        if !is_id(id) || !path.is_file() {
            return Err(RecordError::NoIncident { service: self.service.clone(), id: id.to_owned() });
        }
        let mut file = File::open(&path).map_err(system(&path))?;
        let (bytes, whole) = whole_lines(&mut file, size).map_err(system(&path))?;
        let lines = bytes[..whole].split(|byte| *byte == b'\n');
        let events = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        Ok((events, size + u64::try_from(whole).unwrap_or(u64::MAX)))
    }

    /// Remove what is old: logs after a month, incidents after more than a year, for which downtime is counted. The latest
    /// stays. To be called by who has the lock.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn prune(&self, logs: &[&str], now: Timestamp) -> Result<(), RecordError> {
        for id in self.ids().iter().skip(1) {
            let folder = self.folder_of(id);
            let Some(latest) = self.journal(id)?.latest() else { continue };
            let age = now.duration_since(latest);
            if age > KEPT {
                std::fs::remove_dir_all(&folder).map_err(system(&folder))?;
            } else if age > LOGS_KEPT {
                for log in logs.iter().map(|name| folder.join(name)).filter(|log| log.is_file()) {
                    std::fs::remove_file(&log).map_err(system(&log))?;
                }
            }
        }
        Ok(())
    }

    /// Whether somebody carries out steps now.
    ///
    /// # Errors
    /// When that cannot be looked at.
    pub fn is_worked_on(&self) -> Result<bool, RecordError> {
        match self.lock() {
            Ok(_) => Ok(false),
            Err(RecordError::Locked { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The latest, when there is one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn latest(&self) -> Result<Option<Journal>, RecordError> {
        self.ids().first().map(|id| self.journal(id)).transpose()
    }
}

/// What an incident can be called: no way out of the folder.
fn is_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_digit()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// The events of an incident, and what they come to. Several processes may add to it at the same time.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// How much of the file is in the incident.
    read: u64,
    incident: Incident,
    latest: Option<Timestamp>,
}

impl Journal {
    fn open(path: PathBuf) -> Result<Self, RecordError> {
        let file = File::options().read(true).append(true).create(true).mode(0o600).open(&path);
        let file = file.map_err(system(&path))?;
        let mut journal = Self { path, file, read: 0, incident: Incident::default(), latest: None };
        journal.catch_up()?;
        Ok(journal)
    }

    /// The incident as it stood when this was last written to or caught up.
    #[must_use]
    pub const fn incident(&self) -> &Incident {
        &self.incident
    }

    /// When something was last added.
    #[must_use]
    pub const fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// Write down what happens. It is on the disk when this returns, and what others added is taken in.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&mut self, kind: IncidentEventKind) -> Result<(), RecordError> {
        let event = IncidentEvent { at: Timestamp::now(), kind };
        self.write(&event).map_err(system(&self.path))?;
        self.catch_up()
    }

    fn write(&mut self, event: &IncidentEvent) -> io::Result<()> {
        let mut line = Vec::new();
        // A line without an end is that of one that was killed while it wrote: it is none.
        let length = self.file.metadata()?.len();
        if length > 0 {
            let mut last = [0_u8];
            self.file.seek(SeekFrom::Start(length - 1))?;
            self.file.read_exact(&mut last)?;
            if last != *b"\n" {
                line.push(b'\n');
            }
        }
        line.extend(serde_json::to_vec(event)?);
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()
    }

    /// Take in what others added.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn catch_up(&mut self) -> Result<(), RecordError> {
        let (bytes, whole) = whole_lines(&mut self.file, self.read).map_err(system(&self.path))?;
        for line in bytes[..whole].split(|byte| *byte == b'\n') {
            if let Ok(event) = serde_json::from_slice::<IncidentEvent>(line) {
                self.incident.apply(&event);
                self.latest = Some(event.at);
            }
        }
        self.read += u64::try_from(whole).unwrap_or(u64::MAX);
        Ok(())
    }
}

/// Write a file of events.
fn write_new(path: &Path, events: &[IncidentEvent]) -> io::Result<()> {
    let mut lines = Vec::new();
    for event in events {
        serde_json::to_writer(&mut lines, event)?;
        lines.push(b'\n');
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&lines)?;
    file.sync_data()
}

/// What is in a file from there on, and how much of that is whole lines.
fn whole_lines(file: &mut File, from: u64) -> io::Result<(Vec<u8>, usize)> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    Ok((bytes, whole))
}

fn system(path: &Path) -> impl FnOnce(io::Error) -> RecordError + use<> {
    let path = path.to_owned();
    move |error| RecordError::System { path, error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::incident::INCIDENT_SCHEMA;
    use crate::model::{Alarm, StepKind, StepState};

    fn opened(id: String) -> [IncidentEventKind; 1] {
        [IncidentEventKind::Opened {
            schema: INCIDENT_SCHEMA.to_owned(),
            id,
            service: "shop".to_owned(),
            repository: "/srv/shop".to_owned(),
            began: None,
            steps: vec![(StepKind::Rollback.into(), "./deploy".to_owned())],
        }]
    }

    #[test]
    fn what_several_write_is_all_there_and_a_torn_line_is_none() {
        let top = tempfile::tempdir().unwrap();
        let incidents = Incidents::of(top.path(), "shop").unwrap();
        assert!(incidents.latest().unwrap().is_none());
        let mut first = incidents.open(opened).unwrap();
        let id = first.incident().id.clone();
        let mut second = incidents.journal(&id).unwrap();
        let step = StepKind::Rollback.into();
        first.note(IncidentEventKind::Begun { step, what: None }).unwrap();
        // Killed while it wrote.
        let file = incidents.folder_of(&id).join("events.jsonl");
        let mut torn = File::options().append(true).open(&file).unwrap();
        torn.write_all(b"{\"at\": \"20").unwrap();
        second.note(IncidentEventKind::Approved { step }).unwrap();
        assert_eq!(second.incident().steps[0].state, StepState::Running);
        first.catch_up().unwrap();
        assert_eq!(first.incident(), second.incident());
        assert!(first.incident().steps[0].approved);
        let (events, size) = incidents.events_since(&id, 0).unwrap();
        assert_eq!((events.len(), size), (3, incidents.size(&id)));
        assert_eq!(incidents.events_since(&id, size).unwrap(), (vec![], size));
        let other = incidents.open(opened).unwrap();
        assert_eq!(incidents.ids(), [other.incident().id.clone(), id]);
        assert!(matches!(incidents.read("../x"), Err(RecordError::NoIncident { .. })));
        let lock = incidents.lock().unwrap();
        assert!(matches!(incidents.lock(), Err(RecordError::Locked { .. })));
        drop(lock);
    }

    #[test]
    fn an_incident_is_not_seen_without_what_opened_it() {
        let top = tempfile::tempdir().unwrap();
        let incidents = Incidents::of(top.path(), "shop").unwrap();
        let alarm = Alarm {
            at: Timestamp::now(),
            source: "command".to_owned(),
            title: "short answers 500".to_owned(),
            firing: true,
            key: None,
        };
        let journal = incidents
            .open(|id| {
                // Whoever looks now finds none.
                assert_eq!((incidents.ids(), incidents.size(&id)), (vec![], 0));
                let [first] = opened(id);
                [first, IncidentEventKind::Alarmed { alarm: alarm.clone() }]
            })
            .unwrap();
        let id = &journal.incident().id;
        assert_eq!(incidents.events_since(id, 0).unwrap().0.len(), 2);
        assert_eq!(incidents.read(id).unwrap().alarms, [alarm]);
    }

    #[test]
    fn what_is_old_is_removed_and_the_latest_stays() {
        let top = tempfile::tempdir().unwrap();
        let incidents = Incidents::of(top.path(), "shop").unwrap();
        let ids: Vec<String> =
            (0..2).map(|_| incidents.open(opened).unwrap().incident().id.clone()).collect();
        let log = |id: &str| incidents.folder_of(id).join("given.log");
        ids.iter().for_each(|id| std::fs::write(log(id), "x").unwrap());
        let after = |days: i64| Timestamp::now() + SignedDuration::from_hours(days * 24);
        incidents.prune(&["given.log"], after(29)).unwrap();
        assert!(log(&ids[0]).is_file() && log(&ids[1]).is_file());
        incidents.prune(&["given.log"], after(31)).unwrap();
        assert!(!log(&ids[0]).is_file() && log(&ids[1]).is_file());
        assert_eq!(incidents.ids().len(), 2);
        incidents.prune(&["given.log"], after(401)).unwrap();
        assert_eq!(incidents.ids(), [ids[1].clone()]);
    }
}

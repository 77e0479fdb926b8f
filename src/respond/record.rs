//! What was done to a service: written down before and after, so that nobody ever has to guess; and its lock.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::model::{CommitId, DeployedVersion};
use crate::process::Acting;

/// The record of a service cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Somebody else is at it.
    #[error("another pybisect works on '{name}' now (process {holder})")]
    Locked {
        /// The service.
        name: String,
        /// Its process.
        holder: String,
    },
    /// It is no name.
    #[error("'{0}' is no name for a service: letters, digits, '.', '_' and '-'")]
    Name(String),
    /// There is no such incident.
    #[error("'{service}' has no incident '{id}'")]
    NoIncident {
        /// The service.
        service: String,
        /// The name that was asked for.
        id: String,
    },
    /// The system refused.
    #[error("the record of a service, {}: {error}", .path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// What happened to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Happened {
    /// A command was about to run.
    Begun {
        /// `deploy`, `reload` or `restart`.
        action: String,
        /// The version that it is for.
        version: DeployedVersion,
        /// The command.
        command: String,
    },
    /// The command was started.
    Runs {
        /// As it began.
        action: String,
        /// Its process.
        #[serde(flatten)]
        acting: Acting,
    },
    /// It ended.
    Ended {
        /// As it began.
        action: String,
        /// The version that it was for.
        version: DeployedVersion,
        /// How it ended, for people.
        ending: String,
        /// Whether it did what it should, by its own account.
        succeeded: bool,
    },
    /// The version answered, and no other.
    Healthy {
        /// The version.
        version: DeployedVersion,
    },
    /// A step that did not do what it should.
    Unhealthy {
        /// The version.
        version: DeployedVersion,
        /// Why it is not.
        why: String,
    },
}

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordEntry {
    /// When, RFC 3339.
    pub at: String,
    /// What.
    #[serde(flatten)]
    pub happened: Happened,
}

/// How far the deploy of a version came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// The actions that ended well.
    pub(super) done: Vec<String>,
    /// Whether one was started whose end nobody saw.
    pub(super) is_cut_short: bool,
}

impl Reached {
    /// What need not be done again: nothing, where it is not known how the last one ended.
    pub(super) fn surely_done(self) -> Vec<String> {
        if self.is_cut_short { Vec::new() } else { self.done }
    }
}

/// A service that is worked on: nobody else works on it meanwhile.
#[derive(Debug)]
pub struct Service {
    name: String,
    folder: PathBuf,
    record: File,
    pub(super) entries: Vec<RecordEntry>,
    /// Held for as long as this lives.
    _lock: File,
}

impl Service {
    /// Take a service by its name, beneath a folder.
    ///
    /// # Errors
    /// When somebody has it, or the folder cannot be written.
    pub fn take(services: &Path, name: &str) -> Result<Self, RecordError> {
        check_name(name)?;
        let folder = services.join(name);
        let lock = take_lock(&folder, name)?;
        let path = folder.join("record.jsonl");
        let mut record = open(&path).map_err(system(&path))?;
        let mut text = String::new();
        record.read_to_string(&mut text).map_err(system(&path))?;
        // A last line without an end is that of one that was killed while it wrote: it says nothing.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        record.set_len(u64::try_from(whole).unwrap_or(u64::MAX)).map_err(system(&path))?;
        record.seek(SeekFrom::End(0)).map_err(system(&path))?;
        let entries = text[..whole].lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Self { name: name.to_owned(), folder, record, entries, _lock: lock })
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder that is its own.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Write down what happens. It is on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&mut self, happened: Happened) -> Result<(), RecordError> {
        let entry = RecordEntry { at: Timestamp::now().to_string(), happened };
        let write = |record: &mut File| {
            let mut line = serde_json::to_vec(&entry)?;
            line.push(b'\n');
            record.write_all(&line)?;
            record.sync_data()
        };
        let path = self.folder.join("record.jsonl");
        write(&mut self.record).map_err(|error| RecordError::System { path, error })?;
        self.entries.push(entry);
        Ok(())
    }

    /// What was begun last and whose end is not known: whoever began it was killed.
    #[must_use]
    pub fn unfinished(&self) -> Option<&RecordEntry> {
        let last = self
            .entries
            .iter()
            .rev()
            .find(|entry| matches!(entry.happened, Happened::Begun { .. } | Happened::Ended { .. }));
        last.filter(|entry| matches!(entry.happened, Happened::Begun { .. }))
    }

    /// The process of what was begun last, when its end is not known; it may still run.
    #[must_use]
    pub fn left_running(&self) -> Option<Acting> {
        self.unfinished()?;
        let last = self
            .entries
            .iter()
            .rev()
            .find(|entry| matches!(entry.happened, Happened::Begun { .. } | Happened::Runs { .. }));
        match last?.happened {
            Happened::Runs { acting, .. } => Some(acting),
            _ => None,
        }
    }

    /// Versions whose deploy was begun since a moment, the latest first; whether each was healthy then, where that was seen.
    #[must_use]
    pub fn tried_since(&self, since: Timestamp) -> Vec<(DeployedVersion, Option<bool>)> {
        let is_later = |entry: &&RecordEntry| entry.at.parse::<Timestamp>().is_ok_and(|at| at >= since);
        let mut tried: Vec<(DeployedVersion, Option<bool>)> = Vec::new();
        let mut seen: Vec<(CommitId, bool)> = Vec::new();
        for entry in self.entries.iter().rev().take_while(is_later) {
            match &entry.happened {
                Happened::Healthy { version } => seen.push((version.commit, true)),
                Happened::Unhealthy { version, .. } => seen.push((version.commit, false)),
                Happened::Begun { action, version, .. }
                    if action == "deploy"
                        && tried.iter().all(|(known, _)| known.commit != version.commit) =>
                {
                    let health = seen.iter().find(|(commit, _)| *commit == version.commit);
                    tried.push((version.clone(), health.map(|(_, healthy)| *healthy)));
                }
                _ => {}
            }
        }
        tried
    }

    /// When the last deploy began, where whoever was at it was killed or stopped before its end was known; where the service
    /// is asked, before it was known how it stands.
    #[must_use]
    pub fn cut_short(&self, is_asked: bool) -> Option<Timestamp> {
        let (deploy, after) = self.last_deploy()?;
        let is_known = after.iter().any(|entry| {
            matches!(
                entry.happened,
                Happened::Healthy { .. }
                    | Happened::Unhealthy { .. }
                    | Happened::Ended { succeeded: false, .. }
            )
        });
        let is_open = !is_known && (is_asked || self.unfinished().is_some());
        is_open.then(|| deploy.at.parse().ok()).flatten()
    }

    /// The last deploy that was begun, and what came after it.
    fn last_deploy(&self) -> Option<(&RecordEntry, &[RecordEntry])> {
        let is_begun = |entry: &RecordEntry| matches!(&entry.happened, Happened::Begun { action, .. } if action == "deploy");
        self.entries[self.entries.iter().rposition(is_begun)?..].split_first()
    }

    /// How far the deploy of a version came that was begun since a moment; `None` where it was not begun, is not the last
    /// one, or did not do what it should.
    pub(super) fn reached(&self, commit: CommitId, since: Timestamp) -> Option<Reached> {
        let (deploy, after) = self.last_deploy()?;
        let is_same = matches!(&deploy.happened, Happened::Begun { version, .. } if version.commit == commit);
        if !is_same || deploy.at.parse::<Timestamp>().is_ok_and(|at| at < since) {
            return None;
        }
        let mut reached = Reached::default();
        for entry in after {
            match &entry.happened {
                Happened::Unhealthy { .. } | Happened::Ended { succeeded: false, .. } => return None,
                Happened::Ended { action, .. } => {
                    reached.done.push(action.clone());
                    reached.is_cut_short = false;
                }
                Happened::Runs { .. } => reached.is_cut_short = true,
                Happened::Begun { .. } | Happened::Healthy { .. } => {}
            }
        }
        Some(reached)
    }

    /// When a version was last deployed, as far as that is known here.
    #[must_use]
    pub fn deployed_at(&self, commit: CommitId) -> Option<Timestamp> {
        let entry = self.entries.iter().rev().find(|entry| {
            matches!(&entry.happened, Happened::Ended { action, version, succeeded: true, .. }
                if action == "deploy" && version.commit == commit)
        });
        entry?.at.parse().ok()
    }

    /// Versions that were deployed, or begun to be, each once, the latest first.
    pub(super) fn deployed_ever(&self) -> Vec<CommitId> {
        let mut commits = Vec::new();
        for entry in self.entries.iter().rev() {
            if let Happened::Begun { action, version, .. } = &entry.happened
                && action == "deploy"
                && !commits.contains(&version.commit)
            {
                commits.push(version.commit);
            }
        }
        commits
    }

    /// The version that was deployed last; `None` when that is not known here: nothing was, or the last deploy failed or
    /// did not end.
    #[must_use]
    pub fn deployed(&self) -> Option<&DeployedVersion> {
        let is_of_deploy = |entry: &&RecordEntry| match &entry.happened {
            Happened::Begun { action, .. } | Happened::Ended { action, .. } => action == "deploy",
            Happened::Runs { .. } | Happened::Healthy { .. } | Happened::Unhealthy { .. } => false,
        };
        match &self.entries.iter().rev().find(is_of_deploy)?.happened {
            Happened::Ended { version, succeeded: true, .. } => Some(version),
            _ => None,
        }
    }

    /// Versions that were healthy when they were last looked at, the latest first, with when.
    #[must_use]
    pub fn healthy(&self) -> Vec<(&DeployedVersion, &str)> {
        let mut looked_at: Vec<CommitId> = Vec::new();
        let mut known: Vec<(&DeployedVersion, &str)> = Vec::new();
        for entry in self.entries.iter().rev() {
            let (Happened::Healthy { version } | Happened::Unhealthy { version, .. }) = &entry.happened
            else {
                continue;
            };
            if looked_at.contains(&version.commit) {
                continue;
            }
            looked_at.push(version.commit);
            if matches!(entry.happened, Happened::Healthy { .. }) {
                known.push((version, &entry.at));
            }
        }
        known
    }
}

/// Whether a service can be called so.
pub(super) fn check_name(name: &str) -> Result<(), RecordError> {
    let is_of_one = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.starts_with('.') || name.len() > 100 || !name.chars().all(is_of_one) {
        return Err(RecordError::Name(name.to_owned()));
    }
    Ok(())
}

/// The lock of a folder, which is made where it is missing; held for as long as the file is open.
pub(super) fn take_lock(folder: &Path, name: &str) -> Result<File, RecordError> {
    // Commands and what they print are nobody else's business.
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(system(folder))?;
    let path = folder.join("lock");
    let mut lock = open(&path).map_err(system(&path))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut holder = String::new();
        // Who it is, is only for people.
        let _unknown = lock.read_to_string(&mut holder);
        return Err(RecordError::Locked { name: name.to_owned(), holder: holder.trim().to_owned() });
    }
    lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(system(&path))?;
    Ok(lock)
}

fn system(path: &Path) -> impl FnOnce(io::Error) -> RecordError + use<> {
    let path = path.to_owned();
    move |error| RecordError::System { path, error }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(digits: &str) -> DeployedVersion {
        DeployedVersion {
            commit: digits.repeat(20).parse().unwrap(),
            tag: None,
            subject: String::new(),
            as_commit: None,
        }
    }

    #[test]
    fn only_the_user_can_look_into_the_record() {
        use std::os::unix::fs::PermissionsExt as _;

        let top = tempfile::tempdir().unwrap();
        let services = top.path().join("services");
        let mut service = Service::take(&services, "shop").unwrap();
        service.note(Happened::Healthy { version: version("aa") }).unwrap();
        for (path, mode) in [("", 0o700), ("shop", 0o700), ("shop/record.jsonl", 0o600), ("shop/lock", 0o600)]
        {
            let facts = std::fs::metadata(services.join(path)).unwrap();
            assert_eq!(facts.permissions().mode() & 0o777, mode, "{path}");
        }
    }

    /// A service that was let go. A process that another test starts at this moment may hold its lock a little longer, until
    /// it becomes the program that it is to run.
    fn taken_again(services: &Path, name: &str) -> Service {
        let mut tries = std::iter::repeat_with(|| {
            let taken = Service::take(services, name);
            if matches!(taken, Err(RecordError::Locked { .. })) {
                std::thread::sleep(std::time::Duration::from_millis(20));
                return None;
            }
            Some(taken.unwrap())
        });
        tries.by_ref().take(5000).flatten().next().unwrap()
    }

    #[test]
    fn what_was_done_is_known_to_the_next_and_one_at_a_time_does_it() {
        let top = tempfile::tempdir().unwrap();
        let begun = |version| Happened::Begun { action: "deploy".into(), version, command: "x".into() };
        let ended = |version, succeeded| Happened::Ended {
            action: "deploy".into(),
            version,
            ending: "exit status 0".into(),
            succeeded,
        };
        {
            let mut service = Service::take(top.path(), "shop").unwrap();
            assert!(service.unfinished().is_none() && service.deployed().is_none());
            assert!(matches!(Service::take(top.path(), "shop"), Err(RecordError::Locked { .. })));
            drop(Service::take(top.path(), "other").unwrap());
            service.note(begun(version("aa"))).unwrap();
            service.note(ended(version("aa"), true)).unwrap();
            assert_eq!(service.deployed(), Some(&version("aa")));
            service.note(Happened::Healthy { version: version("aa") }).unwrap();
            service.note(begun(version("bb"))).unwrap();
        }
        // Killed while it wrote.
        let file = top.path().join("shop/record.jsonl");
        let mut record = File::options().append(true).open(&file).unwrap();
        record.write_all(b"{\"at\": \"20").unwrap();
        let mut service = taken_again(top.path(), "shop");
        assert!(
            matches!(&service.unfinished().unwrap().happened, Happened::Begun { version: v, .. } if *v == version("bb"))
        );
        assert_eq!(service.deployed(), None, "nobody knows how far it came");
        assert_eq!(service.healthy().iter().map(|(v, _)| (*v).clone()).collect::<Vec<_>>(), [version("aa")]);
        service.note(ended(version("bb"), false)).unwrap();
        assert_eq!(service.deployed(), None);
        service.note(Happened::Healthy { version: version("cc") }).unwrap();
        service.note(Happened::Unhealthy { version: version("aa"), why: "502".into() }).unwrap();
        assert_eq!(service.healthy().iter().map(|(v, _)| (*v).clone()).collect::<Vec<_>>(), [version("cc")]);
        drop(service);
        let service = taken_again(top.path(), "shop");
        assert!(service.unfinished().is_none());
        for wrong in ["", "../x", ".x", "a/b", "a b"] {
            assert!(matches!(Service::take(top.path(), wrong), Err(RecordError::Name(_))), "{wrong}");
        }
    }

    #[test]
    fn how_far_a_deploy_came_is_known_to_who_goes_on() {
        let top = tempfile::tempdir().unwrap();
        let mut service = Service::take(top.path(), "shop").unwrap();
        let begun = |action: &str| Happened::Begun {
            action: action.into(),
            version: version("aa"),
            command: "x".into(),
        };
        let ended = |action: &str, succeeded| Happened::Ended {
            action: action.into(),
            version: version("aa"),
            ending: String::new(),
            succeeded,
        };
        let runs =
            |action: &str| Happened::Runs { action: action.into(), acting: Acting { process: 1, since: 1 } };
        let commit = version("aa").commit;
        let before = Timestamp::now();
        let mut reached = |happened: Happened| {
            service.note(happened).unwrap();
            service.reached(commit, before).map(|reached| (reached.done.join(" "), reached.is_cut_short))
        };
        let is = |done: &str, is_cut_short| Some((done.to_owned(), is_cut_short));
        assert_eq!(reached(begun("deploy")), is("", false), "it was not started");
        assert_eq!(reached(runs("deploy")), is("", true));
        assert_eq!(reached(ended("deploy", true)), is("deploy", false));
        assert_eq!(reached(begun("reload")), is("deploy", false));
        assert_eq!(reached(runs("reload")), is("deploy", true));
        assert_eq!(reached(ended("reload", true)), is("deploy reload", false));
        assert_eq!(reached(begun("deploy")), is("", false), "once more");
        assert_eq!(reached(ended("deploy", false)), None);
        assert_eq!(reached(begun("deploy")), is("", false));
        let other = Happened::Begun { action: "deploy".into(), version: version("bb"), command: "x".into() };
        assert_eq!(reached(other), None);
        assert_eq!(service.reached(version("bb").commit, Timestamp::now()), None, "that was before");
    }
}

//! Alarms as they come: on the disk before their sender is answered, known again, and kept until somebody took them up.
//!
//! An alarm that is known is not taken twice: its sender repeats it, was not sure that it arrived, or it is not its sender.

use std::collections::{BTreeMap, HashMap};
use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::message::{Taken, Told};
use crate::model::ReceivedAlarm;

/// For this long an alarm is known again.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// For this long a repeated alarm that does not tell its start is the same.
const REPEATED_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// Alarms that wait at the same time.
const MOST_WAITING: usize = 10_000;
/// Alarms that are known at the same time.
const MOST_KNOWN: usize = 100_000;

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
enum Line {
    /// An alarm came.
    Received {
        number: u64,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        delivery: Option<String>,
        #[serde(flatten)]
        received: ReceivedAlarm,
    },
    /// Somebody took it up.
    Handled { number: u64, how: String },
}

/// A message that came.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Its alarms.
    pub(super) told: Vec<Told>,
    /// By which the message itself is known again, where it is signed.
    pub(super) digest: Option<String>,
}

/// It cannot be taken now.
#[derive(Debug, thiserror::Error)]
pub(super) enum InboxError {
    /// Too many wait.
    #[error("{MOST_WAITING} alarms wait already")]
    Full,
    /// Another server has it.
    #[error("another pybisect serve works for this service")]
    Served,
    /// It cannot be written.
    #[error("{}: {error}", .path.display())]
    System { path: PathBuf, error: io::Error },
}

/// Alarms as they come.
#[derive(Debug)]
pub(super) struct Inbox {
    path: PathBuf,
    file: File,
    /// Held for as long as this lives: one server at a time.
    _lock: File,
    next: u64,
    waiting: BTreeMap<u64, ReceivedAlarm>,
    /// By key and whether it fires: when it was taken.
    known: HashMap<(String, bool), Timestamp>,
    /// Messages that came, by digest.
    deliveries: HashMap<String, Timestamp>,
    /// By family: its latest outage, whether that fires, and when that was told last.
    families: HashMap<String, (String, bool, Timestamp)>,
}

impl Inbox {
    /// That of a folder. What is long over is forgotten.
    pub(super) fn open(folder: &Path, now: Timestamp) -> Result<Self, InboxError> {
        let path = folder.join("alarms.jsonl");
        let failed = |error| InboxError::System { path: path.clone(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock =
            File::options().write(true).create(true).truncate(false).mode(0o600).open(folder.join("lock"));
        let lock = lock.map_err(failed)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| InboxError::Served)?;
        let mut text = Vec::new();
        match File::open(&path).and_then(|mut file| file.read_to_end(&mut text)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut lines: BTreeMap<u64, (Line, Option<Line>)> = BTreeMap::new();
        for line in text.split(|byte| *byte == b'\n') {
            // A line that was cut short is none: its sender was not answered.
            match serde_json::from_slice(line) {
                Ok(line @ Line::Received { number, .. }) => drop(lines.insert(number, (line, None))),
                Ok(line @ Line::Handled { number, .. }) => {
                    if let Some((_, handled)) = lines.get_mut(&number) {
                        *handled = Some(line);
                    }
                }
                Err(_) => {}
            }
        }
        let next = lines.last_key_value().map_or(1, |(number, _)| number + 1);
        lines.retain(|_, (received, handled)| match received {
            Line::Received { received, .. } => {
                handled.is_none() || now.duration_since(received.alarm.at) < KNOWN_FOR
            }
            Line::Handled { .. } => false,
        });
        let kept: Vec<&Line> =
            lines.values().flat_map(|(one, other)| std::iter::once(one).chain(other)).collect();
        // In the place of the old one at once, or not at all.
        let part = path.with_extension("new");
        let rewrite = || -> io::Result<File> {
            let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
            file.write_all(&bytes_of(&kept)?)?;
            file.sync_all()?;
            std::fs::rename(&part, &path)?;
            File::open(folder)?.sync_all()?;
            File::options().append(true).open(&path)
        };
        let file = rewrite().map_err(failed)?;
        let mut inbox = Self {
            path: path.clone(),
            file,
            _lock: lock,
            next,
            waiting: BTreeMap::new(),
            known: HashMap::new(),
            deliveries: HashMap::new(),
            families: HashMap::new(),
        };
        for (line, handled) in lines.into_values() {
            if let Line::Received { number, delivery, received } = line {
                inbox.know(&received, delivery);
                if handled.is_none() {
                    inbox.waiting.insert(number, received);
                }
            }
        }
        Ok(inbox)
    }

    fn know(&mut self, received: &ReceivedAlarm, delivery: Option<String>) {
        let ReceivedAlarm { alarm, family, .. } = received;
        let key = alarm.key.clone().unwrap_or_default();
        self.families.insert(family.clone(), (key.clone(), alarm.firing, alarm.at));
        self.known.insert((key, alarm.firing), alarm.at);
        self.deliveries.extend(delivery.map(|delivery| (delivery, alarm.at)));
    }

    /// Take messages: what is new of them is on the disk when this returns. How much that is, for each.
    pub(super) fn take(
        &mut self,
        deliveries: Vec<Delivery>,
        now: Timestamp,
    ) -> Vec<Result<Taken, InboxError>> {
        let mut lines = Vec::new();
        let before = self.next;
        let taken: Vec<_> =
            deliveries.into_iter().map(|delivery| self.take_one(delivery, now, &mut lines)).collect();
        let written = bytes_of(&lines.iter().collect::<Vec<_>>())
            .and_then(|bytes| if bytes.is_empty() { Ok(()) } else { self.write(&bytes) });
        let Err(error) = written else { return taken };
        // Nobody was answered: they will come again.
        for line in lines {
            if let Line::Received { number, delivery, received } = line {
                self.waiting.remove(&number);
                let key = received.alarm.key.unwrap_or_default();
                self.known.remove(&(key, received.alarm.firing));
                self.families.remove(&received.family);
                delivery.map(|delivery| self.deliveries.remove(&delivery));
            }
        }
        self.next = before;
        let again = || InboxError::System { path: self.path.clone(), error: error.kind().into() };
        taken.into_iter().map(|one| one.and_then(|_| Err(again()))).collect()
    }

    fn take_one(
        &mut self,
        delivery: Delivery,
        now: Timestamp,
        lines: &mut Vec<Line>,
    ) -> Result<Taken, InboxError> {
        let Delivery { told, digest } = delivery;
        let count = told.len();
        if digest.as_ref().is_some_and(|digest| self.deliveries.contains_key(digest)) {
            return Ok(Taken { new: 0, known: count });
        }
        let mut taken = Taken::default();
        for told in told {
            let told = self.with_start(told, now);
            let received = told.received(now);
            let key = received.alarm.key.clone().unwrap_or_default();
            let is_known = self.known.contains_key(&(key.clone(), received.alarm.firing));
            if let Some((latest, _, at)) = self.families.get_mut(&received.family)
                && *latest == key
            {
                *at = now;
            }
            if is_known {
                taken.known += 1;
                continue;
            }
            if self.waiting.len() >= MOST_WAITING || self.known.len() >= MOST_KNOWN {
                return Err(InboxError::Full);
            }
            taken.new += 1;
            self.know(&received, digest.clone());
            self.waiting.insert(self.next, received.clone());
            lines.push(Line::Received { number: self.next, delivery: digest.clone(), received });
            self.next += 1;
        }
        Ok(taken)
    }

    /// Where an alarm does not tell since when: as long as it is repeated, it is the same. When it is well again, it is
    /// its latest outage that is.
    fn with_start(&self, told: Told, now: Timestamp) -> Told {
        if told.cycle.is_some() || told.start.is_some() {
            return told;
        }
        let cycle = match self.families.get(&told.family()) {
            Some((key, firing, at))
                if !told.firing || (*firing && now.duration_since(*at) < REPEATED_WITHIN) =>
            {
                key.rsplit_once('@').map(|(_, cycle)| cycle.to_owned())
            }
            _ => None,
        };
        Told { cycle: Some(cycle.unwrap_or_else(|| now.to_string())), ..told }
    }

    /// Those that nobody took up yet, in the order in which they came.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (u64, &ReceivedAlarm)> {
        self.waiting.iter().map(|(number, received)| (*number, received))
    }

    /// How many wait.
    pub(super) fn length(&self) -> usize {
        self.waiting.len()
    }

    /// Somebody took one up.
    pub(super) fn handled(&mut self, number: u64, how: &str) -> Result<(), InboxError> {
        if self.waiting.remove(&number).is_none() {
            return Ok(());
        }
        let line = Line::Handled { number, how: how.to_owned() };
        let written = bytes_of(&[&line]).and_then(|bytes| self.write(&bytes));
        written.map_err(|error| InboxError::System { path: self.path.clone(), error })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

fn bytes_of(lines: &[&Line]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // What a writer that was killed left of a line ends here.
    for line in lines {
        bytes.push(b'\n');
        bytes.extend(serde_json::to_vec(line)?);
    }
    if !bytes.is_empty() {
        bytes.push(b'\n');
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::source::AlarmSource;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_796_000_000 + second).unwrap()
    }

    fn told(name: &str, start: Option<i64>, firing: bool) -> Told {
        Told {
            source: AlarmSource::Generic,
            fingerprint: name.to_owned(),
            start: start.map(at),
            cycle: None,
            title: name.to_owned(),
            firing,
            labels: BTreeMap::new(),
        }
    }

    fn take(inbox: &mut Inbox, told: Vec<Told>, digest: Option<&str>, now: i64) -> (usize, usize) {
        let delivery = Delivery { told, digest: digest.map(str::to_owned) };
        let taken = inbox.take(vec![delivery], at(now)).remove(0).unwrap();
        (taken.new, taken.known)
    }

    #[test]
    fn each_outage_is_taken_once_and_known_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut inbox = Inbox::open(folder.path(), at(0)).unwrap();
        assert_eq!(
            take(&mut inbox, vec![told("a", Some(-9), true), told("b", Some(-9), true)], None, 0),
            (2, 0)
        );
        assert_eq!(
            take(&mut inbox, vec![told("a", Some(-9), true), told("c", Some(-9), true)], None, 5),
            (1, 1)
        );
        assert_eq!(take(&mut inbox, vec![told("a", Some(-9), false)], None, 6), (1, 0));
        // The same alarm, another outage.
        assert_eq!(take(&mut inbox, vec![told("a", Some(7), true)], None, 8), (1, 0));
        inbox.handled(1, "begun").unwrap();
        // Killed while it wrote.
        File::options().append(true).open(&inbox.path).unwrap().write_all(b"{\"what\": \"rec").unwrap();
        drop(inbox);
        let mut inbox = Inbox::open(folder.path(), at(9)).unwrap();
        assert_eq!(inbox.waiting().map(|(number, _)| number).collect::<Vec<_>>(), [2, 3, 4, 5]);
        assert_eq!(
            take(&mut inbox, vec![told("a", Some(7), true), told("a", Some(-9), true)], None, 10),
            (0, 2)
        );
        assert_eq!(take(&mut inbox, vec![told("d", Some(7), true)], None, 10), (1, 0));
        assert_eq!(inbox.waiting().last().unwrap().0, 6);
        // Long over.
        for number in 1..=6 {
            inbox.handled(number, "joined").unwrap();
        }
        drop(inbox);
        let inbox = Inbox::open(folder.path(), at(31 * 24 * 3600)).unwrap();
        assert_eq!((inbox.length(), inbox.known.len(), inbox.next), (0, 0, 7));
    }

    #[test]
    fn without_a_start_what_is_repeated_within_the_hour_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut inbox = Inbox::open(folder.path(), at(0)).unwrap();
        let mut fires = |now, firing| take(&mut inbox, vec![told("a", None, firing)], None, now);
        assert_eq!(fires(0, true), (1, 0));
        assert_eq!(fires(3000, true), (0, 1));
        assert_eq!(fires(6000, true), (0, 1), "it was repeated meanwhile");
        assert_eq!(fires(6001, false), (1, 0));
        assert_eq!(fires(6002, false), (0, 1));
        assert_eq!(fires(6003, true), (1, 0), "another outage");
        assert_eq!(fires(9999, true), (1, 0), "nobody told of it for more than an hour");
    }

    #[test]
    fn a_message_that_came_before_brings_nothing_new() {
        let folder = tempfile::tempdir().unwrap();
        let mut inbox = Inbox::open(folder.path(), at(0)).unwrap();
        assert_eq!(take(&mut inbox, vec![told("a", None, true)], Some("x"), 0), (1, 0));
        assert_eq!(take(&mut inbox, vec![told("a", None, false)], Some("y"), 1), (1, 0));
        assert_eq!(take(&mut inbox, vec![told("a", None, true)], Some("x"), 2), (0, 1));
        assert!(matches!(Inbox::open(folder.path(), at(3)), Err(InboxError::Served)));
        drop(inbox);
        let mut inbox = Inbox::open(folder.path(), at(3)).unwrap();
        assert_eq!(take(&mut inbox, vec![told("a", None, true)], Some("x"), 4), (0, 1));
    }

    #[test]
    fn what_cannot_be_written_was_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let mut inbox = Inbox::open(folder.path(), at(0)).unwrap();
        let good = std::mem::replace(&mut inbox.file, File::open("/dev/null").unwrap());
        let delivery = || Delivery { told: vec![told("a", Some(0), true)], digest: Some("x".to_owned()) };
        assert!(matches!(inbox.take(vec![delivery()], at(1))[0], Err(InboxError::System { .. })));
        assert_eq!(inbox.length(), 0);
        inbox.file = good;
        assert_eq!(inbox.take(vec![delivery()], at(1)).remove(0).unwrap().new, 1);
    }
}

//! What the parts of the server share: the alarms that wait, what is counted, and where it is told what happens.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::inbox::Inbox;

/// Whoever takes up alarms is not at work any more when nothing is heard of them for this long.
const LONGEST_LOOK: Duration = Duration::from_secs(60);

/// Where lines about what happens go.
pub type Log = Box<dyn Fn(&str) + Send + Sync>;

/// What is counted: by name and labels.
type Counts = BTreeMap<(&'static str, String), u64>;

pub(super) struct Shared {
    inbox: Mutex<Inbox>,
    counts: Mutex<Counts>,
    log: Log,
    /// What people have to know, though no incident tells it.
    failures: Mutex<Vec<Sender<String>>>,
    wake: Sender<()>,
    responds: AtomicBool,
    /// When it was last looked what is to be done.
    looked: Mutex<Instant>,
}

impl Shared {
    pub(super) fn new(inbox: Inbox, log: Log, wake: Sender<()>) -> Self {
        Self {
            inbox: Mutex::new(inbox),
            counts: Mutex::new(BTreeMap::new()),
            log,
            failures: Mutex::new(Vec::new()),
            wake,
            responds: AtomicBool::new(false),
            looked: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tell what happens.
    pub(super) fn say(&self, text: &str) {
        (self.log)(text);
    }

    /// Tell that something does not work which a person has to look after.
    pub(super) fn failed(&self, text: &str) {
        self.say(text);
        self.count("pybisect_failures_total", String::new(), 1);
        let listeners = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for listener in listeners.iter() {
            // One that is gone hears nothing.
            let _gone = listener.try_send(text.to_owned());
        }
    }

    pub(super) fn on_failure(&self, listener: Sender<String>) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    pub(super) fn count(&self, name: &'static str, labels: String, by: usize) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((name, labels)).or_default();
        *count += u64::try_from(by).unwrap_or(u64::MAX);
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Have it looked at now what is to be done.
    pub(super) fn wake(&self) {
        // It looks already.
        let _full = self.wake.try_send(());
    }

    /// It is looked what is to be done.
    pub(super) fn looks(&self) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether that was not long ago.
    pub(super) fn is_alive(&self) -> bool {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < LONGEST_LOOK
    }

    pub(super) fn is_responding(&self, responds: bool) {
        self.responds.store(responds, Ordering::Relaxed);
    }

    pub(super) fn responds(&self) -> bool {
        self.responds.load(Ordering::Relaxed)
    }
}

//! A row now and then where nothing else is told, for logs: who reads one, or ends a job that is silent for long, wants to
//! know that something goes on, and what.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::live_trial::{LiveScreen, LiveTrial};
use super::{PlainReporter, Reporter, Style};
use crate::model::{Event, EventKind, TrialId};

/// For this long nothing is said at most.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether it is time.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// A [`PlainReporter`] that is never silent for long.
#[derive(Debug)]
pub struct PulsingReporter<W: Write + Send + 'static> {
    told: Arc<Mutex<Told<W>>>,
    /// Goes away with this, and the thread that looks with it.
    ends: Option<Sender<()>>,
    looks: Option<JoinHandle<()>>,
}

impl<W: Write + Send + 'static> PulsingReporter<W> {
    /// Write to this.
    pub fn new(out: W, style: Style, screen: LiveScreen) -> Self {
        let told = Arc::new(Mutex::new(Told::new(out, style, screen, Instant::now())));
        let (ends, ended) = channel::<()>();
        let shared = Arc::clone(&told);
        let look = move || {
            while ended.recv_timeout(BETWEEN_LOOKS) == Err(RecvTimeoutError::Timeout) {
                lock(&shared).look(Instant::now());
            }
        };
        // Without a thread the log is only more silent.
        let looks = std::thread::Builder::new().name("pulse".to_owned()).spawn(look).ok();
        Self { told, ends: Some(ends), looks }
    }
}

impl<W: Write + Send + 'static> Reporter for PulsingReporter<W> {
    fn on_event(&mut self, event: &Event) {
        lock(&self.told).on_event(event, Instant::now());
    }
}

impl<W: Write + Send + 'static> Drop for PulsingReporter<W> {
    fn drop(&mut self) {
        drop(self.ends.take());
        // Nothing is said after what comes next.
        self.looks.take().map(JoinHandle::join);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was told, and when last.
#[derive(Debug)]
struct Told<W: Write> {
    plain: PlainReporter<W>,
    style: Style,
    screen: LiveScreen,
    /// Trials that run, in the order in which they began, with when.
    running: BTreeMap<TrialId, (Instant, LiveTrial)>,
    last: Instant,
    is_over: bool,
}

impl<W: Write> Told<W> {
    const fn new(out: W, style: Style, screen: LiveScreen, now: Instant) -> Self {
        let plain = PlainReporter::new(out, style);
        Self { plain, style, screen, running: BTreeMap::new(), last: now, is_over: false }
    }

    fn on_event(&mut self, event: &Event, now: Instant) {
        match &event.kind {
            EventKind::TrialStarted { trial, activity, .. } => {
                if let Some(trial_row) = LiveTrial::of(&event.kind, activity) {
                    self.running.insert(*trial, (now, trial_row));
                }
            }
            EventKind::TrialFinished(finished) => drop(self.running.remove(&finished.trial)),
            EventKind::TrialCancelled { trial } => drop(self.running.remove(trial)),
            EventKind::Concluded { .. } => self.is_over = true,
            _ => {}
        }
        if self.plain.tell(event) {
            self.last = now;
        }
    }

    /// Say what goes on, where nothing was said for long.
    fn look(&mut self, now: Instant) {
        if self.is_over || now.saturating_duration_since(self.last) < LONGEST_SILENCE {
            return;
        }
        self.last = now;
        let mut trials = self.running.values();
        let Some((since, oldest)) = trials.next() else {
            self.plain.write("still at work: no command runs at the moment");
            return;
        };
        let rows = oldest.rows(now.saturating_duration_since(*since), self.screen, self.style);
        let mut rows = rows.lines();
        let others = match trials.count() {
            0 => String::new(),
            count => format!(" (and {count} more)"),
        };
        self.plain.write(&format!("still {}{others}", rows.next().unwrap_or_default()));
        rows.for_each(|row| self.plain.write(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CommitId, TrialActivity, TrialKind, TrialPhase};

    const SCREEN: LiveScreen =
        LiveScreen { columns: || 60, hide: |text| text.replace("s3cr3t", "[redacted]") };

    fn started(number: u64, activity: &TrialActivity) -> Event {
        let kind = EventKind::TrialStarted {
            trial: TrialId(number),
            commit: CommitId::from_bytes([2; 20]),
            subject: "Make it more resistant".to_owned(),
            purpose: TrialKind::Search,
            activity: activity.clone(),
        };
        Event { seconds: 0.0, kind }
    }

    #[test]
    fn a_long_silence_is_broken_by_what_goes_on() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut told = Told::new(Vec::new(), Style::new(false), SCREEN, begin);
        let said = |told: &Told<Vec<u8>>| String::from_utf8(told.plain.out().clone()).unwrap();
        told.look(at(29));
        assert_eq!(said(&told), "");
        told.look(at(30));
        assert_eq!(said(&told), "still at work: no command runs at the moment\n");
        let activity = TrialActivity::default();
        activity.enter(TrialPhase::Running);
        activity.print(b"login s3cr3t\ntests/test_app.py .F");
        told.on_event(&started(1, &activity), at(40));
        told.on_event(&started(2, &activity), at(41));
        told.look(at(59));
        told.look(at(61));
        told.look(at(62));
        let rows = said(&told);
        let rows: Vec<&str> = rows.lines().skip(1).collect();
        assert_eq!(
            rows,
            [
                "still 020202020  running  21 s  Make it more resistant (and 1 more)",
                "               tests/test_app.py .F"
            ]
        );
        told.on_event(&Event { seconds: 0.0, kind: EventKind::TrialCancelled { trial: TrialId(1) } }, at(63));
        told.on_event(&Event { seconds: 0.0, kind: EventKind::Note { text: "told".to_owned() } }, at(80));
        let before = said(&told);
        told.look(at(105));
        assert_eq!(said(&told), before, "something was said meanwhile");
    }
}

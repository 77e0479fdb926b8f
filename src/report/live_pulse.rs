//! A row now and then where nothing else is told, for logs: who reads one, or ends a job that is silent for long, wants to
//! know that something goes on, and what.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::live_trial::{LiveScreen, LiveTrial};
use super::phrases::duration;
use super::{PlainReporter, Reporter, Style};
use crate::model::{Event, EventKind, TrialId};

/// How often it is looked whether it is time, at least.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// How rows are told that break a silence.
#[derive(Debug, Clone, Copy)]
pub struct PulseView {
    /// Colours.
    pub style: Style,
    /// Where rows are shown.
    pub screen: LiveScreen,
    /// For this long nothing is said at most.
    pub silence: Duration,
}

/// Tells what goes on whenever nothing else was told for long, until it is dropped.
#[derive(Debug)]
pub struct Pulse {
    watched: Arc<Mutex<Watched>>,
    /// Goes away with this, and the thread that looks with it.
    ends: Option<Sender<()>>,
    looks: Option<JoinHandle<()>>,
}

impl Pulse {
    /// Tell rows to this.
    pub fn new(write: impl FnMut(&str) + Send + 'static, view: PulseView) -> Self {
        let watched = Arc::new(Mutex::new(Watched::new(Box::new(write), view, Instant::now())));
        let (ends, ended) = channel::<()>();
        let shared = Arc::clone(&watched);
        let pause = BETWEEN_LOOKS.min(view.silence / 2);
        let look = move || {
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                lock(&shared).look(Instant::now());
            }
        };
        // Without a thread there is only more silence.
        let looks = std::thread::Builder::new().name("pulse".to_owned()).spawn(look).ok();
        Self { watched, ends: Some(ends), looks }
    }

    /// Something was told just now.
    pub fn told(&self) {
        lock(&self.watched).last = Instant::now();
    }

    /// Hear of trials, as they begin and end.
    pub fn hear(&self, kind: &EventKind) {
        lock(&self.watched).hear(kind, Instant::now());
    }

    /// A step begins that may take long.
    pub fn begin(&self, step: &str) {
        lock(&self.watched).steps.push((step.to_owned(), Instant::now()));
    }

    /// A step ended.
    pub fn end(&self, step: &str) {
        lock(&self.watched).steps.retain(|(name, _)| name != step);
    }

    /// Say nothing more.
    fn stop(&mut self) {
        drop(self.ends.take());
        // Nothing is said after what comes next.
        self.looks.take().map(JoinHandle::join);
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A [`PlainReporter`] that is never silent for long.
#[derive(Debug)]
pub struct PulsingReporter<W: Write> {
    plain: PlainReporter<W>,
    pulse: Pulse,
}

impl<W: Write> PulsingReporter<W> {
    /// Write to this, and have silences broken by that.
    pub const fn new(plain: PlainReporter<W>, pulse: Pulse) -> Self {
        Self { plain, pulse }
    }
}

impl<W: Write> Reporter for PulsingReporter<W> {
    fn on_event(&mut self, event: &Event) {
        self.pulse.hear(&event.kind);
        if self.plain.tell(event) {
            self.pulse.told();
        }
        if let EventKind::Concluded { .. } = &event.kind {
            self.pulse.stop();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What goes on, and when something was told last.
struct Watched {
    write: Box<dyn FnMut(&str) + Send>,
    view: PulseView,
    /// Steps that take their time, in the order in which they began, with when.
    steps: Vec<(String, Instant)>,
    /// Trials that run, likewise.
    trials: BTreeMap<TrialId, (Instant, LiveTrial)>,
    last: Instant,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched")
            .field("steps", &self.steps)
            .field("trials", &self.trials)
            .finish_non_exhaustive()
    }
}

impl Watched {
    const fn new(write: Box<dyn FnMut(&str) + Send>, view: PulseView, now: Instant) -> Self {
        Self { write, view, steps: Vec::new(), trials: BTreeMap::new(), last: now }
    }

    fn hear(&mut self, kind: &EventKind, now: Instant) {
        match kind {
            EventKind::TrialStarted { trial, activity, .. } => {
                if let Some(mut row) = LiveTrial::of(kind, activity) {
                    row.subject = (self.view.screen.hide)(&row.subject);
                    self.trials.insert(*trial, (now, row));
                }
            }
            EventKind::TrialFinished(finished) => drop(self.trials.remove(&finished.trial)),
            EventKind::TrialCancelled { trial } => drop(self.trials.remove(trial)),
            _ => {}
        }
    }

    /// Say what goes on, where nothing was said for long.
    fn look(&mut self, now: Instant) {
        if now.saturating_duration_since(self.last) < self.view.silence {
            return;
        }
        self.last = now;
        let Self { view, steps, trials, write, .. } = self;
        let since = |then: &Instant| now.saturating_duration_since(*then);
        let steps: Vec<String> = steps
            .iter()
            .map(|(name, began)| format!("{name} for {}", duration(since(began).as_secs_f64())))
            .collect();
        if !steps.is_empty() {
            write(&format!("still {}", steps.join(", ")));
        }
        let mut running = trials.values();
        let Some((began, oldest)) = running.next() else {
            if steps.is_empty() {
                write("still at work: no command runs at the moment");
            }
            return;
        };
        let others = match running.count() {
            0 => String::new(),
            count => format!(" (and {count} more)"),
        };
        let begins = if steps.is_empty() { "still" } else { "     " };
        let taken = begins.len() + 1 + others.len();
        let rows = oldest.rows(since(began), taken, view.screen, view.style);
        let mut rows = rows.lines();
        write(&format!("{begins} {}{others}", rows.next().unwrap_or_default()));
        rows.for_each(write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CommitId, TrialActivity, TrialKind, TrialPhase};

    const VIEW: PulseView = PulseView {
        style: Style::new(false),
        screen: LiveScreen { columns: || 60, hide: |text| text.replace("s3cr3t", "[redacted]") },
        silence: Duration::from_secs(30),
    };

    fn started(number: u64, activity: &TrialActivity) -> EventKind {
        EventKind::TrialStarted {
            trial: TrialId(number),
            commit: CommitId::from_bytes([2; 20]),
            subject: "Make it more resistant".to_owned(),
            purpose: TrialKind::Search,
            activity: activity.clone(),
        }
    }

    /// What is watched from a moment on, and what is said of it.
    fn watched(begin: Instant) -> (Watched, impl Fn() -> Vec<String>) {
        let said = Arc::new(Mutex::new(Vec::new()));
        let rows = Arc::clone(&said);
        let watched = Watched::new(Box::new(move |row| lock(&rows).push(row.to_owned())), VIEW, begin);
        (watched, move || std::mem::take(&mut *lock(&said)))
    }

    #[test]
    fn a_long_silence_is_broken_by_what_goes_on() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let (mut watched, said) = watched(begin);
        watched.look(at(29));
        assert_eq!(said(), [""; 0]);
        watched.look(at(30));
        assert_eq!(said(), ["still at work: no command runs at the moment"]);
        let activity = TrialActivity::default();
        activity.enter(TrialPhase::Running);
        activity.print(b"login s3cr3t\ntests/test_app.py .F");
        watched.hear(&started(1, &activity), at(40));
        watched.hear(&started(2, &activity), at(41));
        watched.look(at(59));
        watched.look(at(61));
        watched.look(at(62));
        assert_eq!(
            said(),
            [
                "still 020202020  running  21 s  Make it mo… (and 1 more)",
                "               tests/test_app.py .F"
            ]
        );
        watched.hear(&EventKind::TrialCancelled { trial: TrialId(1) }, at(63));
        watched.last = at(80);
        watched.look(at(105));
        assert_eq!(said(), [""; 0], "something was said meanwhile");
    }

    #[test]
    fn steps_are_told_with_what_runs_in_them() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let (mut watched, said) = watched(begin);
        watched.steps = vec![("rollback".to_owned(), begin), ("find".to_owned(), at(9))];
        watched.look(at(31));
        assert_eq!(said(), ["still rollback for 31 s, find for 22 s"]);
        watched.hear(&started(1, &TrialActivity::default()), at(40));
        watched.look(at(71));
        assert_eq!(
            said(),
            [
                "still rollback for 71 s, find for 62 s",
                "      020202020  waiting  31 s  Make it more resistant"
            ]
        );
    }

    #[test]
    fn a_pulse_beats_until_it_is_dropped() {
        let (tell, told) = channel();
        let view = PulseView { silence: Duration::from_millis(1), ..VIEW };
        let pulse = Pulse::new(move |row| drop(tell.send(row.to_owned())), view);
        pulse.begin("rollout");
        while !told.recv().is_ok_and(|row| row.starts_with("still rollout for ")) {}
        pulse.end("rollout");
        while !told.recv().is_ok_and(|row| row == "still at work: no command runs at the moment") {}
        drop(pulse);
        // Who could still tell something is gone.
        while told.recv().is_ok() {}
    }
}

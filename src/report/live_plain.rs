//! The live view as plain lines, for logs and pipes.

use std::collections::BTreeMap;
use std::io::Write;

use super::columns::cut;
use super::escape::cleaned;
use super::phrases::{duration, plural};
use super::{Reporter, Style};
use crate::model::event::TrialFinished;
use crate::model::trial_line::OutcomeSource;
use crate::model::{Conclusion, Event, EventKind, Suspect, TrialId, Verdict};

/// Writes a line for each event that matters.
pub struct PlainReporter<W: Write> {
    out: W,
    style: Style,
    subjects: BTreeMap<TrialId, String>,
    /// The Python of the environment told of last.
    python: Option<String>,
}

impl<W: Write> std::fmt::Debug for PlainReporter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plain").finish_non_exhaustive()
    }
}

impl<W: Write> PlainReporter<W> {
    /// Write to this.
    pub const fn new(out: W, style: Style) -> Self {
        Self { out, style, subjects: BTreeMap::new(), python: None }
    }
}

impl<W: Write> Reporter for PlainReporter<W> {
    fn on_event(&mut self, event: &Event) {
        self.tell(event);
    }
}

impl<W: Write> PlainReporter<W> {
    /// Tell an event, where it matters; whether it does.
    pub(super) fn tell(&mut self, event: &Event) -> bool {
        let event = &cleaned(event);
        if let EventKind::TrialStarted { trial, subject, .. } = &event.kind {
            self.subjects.insert(*trial, subject.clone());
        }
        let subject = match &event.kind {
            EventKind::TrialFinished(finished) => self.subjects.remove(&finished.trial).unwrap_or_default(),
            _ => String::new(),
        };
        if self.is_worth_a_row(event)
            && let Some(line) = line(event, &subject, self.style)
        {
            self.write(&line);
            return true;
        }
        false
    }

    fn write(&mut self, row: &str) {
        // Nobody may be reading; the search goes on.
        drop(writeln!(self.out, "{row}"));
    }
}

impl<W: Write> PlainReporter<W> {
    /// Whether an event is told here, where every row stays: of narrowing only the end, of environments only those of
    /// another Python.
    fn is_worth_a_row(&mut self, event: &Event) -> bool {
        match &event.kind {
            EventKind::TrialFinished(finished) => finished.purpose.is_of_commit(),
            EventKind::Environment { facts, .. } => {
                self.python.replace(facts.python.clone()).as_ref() != Some(&facts.python)
            }
            _ => true,
        }
    }
}

/// What is said of an event, if anything.
pub(super) fn line(event: &Event, subject: &str, style: Style) -> Option<String> {
    match &event.kind {
        EventKind::Range { good, bad, commits, merges } => {
            let goods: Vec<String> = good.iter().map(|id| style.name(id.short())).collect();
            Some(format!(
                "{} ({}) between good {} and bad {}",
                style.bold(plural(*commits, "commit")),
                plural(*merges, "merge"),
                goods.join(", "),
                style.name(bad.short())
            ))
        }
        EventKind::TrialFinished(finished) if finished.source == OutcomeSource::Replayed => None,
        EventKind::TrialFinished(finished) => Some(trial_line(finished, subject, style)),
        EventKind::Target { failure } => {
            let text = failure.to_string();
            let first = text.lines().next().unwrap_or_default();
            Some(format!("{} {first}", style.bold("failure:")))
        }
        EventKind::Suspects { suspects } => suspects.first().map(|first| suspect_line(first, style)),
        EventKind::Episode(episode) => Some(style.warn(format!(
            "the failure was there before: {} has it, {} fixed it",
            episode.bad.short(),
            episode.mended_by.short()
        ))),
        EventKind::Flaky { false_failures, false_passes } => Some(style.warn(format!(
            "the test is flaky: about {:.0} % false failures, {:.0} % false passes",
            false_failures * 100.0,
            false_passes * 100.0
        ))),
        EventKind::Withdrawn { commit, verdict, .. } => {
            Some(style.warn(format!("{} is not good after all: {verdict}", commit.short())))
        }
        EventKind::Note { text } => Some(style.warn(format!("note: {text}"))),
        EventKind::Environment { first, facts } => Some(format!(
            "environment for {}: Python {} ({}), {} as of {}",
            first.short(),
            facts.python,
            facts.because,
            plural(facts.packages.len(), "package"),
            facts.as_of.as_deref().unwrap_or("now"),
        )),
        EventKind::Package(package) => Some(format!(
            "package: {} {} → {}",
            package.name,
            package.before.as_deref().unwrap_or("none"),
            package.after.as_deref().unwrap_or("none"),
        )),
        EventKind::NextTarget { failure } | EventKind::LeftTarget { failure, .. } => {
            let test = failure.tests.first().map(String::as_str).unwrap_or_default();
            let word = if matches!(event.kind, EventKind::NextTarget { .. }) { "next:" } else { "left:" };
            Some(format!("{} {test}", style.bold(word)))
        }
        EventKind::TargetConcluded { conclusion, .. } => Some(concluded_line(conclusion, None, style)),
        EventKind::AlikeTarget(alike) => {
            let test = alike.failure.tests.first().map(String::as_str);
            Some(concluded_line(&alike.conclusion, test, style))
        }
        EventKind::History(_)
        | EventKind::HashSeed { .. }
        | EventKind::Narrowed { .. }
        | EventKind::Output(_)
        | EventKind::Started { .. }
        | EventKind::TrialStarted { .. }
        | EventKind::TrialCancelled { .. }
        | EventKind::Belief { .. }
        | EventKind::Concluded { .. } => None,
    }
}

/// What broke a further test.
fn concluded_line(conclusion: &Conclusion, test: Option<&str>, style: Style) -> String {
    let what = match conclusion {
        Conclusion::Found { culprits } => match culprits.first() {
            Some(culprit) => {
                let commit = &culprit.commit;
                format!("{} {}", style.name(commit.id.short()), shortened(&commit.subject, 70))
            }
            None => "packages".to_owned(),
        },
        Conclusion::Ambiguous { culprits, .. } => format!("one of {}", plural(culprits.len(), "commit")),
        Conclusion::Inconclusive { reason, .. }
        | Conclusion::NotReproduced { reason, .. }
        | Conclusion::NoEnvironment { reason, .. } => format!("no answer: {reason}"),
    };
    match test {
        Some(test) => format!("{} {test}: {what}", style.bold("likewise:")),
        None => format!("{} {what}", style.bold("broken by:")),
    }
}

/// What the evidence points at, and the first reason.
fn suspect_line(suspect: &Suspect, style: Style) -> String {
    let Suspect { commit, probability, reasons, .. } = suspect;
    let reason = reasons.first().map(|reason| format!(": {reason}")).unwrap_or_default();
    let (id, subject) = (style.name(commit.id.short()), shortened(&commit.subject, 60));
    format!("{} {:.0} % {id} {subject}{reason}", style.bold("suspect:"), probability * 100.0)
}

fn trial_line(finished: &TrialFinished, subject: &str, style: Style) -> String {
    // As proofs and fixes have it: `good` and `bad` are the ends of the range.
    let word = match &finished.verdict {
        Verdict::Good => "passes",
        Verdict::Bad => "fails",
        other => other.word(),
    };
    let word = format!("{word:<6}");
    let (word, reason) = match &finished.verdict {
        Verdict::Good => (style.good(word), String::new()),
        Verdict::Bad => (style.bad(word), String::new()),
        Verdict::Skip(skip) => (style.warn(word), format!("  {}", in_one_row(&skip.reason))),
        Verdict::Abort(why) => (style.bad(word), format!("  {}", in_one_row(why))),
    };
    let time = match finished.source {
        OutcomeSource::Ran => duration(finished.timing.run_ms / 1e3),
        OutcomeSource::Reused | OutcomeSource::Replayed => "known".to_owned(),
    };
    let tail = format!("{time:>7}  {}", shortened(subject, 60));
    format!("{word} {}  {}{}", style.name(finished.commit.short()), style.dim(tail), style.warn(reason))
}

/// A reason of several lines as one: the answer, and `show`, have all of it.
fn in_one_row(reason: &str) -> String {
    const MOST: usize = 200;
    let lines: Vec<&str> = reason.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    cut(&lines.join("; "), MOST)
}

/// A text cut at so many characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_of_several_lines_is_one_row() {
        assert_eq!(
            in_one_row("no environment: it cannot be\n  cause: no file fits\n\n"),
            "no environment: it cannot be; cause: no file fits"
        );
        assert!(in_one_row(&"line\n".repeat(1_000)).chars().count() <= 200);
    }
}

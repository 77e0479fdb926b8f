//! `pybisect log`: a session in the format of `git bisect log`, for `git bisect replay`.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::cli::{Error, ExitStatus, print};
use crate::model::{CommitId, Conclusion, Event, EventKind, Verdict};
use crate::report::one_line;
use crate::setup::cache_dir;
use crate::store::Store;

use super::masked::masked;
use super::session_arg::chosen_search;

/// Print a session as a git bisect log
///
/// `git bisect replay` accepts the output.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The session's id, or its beginning [default: the latest one of this repository]
    session: Option<String>,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let store = Store::open(&cache_dir::cache()?)?;
    let row = chosen_search(&store, args.session.as_deref(), args.repo.as_deref())?;
    // What a subject holds of secrets has no place in what is handed around.
    let events: Vec<Event> = store.events(&row.id)?.iter().map(masked).collect();
    print::print(bisect_log(&events).as_bytes())
}

/// The events as lines of `git bisect log`.
fn bisect_log(events: &[Event]) -> String {
    let mut log = Log::default();
    for event in events {
        log.add(&event.kind);
    }
    log.finish()
}

#[derive(Default)]
struct Log {
    find_fix: bool,
    subjects: HashMap<CommitId, String>,
    bad: Option<CommitId>,
    goods: Vec<CommitId>,
    /// Verdicts in the order in which they came; the last one of a commit counts.
    verdicts: Vec<(CommitId, Verdict)>,
    /// Bad commits that a later good one has mended: not part of the answer's history.
    mended: HashSet<CommitId>,
    conclusion: Option<Conclusion>,
    /// Whether what is said now is said of another test than the first.
    is_of_other: bool,
}

impl Log {
    fn add(&mut self, kind: &EventKind) {
        match kind {
            // Of further failing tests, git's log has no place.
            EventKind::NextTarget { .. } => self.is_of_other = true,
            EventKind::TargetConcluded { .. } => self.is_of_other = false,
            _ if self.is_of_other => {}
            EventKind::Started { good, bad, find_fix, .. } => {
                self.find_fix = *find_fix;
                self.goods.clone_from(good);
                self.bad = Some(*bad);
            }
            EventKind::Range { good, .. } => self.goods.clone_from(good),
            EventKind::TrialStarted { commit, subject, purpose, .. } if purpose.is_of_commit() => {
                self.subjects.insert(*commit, subject.clone());
            }
            EventKind::TrialFinished(finished) if finished.purpose.is_of_commit() => {
                self.verdicts.push((finished.commit, finished.verdict.clone()));
            }
            // Of two, the first was none to look for.
            EventKind::Target { .. } => self.verdicts.clear(),
            EventKind::Episode(episode) => {
                self.mended.insert(episode.bad);
            }
            EventKind::Concluded { conclusion, .. } => self.conclusion = Some(conclusion.clone()),
            _ => {}
        }
    }

    fn finish(&self) -> String {
        let mut text = String::new();
        // With --find-fix the searched-for state is the newer one: git calls them old and new.
        let (old, new) = if self.find_fix { ("old", "new") } else { ("good", "bad") };
        line(
            &mut text,
            &if self.find_fix {
                "git bisect start --term-old=old --term-new=new".to_owned()
            } else {
                "git bisect start".to_owned()
            },
        );
        // git goes by the last commit marked bad, so the culprit is marked at the end.
        let culprits = match &self.conclusion {
            Some(Conclusion::Found { culprits }) => culprits.as_slice(),
            _ => &[],
        };
        let mut said: HashSet<CommitId> = culprits.iter().map(|culprit| culprit.commit.id).collect();
        if let Some(bad) = self.bad {
            self.mark(&mut text, new, bad);
            said.insert(bad);
        }
        for &good in &self.goods {
            self.mark(&mut text, old, good);
            said.insert(good);
        }
        for (commit, verdict) in &self.verdicts {
            let word = match (verdict, self.find_fix) {
                (Verdict::Good, false) | (Verdict::Bad, true) => old,
                (Verdict::Bad, false) | (Verdict::Good, true) => new,
                (Verdict::Skip(_), _) => "skip",
                (Verdict::Abort(_), _) => continue,
            };
            if self.mended.contains(commit) {
                line(&mut text, &format!("# {word} (an earlier episode): {}", self.named(*commit)));
            } else if said.insert(*commit) {
                if let Verdict::Skip(skip) = verdict {
                    line(&mut text, &format!("# {}", skip.reason));
                }
                self.mark(&mut text, word, *commit);
            }
        }
        for commit in culprits.iter().map(|culprit| &culprit.commit) {
            self.mark(&mut text, new, commit.id);
            line(&mut text, &format!("# first {new} commit: [{}] {}", commit.id, commit.subject));
        }
        text
    }

    fn mark(&self, text: &mut String, word: &str, commit: CommitId) {
        line(text, &format!("# {word}: {}", self.named(commit)));
        line(text, &format!("git bisect {word} {commit}"));
    }

    fn named(&self, commit: CommitId) -> String {
        let subject = self.subjects.get(&commit).map(String::as_str).unwrap_or_default();
        format!("[{commit}] {subject}").trim_end().to_owned()
    }
}

fn line(text: &mut String, line: &str) {
    // A line break in what a commit says would begin a line of git's own.
    text.push_str(&one_line(line));
    text.push('\n');
}

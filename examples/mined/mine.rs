//! Commits that changed code and tests together, and what broke before or with them.

use anyhow::Result;

use super::Args;
use super::history::{History, Kind, Record};
use super::lab::Lab;
use super::runner::is_test;

/// Test files of a commit; more is a move or a rewrite.
const MOST_FILES: usize = 6;
/// Why most commits that change tests give no history.
pub(crate) const NO_EXPECTATION: &str = "it takes no expectation back";
/// Tests of a commit that are looked at.
const MOST_TESTS: usize = 8;

/// A commit that changed code and tests.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    repository: String,
    kind: Kind,
    commit: String,
    parent: String,
    /// Test files that are there before (for [`Kind::Changed`]) or after it.
    tests: Vec<String>,
    /// Where the commit is on the line of first parents, from the latest.
    at: usize,
}

impl Change {
    pub(crate) fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Mended => "mended",
            Kind::Changed => "changed",
        };
        format!("{}-{kind}-{}", self.repository, &self.commit[..10])
    }
}

/// Whether a message says that something was wrong.
fn speaks_of_a_fault(message: &str) -> bool {
    let message = message.to_lowercase();
    let words = [
        "fix", "bug", "regress", "issue", "#", "broke", "crash", "revert", "restore", "again", "correct",
        "fail",
    ];
    words.iter().any(|word| message.contains(word))
}

/// Finds histories.
pub(crate) struct Miner<'a> {
    args: &'a Args,
    lab: &'a Lab,
}

impl<'a> Miner<'a> {
    pub(crate) const fn new(args: &'a Args, lab: &'a Lab) -> Self {
        Self { args, lab }
    }

    /// The line of first parents, the latest first.
    fn line(&self) -> Result<Vec<String>> {
        Ok(self.lab.git(&["rev-list", "--first-parent", "HEAD"])?.lines().map(str::to_owned).collect())
    }

    /// Commits on the line that changed code and tests, the latest first.
    pub(crate) fn changes(&self) -> Result<Vec<Change>> {
        let line = self.line()?;
        let place: std::collections::HashMap<&str, usize> =
            line.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
        let log = self.lab.git(&[
            "log",
            "--first-parent",
            "-m",
            "--no-renames",
            "--name-status",
            "--format=%x00%H %P%n%B%x00",
            "HEAD",
        ])?;
        let mut changes = Vec::new();
        let parts: Vec<&str> = log.split('\0').skip(1).collect();
        for part in parts.chunks(2) {
            let (ids, message) = part[0].split_once('\n').unwrap_or((part[0], ""));
            let lines = part.get(1).copied().unwrap_or_default().lines();
            let ids: Vec<&str> = ids.split(' ').collect();
            let (Some(&commit), Some(&parent)) = (ids.first(), ids.get(1).filter(|id| !id.is_empty())) else {
                continue;
            };
            let files: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('\t')).collect();
            let has_code = files.iter().any(|(_, path)| path.ends_with(".py") && !is_test(path));
            let with = |states: &[&str]| -> Vec<String> {
                let own = files.iter().filter(|(state, path)| states.contains(state) && is_test(path));
                own.map(|(_, path)| (*path).to_owned()).collect()
            };
            for (kind, tests) in [(Kind::Mended, with(&["A", "M"])), (Kind::Changed, with(&["M", "D"]))] {
                let wanted = self.args.kind.is_none_or(|own| own == kind)
                    && (kind == Kind::Changed || speaks_of_a_fault(message));
                if has_code && wanted && (1..=MOST_FILES).contains(&tests.len()) {
                    changes.push(Change {
                        repository: self.lab.name(),
                        kind,
                        commit: commit.to_owned(),
                        parent: parent.to_owned(),
                        tests,
                        at: place.get(commit).copied().unwrap_or_default(),
                    });
                }
            }
        }
        Ok(changes.into_iter().skip(self.args.skip).step_by(self.args.every.max(1)).collect())
    }

    /// Whether a commit gives a history.
    pub(crate) fn look(&self, change: &Change) -> Result<Record> {
        let found = match change.kind {
            Kind::Mended => self.mended(change),
            Kind::Changed => self.changed(change),
        };
        let (history, why_not) = match found? {
            Ok(history) => (Some(history), String::new()),
            Err(why_not) => (None, why_not.to_owned()),
        };
        Ok(Record {
            name: change.name(),
            kind: change.kind,
            why_not,
            history,
            truth: None,
            git: None,
            pybisect: None,
        })
    }

    /// The test came with what mended it: it fails before, and passes long before.
    fn mended(&self, change: &Change) -> Result<Result<History, &'static str>> {
        let own = &change.commit;
        let Some(mut tests) = self.failing(&change.parent, own, &change.tests)? else {
            return Ok(Err("nothing fails before it"));
        };
        tests.truncate(MOST_TESTS);
        let line = self.line()?;
        let parent = change.at + 1;
        let range = self.args.range;
        for distance in [range, range / 3, range / 10] {
            let Some(good) = line.get(parent + distance) else { continue };
            // At the first step, one run of the files tells of all tests.
            let there = self.lab.run(good, own, &change.tests, &self.command(&tests))?;
            let failed = self.args.runner.failed(&there.output);
            let passed: Vec<&String> = tests.iter().filter(|test| !failed.contains(test)).collect();
            if there.code != 0 && failed.is_empty() {
                continue;
            }
            for test in passed {
                let history = self.history(good, &change.parent, own, &change.tests, test)?;
                if self.holds(&history)? && self.lab.run_at(own, &history)?.passes() {
                    return Ok(Ok(history));
                }
            }
        }
        Ok(Err("it never passed before"))
    }

    /// Whether a commit took out lines of tests that tell what is expected.
    fn takes_back(&self, change: &Change) -> Result<bool> {
        let mut args = vec!["diff", "--unified=0", &change.parent, &change.commit, "--"];
        args.extend(change.tests.iter().map(String::as_str));
        let diff = self.lab.git(&args)?;
        let tells =
            |line: &str| ["assert", "Equal", "aises", "==", "expect"].iter().any(|word| line.contains(word));
        Ok(diff.lines().any(|line| line.starts_with('-') && !line.starts_with("---") && tells(line)))
    }

    /// The commit changed what the test expects: as it was, it passed before and fails since.
    fn changed(&self, change: &Change) -> Result<Result<History, &'static str>> {
        let before = &change.parent;
        if !self.takes_back(change)? {
            return Ok(Err(NO_EXPECTATION));
        }
        let Some(mut tests) = self.failing(&change.commit, before, &change.tests)? else {
            return Ok(Err("nothing that was expected before fails"));
        };
        // What fails always does so for the packages of today.
        if let Some(always) = self.failing(before, before, &change.tests)? {
            tests.retain(|test| !always.contains(test));
        }
        tests.truncate(MOST_TESTS);
        let line = self.line()?;
        // Anywhere in the range, but always the same for one commit.
        let seed = usize::from_str_radix(&change.commit[..6], 16).unwrap_or_default();
        let after = seed % (self.args.range / 2).max(1);
        let earlier = 1 + (seed / 64) % (self.args.range - after).max(1);
        let bad = &line[change.at.saturating_sub(after)];
        let Some(good) = line.get(change.at + earlier) else { return Ok(Err("too old")) };
        for test in &tests {
            let history = self.history(good, bad, before, &change.tests, test)?;
            if history.commits > 1 && self.holds(&history)? {
                return Ok(Ok(history));
            }
        }
        Ok(Err("it does not pass earlier, or does not fail later"))
    }

    fn holds(&self, history: &History) -> Result<bool> {
        // The tests of old commits fail long before for many a reason; of ranges with merges, most of them are outside.
        Ok(history.commits <= self.args.range * 2
            && self.lab.run_at(&history.good, history)?.passes()
            && !self.lab.run_at(&history.bad, history)?.passes())
    }

    /// Tests of the files that fail at a commit. `None` when there are none, or none can be told.
    fn failing(&self, at: &str, tests_of: &str, files: &[String]) -> Result<Option<Vec<String>>> {
        let names: Vec<String> =
            files.iter().map(|file| self.args.runner.of_file(file, &self.args.top)).collect();
        let seen = self.lab.run(at, tests_of, files, &self.command(&names))?;
        let failed = self.args.runner.failed(&seen.output);
        Ok((!seen.passes() && !failed.is_empty()).then_some(failed))
    }

    fn command(&self, tests: &[String]) -> Vec<String> {
        let mut command = self.args.runner.command(self.args.command.as_deref());
        command.extend_from_slice(tests);
        command
    }

    fn history(
        &self,
        good: &str,
        bad: &str,
        tests_of: &str,
        files: &[String],
        test: &str,
    ) -> Result<History> {
        let count = self.lab.git(&["rev-list", "--count", &format!("{good}..{bad}")])?;
        Ok(History {
            good: good.to_owned(),
            bad: bad.to_owned(),
            commits: count.trim().parse()?,
            tests_of: tests_of.to_owned(),
            overlay: files.to_vec(),
            command: self.command(std::slice::from_ref(&test.to_owned())),
        })
    }
}

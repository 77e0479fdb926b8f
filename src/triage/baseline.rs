//! What fails beside the failure that is searched for: at good as well, or at bad only.

use std::collections::HashSet;

use super::identity::{Identity, forms, identity, of_ids};
use super::sameness::{Sameness, sameness};
use super::signature::ParsedOutput;
use crate::model::FailureSignature;

/// Failures that are not the target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Baseline {
    /// What fails at good: not new.
    known: Vec<FailureSignature>,
    /// What fails at bad beside the target, and not at good.
    beside: Vec<FailureSignature>,
    /// The ids of their tests.
    ids: HashSet<String>,
    /// Whether each traceback of a script counts, not only the one that ended it.
    reads_all: bool,
}

impl Baseline {
    /// The failures at bad that are new, in the runner's order, and what is known; `None` when all that fails at bad
    /// fails at good, too. The first one is the target, until it is [aimed](Self::aimed_at) at another.
    #[must_use]
    pub fn between(good: &ParsedOutput, bad: &ParsedOutput) -> Option<(Vec<FailureSignature>, Self)> {
        // A runner that counts at bad and not at good ran no test at good: what ended it there is no test's failure.
        let ran = bad.summary.is_none() || good.summary.is_some();
        let at_good = good.failures.iter().chain(&good.others).filter(|_| ran);
        let known: Vec<FailureSignature> = at_good.cloned().collect();
        let ids = ids_of(&known);
        let is_known = |failure: &&FailureSignature| {
            failure.tests.iter().any(|test| ids.contains(test))
                || known.iter().any(|known| is_one(known, failure))
        };
        let new = bad.failures.iter().filter(|failure| !is_known(failure));
        let reads_all = !bad.others.is_empty();
        let others = bad.others.iter().filter(|_| reads_all).filter(|other| !is_known(other));
        let new = one_of_each_test(new.chain(others));
        let target = new.first()?.clone();
        let baseline = Self { known, reads_all, ..Self::default() }.aimed_at(&target, &new);
        Some((new, baseline))
    }

    /// The failures to look for where nothing is known of good: all that fails at bad may be new.
    #[must_use]
    pub fn without_good(bad: &ParsedOutput) -> (Vec<FailureSignature>, Self) {
        let new = one_of_each_test(&bad.failures);
        let baseline = match new.first() {
            Some(first) if of_tests(&new) => Self::default().aimed_at(first, &new),
            _ => Self::default(),
        };
        (new, baseline)
    }

    /// What fails in a run beside the target.
    #[must_use]
    pub fn beside(target: &FailureSignature, run: &ParsedOutput) -> Self {
        let is_target = |failure: &FailureSignature| {
            identity(target, failure) == Identity::Same || is_surely(target, failure)
        };
        let others: Vec<FailureSignature> =
            run.failures.iter().filter(|failure| !is_target(failure)).cloned().collect();
        Self::default().aimed_at(target, &others)
    }

    /// This baseline where one of the new failures is the target: the others fail beside it.
    #[must_use]
    pub fn aimed_at(self, target: &FailureSignature, new: &[FailureSignature]) -> Self {
        let is_other = |failure: &&FailureSignature| *failure != target;
        let beside: Vec<FailureSignature> = new.iter().filter(is_other).cloned().collect();
        let mut ids = ids_of(self.known.iter().chain(&beside));
        for test in target.tests.iter().flat_map(|test| forms(test)) {
            ids.remove(&test);
        }
        Self { beside, ids, ..self }
    }

    /// How many failures are at good, too.
    #[must_use]
    pub const fn known(&self) -> usize {
        self.known.len()
    }

    /// The failures of a run that count.
    pub(super) fn failures_of<'a>(
        &self,
        reading: &'a ParsedOutput,
    ) -> impl Iterator<Item = &'a FailureSignature> {
        let others = if self.reads_all { reading.others.as_slice() } else { &[] };
        reading.failures.iter().chain(others)
    }

    /// Whether a failure is one of these, and not the target.
    pub(super) fn explains(&self, target: &FailureSignature, failure: &FailureSignature) -> bool {
        // Ids as they are printed decide, also between tests of one name in files of one name.
        let is_in = |ids: &dyn Fn(&String) -> bool| failure.tests.iter().any(ids);
        if is_in(&|test| target.tests.contains(test)) {
            return false;
        }
        if is_in(&|test| self.ids.contains(test)) {
            return true;
        }
        if identity(target, failure) == Identity::Same || is_surely(target, failure) {
            return false;
        }
        self.known.iter().chain(&self.beside).any(|known| is_one(known, failure))
    }

    /// Whether nothing failed in a run but these, and something passed.
    pub(super) fn explains_all(&self, target: &FailureSignature, reading: &ParsedOutput) -> bool {
        let all = || self.known.iter().chain(&self.beside);
        if all().next().is_none() || reading.failures.is_empty() {
            return false;
        }
        let Some(run) = &reading.summary else {
            // Of a script that ended as it does at good, nobody counts what passed.
            let is_known = |failure: &FailureSignature| self.known.iter().any(|known| is_one(known, failure));
            return self.failures_of(reading).all(|failure| is_known(failure) && !is_surely(target, failure));
        };
        let names = |test: &String| {
            self.ids.contains(test)
                || all().any(|known| known.tests.iter().any(|own| of_ids(own, test) == Identity::Same))
        };
        run.is_closed
            && !run.interrupted
            && !run.nothing_passed()
            && run.failing().iter().all(names)
            && reading.failures.iter().all(|failure| self.explains(target, failure))
    }
}

/// Whether each of several failures is of one test of its own.
#[must_use]
pub fn of_tests(failures: &[FailureSignature]) -> bool {
    let mut seen = HashSet::new();
    failures.len() > 1
        && failures.iter().all(|failure| matches!(failure.tests.as_slice(), [one] if seen.insert(one)))
}

/// Of each test the first failure: what fails in its teardown as well, or in another of its subtests, is the same test.
fn one_of_each_test<'a>(failures: impl IntoIterator<Item = &'a FailureSignature>) -> Vec<FailureSignature> {
    let mut seen = HashSet::new();
    let mut is_first = |failure: &'a FailureSignature| match failure.tests.as_slice() {
        [one] => seen.insert(one.as_str()),
        _ => true,
    };
    failures.into_iter().filter(|failure| is_first(failure)).cloned().collect()
}

fn ids_of<'a>(failures: impl IntoIterator<Item = &'a FailureSignature>) -> HashSet<String> {
    failures.into_iter().flat_map(|failure| &failure.tests).flat_map(|test| forms(test)).collect()
}

fn is_surely(a: &FailureSignature, b: &FailureSignature) -> bool {
    identity(a, b) == Identity::Unknown && sameness(a, b) == Sameness::Same
}

/// Whether a failure is a known one: of the same test, whatever it says; or without a test, one that says the same.
fn is_one(known: &FailureSignature, failure: &FailureSignature) -> bool {
    match identity(known, failure) {
        Identity::Same => true,
        Identity::Unknown => sameness(known, failure).is_taken(),
        Identity::Moved | Identity::Drifted | Identity::Parameters | Identity::Other => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Verdict;
    use crate::model::{Captured, Termination, Timing, TrialOutput};
    use crate::triage::{CommandFacts, Oracle as _, Target, TargetOracle, read};

    /// A run of unittest with these failing tests, beside one that passes.
    fn unittest(failing: &[(&str, &str)]) -> TrialOutput {
        let blocks = failing.iter().map(|(test, message)| {
            format!(
                "======\nFAIL: {test} (test_app.T.{test})\n------\nTraceback (most recent call last):\n  \
                 File \"test_app.py\", line 3, in {test}\n    self.assertEqual(app.{test}(), 1)\nAssertionError: {message}\n\n"
            )
        });
        let (blocks, count) = (blocks.collect::<String>(), failing.len());
        output(&format!("{blocks}------\nRan {} tests in 0.001s\n\nFAILED (failures={count})\n", count + 1))
    }

    fn output(stderr: &str) -> TrialOutput {
        let captured = |text: &str| Captured { text: text.to_owned(), bytes: 0 };
        TrialOutput {
            ending: Termination::Exited { code: 1 },
            stdout: captured(""),
            stderr: captured(stderr),
            timing: Timing::default(),
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        }
    }

    /// pytest 8.4 prints errors above failures, and of one test both.
    #[test]
    fn what_fails_when_a_test_is_taken_down_is_no_other_failure_of_it() {
        let block = |heading: &str, line: &str, kind: &str| {
            format!(
                "____ {heading} ____\n\n>       {line}\nE       {kind}: no\n\ntests/test_lock.py:7: {kind}\n"
            )
        };
        let printed = [
            "==== ERRORS ====\n",
            &block("ERROR at teardown of test_a", "yield", "ResourceWarning"),
            &block("ERROR at teardown of test_c", "yield", "ResourceWarning"),
            "==== FAILURES ====\n",
            &block("test_a", "assert lock.held", "AssertionError"),
            &block("test_b", "assert lock.held", "AssertionError"),
            "==== short test summary info ====\n",
            "FAILED tests/test_lock.py::test_a - AssertionError: no\n",
            "FAILED tests/test_lock.py::test_b - AssertionError: no\n",
            "ERROR tests/test_lock.py::test_a - ResourceWarning: no\n",
            "ERROR tests/test_lock.py::test_c - ResourceWarning: no\n",
            "2 failed, 5 passed, 2 errors in 0.10s\n",
        ];
        let run = TrialOutput { stdout: Captured { text: printed.concat(), bytes: 0 }, ..output("") };
        let (new, _) = Baseline::without_good(&read(&run, &CommandFacts::default()));
        let told: Vec<String> =
            new.iter().map(|one| format!("{} {}", one.tests.join(" "), one.kind)).collect();
        assert_eq!(
            told,
            [
                "tests/test_lock.py::test_a AssertionError",
                "tests/test_lock.py::test_b AssertionError",
                "tests/test_lock.py::test_c ResourceWarning",
            ]
        );
        assert!(of_tests(&new));
    }

    fn traceback(line: &str, message: &str) -> String {
        format!(
            "Traceback (most recent call last):\n  File \"smoke.py\", line 3, in <module>\n    {line}\nValueError: {message}\n"
        )
    }

    fn between(good: &TrialOutput, bad: &TrialOutput) -> Option<(FailureSignature, TargetOracle)> {
        let read = |output: &TrialOutput| read(output, &CommandFacts::default());
        let (new, baseline) = Baseline::between(&read(good), &read(bad))?;
        let target = new[0].clone();
        let oracle = TargetOracle::new(Target::Signature(target.clone()), CommandFacts::default());
        Some((target, oracle.with_baseline(baseline)))
    }

    #[test]
    fn the_target_is_what_is_new_and_what_is_known_says_nothing() {
        let good = unittest(&[("test_known", "2 != 1")]);
        let (target, oracle) =
            between(&good, &unittest(&[("test_known", "2 != 1"), ("test_new", "2 != 1")])).unwrap();
        assert_eq!(target.tests, ["test_new (test_app.T.test_new)"]);
        assert_eq!(oracle.judge(&good), Verdict::Good);
        assert_eq!(oracle.judge(&unittest(&[("test_known", "3 != 1")])), Verdict::Good);
        assert_eq!(oracle.judge(&unittest(&[("test_new", "2 != 1")])), Verdict::Bad);
        assert!(matches!(
            oracle.judge(&unittest(&[("test_known", "2 != 1"), ("test_other", "")])),
            Verdict::Skip(_)
        ));
        assert!(between(&good, &good).is_none());
    }

    #[test]
    fn what_kept_the_runner_from_running_at_good_is_no_known_failure() {
        let crashed = output(&traceback("runner.main()", "no such option"));
        let bad = unittest(&[("test_a", "2 != 1"), ("test_b", "2 != 1")]);
        let (_, oracle) = between(&crashed, &bad).unwrap();
        assert!(matches!(oracle.judge(&crashed), Verdict::Skip(_)));
    }

    #[test]
    fn of_several_new_ones_the_first_is_searched_for_and_the_others_are_not_it() {
        let good = unittest(&[]);
        let (target, oracle) =
            between(&good, &unittest(&[("test_a", "2 != 1"), ("test_b", "2 != 1")])).unwrap();
        assert_eq!(target.tests, ["test_a (test_app.T.test_a)"]);
        assert_eq!(oracle.judge(&unittest(&[("test_b", "2 != 1")])), Verdict::Good);
    }

    #[test]
    fn each_traceback_of_a_script_counts_where_one_is_known() {
        let known = traceback("check_old()", "the old one");
        let new = traceback("check_new()", "the new one");
        let good = output(&known);
        for both in [format!("{known}{new}"), format!("{new}{known}")] {
            let (target, oracle) = between(&good, &output(&both)).unwrap();
            assert_eq!(target.message, "the new one");
            assert_eq!(oracle.judge(&good), Verdict::Good);
            assert_eq!(oracle.judge(&output(&both)), Verdict::Bad);
            let other = output(&format!("{}{known}", traceback("check()", "another one")));
            assert!(matches!(oracle.judge(&other), Verdict::Skip(_)), "{both}");
        }
    }
}

//! What fails beside the failure that is searched for: at good as well, or at bad only.

use super::identity::{Identity, identity, of_ids};
use super::sameness::{Sameness, sameness};
use super::signature::Reading;
use crate::model::FailureSignature;

/// Failures that are not the target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Baseline {
    /// What fails at good: not new.
    known: Vec<FailureSignature>,
    /// What fails at bad beside the target, and not at good.
    beside: Vec<FailureSignature>,
    /// Whether each traceback of a script counts, not only the one that ended it.
    reads_all: bool,
}

impl Baseline {
    /// Nothing fails beside the target.
    #[must_use]
    pub const fn new() -> Self {
        Self { known: Vec::new(), beside: Vec::new(), reads_all: false }
    }

    /// The failure at bad that is new, and what fails beside it; `None` when all that fails at bad fails at good, too.
    #[must_use]
    pub fn between(good: &Reading, bad: &Reading) -> Option<(FailureSignature, Self)> {
        let known: Vec<FailureSignature> = good.failures.iter().chain(&good.others).cloned().collect();
        let is_known = |failure: &&FailureSignature| known.iter().any(|known| is_one(known, failure));
        let new = bad.failures.iter().filter(|failure| !is_known(failure));
        let reads_all = !bad.others.is_empty();
        let others = bad.others.iter().filter(|_| reads_all).filter(|other| !is_known(other));
        let mut new = new.chain(others).cloned();
        let target = new.next()?;
        let beside = new.collect();
        Some((target, Self { known, beside, reads_all }))
    }

    /// How many failures are at good, too.
    #[must_use]
    pub const fn known(&self) -> usize {
        self.known.len()
    }

    /// The failures of a run that count.
    pub(super) fn failures_of<'a>(&self, reading: &'a Reading) -> impl Iterator<Item = &'a FailureSignature> {
        let others = if self.reads_all { reading.others.as_slice() } else { &[] };
        reading.failures.iter().chain(others)
    }

    /// Whether a failure is one of these, and not the target.
    pub(super) fn explains(&self, target: &FailureSignature, failure: &FailureSignature) -> bool {
        if identity(target, failure) == Identity::Same || is_surely(target, failure) {
            return false;
        }
        self.known.iter().chain(&self.beside).any(|known| is_one(known, failure))
    }

    /// Whether nothing failed in a run but these, and something passed.
    pub(super) fn explains_all(&self, target: &FailureSignature, reading: &Reading) -> bool {
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
            all().any(|known| known.tests.iter().any(|own| of_ids(own, test) == Identity::Same))
        };
        run.is_closed
            && !run.interrupted
            && !run.nothing_passed()
            && run.failing().iter().all(names)
            && reading.failures.iter().all(|failure| self.explains(target, failure))
    }
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
    use crate::model::{Captured, Ending, Timing, TrialOutput};
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
            ending: Ending::Exited { code: 1 },
            stdout: captured(""),
            stderr: captured(stderr),
            timing: Timing::default(),
            leftovers: 0,
            notes: Vec::new(),
        }
    }

    fn traceback(line: &str, message: &str) -> String {
        format!(
            "Traceback (most recent call last):\n  File \"smoke.py\", line 3, in <module>\n    {line}\nValueError: {message}\n"
        )
    }

    fn between(good: &TrialOutput, bad: &TrialOutput) -> Option<(FailureSignature, TargetOracle)> {
        let read = |output: &TrialOutput| read(output, &CommandFacts::default());
        let (target, baseline) = Baseline::between(&read(good), &read(bad))?;
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

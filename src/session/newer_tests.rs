//! Tests that are newer than what broke them.
//!
//! A test that was added to code that was broken already has never passed. The first commit on which it fails is the one that
//! added it, which broke nothing. So where another test has its culprit, a newer one is laid over that commit and its
//! parents, as it is at bad: when it fails there, and passes before, they have the culprit in common. Where it cannot run
//! there, since it tests what came later, too, bad runs without what the culprit changed: what passes then fails for that.
//! So it is with a test that fails since the culprit, but now so and now otherwise, also where a later commit made all of
//! them look otherwise.
//! And of a culprit that added the failing test it is said that it did.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::error::EarlyExit;
use super::state::Session;
use super::target_state::{Basis, Ended, Run, ShownBy};
use crate::model::trial_line::{OutcomeSource, TrialLine};
use crate::model::{
    AlikeTarget, CommitId, CommitInfo, Conclusion, EventKind, FailureSignature, Proof, SkipKind, TrialKind,
    TrialSpec, Verdict,
};
use crate::triage::TargetOracle;

/// So many trials with a test's file laid over a commit are made.
const MOST_LAID: usize = 8;

/// Where a test is written.
struct TestPlace {
    /// Its file, from where the command runs.
    path: String,
    /// The names of its class, if it has one, and of its function.
    names: Vec<String>,
}

impl TestPlace {
    /// Of an id as pytest prints it, `tests/test_a.py::TestA::test_b[1]`, or unittest, `test_b (tests.test_a.TestA.test_b)`;
    /// `None` for those of other runners.
    fn of(failure: &FailureSignature) -> Option<Self> {
        let [id] = failure.tests.as_slice() else { return None };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        if let Some((path, rest)) = id.split_once("::") {
            let rest: Vec<&str> = rest.split('[').next().unwrap_or(rest).split("::").collect();
            return path.ends_with(".py").then(|| Self { path: path.to_owned(), names: names(&rest) });
        }
        let (name, dotted) = id.strip_suffix(')')?.split_once(" (")?;
        // Until Python 3.10 the name is not said again.
        let dotted = dotted.strip_suffix(name).and_then(|dotted| dotted.strip_suffix('.')).unwrap_or(dotted);
        let (module, class) = dotted.rsplit_once('.')?;
        Some(Self { path: format!("{}.py", module.replace('.', "/")), names: names(&[class, name]) })
    }
}

impl Session<'_> {
    /// The answer for a test that is newer than a commit that was found to have broken others, and broken by that one.
    pub(super) fn newer_than(
        &mut self,
        failure: &FailureSignature,
        ended: &[Ended],
    ) -> Result<Option<AlikeTarget>, EarlyExit> {
        let Some(test) = self.place_of(failure)? else { return Ok(None) };
        let Some(oracle) = self.oracle_of(failure) else { return Ok(None) };
        for one in ended {
            let other = match one.basis {
                Basis::Commits => None,
                Basis::Undone { other } => other,
                Basis::More => continue,
            };
            let Conclusion::Found { culprits } = &one.conclusion else { continue };
            let [culprit] = culprits.as_slice() else { continue };
            let named: Vec<CommitId> = Proof::named(&culprit.commit, self.plan.first_parent).collect();
            let is_newer = !self.any_has(&named, &test)?;
            if !is_newer && !self.fails_otherwise_since(&named, &oracle)? {
                continue;
            }
            let laid_over = if is_newer { self.breaks_laid_over(&named, &test, &oracle)? } else { None };
            let is_shown = laid_over.is_some();
            if is_shown || self.passes_without(&culprit.commit, other, &oracle)? {
                let by = if is_shown { ShownBy::LaidOver(test.path) } else { ShownBy::Undone { other } };
                *self.targets.newer.entry((culprit.commit.id, by)).or_default() += 1;
                let bad = self.plan.bad;
                let undone = [(TrialKind::Endpoint, Verdict::Bad), (TrialKind::Narrowing, Verdict::Good)]
                    .map(|(purpose, verdict)| TrialLine::of(bad, purpose, &verdict, OutcomeSource::Ran));
                return Ok(Some(AlikeTarget {
                    failure: failure.clone(),
                    log: laid_over.unwrap_or_else(|| undone.to_vec()),
                    conclusion: one.conclusion.clone(),
                    last_good: one.last_good.clone(),
                    undone_at: (!is_shown).then_some(bad),
                }));
            }
        }
        Ok(None)
    }

    /// Whether a test fails in each trial of a commit, in some of them otherwise than at bad, and passes in each of its
    /// parents: what it says may change from run to run.
    fn fails_otherwise_since(
        &mut self,
        named: &[CommitId],
        oracle: &TargetOracle,
    ) -> Result<bool, EarlyExit> {
        let verdicts = self.verdicts_by(oracle.clone())?;
        let known = self.targets.known();
        let of = |commit: CommitId| {
            known.iter().zip(&verdicts).filter(move |((at, _), _)| *at == commit).map(|(_, verdict)| verdict)
        };
        let differs = |verdict: &Verdict| matches!(verdict, Verdict::Skip(skip) if skip.kind == SkipKind::DifferentFailure);
        let Some((&own, parents)) = named.split_first() else { return Ok(false) };
        let fails =
            of(own).any(differs) && of(own).all(|verdict| differs(verdict) || *verdict == Verdict::Bad);
        let passed = |&parent: &CommitId| {
            of(parent).next().is_some() && of(parent).all(|verdict| *verdict == Verdict::Good)
        };
        Ok(fails && !parents.is_empty() && parents.iter().all(passed))
    }

    /// The trials of a commit and its parents with a test's file laid over them, when it fails at the commit and passes at
    /// each of the parents.
    fn breaks_laid_over(
        &mut self,
        named: &[CommitId],
        test: &TestPlace,
        oracle: &TargetOracle,
    ) -> Result<Option<Vec<TrialLine>>, EarlyExit> {
        let mut log = Vec::new();
        for (at, &commit) in named.iter().enumerate() {
            let Some(verdict) = self.verdict_laid_over(commit, test, oracle)? else { return Ok(None) };
            let wanted = if at == 0 { Verdict::Bad } else { Verdict::Good };
            if verdict != wanted {
                return Ok(None);
            }
            log.push(TrialLine::of(commit, TrialKind::Proof, &verdict, OutcomeSource::Ran));
        }
        Ok(Some(log))
    }

    /// What the command says of a test at a commit with its file as it is at bad; `None` where too much was tried.
    fn verdict_laid_over(
        &mut self,
        commit: CommitId,
        test: &TestPlace,
        oracle: &TargetOracle,
    ) -> Result<Option<Verdict>, EarlyExit> {
        let is_it = |(path, run): &&(String, Arc<Run>)| run.commit == commit && *path == test.path;
        if !self.targets.laid.iter().any(|one| is_it(&one)) {
            if self.targets.laid.len() >= MOST_LAID {
                return Ok(None);
            }
            let file = self.plan.recipe.subdir.join(&test.path);
            let content = self.workshop.repository.file_at(self.plan.bad, &file)?;
            let (Some(content), Some(place)) = (content, file.to_str()) else { return Ok(None) };
            let tree = self.trials.tree_of(commit)?;
            let laid_over = self.workshop.shadow.with_overlay(tree, &[(place.to_owned(), content, false)]);
            let tree = laid_over.map_err(super::SessionError::from)?;
            let recipe = TrialSpec::clone(self.trials.recipe());
            let output = self.run_aside(commit, tree, recipe)?;
            let reading = oracle.read(&output);
            let run = Run::new(commit, TrialKind::Proof, output, reading);
            self.targets.laid.push((test.path.clone(), Arc::new(run)));
        }
        let run = self.targets.laid.iter().find(is_it).map(|(_, run)| Arc::clone(run));
        Ok(run.map(|run| self.verdict_by(oracle, &run)).transpose()?)
    }

    /// Whether a test passes at bad without what a commit changed, and the other one, if there is one.
    fn passes_without(
        &mut self,
        culprit: &CommitInfo,
        other: Option<CommitId>,
        oracle: &TargetOracle,
    ) -> Result<bool, EarlyExit> {
        let these = (culprit.id, other);
        if !self.targets.undone.iter().any(|(commits, _)| *commits == these) {
            let run = self.run_without(culprit.id, other)?;
            self.targets.undone.push((these, run.map(Arc::new)));
        }
        let found = self.targets.undone.iter().find(|(commits, _)| *commits == these);
        let run = found.and_then(|(_, run)| run.clone());
        let verdict = run.map(|run| self.verdict_by(oracle, &run)).transpose()?;
        Ok(verdict == Some(Verdict::Good))
    }

    /// A trial of bad without what a commit changed, and the other one; `None` where nothing of that is there any more.
    fn run_without(&mut self, culprit: CommitId, other: Option<CommitId>) -> Result<Option<Run>, EarlyExit> {
        let bad = self.plan.bad;
        let mut changes = Vec::new();
        for commit in other.into_iter().chain([culprit]) {
            changes.push((self.workshop.repository.info(commit)?.parents.first().copied(), commit));
        }
        let Some(without) = self.bad_without_changes(changes.into_iter())? else { return Ok(None) };
        let recipe = TrialSpec::clone(self.trials.recipe());
        let output = self.run_aside(bad, without.tree, recipe)?;
        let Some(oracle) = &self.oracle else { return Ok(None) };
        let reading = oracle.read(&output);
        Ok(Some(Run::new(bad, TrialKind::Proof, output, reading)))
    }

    /// Say of which tests the answer rests on their files as they are at bad.
    pub(super) fn say_newer(&mut self) -> Result<(), super::SessionError> {
        for ((commit, by), count) in std::mem::take(&mut self.targets.newer) {
            let commit = commit.short();
            let (are, fail, pass, them) = match count {
                1 => ("test is", "it fails", "test passes", "it"),
                _ => ("tests are", "they fail", "tests pass", "them"),
            };
            self.journal.note(match by {
                ShownBy::LaidOver(path) => format!(
                    "{count} {are} newer than {commit}: with {path} as at bad, {fail} there, and not before it"
                ),
                ShownBy::Undone { other: None } => format!(
                    "{count} {pass} at bad without what {commit} changed, which broke {them} therefore"
                ),
                ShownBy::Undone { other: Some(other) } => format!(
                    "{count} {pass} at bad without what {commit} changed, and what {} did, which made it look otherwise: \
                     {commit} broke {them} therefore",
                    other.short()
                ),
            })?;
        }
        Ok(())
    }

    /// Whether the failing test is new with this commit, and nothing tells that the commit broke it as well.
    pub(super) fn adds_its_test(&mut self, commit: &CommitInfo) -> Result<bool, EarlyExit> {
        let target = self.target.clone().filter(|_| !self.plan.find_fix);
        let test = target.map(|target| self.place_of(&target)).transpose()?.flatten();
        let Some(test) = test else { return Ok(false) };
        let named: Vec<CommitId> = Proof::named(commit, self.plan.first_parent).collect();
        let Some((own, parents)) = named.split_first() else { return Ok(false) };
        let is_new = !parents.is_empty()
            && self.any_has(&[*own], &test)?
            && !self.any_has(parents, &test)?
            && !self.is_narrowed_to_code(&test)
            && !self.may_be_renamed(*own, parents, &test)?;
        if is_new {
            self.journal.note(format!(
                "the failing test is new with {}: what it tests may have been broken before; the same search with --with-file \
                 {} lays it over older commits",
                commit.id.short(),
                test.path
            ))?;
        }
        Ok(is_new)
    }

    /// Whether the edits that break it, as far as they were found, lie in other files than the test's.
    fn is_narrowed_to_code(&self, test: &TestPlace) -> bool {
        let file = self.plan.recipe.subdir.join(&test.path);
        self.journal.events().iter().any(|event| match &event.kind {
            EventKind::Narrowed { changes, .. } => {
                changes.iter().any(|change| Path::new(&change.path) != file)
            }
            _ => false,
        })
    }

    /// Whether a commit took another test out of the file: the new one may be that, by another name.
    fn may_be_renamed(
        &self,
        own: CommitId,
        parents: &[CommitId],
        test: &TestPlace,
    ) -> Result<bool, EarlyExit> {
        let Some((_, now)) = self.test_file(own, &test.path)? else { return Ok(false) };
        let now: BTreeSet<&str> = test_names(&now).collect();
        for &parent in parents {
            let before = self.test_file(parent, &test.path)?;
            if before.is_some_and(|(_, text)| test_names(&text).any(|name| !now.contains(name))) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where a failing test is written at bad, wherever its runner looks for it.
    fn place_of(&self, failure: &FailureSignature) -> Result<Option<TestPlace>, EarlyExit> {
        let Some(test) = TestPlace::of(failure) else { return Ok(None) };
        let file = self.test_file(self.plan.bad, &test.path)?;
        Ok(file.map(|(path, _)| TestPlace { path, ..test }))
    }

    /// Whether one of these commits has a test, by its file and the names in it.
    fn any_has(&self, commits: &[CommitId], test: &TestPlace) -> Result<bool, EarlyExit> {
        for &commit in commits {
            if self.has_test(commit, &test.path, &test.names)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The names of the tests that a text defines.
fn test_names(text: &str) -> impl Iterator<Item = &str> {
    let heads = text.lines().filter_map(|line| {
        let line = line.trim_start();
        line.strip_prefix("def ").or_else(|| line.strip_prefix("async def "))
    });
    heads.filter_map(|head| head.split('(').next()).filter(|name| name.starts_with("test"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureKind;

    #[test]
    fn ids_of_pytest_and_unittest_tell_where_a_test_is_written() {
        let of = |id: &str| {
            let failure = FailureSignature {
                tests: vec![id.to_owned()],
                ..FailureSignature::bare(FailureKind::ExitCode(1))
            };
            TestPlace::of(&failure).map(|place| format!("{} {}", place.path, place.names.join(".")))
        };
        assert_eq!(
            of("tests/test_a.py::TestA::test_b[x::y]").as_deref(),
            Some("tests/test_a.py TestA.test_b")
        );
        assert_eq!(of("test_a.py::test_b").as_deref(), Some("test_a.py test_b"));
        assert_eq!(of("test_b (tests.test_a.TestA.test_b)").as_deref(), Some("tests/test_a.py TestA.test_b"));
        assert_eq!(of("test_b (test_a.TestA)").as_deref(), Some("test_a.py TestA.test_b"));
        for other in ["setUpClass (TestA)", "features/a.feature:3", "README.md::line:3"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}

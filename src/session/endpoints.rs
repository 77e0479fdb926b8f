//! Bad has to fail and good to pass. A surprise is repeated before it is believed: the test may be
//! flaky.

use std::path::{Path, PathBuf};

use super::SessionError;
use super::endpoint_state::{EndpointCheck, Expected};
use super::error::EarlyExit;
use super::state::Session;
use crate::model::{CommitId, Conclusion, SkipKind, TrialKind, TrialOutput, Verdict};
use crate::triage::advice::advice;

impl Session<'_> {
    pub(super) fn check_endpoint(
        &mut self,
        commit: CommitId,
        verdict: &Verdict,
        output: &TrialOutput,
    ) -> Result<(), EarlyExit> {
        match self.endpoints.see(commit, verdict) {
            EndpointCheck::Settled => Ok(()),
            EndpointCheck::Repeat => self.start(commit, TrialKind::Endpoint).map(drop),
            EndpointCheck::Wrong(expected, verdict) => {
                let plain = self.wrong_endpoint(commit, expected, &verdict, output)?;
                if let Conclusion::NotReproduced { reason, .. } = &plain
                    && let Some(conclusion) = self.for_want_of_files(commit, output, reason)?
                {
                    return Err(EarlyExit::Concluded(conclusion));
                }
                Err(EarlyExit::Concluded(plain))
            }
        }
    }

    /// What the output of a run asks for.
    pub(super) fn advice(&self, commit: CommitId, output: &TrialOutput) -> Option<String> {
        let repository = self.workshop.repository;
        let tree = repository.tree_of(commit).ok()?;
        let has =
            |path: String| repository.entry_at(tree, Path::new(&path)).is_ok_and(|entry| entry.is_some());
        // From the folder that the command runs in.
        let subdir = &self.plan.recipe.subdir;
        let up: Vec<&str> = subdir.components().map(|_| "..").collect();
        let told = advice(output, |module| {
            let own = subdir.to_str().unwrap_or_default();
            [own, "", "src", "lib"].into_iter().find_map(|folder| {
                let inside = if folder.is_empty() { module.to_owned() } else { format!("{folder}/{module}") };
                let is_there = has(format!("{inside}.py")) || has(format!("{inside}/__init__.py"));
                let path = up.iter().copied().chain(Some(folder).filter(|folder| !folder.is_empty()));
                let from_here =
                    if folder == own { String::new() } else { path.collect::<Vec<_>>().join("/") };
                is_there.then_some(from_here)
            })
        })?;
        // pytest as a module looks where it runs.
        let words: Vec<_> = self.plan.recipe.command.iter().map(|word| word.to_string_lossy()).collect();
        let is_plain = words.first().is_some_and(|word| word == "pytest");
        let as_module =
            || format!("python -m pytest looks there, too: -- python -m {}\n", shell_words::join(&words));
        let begins = if is_plain && told.contains("PYTHONPATH=.\n") { as_module() } else { String::new() };
        Some(begins + &told)
    }

    /// How to see for oneself what a command does at a commit, where nothing is laid over it.
    pub(super) fn by_hand(&self, commit: CommitId) -> Option<String> {
        let subdir = &self.plan.recipe.subdir;
        let folder = Path::new("../by-hand").components().chain(subdir.components()).collect::<PathBuf>();
        let (id, command) = (commit.short(), &self.plan.command_text);
        let is_bare = self.plan.overlay.is_empty() && self.plan.recipe.setup.is_none();
        is_bare.then(|| {
            format!("by hand: git worktree add ../by-hand {id} && cd {} && {command}", folder.display())
        })
    }

    /// That all commits which were tried between the ends fail as well.
    fn everywhere(&self, good: CommitId) -> String {
        if self.plan.find_fix {
            return String::new();
        }
        let ends = [good, self.target_commit()];
        let mut between =
            self.seen.iter().filter(|(id, _)| !ends.contains(id)).map(|(_, seen)| seen).peekable();
        if between.peek().is_none() || between.clone().any(|seen| seen.good > 0 || seen.bad == 0) {
            return String::new();
        }
        let tried = match between.count() {
            1 => "so does the one commit between that was tried".to_owned(),
            count => format!("so do all {count} commits between that were tried"),
        };
        format!(" ({tried}: it is hardly the code)")
    }

    fn wrong_endpoint(
        &self,
        commit: CommitId,
        expected: Expected,
        verdict: &Verdict,
        output: &TrialOutput,
    ) -> Result<Conclusion, SessionError> {
        let info = self.workshop.repository.info(commit)?;
        // The user's word for it: with find_fix the search's good is the user's bad.
        let word = match (expected, self.plan.find_fix) {
            (Expected::Good, false) | (Expected::Bad, true) => "good",
            (Expected::Bad, false) | (Expected::Good, true) => "bad",
        };
        let plain = if self.plan.find_fix { verdict.clone().inverted() } else { verdict.clone() };
        let target = self.target.as_ref().map(ToString::to_string).unwrap_or_default();
        let (seen, hint) = match &plain {
            Verdict::Good => {
                ("the command passes".to_owned(), format!("name a commit that fails: --{word} REV"))
            }
            Verdict::Bad => {
                let mut hints: Vec<String> = self.by_hand(commit).into_iter().collect();
                hints.push(
                    "an older version that passes (without --good, one is looked for): --good REV".to_owned(),
                );
                if self.workshop.packages.is_none() {
                    hints.push("if packages changed since then: --env auto".to_owned());
                }
                // An older commit fails as well for want of something that no commit has.
                let asked = self.advice(commit, output).filter(|_| self.flaws.is_empty());
                let hint = asked.unwrap_or_else(|| self.after_flaws(hints.join("\n")));
                let everywhere = self.everywhere(commit);
                (format!("it fails too, and in the same way{everywhere}: {target}"), hint)
            }
            // The reason names the option.
            Verdict::Skip(skip) if skip.kind == SkipKind::Isolation => (skip.reason.clone(), String::new()),
            Verdict::Skip(skip) => {
                let is_advised = !matches!(skip.kind, SkipKind::Environment | SkipKind::Machine);
                let hint = self.advice(commit, output).filter(|_| is_advised);
                (skip.reason.clone(), hint.unwrap_or_else(|| hint_of_skip(skip.kind).to_owned()))
            }
            Verdict::Abort(why) => (why.clone(), String::new()),
        };
        let reason = format!("at the {word} commit {} ({}), {seen}", info.id.short(), info.subject);
        let hint = Some(hint).filter(|hint| !hint.is_empty());
        Ok(match plain {
            Verdict::Skip(skip) if skip.kind == SkipKind::Environment => {
                Conclusion::NoEnvironment { reason, hint }
            }
            _ => Conclusion::NotReproduced { reason, hint },
        })
    }
}

/// What can make a commit testable that has to be.
pub(super) const fn hint_of_skip(kind: SkipKind) -> &'static str {
    match kind {
        SkipKind::Environment => {
            "with the packages that you have: --env current\nof other packages: --python X.Y, --with 'PKG<2', \
             --requirements FILE, --as-of DATE"
        }
        SkipKind::Machine => {
            "the machine, not the command, is at fault: the same command goes on once it is mended"
        }
        _ => {
            "see what the command needs there: --with-file for a newer test, --with PKG for a package (and --env auto), \
             --setup, or another commit"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SkipKind;
    use crate::session::endpoint_state::Endpoints;
    use crate::session::endpoint_state::PATIENCE_WITH_OTHERS;

    #[test]
    fn a_surprise_is_repeated_twice_before_it_is_believed() {
        let commit = CommitId::from_bytes([1; 20]);
        let mut endpoints = Endpoints::default();
        endpoints.expect(commit, Expected::Good);
        assert_eq!(endpoints.see(commit, &Verdict::Bad), EndpointCheck::Repeat);
        assert_eq!(endpoints.see(commit, &Verdict::Bad), EndpointCheck::Repeat);
        assert!(!endpoints.are_settled());
        assert_eq!(endpoints.see(commit, &Verdict::Bad), EndpointCheck::Wrong(Expected::Good, Verdict::Bad));
    }

    #[test]
    fn a_flaky_endpoint_settles_when_it_is_once_as_expected() {
        let commit = CommitId::from_bytes([1; 20]);
        let mut endpoints = Endpoints::default();
        endpoints.expect(commit, Expected::Bad);
        assert_eq!(endpoints.see(commit, &Verdict::Good), EndpointCheck::Repeat);
        assert_eq!(endpoints.see(commit, &Verdict::Bad), EndpointCheck::Settled);
        assert!(endpoints.are_settled());
        assert_eq!(endpoints.see(commit, &Verdict::Good), EndpointCheck::Settled);
    }

    #[test]
    fn another_failure_is_repeated_since_it_may_come_by_chance() {
        let commit = CommitId::from_bytes([1; 20]);
        let mut endpoints = Endpoints::default();
        endpoints.expect(commit, Expected::Good);
        let other = Verdict::skip(SkipKind::DifferentFailure, "TimeoutError");
        for _ in 1..PATIENCE_WITH_OTHERS {
            assert_eq!(endpoints.see(commit, &other), EndpointCheck::Repeat);
        }
        assert_eq!(endpoints.see(commit, &other), EndpointCheck::Wrong(Expected::Good, other.clone()));
    }

    #[test]
    fn a_good_commit_that_no_answer_needs_may_be_untestable() {
        let commit = CommitId::from_bytes([1; 20]);
        let mut endpoints = Endpoints::default();
        endpoints.expect_good_if_testable(commit);
        assert_eq!(endpoints.see(commit, &Verdict::Bad), EndpointCheck::Repeat);
        let skip = Verdict::skip(SkipKind::NotRunnable, "could not collect the tests");
        assert_eq!(endpoints.see(commit, &skip), EndpointCheck::Settled);
        assert!(endpoints.are_settled());
        endpoints.expect_good_if_testable(commit);
        endpoints.expect(commit, Expected::Good);
        assert_eq!(endpoints.see(commit, &skip), EndpointCheck::Wrong(Expected::Good, skip.clone()));
    }

    #[test]
    fn a_skipped_endpoint_is_wrong_at_once() {
        let commit = CommitId::from_bytes([1; 20]);
        let mut endpoints = Endpoints::default();
        endpoints.expect(commit, Expected::Good);
        let skip = Verdict::skip(SkipKind::Requested, "exit status 125");
        assert_eq!(endpoints.see(commit, &skip), EndpointCheck::Wrong(Expected::Good, skip.clone()));
    }
}

//! The environment is a suspect too.
//!
//! Where each commit has the packages of its day, an innocent commit may stand at the date on which a package
//! changed. So before a commit is named, or a set of them, packages are swapped: the good version runs with those of the
//! bad one's date (the control run), the bad one with those of the good one. When the verdict follows the packages, the
//! releases are named ([`releases`](super::releases)), and no edit of the code.
//!
//! And where the ends of the range are not what they should be, no commit may be the cause at all: a version that
//! passes with the packages of its day and fails with later ones broke when a package was released.

use std::collections::BTreeMap;

use super::endpoint_state::Endpoints;
use super::error::EarlyExit;
use super::package_bisect::{PackageRegression, exactly};
use super::package_trial::{
    CommitTree, PackageSetOutcome, PackageSetTrial, PackageTask, Swapped, Versions, lines, origin, versions,
};
use super::range::SearchRange;
use super::state::Session;
use crate::graph::Node;
use crate::model::{
    CommitId, Conclusion, PackageDate, PackageOrigin, PackageSelection, Termination, TrialId, TrialKind,
    TrialOutput, Verdict,
};
use crate::search::SearchOutcome;

impl Session<'_> {
    /// The control run, before a commit or a set is named: the good version with the packages of the bad one's date. A
    /// conclusion when the packages are to blame and no commit is; when a commit is, but changed the packages that break,
    /// those are told of.
    pub(super) fn blamed_packages(
        &mut self,
        hunt: &SearchRange,
        outcome: &SearchOutcome,
    ) -> Result<Option<Conclusion>, EarlyExit> {
        if self.workshop.packages.is_none() || self.plan.find_fix {
            return Ok(None);
        }
        let sides = match outcome {
            SearchOutcome::Found { culprit, .. } => self.sides(hunt, *culprit)?,
            SearchOutcome::Ambiguous { set } => self.sides_of_set(hunt, set)?,
        };
        let Some((good, bad)) = sides else { return Ok(None) };
        let is_found = matches!(outcome, SearchOutcome::Found { .. });
        let (old, new) = (origin(good, PackageDate::Asked), origin(bad, PackageDate::Asked));
        let dated = origin((bad.0, good.1), PackageDate::Asked);
        let (Some(before), Some(after)) = (self.packages(old), self.packages(new)) else { return Ok(None) };
        let at_date = self.packages(dated);
        if before == after && at_date.as_ref() == Some(&before) {
            return Ok(None);
        }
        let swapped = self.swapped((good, bad), old, dated, at_date.as_ref() == Some(&before))?;
        let short = bad.0.short();
        match (swapped.control, swapped.bad_with_old) {
            (Verdict::Good, Verdict::Good) if is_found => {
                self.say_of_culprit((good, bad), (before, after), new)?;
                Ok(None)
            }
            (Verdict::Good, _) => Ok(None),
            // It fails whatever the packages are; and they break the good version, too.
            (Verdict::Bad, Verdict::Bad) => {
                self.ground = PackageTask::Of(old);
                self.journal.note(format!(
                    "{} fails as well with the packages of the date of {short}, and {short} with those of {}: both the packages \
                     and the code break it; the code is told of",
                    good.0.short(),
                    good.0.short()
                ))?;
                Ok(None)
            }
            (Verdict::Bad, _) => {
                if !self.name_releases(good, (old, dated), PackageDate::Asked)? {
                    self.ground = PackageTask::Nowhere;
                    return Ok(None);
                }
                let told = if is_found {
                    format!("{short} is innocent: its parent fails as well with the packages of that day")
                } else {
                    format!(
                        "no commit is needed for it: {} fails as well with the packages of the date of {short}",
                        good.0.short()
                    )
                };
                self.journal.note(told)?;
                Ok(Some(Conclusion::Found { culprits: Vec::new() }))
            }
            (Verdict::Skip(_) | Verdict::Abort(_), Verdict::Bad) => {
                self.ground = PackageTask::Of(old);
                Ok(None)
            }
            (Verdict::Skip(_) | Verdict::Abort(_), Verdict::Good) => {
                // The release broke both versions, each in its own way.
                let own_then = origin((good.0, bad.1), PackageDate::Asked);
                let passes =
                    self.verdicts_with(vec![(bad, PackageSelection::Of(own_then))])? == [Verdict::Good];
                if passes && self.name_releases(bad, (own_then, new), PackageDate::Asked)? {
                    self.journal.note(format!(
                        "{short} passes with the packages of the date of {}",
                        good.0.short()
                    ))?;
                    return Ok(Some(Conclusion::Found { culprits: Vec::new() }));
                }
                self.nowhere(good, bad, "fails otherwise")
            }
            (Verdict::Skip(skip), _) => self.nowhere(good, bad, &skip.reason),
            (Verdict::Abort(why), _) => self.nowhere(good, bad, &why),
        }
    }

    /// The conclusion when the failure follows the packages alone: a commit that passes with its own fails with those of the
    /// bad one's date, and the bad one passes with those of the commit.
    pub(super) fn packages_since(&mut self, commit: CommitId) -> Result<Option<Conclusion>, EarlyExit> {
        let bad = (self.plan.bad, self.trials.tree_of(self.plan.bad)?);
        let good = (commit, self.trials.tree_of(commit)?);
        let (old, dated) = (origin(good, PackageDate::Asked), origin((bad.0, good.1), PackageDate::Asked));
        let Swapped { control, bad_with_old } = self.swapped((good, bad), old, dated, false)?;
        if (control, bad_with_old) != (Verdict::Bad, Verdict::Good)
            || !self.name_releases(good, (old, dated), PackageDate::Asked)?
        {
            return Ok(None);
        }
        self.journal.note(format!(
            "no commit is needed for it: {} fails as well with the packages of the date of {}",
            commit.short(),
            bad.0.short()
        ))?;
        Ok(Some(Conclusion::Found { culprits: Vec::new() }))
    }

    fn nowhere(
        &mut self,
        good: CommitTree,
        bad: CommitTree,
        why: &str,
    ) -> Result<Option<Conclusion>, EarlyExit> {
        self.ground = PackageTask::Nowhere;
        self.journal.note(format!(
            "no edits are tried: {} does not pass with the packages of the date of {} either ({why})",
            good.0.short(),
            bad.0.short()
        ))?;
        Ok(None)
    }

    /// Both swaps, at the same time.
    fn swapped(
        &mut self,
        (good, bad): (CommitTree, CommitTree),
        old: PackageOrigin,
        dated: PackageOrigin,
        is_same: bool,
    ) -> Result<Swapped, EarlyExit> {
        let mut asked = vec![(bad, PackageSelection::Of(old))];
        // With the same packages it is seen to pass already.
        asked.extend((!is_same).then_some((good, PackageSelection::Of(dated))));
        let mut verdicts = self.verdicts_with(asked)?.into_iter();
        let bad_with_old = verdicts.next().unwrap_or(Verdict::Good);
        Ok(Swapped { control: verdicts.next().unwrap_or(Verdict::Good), bad_with_old })
    }

    /// A culprit that passes with its parent's packages, while the parent passes with those of the culprit's date: it
    /// changed what is declared.
    fn say_of_culprit(
        &mut self,
        (good, bad): (CommitTree, CommitTree),
        (before, after): (Versions, Versions),
        new: PackageOrigin,
    ) -> Result<(), EarlyExit> {
        let short = bad.0.short();
        match self.verdicts_with(vec![(good, PackageSelection::Of(new))])?.as_slice() {
            [Verdict::Bad] => self.name_packages(&PackageRegression {
                good,
                bad,
                before,
                after,
                passes: origin(good, PackageDate::Asked),
                origin: new,
                otherwise_passes: false,
            }),
            [Verdict::Good] => Ok(self
                .journal
                .note(format!("{short} only fails with the packages that it has and its parent has not"))?),
            _ => Ok(self.journal.note(format!(
                "{short} has other packages than its parent, and no trial can tell whether they matter"
            ))?),
        }
    }

    /// Where the ends of the range are not what they should be, look for a version that packages alone broke: one that
    /// passes with those of its day and fails with those that were asked for; or, where the bad commit passes as of
    /// its day, one that fails with those of today.
    pub(super) fn or_packages(
        &mut self,
        ended: Result<Conclusion, EarlyExit>,
    ) -> Result<Conclusion, EarlyExit> {
        let conclusion = match ended {
            Ok(Conclusion::NotReproduced { reason, hint })
            | Err(EarlyExit::Concluded(Conclusion::NotReproduced { reason, hint }))
                if self.workshop.packages.is_some() && !self.plan.find_fix =>
            {
                Conclusion::NotReproduced { reason, hint }
            }
            other => return other,
        };
        let running: Vec<TrialId> = self.trials.running().map(|(id, ..)| id).collect();
        for id in running {
            self.dismiss(id)?;
        }
        self.unjudged.clear();
        self.endpoints = Endpoints::default();
        let is_failure_known = self.target.is_some();
        let passes = |output: &TrialOutput| output.ending == Termination::Exited { code: 0 };
        if !is_failure_known && !self.target_output.as_ref().is_some_and(passes) {
            return Ok(conclusion);
        }
        let (day, later) = if is_failure_known {
            (PackageDate::Own, PackageDate::Asked)
        } else {
            (PackageDate::Asked, PackageDate::Today)
        };
        // With the failure not known, good commits say nothing yet.
        let goods = self.plan.good.iter().copied().filter(|_| is_failure_known);
        let commits: Vec<CommitId> = std::iter::once(self.plan.bad).chain(goods).collect();
        for commit in commits {
            let version = (commit, self.trials.tree_of(commit)?);
            if self.broke_between(version, day, later)? {
                self.seen.clear();
                return Ok(Conclusion::Found { culprits: Vec::new() });
            }
        }
        Ok(conclusion)
    }

    /// Whether a version passes with the packages of one day and fails with those of a later one; if so, the packages
    /// are named.
    fn broke_between(
        &mut self,
        version: CommitTree,
        day: PackageDate,
        later: PackageDate,
    ) -> Result<bool, EarlyExit> {
        let (old, new) = (origin(version, day), origin(version, later));
        let (Some(before), Some(after)) = (self.packages(old), self.packages(new)) else {
            return Ok(false);
        };
        if before == after {
            return Ok(false);
        }
        // The failure first: what the other trial shows is judged by it.
        for (packages, expected) in [(new, Verdict::Bad), (old, Verdict::Good)] {
            let verdicts = match self.verdicts_with(vec![(version, PackageSelection::Of(packages))]) {
                // With these packages it passes as well, so there is no failure to look for.
                Err(EarlyExit::Concluded(_)) => return Ok(false),
                other => other?,
            };
            if verdicts != [expected] {
                return Ok(false);
            }
        }
        if !self.name_releases(version, (old, new), later)? {
            return Ok(false);
        }
        let short = version.0.short();
        let when = if later == PackageDate::Today { "today" } else { "the date that was asked for" };
        self.journal.note(format!(
            "no commit broke it: {short} passes with the packages of its date, and fails with those of {when}"
        ))?;
        Ok(true)
    }

    /// A parent that passes, and the culprit.
    fn sides(
        &mut self,
        hunt: &SearchRange,
        culprit: Node,
    ) -> Result<Option<(CommitTree, CommitTree)>, EarlyExit> {
        let parents = hunt.history.graph.parents(culprit);
        let good = parents.iter().copied().find(|&node| hunt.state.observed(node).good > 0);
        let Some(good) = good.map(|node| hunt.id(node)) else { return Ok(None) };
        let bad = hunt.id(culprit);
        Ok(Some(((good, self.trials.tree_of(good)?), (bad, self.trials.tree_of(bad)?))))
    }

    /// Around a set: the latest good version before it, and the latest of it that shows the failure.
    fn sides_of_set(
        &mut self,
        hunt: &SearchRange,
        set: &[(Node, f64)],
    ) -> Result<Option<(CommitTree, CommitTree)>, EarlyExit> {
        let graph = &hunt.history.graph;
        let is_member = |node: Node| set.iter().any(|(member, _)| *member == node);
        let seen = |node: Node| hunt.state.observed(node);
        let fails = set.iter().map(|(node, _)| *node).filter(|&node| seen(node).bad > 0).max();
        let bad = fails.unwrap_or(hunt.state.bad);
        let outside = set.iter().flat_map(|(node, _)| graph.parents(*node)).copied();
        let outside: Vec<Node> =
            outside.filter(|&node| !is_member(node) && graph.is_ancestor(node, bad)).collect();
        let passes = outside.iter().copied().filter(|&node| seen(node).good > 0).max();
        let unseen = outside.iter().copied().filter(|&node| seen(node).runs() == 0).max();
        let Some(good) = passes.or(unseen) else { return Ok(None) };
        let (good, bad) = (hunt.id(good), hunt.id(bad));
        let (good, bad) = ((good, self.trials.tree_of(good)?), (bad, self.trials.tree_of(bad)?));
        // What was only said to be good is seen first.
        let is_good =
            passes.is_some() || self.verdicts_with(vec![(good, PackageSelection::Own)])? == [Verdict::Good];
        Ok(is_good.then_some((good, bad)))
    }

    pub(super) fn packages(&self, origin: PackageOrigin) -> Option<Versions> {
        let list = self.workshop.packages?.packages_of(origin, self.workshop.cancel)?;
        Some(versions(&list))
    }

    /// The verdicts on versions with these packages, all at the same time.
    pub(super) fn verdicts_with(
        &mut self,
        asked: Vec<(CommitTree, PackageSelection)>,
    ) -> Result<Vec<Verdict>, EarlyExit> {
        Ok(self.outcomes_with(asked)?.into_iter().map(|(verdict, _)| verdict).collect())
    }

    /// The same, with what the commands printed.
    pub(super) fn outcomes_with(
        &mut self,
        asked: Vec<(CommitTree, PackageSelection)>,
    ) -> Result<Vec<(Verdict, Option<TrialOutput>)>, EarlyExit> {
        let mut waiting: BTreeMap<TrialId, usize> = BTreeMap::new();
        let count = asked.len();
        for (at, ((commit, tree), packages)) in asked.into_iter().enumerate() {
            let id = self.trials.start_packages(commit, tree, TrialKind::Narrowing, packages)?;
            self.wanted_outputs.insert(id, None);
            waiting.insert(self.say_started(id, commit, TrialKind::Narrowing)?, at);
        }
        let mut outcomes: Vec<Option<(Verdict, Option<TrialOutput>)>> = vec![None; count];
        while outcomes.iter().any(Option::is_none) {
            for judged in self.next_judged()? {
                if let Some(&at) = waiting.get(&judged.trial) {
                    let output = self.wanted_outputs.remove(&judged.trial).flatten();
                    outcomes[at] = Some((judged.verdict, output));
                }
            }
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// The verdicts on versions with exact packages: as they are; and where no verdict comes of that, with what the
    /// `fixed` ones among them require.
    pub(super) fn verdicts_of_mixtures(
        &mut self,
        asked: &[PackageSetTrial],
    ) -> Result<Vec<PackageSetOutcome>, EarlyExit> {
        let trials = asked.iter().map(|one| (one.version, exactly(one.origin, &one.packages)));
        let verdicts = self.verdicts_with(trials.collect())?;
        let mut tried: Vec<PackageSetOutcome> =
            verdicts.into_iter().map(|verdict| PackageSetOutcome { verdict, brought: Vec::new() }).collect();
        let mut again = Vec::new();
        for (at, one) in asked.iter().enumerate() {
            if matches!(tried[at].verdict, Verdict::Skip(_))
                && let Some(packages) = self.adapted(one).filter(|packages| *packages != one.packages)
            {
                again.push((at, packages));
            }
        }
        let trials =
            again.iter().map(|(at, packages)| (asked[*at].version, exactly(asked[*at].origin, packages)));
        let verdicts = self.verdicts_with(trials.collect())?;
        for ((at, packages), verdict) in again.iter().zip(verdicts) {
            let asked = &asked[*at].packages;
            let brought = packages.iter().filter(|(name, version)| asked.get(*name) != Some(version));
            let brought = brought.map(|(name, _)| name.clone()).collect();
            tried[*at] = PackageSetOutcome { verdict, brought };
        }
        Ok(tried)
    }

    pub(super) fn adapted(&self, one: &PackageSetTrial) -> Option<Versions> {
        let (fixed, others): (Vec<String>, Vec<String>) =
            lines(&one.packages).into_iter().partition(|line| {
                line.split_once("==").is_some_and(|(name, _)| one.fixed.iter().any(|fixed| fixed == name))
            });
        let packages =
            self.workshop.packages?.resolve_with_pins(one.origin, &fixed, &others, self.workshop.cancel)?;
        Some(versions(&packages))
    }
}

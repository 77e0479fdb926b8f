//! The environment is a suspect too.
//!
//! Where each commit has the packages of its day, an innocent commit may stand at the date on which a package
//! changed. So before a commit is named, packages are swapped: it runs with its parent's, the parent with its. When the
//! verdict follows the packages, the package is named ([`package_set`](super::package_set)).
//!
//! And where the ends of the range are not what they should be, no commit may be the cause at all: a version that
//! passes with the packages of its day and fails with later ones broke when a package was released.

use std::collections::BTreeMap;

use super::endpoints::Endpoints;
use super::find::{Session, Stop};
use super::package_set::{Swap, exactly};
use super::search::Hunt;
use crate::graph::Node;
use crate::model::{
    CommitId, Conclusion, Day, Ending, Origin, Packages, Purpose, SkipKind, TreeId, TrialId, TrialOutput,
    Verdict,
};
use crate::search::Outcome;

/// A version of the project: commit and tree.
pub(super) type Version = (CommitId, TreeId);

/// Exact packages: name → version.
pub(super) type Versions = BTreeMap<String, String>;

pub(super) const fn origin((commit, tree): Version, day: Day) -> Origin {
    Origin { commit, tree, day }
}

impl Session<'_> {
    /// Swap the packages of the would-be culprit and its parent. A conclusion when the commit is innocent; when it is
    /// not, but changed the packages that break, those are told of.
    pub(super) fn blamed_packages(
        &mut self,
        hunt: &Hunt,
        outcome: &Outcome,
    ) -> Result<Option<Conclusion>, Stop> {
        let Outcome::Found { culprit, .. } = *outcome else { return Ok(None) };
        if !self.workshop.executor.has_environments() || self.plan.find_fix {
            return Ok(None);
        }
        let Some((good, bad)) = self.sides(hunt, culprit)? else { return Ok(None) };
        let (old, new) = (origin(good, Day::Asked), origin(bad, Day::Asked));
        let (Some(before), Some(after)) = (self.packages(old), self.packages(new)) else { return Ok(None) };
        if before == after {
            return Ok(None);
        }
        let dated = origin((bad.0, good.1), Day::Asked);
        let asked = vec![(bad, Packages::Of(old)), (good, Packages::Of(new)), (good, Packages::Of(dated))];
        let verdicts = self.verdicts_with(asked)?;
        let [bad_with_old, good_with_new, good_later] = verdicts.as_slice() else { return Ok(None) };
        match (bad_with_old, good_with_new) {
            (Verdict::Good, Verdict::Bad) => {}
            // It fails whatever the packages are.
            (Verdict::Bad, _) => return Ok(None),
            (Verdict::Good, Verdict::Good) => {
                let bad = bad.0.short();
                self.journal
                    .note(format!("{bad} only fails with the packages that it has and its parent has not"))?;
                return Ok(None);
            }
            (Verdict::Skip(_) | Verdict::Abort(_), _) | (_, Verdict::Skip(_) | Verdict::Abort(_)) => {
                let bad = bad.0.short();
                self.journal.note(format!(
                    "{bad} has other packages than its parent, and no trial can tell whether they matter"
                ))?;
                return Ok(None);
            }
        }
        let is_innocent = *good_later == Verdict::Bad;
        let origin = if is_innocent { dated } else { new };
        let Some(after) = self.packages(origin) else { return Ok(None) };
        self.name_packages(&Swap { good, bad, before, after, origin, end: Day::Asked })?;
        if !is_innocent {
            return Ok(None);
        }
        self.journal.note(format!(
            "{} is innocent: its parent fails as well with the packages of that day",
            bad.0.short()
        ))?;
        Ok(Some(Conclusion::Found { culprits: Vec::new() }))
    }

    /// Where the ends of the range are not what they should be, look for a version that packages alone broke: one that
    /// passes with those of its day and fails with those that were asked for; or, where the bad commit passes as of
    /// its day, one that fails with those of today.
    pub(super) fn or_packages(&mut self, ended: Result<Conclusion, Stop>) -> Result<Conclusion, Stop> {
        let conclusion = match ended {
            Ok(Conclusion::NotReproduced { reason, hint })
            | Err(Stop::Concluded(Conclusion::NotReproduced { reason, hint }))
                if self.workshop.executor.has_environments() && !self.plan.find_fix =>
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
        let passes = |output: &TrialOutput| output.ending == Ending::Exited { code: 0 };
        if !is_failure_known && !self.target_output.as_ref().is_some_and(passes) {
            return Ok(conclusion);
        }
        let (day, later) = if is_failure_known { (Day::Own, Day::Asked) } else { (Day::Asked, Day::Today) };
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
    fn broke_between(&mut self, version: Version, day: Day, later: Day) -> Result<bool, Stop> {
        let (old, new) = (origin(version, day), origin(version, later));
        let (Some(before), Some(after)) = (self.packages(old), self.packages(new)) else {
            return Ok(false);
        };
        if before == after {
            return Ok(false);
        }
        // The failure first: what the other trial shows is judged by it.
        for (packages, expected) in [(new, Verdict::Bad), (old, Verdict::Good)] {
            let verdicts = match self.verdicts_with(vec![(version, Packages::Of(packages))]) {
                // With these packages it passes as well, so there is no failure to look for.
                Err(Stop::Concluded(_)) => return Ok(false),
                other => other?,
            };
            if verdicts != [expected] {
                return Ok(false);
            }
        }
        let short = version.0.short();
        let when = if later == Day::Today { "today" } else { "the date that was asked for" };
        self.journal.note(format!(
            "no commit broke it: {short} passes with the packages of its date, and fails with those of {when}"
        ))?;
        let (old, new) = self.nearest(version, old, new)?;
        let (Some(before), Some(after)) = (self.packages(old), self.packages(new)) else {
            return Ok(false);
        };
        self.name_packages(&Swap { good: version, bad: version, before, after, origin: new, end: later })?;
        Ok(true)
    }

    /// Between two days, of which a version passes with the packages of the first and fails with those of the second,
    /// two that are as near to each other as they can be. The packages of one day go together; those of years apart
    /// seldom do. Where it fails otherwise in between, that came first and has to be mended first: it becomes
    /// the failure that is searched for.
    fn nearest(&mut self, version: Version, old: Origin, new: Origin) -> Result<(Origin, Origin), Stop> {
        /// Packages are released more seldom than this, seconds.
        const SHORTEST: i64 = 6 * 3600;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let Some(mut passes) = self.workshop.executor.moment_of(old) else { return Ok((old, new)) };
        let mut fails = self.workshop.executor.moment_of(new).unwrap_or(now);
        let (mut old, mut new) = (old, new);
        let mut fails_otherwise = false;
        while fails - passes > SHORTEST {
            let middle = passes + (fails - passes) / 2;
            let there = origin(version, Day::At(middle));
            let (before, between, after) = (self.packages(old), self.packages(there), self.packages(new));
            let Some(between) = between else { break };
            let verdict = if before.as_ref() == Some(&between) {
                Verdict::Good
            } else if after.as_ref() == Some(&between) {
                Verdict::Bad
            } else {
                let verdicts = self.verdicts_with(vec![(version, Packages::Of(there))])?;
                verdicts.into_iter().next().unwrap_or(Verdict::Good)
            };
            match verdict {
                Verdict::Good => (old, passes) = (there, middle),
                Verdict::Bad => (new, fails) = (there, middle),
                Verdict::Skip(skip)
                    if matches!(skip.kind, SkipKind::DifferentFailure | SkipKind::NotRunnable)
                        && version.0 == self.target_commit() =>
                {
                    if !self.retarget(version, there)? {
                        break;
                    }
                    (new, fails, fails_otherwise) = (there, middle, true);
                }
                Verdict::Skip(_) | Verdict::Abort(_) => break,
            }
        }
        let day = |seconds: i64| {
            jiff::Timestamp::from_second(seconds).map(|at| at.strftime("%F").to_string()).unwrap_or_default()
        };
        let short = version.0.short();
        self.journal.note(format!(
            "{short} passes with the packages of {} as a whole, and fails with those of {}",
            day(passes),
            day(fails)
        ))?;
        if fails_otherwise {
            self.journal.note(
                "with later packages it fails otherwise: the failure told of here is the first, and other packages may have to \
                 be held back as well",
            )?;
        }
        Ok((old, new))
    }

    /// Search from now on for the failure of a version with these packages. Whether it shows one.
    fn retarget(&mut self, version: Version, packages: Origin) -> Result<bool, Stop> {
        let (oracle, target) = (self.oracle.take(), self.target.take());
        match self.verdicts_with(vec![(version, Packages::Of(packages))]) {
            Err(Stop::Concluded(_)) => {
                (self.oracle, self.target) = (oracle, target);
                Ok(false)
            }
            verdicts => Ok(verdicts? == [Verdict::Bad]),
        }
    }

    /// A parent that passes, and the culprit.
    fn sides(&mut self, hunt: &Hunt, culprit: Node) -> Result<Option<(Version, Version)>, Stop> {
        let parents = hunt.history.graph.parents(culprit);
        let good = parents.iter().copied().find(|&node| hunt.state.observed(node).good > 0);
        let Some(good) = good.map(|node| hunt.id(node)) else { return Ok(None) };
        let bad = hunt.id(culprit);
        Ok(Some(((good, self.trials.tree_of(good)?), (bad, self.trials.tree_of(bad)?))))
    }

    pub(super) fn packages(&self, origin: Origin) -> Option<Versions> {
        let list = self.workshop.executor.packages_of(origin, self.workshop.cancel)?;
        Some(versions(&list))
    }

    /// The verdicts on versions with these packages, all at the same time.
    pub(super) fn verdicts_with(&mut self, asked: Vec<(Version, Packages)>) -> Result<Vec<Verdict>, Stop> {
        let mut waiting: BTreeMap<TrialId, usize> = BTreeMap::new();
        let count = asked.len();
        for (at, ((commit, tree), packages)) in asked.into_iter().enumerate() {
            let id = self.trials.start_packages(commit, tree, Purpose::Narrowing, packages)?;
            waiting.insert(self.say_started(id, commit, Purpose::Narrowing)?, at);
        }
        let mut verdicts: Vec<Option<Verdict>> = vec![None; count];
        while verdicts.iter().any(Option::is_none) {
            for judged in self.next_judged()? {
                if let Some(&at) = waiting.get(&judged.trial) {
                    verdicts[at] = Some(judged.verdict);
                }
            }
        }
        Ok(verdicts.into_iter().flatten().collect())
    }

    /// The verdicts on versions with exact packages: as they are; and where no verdict comes of that, with what the
    /// `fixed` ones among them require.
    pub(super) fn verdicts_of_mixtures(&mut self, asked: &[Mixture]) -> Result<Vec<Tried>, Stop> {
        let trials = asked.iter().map(|one| (one.version, exactly(one.origin, &one.packages)));
        let verdicts = self.verdicts_with(trials.collect())?;
        let mut tried: Vec<Tried> =
            verdicts.into_iter().map(|verdict| Tried { verdict, brought: Vec::new() }).collect();
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
            tried[*at] = Tried { verdict, brought };
        }
        Ok(tried)
    }

    fn adapted(&self, one: &Mixture) -> Option<Versions> {
        let (fixed, others): (Vec<String>, Vec<String>) =
            lines(&one.packages).into_iter().partition(|line| {
                line.split_once("==").is_some_and(|(name, _)| one.fixed.iter().any(|fixed| fixed == name))
            });
        let packages = self.workshop.executor.adapted(one.origin, &fixed, &others, self.workshop.cancel)?;
        Some(versions(&packages))
    }
}

/// Exact packages to try on a version.
pub(super) struct Mixture {
    pub(super) version: Version,
    pub(super) origin: Origin,
    pub(super) packages: Versions,
    /// Those that have to stay what they are.
    pub(super) fixed: Vec<String>,
}

/// What came of a mixture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tried {
    pub(super) verdict: Verdict,
    /// Packages that had to change as well, because what is fixed requires it.
    pub(super) brought: Vec<String>,
}

fn versions(lines: &[String]) -> Versions {
    let pairs = lines.iter().filter_map(|line| line.split_once("=="));
    pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

pub(super) fn lines(versions: &Versions) -> Vec<String> {
    versions.iter().map(|(name, version)| format!("{name}=={version}")).collect()
}

//! Which of the packages that changed break it, from which version on, and what mends it.
//!
//! The changes of packages are edits like those of source: sets of them are tried on the good version
//! ([`minimize`](crate::minimize)), those that the failure speaks of first. A package may not work without what it
//! requires; where a set cannot be judged as it is, the resolver brings that along. A package that is gone is a
//! consequence where another one requires it no more ([`dropped_requirers`](super::dropped_requirers)).

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::error::EarlyExit;
use super::package_order::{compared, constraint};
use super::package_trial::{CommitTree, PackageSetOutcome, PackageSetTrial, Versions, lines};
use super::state::Session;
use crate::minimize::{DeltaDebugger, EditOutcome, EditSet, Relations};
use crate::model::{
    Dropped, PackageChange, PackageDate, PackageOrigin, PackageSelection, SkipKind, TrialOutput, Verdict,
};

/// With more changes than this, only the whole is named.
const MOST_CHANGES: usize = 200;
/// Trials for the set, at most.
const MOST_TRIALS: usize = 40;

/// The two sides of a swap.
pub(super) struct PackageRegression {
    /// A version that passes with `before` and fails with `after`.
    pub(super) good: CommitTree,
    /// One that fails with `after` and passes with `before`.
    pub(super) bad: CommitTree,
    pub(super) before: Versions,
    pub(super) after: Versions,
    /// Whose packages `before` are.
    pub(super) passes: PackageOrigin,
    /// Whose packages `after` are.
    pub(super) origin: PackageOrigin,
    /// Whether another failure than the one looked for counts as passing.
    pub(super) otherwise_passes: bool,
}

/// A package that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) name: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// What is gone because this one requires it no more.
    pub(super) dropped: Vec<Dropped>,
}

impl Session<'_> {
    /// Find the changes of packages that break it, and say what they are.
    pub(super) fn name_packages(&mut self, swap: &PackageRegression) -> Result<(), EarlyExit> {
        let named = self.broken_packages(swap)?;
        self.say_packages(PackageDate::Asked, named)
    }

    /// The changes of packages that break it, each with its first bad version and a constraint where there is one.
    pub(super) fn broken_packages(
        &mut self,
        swap: &PackageRegression,
    ) -> Result<Vec<PackageChange>, EarlyExit> {
        let changes = changes(&swap.before, &swap.after);
        let causes = self.causes(swap, &changes)?;
        let causes = self.with_requirers(swap, &changes, causes)?;
        let all: Vec<&Change> = causes.iter().flatten().collect();
        let necessary = {
            let mut packages = swap.after.clone();
            for change in &all {
                set(&mut packages, &change.name, change.before.as_ref());
                for Dropped { name, .. } in &change.dropped {
                    set(&mut packages, name, swap.before.get(name));
                }
            }
            let fixed = all.iter().filter(|change| change.before.is_some());
            let fixed = fixed.map(|change| change.name.clone()).collect();
            let mixture = PackageSetTrial { version: swap.bad, origin: swap.origin, packages, fixed };
            self.verdicts_of_mixtures(&[mixture])?.iter().all(|tried| passes(swap, &tried.verdict))
        };
        let mut named: Vec<PackageChange> = Vec::new();
        for cause in &causes {
            for change in cause {
                let mut package = PackageChange {
                    name: change.name.clone(),
                    before: change.before.clone(),
                    after: change.after.clone(),
                    sufficient: true,
                    necessary,
                    dropped: change.dropped.clone(),
                    ..PackageChange::default()
                };
                if cause.len() == 1 {
                    self.first_bad_version(swap, change, &mut package)?;
                } else if let Some(before) = &change.before {
                    package.constraint = Some(format!("{}<={before}", change.name));
                }
                named.push(package);
            }
        }
        Ok(named)
    }

    /// Sets of changes each of which makes the good version fail, with nothing to leave out.
    fn causes(
        &mut self,
        swap: &PackageRegression,
        changes: &[Change],
    ) -> Result<Vec<Vec<Change>>, EarlyExit> {
        let whole = || vec![changes.to_vec()];
        if changes.len() > MOST_CHANGES {
            return Ok(whole());
        }
        let weights = self.suspicion(changes);
        let search = DeltaDebugger::new(&weights, &Relations::default());
        let mut known = search.initial_outcomes();
        let mut brought = BTreeSet::new();
        let mut trials = 0;
        let answer = loop {
            if let Some(answer) = search.answer(&known) {
                break answer;
            }
            let sets = search.next_sets(&known, self.trials.capacity());
            trials += sets.len();
            if sets.is_empty() || trials > MOST_TRIALS {
                self.journal.note("which of the packages breaks it was not found out: too many trials")?;
                let smallest = known.smallest_failing().map(|set| chosen(changes, set));
                return Ok(smallest.map_or_else(whole, |smallest| vec![smallest]));
            }
            for (applied, tried) in sets.iter().zip(self.tried(swap, changes, &sets)?) {
                if tried.verdict == Verdict::Bad && applied.len() == 1 {
                    brought.extend(tried.brought);
                }
                known.record(applied.clone(), outcome(swap, &tried.verdict));
            }
        };
        let causes: Vec<Vec<Change>> = answer.causes.iter().map(|set| chosen(changes, set)).collect();
        self.rather_brought(swap, changes, causes, &brought)
    }

    /// One package that breaks it only with what it requires may not be the one: if something that it brought along
    /// does so alone, that is named.
    fn rather_brought(
        &mut self,
        swap: &PackageRegression,
        changes: &[Change],
        causes: Vec<Vec<Change>>,
        brought: &BTreeSet<String>,
    ) -> Result<Vec<Vec<Change>>, EarlyExit> {
        if brought.is_empty() {
            return Ok(causes);
        }
        let at: Vec<usize> = (0..changes.len()).filter(|&at| brought.contains(&changes[at].name)).collect();
        let singles: Vec<EditSet> = at.iter().map(|&at| std::iter::once(at).collect()).collect();
        let tried = self.tried(swap, changes, &singles)?;
        let alone = tried.iter().position(|tried| tried.verdict == Verdict::Bad && tried.brought.is_empty());
        Ok(alone.map_or(causes, |found| vec![vec![changes[at[found]].clone()]]))
    }

    /// What the good version does with each of these sets of changes.
    fn tried(
        &mut self,
        swap: &PackageRegression,
        changes: &[Change],
        sets: &[EditSet],
    ) -> Result<Vec<PackageSetOutcome>, EarlyExit> {
        let mixtures: Vec<PackageSetTrial> = sets
            .iter()
            .map(|applied| {
                let mut packages = swap.before.clone();
                let chosen = chosen(changes, applied);
                chosen.iter().for_each(|change| set(&mut packages, &change.name, change.after.as_ref()));
                let fixed = chosen.iter().filter(|change| change.after.is_some());
                let fixed = fixed.map(|change| change.name.clone()).collect();
                PackageSetTrial { version: swap.good, origin: swap.origin, packages, fixed }
            })
            .collect();
        self.verdicts_of_mixtures(&mixtures)
    }

    /// How much the failure speaks of each package.
    fn suspicion(&self, changes: &[Change]) -> Vec<f64> {
        let message = self.target.as_ref().map(|target| target.message.clone()).unwrap_or_default();
        let text = self.target_output.as_ref().map(whole_text).unwrap_or_default();
        changes
            .iter()
            .map(|change| match (speaks_of(&message, &change.name), speaks_of(&text, &change.name)) {
                (true, _) => 20.0,
                (false, true) => 5.0,
                (false, false) => 1.0,
            })
            .collect()
    }

    /// The first version of a package that breaks it, where it has several between.
    fn first_bad_version(
        &mut self,
        swap: &PackageRegression,
        change: &Change,
        package: &mut PackageChange,
    ) -> Result<(), EarlyExit> {
        let (Some(before), Some(after)) = (&change.before, &change.after) else {
            // What went away has to come back.
            package.constraint = change.before.as_ref().map(|before| format!("{}=={before}", change.name));
            return Ok(());
        };
        let is_upgrade = compared(before, after);
        let (mut good, mut bad) = (before.clone(), after.clone());
        let mut untested = Vec::new();
        loop {
            let (low, high) = if is_upgrade == Ordering::Greater { (&bad, &good) } else { (&good, &bad) };
            let known = self.workshop.packages.map(|packages| {
                packages.versions_between(swap.origin, &change.name, (low, high), self.workshop.cancel)
            });
            let mut between: Vec<String> =
                known.unwrap_or_default().into_iter().filter(|version| !untested.contains(version)).collect();
            if is_upgrade == Ordering::Greater {
                between.reverse();
            }
            if between.is_empty() {
                break;
            }
            while !between.is_empty() {
                let middle = between.len() / 2;
                let version = between[middle].clone();
                let mixture = self.with_version(swap, change, &version);
                let tried = self.verdicts_of_mixtures(&[mixture])?;
                match tried.first().map(|tried| &tried.verdict) {
                    Some(Verdict::Bad) => {
                        bad = version;
                        between.truncate(middle);
                    }
                    Some(verdict) if passes(swap, verdict) => {
                        good = version;
                        between.drain(..=middle);
                    }
                    _ => {
                        between.remove(middle);
                        untested.push(version);
                    }
                }
            }
        }
        let name = &change.name;
        let (low, high) = if compared(&good, &bad) == Ordering::Less { (&good, &bad) } else { (&bad, &good) };
        untested.retain(|version| {
            compared(low, version) == Ordering::Less && compared(version, high) == Ordering::Less
        });
        if !untested.is_empty() {
            self.journal.note(format!(
                "{name} {} cannot be tested here, so it may be the first that breaks",
                untested.join(", ")
            ))?;
        }
        package.constraint = Some(constraint(name, (&good, &bad), untested.is_empty()));
        package.first_bad = Some(bad);
        package.last_good = Some(good);
        Ok(())
    }

    /// The packages that the good version passes with, but for this version of one, and what follows from it.
    pub(super) fn with_version(
        &self,
        swap: &PackageRegression,
        change: &Change,
        version: &str,
    ) -> PackageSetTrial {
        let mut packages = swap.before.clone();
        packages.insert(change.name.clone(), version.to_owned());
        let fixed = vec![change.name.clone()];
        let mut mixture = PackageSetTrial { version: swap.good, origin: swap.origin, packages, fixed };
        if !change.dropped.is_empty() {
            // Whether this version still requires it decides what is there.
            for Dropped { name, .. } in &change.dropped {
                mixture.packages.remove(name);
            }
            if let Some(packages) = self.adapted(&mixture) {
                mixture.packages = packages;
            }
        }
        mixture
    }
}

/// Whether a text has the name of a package in it, however it is written.
pub(super) fn speaks_of(text: &str, name: &str) -> bool {
    let text = text.to_lowercase().replace('-', "_");
    let name = name.replace('-', "_");
    let short = name.trim_start_matches("python_").trim_start_matches("py").to_owned();
    [name, short].iter().any(|name| name.len() > 1 && text.contains(name.as_str()))
}

fn outcome(swap: &PackageRegression, verdict: &Verdict) -> EditOutcome {
    match verdict {
        _ if passes(swap, verdict) => EditOutcome::Passes,
        Verdict::Bad => EditOutcome::Fails,
        Verdict::Good | Verdict::Skip(_) | Verdict::Abort(_) => EditOutcome::Unresolved,
    }
}

fn passes(swap: &PackageRegression, verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Good => true,
        Verdict::Skip(skip) => {
            swap.otherwise_passes && matches!(skip.kind, SkipKind::DifferentFailure | SkipKind::NotRunnable)
        }
        Verdict::Bad | Verdict::Abort(_) => false,
    }
}

fn chosen(changes: &[Change], applied: &EditSet) -> Vec<Change> {
    applied.iter().map(|at| changes[at].clone()).collect()
}

fn whole_text(output: &TrialOutput) -> String {
    format!("{}\n{}", output.stdout.text, output.stderr.text)
}

/// What differs between two lists of packages, by name.
fn changes(before: &Versions, after: &Versions) -> Vec<Change> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differs
        .map(|name| Change {
            name: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
            dropped: Vec::new(),
        })
        .collect()
}

pub(super) fn set(packages: &mut Versions, name: &str, version: Option<&String>) {
    match version {
        Some(version) => packages.insert(name.to_owned(), version.clone()),
        None => packages.remove(name),
    };
}

pub(super) fn exactly(origin: PackageOrigin, packages: &Versions) -> PackageSelection {
    PackageSelection::Exactly { origin, packages: lines(packages) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_upgrades_and_what_came_and_went() {
        let list = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|&(name, version)| (name.to_owned(), version.to_owned())).collect()
        };
        let found = changes(
            &list(&[("a", "1"), ("b", "1"), ("c", "1")]),
            &list(&[("a", "1"), ("b", "2"), ("d", "1")]),
        );
        let names: Vec<&str> = found.iter().map(|change| change.name.as_str()).collect();
        assert_eq!(names, ["b", "c", "d"]);
        assert_eq!(found[0].before.as_deref(), Some("1"));
        assert_eq!(found[1].after, None);
    }
}

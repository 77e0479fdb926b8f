//! The environment is a suspect too.
//!
//! Where each commit has the packages of its day, an innocent commit may stand at the date on which a package
//! changed. So before a commit is named, packages are swapped: it runs with its parent's, the parent with its. When the
//! verdict follows the packages, the package is named, by the smallest set of changes that does it (a greedy form of
//! Zeller and Hildebrandt's delta debugging), and by its first bad version.

use std::collections::BTreeMap;

use super::find::{Session, Stop};
use super::search::Hunt;
use crate::graph::Node;
use crate::model::{
    CommitId, Conclusion, EventKind, PackageChange, Packages, Purpose, TreeId, TrialId, Verdict,
};
use crate::search::Outcome;

/// With more changes than this, only the whole is named.
const MOST_CHANGES: usize = 60;

/// A version of the project: commit and tree.
type Version = (CommitId, TreeId);

/// The two sides of a swap.
struct Swap {
    good: Version,
    bad: Version,
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
    /// Whose declarations and date the packages of `after` are from.
    origin: Version,
}

/// A package that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    name: String,
    before: Option<String>,
    after: Option<String>,
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
        let (Some(before), Some(after)) = (self.packages(good), self.packages(bad)) else { return Ok(None) };
        if before == after {
            return Ok(None);
        }
        let of = |(commit, tree): Version| Packages::Of { commit, tree };
        let dated = Packages::Of { commit: bad.0, tree: good.1 };
        let asked = vec![(bad, of(good)), (good, of(bad)), (good, dated)];
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
        let origin = if is_innocent { (bad.0, good.1) } else { bad };
        let Some(after) = self.packages(origin) else { return Ok(None) };
        let swap = Swap { good, bad, before, after, origin };
        self.name_packages(&swap)?;
        if !is_innocent {
            return Ok(None);
        }
        self.journal.note(format!(
            "{} is innocent: its parent fails as well with the packages of that day",
            bad.0.short()
        ))?;
        Ok(Some(Conclusion::Found { culprits: Vec::new() }))
    }

    /// A parent that passes, and the culprit.
    fn sides(&mut self, hunt: &Hunt, culprit: Node) -> Result<Option<(Version, Version)>, Stop> {
        let parents = hunt.history.graph.parents(culprit);
        let good = parents.iter().copied().find(|&node| hunt.state.observed(node).good > 0);
        let Some(good) = good.map(|node| hunt.id(node)) else { return Ok(None) };
        let bad = hunt.id(culprit);
        Ok(Some(((good, self.trials.tree_of(good)?), (bad, self.trials.tree_of(bad)?))))
    }

    fn packages(&self, (commit, tree): Version) -> Option<BTreeMap<String, String>> {
        let list = self.workshop.executor.packages_of(commit, tree, self.workshop.cancel)?;
        let pairs = list.iter().filter_map(|line| line.split_once("=="));
        Some(pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect())
    }

    /// Find the changes of packages that break it, and say what they are.
    fn name_packages(&mut self, swap: &Swap) -> Result<(), Stop> {
        let changes = changes(&swap.before, &swap.after);
        let minimal = if changes.len() > MOST_CHANGES { changes } else { self.minimal(swap, changes)? };
        let sufficient = self.fails_with(swap, std::slice::from_ref(&minimal))? == [true];
        let necessary = {
            let mut without = swap.after.clone();
            minimal.iter().for_each(|change| set(&mut without, &change.name, change.before.as_ref()));
            self.verdicts_with(vec![(swap.bad, exactly(swap.origin, &without))])? == [Verdict::Good]
        };
        let single = minimal.len() == 1;
        for change in minimal {
            let mut package = PackageChange {
                name: change.name.clone(),
                before: change.before.clone(),
                after: change.after.clone(),
                sufficient,
                necessary,
                ..PackageChange::default()
            };
            if let (true, Some(before), Some(after)) = (single, &change.before, &change.after) {
                self.first_bad_version(swap, &mut package, before, after)?;
            }
            self.journal.say(EventKind::Package(package))?;
        }
        Ok(())
    }

    /// A set of changes no member of which can be left out.
    fn minimal(&mut self, swap: &Swap, changes: Vec<Change>) -> Result<Vec<Change>, Stop> {
        let singles: Vec<Vec<Change>> = changes.iter().map(|change| vec![change.clone()]).collect();
        let alone = self.fails_with(swap, &singles)?;
        if let Some(at) = alone.iter().position(|&fails| fails) {
            return Ok(singles[at].clone());
        }
        let mut left = changes;
        let mut at = 0;
        while at < left.len() {
            let mut fewer = left.clone();
            fewer.remove(at);
            if self.fails_with(swap, std::slice::from_ref(&fewer))? == [true] {
                left = fewer;
            } else {
                at += 1;
            }
        }
        Ok(left)
    }

    /// Whether the good version fails with each of these sets of changes.
    fn fails_with(&mut self, swap: &Swap, sets: &[Vec<Change>]) -> Result<Vec<bool>, Stop> {
        let asked = sets.iter().map(|set_of| {
            let mut packages = swap.before.clone();
            set_of.iter().for_each(|change| set(&mut packages, &change.name, change.after.as_ref()));
            (swap.good, exactly(swap.origin, &packages))
        });
        let verdicts = self.verdicts_with(asked.collect())?;
        Ok(verdicts.into_iter().map(|verdict| verdict == Verdict::Bad).collect())
    }

    /// The first version of a package that breaks it, and the constraint that mends the bad commit.
    fn first_bad_version(
        &mut self,
        swap: &Swap,
        package: &mut PackageChange,
        before: &str,
        after: &str,
    ) -> Result<(), Stop> {
        let executor = self.workshop.executor;
        let name = package.name.clone();
        let between = executor.versions_between(swap.origin, &name, before, after, self.workshop.cancel);
        let versions: Vec<String> =
            std::iter::once(before.to_owned()).chain(between).chain([after.to_owned()]).collect();
        let (mut good, mut bad) = (0, versions.len() - 1);
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            let change = Change { name: name.clone(), before: None, after: Some(versions[middle].clone()) };
            if self.fails_with(swap, &[vec![change]])? == [true] { bad = middle } else { good = middle }
        }
        package.first_bad = Some(versions[bad].clone());
        package.last_good = Some(versions[good].clone());
        package.constraint = Some(format!("{name}<{}", versions[bad]));
        let end = (self.plan.bad, self.trials.tree_of(self.plan.bad)?);
        if let Some(mut packages) = self.packages(end) {
            packages.insert(name, versions[good].clone());
            let verdict = self.verdicts_with(vec![(end, exactly(end, &packages))])?;
            package.constraint_passed = verdict == [Verdict::Good];
        }
        Ok(())
    }

    /// The verdicts on versions with these packages, all at the same time.
    fn verdicts_with(&mut self, asked: Vec<(Version, Packages)>) -> Result<Vec<Verdict>, Stop> {
        let mut waiting: BTreeMap<TrialId, usize> = BTreeMap::new();
        let count = asked.len();
        for (at, ((commit, tree), packages)) in asked.into_iter().enumerate() {
            let id = self.trials.start_packages(commit, tree, Purpose::Narrowing, packages)?;
            let subject = self.workshop.repository.info(commit)?.subject;
            self.journal.say(EventKind::TrialStarted {
                trial: id,
                commit,
                subject,
                purpose: Purpose::Narrowing,
            })?;
            waiting.insert(id, at);
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
}

/// What differs between two lists of packages, by name.
fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Change> {
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differs
        .map(|name| Change {
            name: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        })
        .collect()
}

fn set(packages: &mut BTreeMap<String, String>, name: &str, version: Option<&String>) {
    match version {
        Some(version) => packages.insert(name.to_owned(), version.clone()),
        None => packages.remove(name),
    };
}

fn exactly((commit, tree): Version, packages: &BTreeMap<String, String>) -> Packages {
    let packages = packages.iter().map(|(name, version)| format!("{name}=={version}")).collect();
    Packages::Exactly { commit, tree, packages }
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

//! Which of the packages that changed break it, from which version on, and what mends it.
//!
//! The changes of packages are edits like those of source: sets of them are tried on the good version
//! ([`minimize`](crate::minimize)), those that the failure speaks of first. A package may not work without what it
//! requires; where a set cannot be judged as it is, the resolver brings that along.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::find::{Session, Stop};
use super::packages::{Mixture, Tried, Version, Versions, lines, origin};
use crate::minimize::{EditSet, Outcome, Relations, Search};
use crate::model::{Day, EventKind, Origin, PackageChange, Packages, TrialOutput, Verdict};

/// With more changes than this, only the whole is named.
const MOST_CHANGES: usize = 200;
/// Trials for the set, at most.
const MOST_TRIALS: usize = 40;

/// The two sides of a swap.
pub(super) struct Swap {
    /// A version that passes with `before` and fails with `after`.
    pub(super) good: Version,
    /// One that fails with `after` and passes with `before`.
    pub(super) bad: Version,
    pub(super) before: Versions,
    pub(super) after: Versions,
    /// Whose packages `after` are.
    pub(super) origin: Origin,
    /// As of when the constraint that mends it has to hold at the bad commit.
    pub(super) end: Day,
}

/// A package that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    name: String,
    before: Option<String>,
    after: Option<String>,
}

impl Session<'_> {
    /// Find the changes of packages that break it, and say what they are.
    pub(super) fn name_packages(&mut self, swap: &Swap) -> Result<(), Stop> {
        let changes = changes(&swap.before, &swap.after);
        let causes = self.causes(swap, &changes)?;
        let all: Vec<&Change> = causes.iter().flatten().collect();
        let necessary = {
            let mut packages = swap.after.clone();
            all.iter().for_each(|change| set(&mut packages, &change.name, change.before.as_ref()));
            let fixed = all.iter().filter(|change| change.before.is_some());
            let fixed = fixed.map(|change| change.name.clone()).collect();
            let mixture = Mixture { version: swap.bad, origin: swap.origin, packages, fixed };
            self.verdicts_of_mixtures(&[mixture])?.iter().all(|tried| tried.verdict == Verdict::Good)
        };
        let mut named = Vec::new();
        for cause in &causes {
            for change in cause {
                let mut package = PackageChange {
                    name: change.name.clone(),
                    before: change.before.clone(),
                    after: change.after.clone(),
                    sufficient: true,
                    necessary,
                    ..PackageChange::default()
                };
                if cause.len() == 1 {
                    self.first_bad_version(swap, change, &mut package)?;
                }
                named.push(package);
            }
        }
        self.test_constraints(swap, &mut named)?;
        for package in named {
            self.journal.say(EventKind::Package(package))?;
        }
        Ok(())
    }

    /// Sets of changes each of which makes the good version fail, with nothing to leave out.
    fn causes(&mut self, swap: &Swap, changes: &[Change]) -> Result<Vec<Vec<Change>>, Stop> {
        let whole = || vec![changes.to_vec()];
        if changes.len() > MOST_CHANGES {
            return Ok(whole());
        }
        let weights = self.suspicion(changes);
        let search = Search::new(&weights, &Relations::default());
        let mut known = search.given();
        let mut brought = BTreeSet::new();
        let mut trials = 0;
        let answer = loop {
            if let Some(answer) = search.answer(&known) {
                break answer;
            }
            let sets = search.wanted(&known, self.trials.capacity());
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
                known.record(applied.clone(), outcome(&tried.verdict));
            }
        };
        let causes: Vec<Vec<Change>> = answer.causes.iter().map(|set| chosen(changes, set)).collect();
        self.rather_brought(swap, changes, causes, &brought)
    }

    /// One package that breaks it only with what it requires may not be the one: if something that it brought along
    /// does so alone, that is named.
    fn rather_brought(
        &mut self,
        swap: &Swap,
        changes: &[Change],
        causes: Vec<Vec<Change>>,
        brought: &BTreeSet<String>,
    ) -> Result<Vec<Vec<Change>>, Stop> {
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
    fn tried(&mut self, swap: &Swap, changes: &[Change], sets: &[EditSet]) -> Result<Vec<Tried>, Stop> {
        let mixtures: Vec<Mixture> = sets
            .iter()
            .map(|applied| {
                let mut packages = swap.before.clone();
                let chosen = chosen(changes, applied);
                chosen.iter().for_each(|change| set(&mut packages, &change.name, change.after.as_ref()));
                let fixed = chosen.iter().filter(|change| change.after.is_some());
                let fixed = fixed.map(|change| change.name.clone()).collect();
                Mixture { version: swap.good, origin: swap.origin, packages, fixed }
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
        swap: &Swap,
        change: &Change,
        package: &mut PackageChange,
    ) -> Result<(), Stop> {
        let (Some(before), Some(after)) = (&change.before, &change.after) else {
            // What went away has to come back.
            package.constraint = change.before.as_ref().map(|before| format!("{}=={before}", change.name));
            return Ok(());
        };
        let is_upgrade = release(before).cmp(&release(after));
        let executor = self.workshop.executor;
        let (mut good, mut bad) = (before.clone(), after.clone());
        let mut untested = Vec::new();
        loop {
            let (low, high) = if is_upgrade == Ordering::Greater { (&bad, &good) } else { (&good, &bad) };
            let mut between: Vec<String> = executor
                .versions_between(swap.origin, &change.name, (low, high), self.workshop.cancel)
                .into_iter()
                .filter(|version| !untested.contains(version))
                .collect();
            if is_upgrade == Ordering::Greater {
                between.reverse();
            }
            if between.is_empty() {
                break;
            }
            while !between.is_empty() {
                let middle = between.len() / 2;
                let version = between[middle].clone();
                let mut packages = swap.before.clone();
                packages.insert(change.name.clone(), version.clone());
                let fixed = vec![change.name.clone()];
                let mixture = Mixture { version: swap.good, origin: swap.origin, packages, fixed };
                let tried = self.verdicts_of_mixtures(&[mixture])?;
                match tried.first().map(|tried| &tried.verdict) {
                    Some(Verdict::Bad) => {
                        bad = version;
                        between.truncate(middle);
                    }
                    Some(Verdict::Good) => {
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
        let within = |version: &String| {
            let version = release(version);
            let (a, b) = (release(&good), release(&bad));
            version > a.clone().min(b.clone()) && version < a.max(b)
        };
        untested.retain(within);
        if !untested.is_empty() {
            self.journal.note(format!(
                "{name} {} cannot be tested here, so it may be the first that breaks",
                untested.join(", ")
            ))?;
        }
        package.constraint = Some(match (is_upgrade, untested.is_empty()) {
            (Ordering::Less, true) => format!("{name}<{bad}"),
            (Ordering::Less, false) => format!("{name}<={good}"),
            (Ordering::Greater, true) => format!("{name}>{bad}"),
            (Ordering::Greater, false) => format!("{name}>={good}"),
            (Ordering::Equal, _) => format!("{name}!={bad}"),
        });
        package.first_bad = Some(bad);
        package.last_good = Some(good);
        Ok(())
    }

    /// Whether the bad commit passes with the constraints of all of them.
    fn test_constraints(&mut self, swap: &Swap, named: &mut [PackageChange]) -> Result<(), Stop> {
        let version = (self.plan.bad, self.trials.tree_of(self.plan.bad)?);
        let origin = origin(version, swap.end);
        let Some(mut packages) = self.packages(origin) else { return Ok(()) };
        let mut fixed = Vec::new();
        for package in named.iter().filter(|package| package.constraint.is_some()) {
            if let Some(good) = package.last_good.as_ref().or(package.before.as_ref()) {
                packages.insert(package.name.clone(), good.clone());
                fixed.push(package.name.clone());
            }
        }
        if fixed.is_empty() {
            return Ok(());
        }
        let others = changes(&swap.before, &packages);
        let tried = self.verdicts_of_mixtures(&[Mixture { version, origin, packages, fixed }])?;
        let passed = tried.iter().all(|tried| tried.verdict == Verdict::Good);
        if let Some(failed) =
            tried.into_iter().map(|tried| tried.verdict).find(|verdict| *verdict != Verdict::Good)
        {
            self.say_more_is_needed(version, named, &others, &failed)?;
        }
        for package in named.iter_mut().filter(|package| package.constraint.is_some()) {
            package.constraint_passed = passed;
        }
        Ok(())
    }

    /// With what was named held back, the bad commit still does not pass: what it shows then, and which of the packages
    /// that changed as well that speaks of.
    fn say_more_is_needed(
        &mut self,
        version: Version,
        named: &[PackageChange],
        others: &[Change],
        failed: &Verdict,
    ) -> Result<(), Stop> {
        let constraints: Vec<&str> =
            named.iter().filter_map(|package| package.constraint.as_deref()).collect();
        let shows =
            if *failed == Verdict::Bad { "it fails as before".to_owned() } else { failed.to_string() };
        let shows = shows.trim_start_matches("skip: ");
        let suspects = others.iter().filter(|change| speaks_of(shows, &change.name));
        let hints: Vec<String> = suspects
            .filter_map(|change| Some(format!("--with '{}=={}'", change.name, change.before.as_ref()?)))
            .collect();
        let hint = if hints.is_empty() { String::new() } else { format!(" (perhaps {})", hints.join(" ")) };
        self.journal.note(format!(
            "with {} {} does not pass either: {shows}; more packages have to be held back{hint}",
            constraints.join(", "),
            version.0.short()
        ))?;
        Ok(())
    }
}

/// Whether a text has the name of a package in it, however it is written.
fn speaks_of(text: &str, name: &str) -> bool {
    let text = text.to_lowercase().replace('-', "_");
    let name = name.replace('-', "_");
    let short = name.trim_start_matches("python_").trim_start_matches("py").to_owned();
    [name, short].iter().any(|name| name.len() > 1 && text.contains(name.as_str()))
}

fn outcome(verdict: &Verdict) -> Outcome {
    match verdict {
        Verdict::Good => Outcome::Passes,
        Verdict::Bad => Outcome::Fails,
        Verdict::Skip(_) | Verdict::Abort(_) => Outcome::Unresolved,
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
        })
        .collect()
}

fn set(packages: &mut Versions, name: &str, version: Option<&String>) {
    match version {
        Some(version) => packages.insert(name.to_owned(), version.clone()),
        None => packages.remove(name),
    };
}

pub(super) fn exactly(origin: Origin, packages: &Versions) -> Packages {
    Packages::Exactly { origin, packages: lines(packages) }
}

/// The numbers of a version, for its order: `2.3.0rc1` as 2, 3, 0.
fn release(version: &str) -> Vec<u64> {
    let (epoch, version) = version.split_once('!').unwrap_or(("0", version));
    let mut numbers: Vec<u64> = epoch.parse().into_iter().collect();
    for part in version.split('.') {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        let Ok(number) = digits.parse() else { break };
        numbers.push(number);
        if digits.len() < part.len() {
            break;
        }
    }
    while numbers.len() > 1 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
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

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        assert!(release("2.10") > release("2.9.1"));
        assert!(release("1!1.0") > release("2024.1"));
        assert_eq!(release("2.0"), release("2.0.0"));
        assert!(release("3.0.0rc1") > release("2.3.7"));
    }
}

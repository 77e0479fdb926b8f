//! Releases that broke a version, one after the other.
//!
//! A version passes with the packages of one day and fails with those of a later one. The day from which on it fails is
//! looked for first, then the package that changed there ([`package_bisect`](super::package_bisect)). With that one held back
//! the version may still fail at the end of the range, in another way: then another release broke it as well, and is
//! looked for in the same way. What is said in the end is which constraints let the bad commit pass, all together.

use super::error::EarlyExit;
use super::package_bisect::{PackageRegression, exactly};
use super::package_pins::held_back;
use super::package_trial::{CommitTree, PackageSetTrial, Versions, origin};
use super::state::Session;
use crate::model::{
    EventKind, FailureSignature, PackageChange, PackageDate, PackageOrigin, PackageSelection, Skip, SkipKind,
    TrialOutput, Verdict,
};
use crate::triage::{CommandFacts, Target, TargetOracle, read};

/// More releases than these are not looked for.
const MOST_RELEASES: usize = 4;
/// Packages are released more seldom than this, seconds.
const SHORTEST: i64 = 6 * 3600;

/// Days between which a version breaks, with what is held back meanwhile.
struct Stretch<'a> {
    version: CommitTree,
    passes: PackageOrigin,
    fails: PackageOrigin,
    held: &'a [String],
    /// Whether another failure than the one looked for counts as passing.
    otherwise_passes: bool,
}

impl Session<'_> {
    /// Name the releases that break a version which passes with the packages of the first origin and fails with those of
    /// the second; `end` is as of when the bad commit has to pass with what mends it. Whether any could be named.
    pub(super) fn name_releases(
        &mut self,
        version: CommitTree,
        (passes, fails): (PackageOrigin, PackageOrigin),
        end: PackageDate,
    ) -> Result<bool, EarlyExit> {
        let looked_for = (self.oracle.clone(), self.target.clone());
        let last = origin((self.plan.bad, version.1), end);
        let mut named: Vec<PackageChange> = Vec::new();
        let mut held: Vec<String> = Vec::new();
        let mut stretch = (passes, fails);
        let mut broken_since = None;
        while named.len() < MOST_RELEASES {
            let between = Stretch {
                version,
                passes: stretch.0,
                fails: stretch.1,
                held: &held,
                otherwise_passes: false,
            };
            let (near, far) = self.nearest(&between)?;
            broken_since = broken_since.or(Some(far));
            let found = self.named_between(version, (near, far), &held, false)?;
            let constraints: Vec<String> =
                found.iter().filter_map(|package| package.constraint.clone()).collect();
            named.extend(found);
            (self.oracle, self.target) = looked_for.clone();
            if constraints.is_empty() {
                break;
            }
            held.extend(constraints);
            let Some((verdict, output)) = self.outcome_under(version, last, &held)? else { break };
            if verdict == Verdict::Good {
                break;
            }
            // It fails all the same: that is what is looked for now, from the day on that the first one is held back.
            if verdict != Verdict::Bad && !output.is_some_and(|output| self.look_for(&output)) {
                break;
            }
            stretch = (near, last);
        }
        if named.is_empty() {
            return Ok(false);
        }
        (self.oracle, self.target) = looked_for;
        let since = broken_since.unwrap_or(fails);
        self.name_what_is_seen_at_bad(version, (since, fails), &held, &mut named)?;
        self.say_packages(end, named)?;
        Ok(true)
    }

    /// The failure that was looked for may have come with a later release than the first that broke it, and be mended
    /// with that: it is named, too.
    fn name_what_is_seen_at_bad(
        &mut self,
        version: CommitTree,
        (since, fails): (PackageOrigin, PackageOrigin),
        held: &[String],
        named: &mut Vec<PackageChange>,
    ) -> Result<(), EarlyExit> {
        let text = self.target.as_ref().map(first_line);
        if since == fails || named.iter().any(|package| package.failure == text) {
            return Ok(());
        }
        let Some(first) = named.first().and_then(|package| package.first_bad.clone()) else { return Ok(()) };
        // From the first that broke it on; that it passes before is known.
        let between = Stretch { version, passes: since, fails, held: &[], otherwise_passes: true };
        let (near, far) = self.nearest(&between)?;
        let mut found = self.named_between(version, (near, far), &[], true)?;
        for package in &mut found {
            let name = &package.name;
            let own = held.iter().find(|line| line.split(['<', '>', '=', '!']).next() == Some(name));
            if let Some(own) = own {
                package.constraint = Some(own.clone());
            }
        }
        found.retain(|package| package.first_bad.as_ref() != Some(&first));
        named.extend(found);
        Ok(())
    }

    /// The packages that break a version between two days that are near to each other.
    fn named_between(
        &mut self,
        version: CommitTree,
        (near, far): (PackageOrigin, PackageOrigin),
        held: &[String],
        otherwise_passes: bool,
    ) -> Result<Vec<PackageChange>, EarlyExit> {
        let (Some(before), Some(after)) = (self.packages_held(near, held), self.packages_held(far, held))
        else {
            return Ok(Vec::new());
        };
        let swap = PackageRegression {
            good: version,
            bad: version,
            before,
            after,
            passes: near,
            origin: far,
            otherwise_passes,
        };
        let mut found = self.broken_packages(&swap)?;
        let failure = self.target.as_ref().map(first_line);
        found.iter_mut().for_each(|package| package.failure.clone_from(&failure));
        Ok(found)
    }

    /// Search from now on for the failure that an output shows. Whether it shows one.
    fn look_for(&mut self, output: &TrialOutput) -> bool {
        let command = CommandFacts::of(&self.plan.recipe.command);
        let Ok(failure) = TargetOracle::target_of(output, command) else { return false };
        let mut oracle = TargetOracle::new(Target::Signature(failure.clone()), command);
        oracle.learn(&read(output, &command));
        self.oracle = Some(oracle);
        self.target = Some(failure);
        self.target_output = Some(output.clone());
        true
    }

    /// The packages of a version with some held back.
    fn packages_held(&self, origin: PackageOrigin, held: &[String]) -> Option<Versions> {
        if held.is_empty() {
            return self.packages(origin);
        }
        let list = self.workshop.packages?.packages_under(origin, held, self.workshop.cancel)?;
        Some(super::package_trial::versions(&list))
    }

    /// What a version does with the packages of an origin, some held back.
    fn outcome_under(
        &mut self,
        version: CommitTree,
        origin: PackageOrigin,
        held: &[String],
    ) -> Result<Option<(Verdict, Option<TrialOutput>)>, EarlyExit> {
        let packages = if held.is_empty() {
            PackageSelection::Of(origin)
        } else {
            let Some(packages) = self.packages_held(origin, held) else { return Ok(None) };
            exactly(origin, &packages)
        };
        Ok(self.outcomes_with(vec![(version, packages)])?.into_iter().next())
    }

    /// Two days that are as near to each other as they can be, of which the version passes with the packages of the first
    /// and fails with those of the second. The packages of one day go together; those of years apart seldom do. Where
    /// it fails otherwise in between, that came first and has to be mended first: it becomes the failure that is
    /// searched for.
    fn nearest(&mut self, stretch: &Stretch<'_>) -> Result<(PackageOrigin, PackageOrigin), EarlyExit> {
        let Stretch { version, passes: mut old, fails: mut new, held, otherwise_passes } = *stretch;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let cutoff = |origin| self.workshop.packages.and_then(|packages| packages.package_cutoff(origin));
        let Some(mut passes) = cutoff(old) else { return Ok((old, new)) };
        let mut fails = cutoff(new).unwrap_or(now);
        let mut before = self.packages_held(old, held);
        let mut after = self.packages_held(new, held);
        while fails - passes > SHORTEST {
            let middle = passes + (fails - passes) / 2;
            let there = origin(version, PackageDate::At(middle));
            let Some(between) = self.packages_held(there, held) else { break };
            let (verdict, output) = if before.as_ref() == Some(&between) {
                (Verdict::Good, None)
            } else if after.as_ref() == Some(&between) {
                (Verdict::Bad, None)
            } else {
                let Some(outcome) = self.outcome_under(version, there, held)? else { break };
                outcome
            };
            let is_other =
                |skip: &Skip| matches!(skip.kind, SkipKind::DifferentFailure | SkipKind::NotRunnable);
            match verdict {
                Verdict::Good => (old, passes, before) = (there, middle, Some(between)),
                Verdict::Bad => (new, fails, after) = (there, middle, Some(between)),
                Verdict::Skip(skip) if otherwise_passes && is_other(&skip) => {
                    (old, passes, before) = (there, middle, Some(between));
                }
                Verdict::Skip(skip) if is_other(&skip) => {
                    if !output.is_some_and(|output| self.look_for(&output)) {
                        break;
                    }
                    (new, fails, after) = (there, middle, Some(between));
                }
                Verdict::Skip(_) | Verdict::Abort(_) => break,
            }
        }
        let day = |seconds: i64| {
            jiff::Timestamp::from_second(seconds).map(|at| at.strftime("%F").to_string()).unwrap_or_default()
        };
        let (short, held) = (version.0.short(), with(held));
        let what = if otherwise_passes { "fails otherwise" } else { "passes" };
        self.journal.note(format!(
            "{short} {what} with the packages of {} as a whole{held}, and fails with those of {}",
            day(passes),
            day(fails)
        ))?;
        Ok((old, new))
    }

    /// Test what holds back all of them, together, and say what they are.
    pub(super) fn say_packages(
        &mut self,
        end: PackageDate,
        mut named: Vec<PackageChange>,
    ) -> Result<(), EarlyExit> {
        self.test_constraints(end, &mut named)?;
        let bad = self.plan.bad;
        let tree = self.trials.tree_of(bad)?;
        let facts = self.workshop.packages.and_then(|packages| packages.environment_of(bad, tree));
        let sources = facts.map(|facts| facts.sources).unwrap_or_default();
        let constraints: Vec<String> =
            named.iter().filter_map(|package| package.constraint.clone()).collect();
        let edits = held_back(self.workshop.shadow.repository(), tree, &sources, &constraints)?.edits;
        let constrained = named.iter_mut().filter(|package| package.constraint.is_some());
        constrained.zip(edits).for_each(|(package, edit)| package.edit = edit);
        for package in named {
            self.journal.say(EventKind::Package(package))?;
        }
        Ok(())
    }

    /// Whether the bad commit passes with the constraints of all of them.
    fn test_constraints(&mut self, end: PackageDate, named: &mut [PackageChange]) -> Result<(), EarlyExit> {
        let mut held: Vec<String> = named.iter().filter_map(|package| package.constraint.clone()).collect();
        held.sort();
        held.dedup();
        if held.is_empty() {
            return Ok(());
        }
        let version = (self.plan.bad, self.trials.tree_of(self.plan.bad)?);
        let origin = origin(version, end);
        let verdict = match self.outcome_under(version, origin, &held)? {
            Some((verdict, _)) => verdict,
            // The commit itself asks for the version that breaks it, which is what has to be changed there.
            None => match self.outcome_with_good_releases(version, origin, named)? {
                Some(verdict) => verdict,
                None => {
                    return Ok(self.journal.note(format!(
                        "with {} no packages satisfy what {} declares",
                        held.join(", "),
                        version.0.short()
                    ))?);
                }
            },
        };
        if verdict != Verdict::Good {
            self.say_more_is_needed(version, origin, &held, &verdict)?;
        }
        for package in named.iter_mut().filter(|package| package.constraint.is_some()) {
            package.constraint_passed = verdict == Verdict::Good;
            if held.len() > 1 {
                package.tested_together.clone_from(&held);
            }
        }
        Ok(())
    }

    /// What the bad commit shows with its own packages but for those that break it, in their last good versions.
    fn outcome_with_good_releases(
        &mut self,
        version: CommitTree,
        origin: PackageOrigin,
        named: &[PackageChange],
    ) -> Result<Option<Verdict>, EarlyExit> {
        let Some(mut packages) = self.packages(origin) else { return Ok(None) };
        let mut fixed = Vec::new();
        for package in named.iter().filter(|package| package.constraint.is_some()) {
            if let Some(good) = package.last_good.as_ref().or(package.before.as_ref()) {
                packages.insert(package.name.clone(), good.clone());
                fixed.push(package.name.clone());
            }
        }
        if fixed.is_empty() {
            return Ok(None);
        }
        let tried = self.verdicts_of_mixtures(&[PackageSetTrial { version, origin, packages, fixed }])?;
        Ok(tried.into_iter().next().map(|tried| tried.verdict))
    }

    /// With what was named held back, the bad commit still does not pass: what it shows then.
    fn say_more_is_needed(
        &mut self,
        version: CommitTree,
        at: PackageOrigin,
        held: &[String],
        failed: &Verdict,
    ) -> Result<(), EarlyExit> {
        let shows =
            if *failed == Verdict::Bad { "it fails as before".to_owned() } else { failed.to_string() };
        let shows = shows.trim_start_matches("skip: ");
        let packages = self.packages_held(at, held).unwrap_or_default();
        let speaks = |name: &String| super::package_bisect::speaks_of(shows, name);
        let hints: Vec<String> =
            packages.keys().filter(|name| speaks(name)).map(|name| format!("--with '{name}<…'")).collect();
        let hint = if hints.is_empty() { String::new() } else { format!(" (perhaps {})", hints.join(" ")) };
        let options: Vec<String> = held.iter().map(|line| format!("--with '{line}'")).collect();
        self.journal.note(format!(
            "with {} {} does not pass either: {shows}; more packages have to be held back{hint}, or a commit is to blame as \
             well: the same search with {}",
            held.join(", "),
            version.0.short(),
            options.join(" ")
        ))?;
        Ok(())
    }
}

fn with(held: &[String]) -> String {
    if held.is_empty() { String::new() } else { format!(" (with {})", held.join(", ")) }
}

fn first_line(failure: &FailureSignature) -> String {
    failure.to_string().lines().next().unwrap_or_default().to_owned()
}

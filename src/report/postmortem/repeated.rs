//! The proofs of an answer, each with the command that repeats it.

use super::{Postmortem, Prose};
use crate::model::{CommitId, NarrowingSummary, PackageChange, Report};
use crate::report::proof::why_proven;

/// A proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Claim {
    /// What it is a proof of.
    pub(in crate::report) title: &'static str,
    /// Whether it is one: all that it needs was seen.
    pub(in crate::report) holds: bool,
    /// What was seen.
    pub(in crate::report) seen: Vec<Prose>,
    /// The command that runs it again.
    pub(in crate::report) command: String,
}

/// The proofs of an answer: that of the commit, and that of the edit or the package.
pub(in crate::report) fn proofs(told: &Postmortem) -> Vec<Claim> {
    let report = &told.report;
    let mut proofs = Vec::new();
    if let Some(culprit) = report.culprits.first().filter(|_| report.culprits.len() == 1) {
        let why = why_proven(report, culprit);
        let why = why.trim_start_matches("verified by trials that ran: ");
        proofs.push(Claim {
            title: "The commit",
            holds: told.proven().is_some(),
            seen: why.split("; ").map(Prose::of).collect(),
            command: again(told).replacen("pybisect find", "pybisect find --no-narrow", 1),
        });
    }
    if let (Some(narrowing), false) = (&report.narrowing, report.breaking_changes.is_empty()) {
        proofs.push(of_edits(told, narrowing));
    }
    proofs.extend(report.packages.iter().map(|package| of_package(told, package)));
    proofs
}

fn of_edits(told: &Postmortem, narrowing: &NarrowingSummary) -> Claim {
    let report = &told.report;
    let changes = &report.breaking_changes;
    let short = |id: &Option<CommitId>| id.as_ref().map(CommitId::short).unwrap_or_default();
    let (before, after, then, back) = if report.find_fix {
        ("fails", "passes", "passes", "fails in the same way")
    } else {
        ("passes", "fails", "fails in the same way", "passes")
    };
    let several = changes.iter().any(|change| change.cause > 0);
    let (what, them) = match changes.len() {
        1 => ("this edit", "it"),
        _ if several => ("the edits of each cause", "all of them"),
        _ => ("these edits", "them"),
    };
    let is_sufficient = changes.iter().all(|change| change.sufficient);
    let is_necessary = changes.iter().all(|change| change.necessary);
    let mut seen = Vec::new();
    let not = |holds: bool| if holds { "" } else { "not shown: " };
    seen.push(
        Prose::of(format!("{}sufficient: ", not(is_sufficient)))
            .code(short(&narrowing.good))
            .text(format!(" {before}, and with {what} alone it {then}")),
    );
    let resting = match narrowing.resting.len() {
        0 => String::new(),
        1 => " and another that rests on it".to_owned(),
        count => format!(" and {count} others that rest on it"),
    };
    seen.push(
        Prose::of(format!("{}necessary: ", not(is_necessary)))
            .code(short(&narrowing.bad))
            .text(format!(" {after}, and without {them}{resting} it {back}")),
    );
    seen.extend(narrowing.remarks.iter().map(Prose::of));
    let title = if changes.len() == 1 { "The edit" } else { "The edits" };
    Claim { title, holds: is_sufficient && is_necessary, seen, command: again(told) }
}

fn of_package(told: &Postmortem, package: &PackageChange) -> Claim {
    let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
    let (before, after) = (version(&package.before), version(&package.after));
    let not = |holds: bool| if holds { "" } else { "not shown: " };
    let seen = vec![
        Prose::of(format!("{}with ", not(package.sufficient)))
            .code(format!("{} {after}", package.name))
            .text(" and what it requires, the last good version of the project fails"),
        Prose::of(format!("{}with ", not(package.necessary)))
            .code(format!("{} {before}", package.name))
            .text(" the first bad version passes"),
    ];
    let holds = package.sufficient && package.necessary;
    Claim { title: "The package", holds, seen, command: again(told) }
}

/// The search of the answer alone: from the parents of the culprit to the culprit.
fn again(told: &Postmortem) -> String {
    told.again.clone().unwrap_or_else(|| {
        let ends: Vec<String> =
            ends(&told.report).into_iter().flat_map(|(option, id)| [option, id]).collect();
        format!("pybisect find --fresh {} -- {}", ends.join(" "), told.report.command)
    })
}

/// The ends of the search that has the answer alone between them, as options.
#[must_use]
pub fn ends(report: &Report) -> Vec<(String, String)> {
    let option = |name: &str, id: CommitId| (name.to_owned(), id.short());
    // The one that mended it is looked for from the older commit, which is bad.
    let (older, newer) = if report.find_fix { ("--bad", "--good") } else { ("--good", "--bad") };
    match report.culprits.as_slice() {
        [only] if !only.commit.parents.is_empty() => {
            let followed = if report.first_parent { 1 } else { usize::MAX };
            let parents = only.commit.parents.iter().take(followed);
            let mut ends: Vec<(String, String)> = parents.map(|parent| option(older, *parent)).collect();
            ends.push(option(newer, only.commit.id));
            ends
        }
        _ => {
            let goods = report.good.iter().map(|good| option(older, *good));
            goods.chain(report.bad.map(|bad| option(newer, bad))).collect()
        }
    }
}

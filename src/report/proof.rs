//! Why an answer is believed, in words: no commit is named that did not run.

use crate::model::proof::Tally;
use crate::model::{CommitId, Culprit, Evidence, Report};

/// Why a culprit is believed.
pub(super) fn why_proven(report: &Report, culprit: &Culprit) -> String {
    let id = culprit.commit.id.short();
    let (here, before) = if report.find_fix { ("passes", "fails") } else { ("fails", "passes") };
    let Some(proof) = &culprit.proof else { return format!("{id} is not proven by the trials that ran") };
    let (own, parents, not_followed) = match proof.evidence() {
        Evidence::Edits { .. } => {
            return format!(
                "verified by trials that ran: {id} as a whole cannot be judged; but its edit alone brings this failure, \
                 and without it the failure is gone"
            );
        }
        Evidence::Commits { culprit, parents, not_followed } => (culprit, parents, not_followed),
    };
    let own = format!("{id} {here}{}", mixed(own.bad, own));
    let each = |tally: &Tally| format!("{}{}", tally.commit.short(), mixed(tally.good, tally));
    let ids: Vec<String> = parents.iter().map(each).collect();
    let parents = match (ids.as_slice(), not_followed.as_slice()) {
        ([], _) => "it has no parent".to_owned(),
        ([one], []) => format!("its parent {one} {before}"),
        (several, []) => format!("each of its parents {} {before}", several.join(", ")),
        (several, others) => {
            let others: Vec<String> = others.iter().map(CommitId::short).collect();
            format!(
                "its first parent {} {before}; the other side, {}, was not looked at (--first-parent)",
                several.join(", "),
                others.join(", ")
            )
        }
    };
    let sure = match culprit.probability {
        p if p >= 0.9995 => String::new(),
        p => format!(" ({:.1} % sure)", p * 100.0),
    };
    format!("verified by trials that ran: {own}, {parents}{sure}")
}

/// Where the failure of a commit that decides is only likely the one that is searched for, and why.
pub(super) fn not_certain(report: &Report, culprit: &Culprit) -> Vec<String> {
    let commits = std::iter::once(culprit.commit.id)
        .chain(culprit.commit.parents.iter().copied())
        .chain(report.good.iter().copied())
        .chain(report.bad);
    let mut lines: Vec<String> = Vec::new();
    for commit in commits {
        let of_commit =
            report.trial_log.iter().filter(|line| line.commit == commit && line.purpose.is_of_commit());
        for why in of_commit.filter_map(|line| line.likely.as_ref()) {
            let line = format!("{} is taken to fail in the same way: {why}", commit.short());
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

/// How often a commit did what is said of it, where it did not always.
fn mixed(times: usize, tally: &Tally) -> String {
    let all = tally.good + tally.bad;
    if times == all { String::new() } else { format!(" (in {times} of {all} runs)") }
}

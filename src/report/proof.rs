//! Why an answer is believed, in words: no commit is named that did not run.

use crate::model::proof::Tally;
use crate::model::{CommitId, Culprit, Evidence, Report, Shown};

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
        Evidence::History { parents, shown, .. } => return by_history(report, &id, parents, shown),
        Evidence::OtherFault { since, .. } => {
            let bad = report.bad.map(|bad| bad.short()).unwrap_or_default();
            return format!(
                "verified by trials that ran: {bad} without what {id} changed fails in another way, as the command does since \
                 {0}; without what {0} changed it fails as it is, and without both it passes",
                since.short()
            );
        }
        Evidence::Undone { bad, .. } => {
            return format!(
                "verified by trials that ran: it fails at {0}, and passes there without what {id} changed",
                bad.commit.short()
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

fn by_history(report: &Report, id: &str, parents: &[Tally], shown: &Shown) -> String {
    let parents: Vec<String> = parents.iter().map(|parent| parent.commit.short()).collect();
    let parents = parents.join(", ");
    let bad = report.bad.map(|bad| bad.short()).unwrap_or_default();
    let why = match shown {
        Shown::Undone => format!("and {bad} without its change passes"),
        Shown::StillThere { other } => {
            format!("and {bad} without the change of {} still fails as it does", other.short())
        }
        Shown::WithoutBoth { other } => {
            let other = other.short();
            format!("so does what is before {other}, and {bad} without the changes of both passes")
        }
        Shown::OtherFault { culprit } | Shown::Mended { culprit } => {
            format!("and {} brought another failure", culprit.short())
        }
        Shown::Unsettled => "and none after it that ran passes".to_owned(),
    };
    format!("verified by trials that ran: {id} fails, though otherwise; its parent {parents} passes; {why}")
}

/// How the failure looked over the range, in a line for each stretch.
pub(super) fn history(report: &Report) -> Vec<String> {
    let Some(history) = &report.history else { return Vec::new() };
    let line = |(at, face): (usize, &crate::model::Face)| {
        let begins = if at == 0 { "fails since" } else { "seen since" };
        format!("{begins} {} as {}", face.first.short(), face.failure)
    };
    history.faces.iter().enumerate().map(line).collect()
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

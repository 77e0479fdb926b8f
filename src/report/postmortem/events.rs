//! The sequence of events, as far as the repository and the session know it.

use super::{Certainty, Headline, Moment, Postmortem, Prose, Said, Tone, Verdicts};
use crate::model::{CommitId, CommitInfo};
use crate::report::phrases::{duration, plural};

/// More than this between writing a commit and its coming into the history is told.
const LONG: i64 = 24 * 3600;

/// What happened, in order.
pub(in crate::report) fn events(told: &Postmortem) -> Vec<Moment> {
    let mut moments = of_history(told);
    if let Some(incident) = &told.incident {
        moments.extend(super::incident::moments(told, incident));
        moments.sort_by_key(|moment| moment.at);
        return moments;
    }
    moments.sort_by_key(|moment| moment.at);
    moments.push(of_search(told));
    moments.extend(of_fix(told));
    moments
}

fn of_history(told: &Postmortem) -> Vec<Moment> {
    let report = &told.report;
    let mut moments = Vec::new();
    let named =
        |commit: &CommitInfo| Prose::of_code(commit.id.short()).text(format!(" “{}”", commit.subject));
    // An incident is told in one zone.
    let offset = |commit: &CommitInfo| if told.incident.is_some() { 0 } else { commit.author_offset };
    let at = |commit: &CommitInfo, at: i64, tone, what| Moment::at(at, offset(commit), tone, what);
    let does = |passes: bool| if passes { "passes" } else { "fails" };
    // The one before the answer, and the newest.
    if let Some(good) = &report.last_good {
        let what = named(good).text(format!(": the last version that {}", does(!report.find_fix)));
        moments.push(at(good, good.commit_time, Tone::Good, what));
    }
    let proven = told.proven().map(|culprit| &culprit.commit);
    if let Some(commit) = proven {
        let author = commit.author.split(" <").next().unwrap_or_default();
        let (verb, tone) = if report.find_fix { ("mended", Tone::Good) } else { ("broke", Tone::Bad) };
        let late = commit.commit_time - commit.author_time > LONG;
        let what = named(commit).text(format!(" by {author}, which {verb} it"));
        if late {
            moments.push(at(commit, commit.author_time, tone, what.text(", was written")));
            let what = Prose::of_code(commit.id.short()).text(" came into the history");
            moments.push(at(commit, commit.commit_time, tone, what));
        } else {
            moments.push(at(commit, commit.commit_time, tone, what));
        }
    }
    let fails = |id: CommitId| Verdicts::of(report).get(id) == Some(Said::Fails);
    let bad = report.bad.filter(|bad| proven.is_none_or(|commit| commit.id != *bad) && fails(*bad));
    if let Some(commit) = bad.filter(|_| !report.find_fix).and_then(|bad| told.commit(bad)) {
        let what = named(commit).text(": the version in which the failure was seen");
        moments.push(at(commit, commit.commit_time, Tone::Bad, what));
    }
    moments
}

fn of_search(told: &Postmortem) -> Moment {
    let report = &told.report;
    let headline = Headline::of(told);
    let came = match headline.certainty {
        Certainty::Proven => "proved the answer",
        Certainty::NotProven => "named a commit, without a proof",
        Certainty::OneOfSeveral => "left several commits",
        Certainty::NoAnswer | Certainty::NotReproduced | Certainty::NotRun => "came to no answer",
        Certainty::Unfinished => "has not come to its end",
    };
    let runs = report.trials.run + report.trials.narrowing;
    let over = match report.range.commits {
        0 => String::new(),
        commits => format!(" over {}", plural(commits, "commit")),
    };
    let took = duration(report.wall_seconds);
    let what = Prose::of("the search with ")
        .code(&report.command)
        .text(format!(" {came}, by {}{over} in {took}", plural(runs, "trial")));
    match told.began {
        Some(began) => Moment::at(began, 0, Tone::Plain, what),
        None => Moment::some_time(what),
    }
}

fn of_fix(told: &Postmortem) -> Option<Moment> {
    let fix = told.fix.as_ref()?;
    let passed = fix.fixes.iter().filter(|fix| fix.passed).count();
    let what = match (fix.mended_already, fix.fixes.first()) {
        (true, _) => Prose::of("no fix is needed: it passes already"),
        (false, Some(best)) if best.passed => Prose::of(format!(
            "{} of {} passed; the smallest: {}",
            passed,
            plural(fix.fixes.len(), "candidate fix").replace("fixs", "fixes"),
            best.kind.phrase()
        )),
        _ => Prose::of("no candidate fix passed"),
    };
    Some(Moment::some_time(what))
}

//! The proofs, what was printed, and each trial.

use super::markup::Html;
use super::strip::icon;
use crate::model::trial_line::{OutcomeSource, TrialLine};
use crate::model::{Report, TrialKind};
use crate::report::phrases::{duration, plural};
use crate::report::postmortem::{Postmortem, Said};
use crate::report::show::{ShownSession, lines_of};

/// Lines of an output that are not folded, and trials that are listed.
const MOST_LINES: usize = 30;
const MOST_TRIALS: usize = 400;

/// The proofs, each with the command that repeats it.
pub(super) fn proofs(told: &Postmortem) -> Html {
    let mut html = Html::default();
    for proof in crate::report::postmortem::proofs(told) {
        html.raw("<div class=\"proof ").raw(if proof.holds { "holds" } else { "open" }).raw("\">\n<h3>");
        html.raw(proof.title).raw(" <span class=\"badge\">");
        html.raw(if proof.holds { "proven" } else { "not proven" }).raw("</span></h3>\n<ul>");
        for seen in &proof.seen {
            html.raw("<li>").prose(seen).raw("</li>");
        }
        html.raw("</ul>\n<p class=\"muted\">To run it again:</p>\n").command(&proof.command).raw("</div>\n");
    }
    html
}

/// What the failing run printed, beside one that passes.
pub(super) fn outputs(told: &Postmortem) -> Html {
    let report = &told.report;
    let shown = ShownSession { report, outputs: &told.outputs };
    let mut printed: Vec<(String, Said, Vec<String>)> = shown
        .deciding()
        .into_iter()
        .map(|titled| (titled.title, Said::of(titled.output.verdict), lines_of(titled.output)))
        .collect();
    if printed.is_empty() {
        let tails = report.outputs.iter().filter(|tail| !tail.lines.is_empty());
        printed.extend(tails.map(|tail| {
            let end = tail.end.map(|end| format!(" ({})", end.word())).unwrap_or_default();
            let title = format!("{}{end}: {}", tail.commit.short(), tail.ended);
            let last = report.trial_log.iter().rfind(|line| line.commit == tail.commit);
            let said = last.map_or(Said::Skipped, |line| Said::of(line.verdict));
            (title, said, tail.lines.clone())
        }));
    }
    let mut html = Html::default();
    if printed.is_empty() {
        return html;
    }
    let telling = telling(report);
    // The failing one is what is looked for.
    printed.sort_by_key(|(_, said, _)| *said == Said::Passes);
    for (title, said, all) in &printed {
        html.raw("<div class=\"side output ").raw(said.class()).raw("\"><h3>");
        icon(*said, &mut html);
        html.raw(" ").text(title).raw("</h3>\n");
        // Its end says what happened.
        let (before, end) = all.split_at(all.len().saturating_sub(MOST_LINES));
        if !before.is_empty() {
            html.raw("<details><summary>").text(&plural(before.len(), "line")).raw(" before</summary>");
            printed_lines(before, *said, &telling, &mut html);
            html.raw("</details>\n");
        }
        printed_lines(end, *said, &telling, &mut html);
        html.raw("</div>\n");
    }
    html
}

fn printed_lines(lines: &[String], said: Said, telling: &[String], html: &mut Html) {
    html.raw("<pre tabindex=\"0\">");
    for line in lines {
        if said == Said::Fails && telling.iter().any(|part| line.contains(part)) {
            html.raw("<mark>").block(line).raw("</mark>\n");
        } else {
            html.block(line).raw("\n");
        }
    }
    html.raw("</pre>\n");
}

/// What tells the lines that say what failed.
fn telling(report: &Report) -> Vec<String> {
    let Some(failure) = &report.failure else { return Vec::new() };
    let first = failure.message.lines().next().unwrap_or_default().trim();
    let mut parts: Vec<String> =
        Some(first).filter(|text| text.len() >= 6).map(str::to_owned).into_iter().collect();
    parts.extend(failure.frames.last().and_then(|frame| frame.code.clone()).filter(|code| code.len() >= 6));
    parts
}

/// Each trial, in order.
pub(super) fn trials(told: &Postmortem) -> Html {
    let report = &told.report;
    let mut html = Html::default();
    if report.trial_log.is_empty() {
        return html;
    }
    html.raw("<p>").text(&counts(report)).raw("</p>\n");
    skipped(report, &mut html);
    html.raw("<details><summary>All trials (").count(report.trial_log.len()).raw(")</summary>\n");
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All trials\"><table>\n<thead><tr><th scope=\"col\">commit</th><th scope=\"col\">says</th><th scope=\"col\">run for</th><th scope=\"col\" class=\"number\">time</th><th scope=\"col\">subject</th></tr></thead>\n<tbody>\n");
    for line in report.trial_log.iter().take(MOST_TRIALS) {
        row(line, told, &mut html);
    }
    html.raw("</tbody></table></div>\n");
    if let Some(more) = report.trial_log.len().checked_sub(MOST_TRIALS).filter(|more| *more > 0) {
        html.raw("<p class=\"muted\">… and ").count(more).raw(" more, in the JSON report</p>\n");
    }
    html.raw("</details>\n");
    html
}

fn row(line: &TrialLine, told: &Postmortem, html: &mut Html) {
    let said = Said::of(line.verdict);
    let subject = told.commit(line.commit).map(|commit| commit.subject.as_str()).unwrap_or_default();
    html.raw("<tr><td>").code(&line.commit.short()).raw("</td><td class=\"").raw(said.class()).raw("\">");
    icon(said, html);
    html.raw(" ")
        .raw(said.word())
        .raw("</td><td>")
        .raw(purpose(line.purpose))
        .raw("</td><td class=\"number\">");
    match line.source {
        OutcomeSource::Ran => html.text(&duration(line.timing.run_ms / 1e3)),
        OutcomeSource::Reused | OutcomeSource::Replayed => html.raw("known"),
    };
    html.raw("</td><td>").text(subject).raw("</td></tr>\n");
}

const fn purpose(purpose: TrialKind) -> &'static str {
    match purpose {
        TrialKind::Endpoint => "an end of the range",
        TrialKind::Search => "the search",
        TrialKind::Proof => "the proof",
        TrialKind::Repeat => "a repetition",
        TrialKind::Narrowing => "the edit (a part of a change)",
        TrialKind::Fix => "a fix",
        TrialKind::Verify => "a fix, with the wider command",
    }
}

fn counts(report: &Report) -> String {
    let trials = &report.trials;
    let mut counts = vec![format!("{} to find the commit", trials.run)];
    for (count, what) in [
        (trials.narrowing, "to find the edit"),
        (trials.fix, "to test fixes"),
        (trials.reused, "known from before"),
        (trials.inferred, "inferred: nothing that they changed was read"),
        (trials.cancelled, "cancelled"),
    ] {
        if count > 0 {
            counts.push(format!("{count} {what}"));
        }
    }
    let took = duration(report.wall_seconds);
    format!("{}; {} at a time, {took} in all.", counts.join(", "), report.jobs)
}

/// Why commits could not be tested, the most frequent reason first.
fn skipped(report: &Report, html: &mut Html) {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for skipped in &report.skipped {
        match reasons.iter_mut().find(|(reason, _)| *reason == skipped.reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&skipped.reason, 1)),
        }
    }
    if reasons.is_empty() {
        return;
    }
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    html.raw("<p>Could not be tested:</p><ul>");
    for (reason, count) in reasons.iter().take(8) {
        html.raw("<li>").text(&plural(*count, "commit")).raw(": ").text(reason).raw("</li>");
    }
    html.raw("</ul>\n");
}

//! Fixes, failing tests, environments, and what the page is.

use super::cause::of_diff;
use super::markup::Html;
use super::strip::icon;
use crate::model::{CandidateFix, Report, Status, TargetReport, by_culprit};
use crate::report::phrases::{date, plural};
use crate::report::postmortem::{Postmortem, Said};
use crate::report::targets::heading;

/// Tests of one commit that are listed.
const MOST_TESTS: usize = 200;

/// Every candidate fix, and how it fared.
pub(super) fn fixes(told: &Postmortem) -> Html {
    let mut html = Html::default();
    let Some(report) = &told.fix else { return html };
    let onto = report.onto.map(|onto| onto.short()).unwrap_or_default();
    if report.mended_already {
        html.raw("<p>None is needed: ").code(&onto).raw(" passes already.</p>\n");
        return html;
    }
    html.raw("<p>On top of ").code(&onto);
    if !report.as_it_is.is_empty() {
        let failing = report.as_it_is.strip_prefix("fails: ").unwrap_or(&report.as_it_is);
        html.raw(", which as it is fails: ").code(failing.lines().next().unwrap_or_default());
    }
    html.raw("</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Candidate fixes\"><table>\n<thead><tr><th scope=\"col\">result</th><th scope=\"col\">candidate</th><th scope=\"col\">size</th><th scope=\"col\">what came of it</th></tr></thead>\n<tbody>\n");
    for fix in &report.fixes {
        candidate(fix, &mut html);
    }
    html.raw("</tbody></table></div>\n");
    let more = report.left_out.iter().chain(&report.wider_cannot_run);
    for why in more {
        html.raw("<p class=\"muted\">Not made: ").text(why).raw("</p>\n");
    }
    if let Some(best) = report.fixes.first().filter(|fix| fix.is_clean()) {
        html.raw("<h3>The smallest that passes</h3>\n");
        of_diff(&best.patch, &mut html);
        html.command(&format!("pybisect fix {} --branch NAME --commit", report.session));
    }
    html
}

fn candidate(fix: &CandidateFix, html: &mut Html) {
    let said = if fix.passed { Said::Passes } else { Said::Fails };
    html.raw("<tr><td class=\"").raw(said.class()).raw("\">");
    icon(said, html);
    html.raw(" ").raw(said.word()).raw("</td><td>").raw(fix.kind.phrase()).raw("</td><td>");
    html.text(&plural(fix.files, "file")).raw(", ").text(&plural(fix.lines, "line")).raw("</td><td>");
    html.text(fix.outcome.lines().next().unwrap_or_default());
    if let Some(wider) = &fix.verified {
        html.raw("; the wider command ").text(wider);
    }
    html.raw("</td></tr>\n");
}

/// The tests that newly fail, by the commit that broke them.
pub(super) fn targets(told: &Postmortem) -> Html {
    let mut html = Html::default();
    let Some(heading) = heading(&told.report) else { return html };
    html.raw("<p>").text(&heading).raw(".</p>\n");
    for group in by_culprit(&told.report.targets) {
        html.raw("<div class=\"group\">\n<h3>");
        match group.culprit {
            Some(culprit) => {
                html.code(&culprit.commit.id.short()).raw(" ").text(&culprit.commit.subject);
                if culprit.proof.is_none() {
                    html.raw(" <span class=\"badge\">not proven</span>");
                }
            }
            None => {
                html.raw("No commit");
            }
        }
        html.raw(" <span class=\"muted\">")
            .text(&plural(group.tests.len(), "test"))
            .raw("</span></h3>\n<ul>");
        for target in group.tests.iter().take(MOST_TESTS) {
            html.raw("<li>").code(&target.test);
            if let Some(more) = more_of(target) {
                html.raw(": ").text(&more);
            }
            html.raw("</li>");
        }
        html.raw("</ul></div>\n");
    }
    html
}

/// What there is to say of a test beside its commit.
fn more_of(target: &TargetReport) -> Option<String> {
    match target.status {
        Status::Found if target.culprits.is_empty() => {
            let packages: Vec<&str> = target.packages.iter().map(|package| package.name.as_str()).collect();
            Some(format!("other packages: {}", packages.join(", ")))
        }
        Status::Found => target
            .failure
            .as_ref()
            .map(|failure| failure.to_string().lines().next().unwrap_or_default().to_owned()),
        Status::Ambiguous => Some(format!("one of {}", plural(target.culprits.len(), "commit"))),
        _ => Some(target.reason.clone().unwrap_or_else(|| "no answer".to_owned())),
    }
}

/// What trials ran with and in.
pub(super) fn environment(told: &Postmortem) -> Html {
    let report = &told.report;
    let mut html = Html::default();
    notes(report, &mut html);
    if !report.environment.is_empty() || !report.isolation.by.is_empty() {
        html.raw("<dl class=\"rows\">\n");
        for (name, value) in &report.environment {
            html.raw("<dt>").text(name).raw("</dt><dd>").code(value).raw("</dd>\n");
        }
        if !report.isolation.by.is_empty() {
            html.raw("<dt>isolated by</dt><dd>").text(&report.isolation.by);
            if !report.isolation.network.is_empty() {
                html.raw(", network: ").text(&report.isolation.network);
            }
            html.raw("</dd>\n");
        }
        for (title, names) in [
            ("not to be had here", &report.isolation.missing),
            ("variables withheld", &report.isolation.withheld),
        ] {
            if !names.is_empty() {
                html.raw("<dt>").raw(title).raw("</dt><dd>").text(&names.join(", ")).raw("</dd>\n");
            }
        }
        html.raw("</dl>\n");
    }
    for facts in &report.environments {
        html.raw("<details><summary>Python ").text(&facts.python).raw(", ");
        html.text(&plural(facts.packages.len(), "package")).raw(" as of ");
        html.text(facts.as_of.as_deref().unwrap_or("now")).raw("</summary>\n<p class=\"muted\">");
        html.text(&facts.because);
        if !facts.sources.is_empty() {
            html.raw("; declared in ").text(&facts.sources.join(", "));
        }
        html.raw("</p>\n<p class=\"packages\">");
        for package in &facts.packages {
            html.code(package).raw(" ");
        }
        html.raw("</p></details>\n");
    }
    html
}

/// What the user should know beside the answer.
fn notes(report: &Report, html: &mut Html) {
    let mut notes = crate::report::proof::history(report);
    for episode in &report.episodes {
        let (bad, mended) = (episode.bad.short(), episode.mended_by.short());
        notes.push(format!(
            "the failure was there before: {bad} has it, {mended} does not; this is the latest breakage"
        ));
    }
    if let Some((failures, passes)) = report.flaky {
        notes.push(format!(
            "the test is flaky: about {:.0} % false failures, {:.0} % false passes",
            failures * 100.0,
            passes * 100.0
        ));
    }
    notes.extend(report.notes.iter().cloned());
    if notes.is_empty() {
        return;
    }
    html.raw("<ul class=\"notes\">");
    for note in notes {
        html.raw("<li>").block(&note).raw("</li>");
    }
    html.raw("</ul>\n");
}

/// What the page is.
pub(super) fn footer(told: &Postmortem, html: &mut Html) {
    html.raw("<footer><p>");
    if !told.report.session.is_empty() {
        html.raw("Session ").code(&told.report.session).raw(". ");
    }
    if let Some(began) = told.began {
        html.raw("The search began ").text(&date(began, 0)).raw(". ");
    }
    html.raw("Written by pybisect ").text(env!("CARGO_PKG_VERSION"));
    html.raw("; what looks like a secret is masked. This page asks nothing of any server.</p></footer>\n");
}

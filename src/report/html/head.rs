//! The answer, before anything else.

use super::markup::Html;
use crate::model::{Incident, Status};
use crate::report::phrases::place;
use crate::report::phrases::{duration, plural};
use crate::report::postmortem::{Certainty, Headline, Postmortem, state};

/// Members of a set that are listed.
const MOST_LISTED: usize = 12;

/// A section of the page: its anchor, its title, its content.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) content: Html,
}

/// The head of the page.
pub(super) fn head(told: &Postmortem, headline: &Headline, sections: &[Section], html: &mut Html) {
    match &told.incident {
        Some(incident) => of_incident(told, incident, headline, html),
        None => of_search(told, headline, html),
    }
    html.raw("</div>\n</header>\n<nav class=\"contents\" aria-label=\"Contents\"><ul>");
    for section in sections {
        html.raw("<li><a href=\"#").raw(section.id).raw("\">").raw(section.title).raw("</a></li>");
    }
    html.raw("</ul></nav>\n");
}

/// The answer of a search.
fn of_search(told: &Postmortem, headline: &Headline, html: &mut Html) {
    html.raw("<header class=\"head ").raw(class(headline.certainty)).raw("\">\n<div class=\"inner\">\n");
    html.raw("<p class=\"kicker\">")
        .text(kind(told))
        .raw(" <span>")
        .text(&told.repository)
        .raw("</span></p>\n");
    html.raw("<h1>").prose(&headline.line).raw("</h1>\n");
    if let Some(subject) = &headline.subject {
        let byline = headline.byline.as_deref().unwrap_or_default();
        html.raw("<p class=\"subject\">")
            .text(subject)
            .raw("</p>\n<p class=\"byline\">")
            .text(byline)
            .raw("</p>\n");
    }
    because(told, headline, html);
}

/// How the service is; then the cause, as sure as it is.
fn of_incident(told: &Postmortem, incident: &Incident, headline: &Headline, html: &mut Html) {
    let (line, is_well) = state(incident);
    html.raw("<header class=\"head ")
        .raw(if is_well { "well" } else { "ill" })
        .raw("\">\n<div class=\"inner\">\n");
    html.raw("<p class=\"kicker\">pybisect · incident <span>").text(&incident.id).raw("</span></p>\n<h1>");
    html.prose(&line).raw("</h1>\n<p class=\"byline\">").text(incident.title());
    if !incident.source().is_empty() {
        html.raw(" (by ").text(incident.source()).raw(")");
    }
    html.raw("</p>\n");
    if told.report.status == Status::NotSearched {
        return;
    }
    html.raw("<p class=\"subject\">").prose(&headline.line);
    if let Some(subject) = &headline.subject {
        html.raw(": ").text(subject);
    }
    html.raw("</p>\n");
    if let Some(byline) = &headline.byline {
        html.raw("<p class=\"byline\">").text(byline).raw("</p>\n");
    }
    html.raw("<div class=\"").raw(class(headline.certainty)).raw("\">");
    because(told, headline, html);
    html.raw("</div>\n");
}

/// How sure it is, and why.
fn because(told: &Postmortem, headline: &Headline, html: &mut Html) {
    html.raw("<p class=\"because\"><strong class=\"badge\">")
        .raw(headline.certainty.label())
        .raw("</strong>");
    for (number, because) in headline.because.iter().enumerate() {
        html.raw(if number == 0 { " " } else { "</p>\n<p class=\"because\">" }).prose(because);
    }
    html.raw("</p>\n");
    if headline.certainty == Certainty::OneOfSeveral {
        several(told, html);
    }
}

fn kind(told: &Postmortem) -> &'static str {
    if told.report.find_fix { "pybisect · what fixed it" } else { "pybisect · report" }
}

const fn class(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Proven => "proven",
        Certainty::NotProven | Certainty::OneOfSeveral => "open",
        Certainty::NoAnswer | Certainty::Unfinished | Certainty::NotReproduced | Certainty::NotRun => "none",
    }
}

fn several(told: &Postmortem, html: &mut Html) {
    let culprits = &told.report.culprits;
    html.raw("<ol class=\"several\">\n");
    for culprit in culprits.iter().take(MOST_LISTED) {
        let author = culprit.commit.author.split(" <").next().unwrap_or_default();
        html.raw("<li><b class=\"share\">")
            .text(&format!("{:.0} %", culprit.probability * 100.0))
            .raw("</b> ");
        html.code(&culprit.commit.id.short()).raw(" ").text(&culprit.commit.subject);
        html.raw(" <span class=\"muted\">").text(author).raw("</span></li>\n");
    }
    html.raw("</ol>\n");
    if let Some(more) = culprits.len().checked_sub(MOST_LISTED).filter(|more| *more > 0) {
        html.raw("<p class=\"muted\">… and ").count(more).raw(" more</p>\n");
    }
}

/// What one wants to know at once.
pub(super) fn facts(told: &Postmortem, html: &mut Html) {
    let report = &told.report;
    if report.command.is_empty() {
        return;
    }
    html.raw("<dl class=\"facts\">\n");
    if let Some(failure) = &report.failure {
        let text = failure.to_string();
        html.raw("<div class=\"wide\"><dt>Failure</dt><dd>").code(text.lines().next().unwrap_or_default());
        if let Some(place) = place(failure) {
            html.raw("<br><span class=\"muted\">at ").text(&place).raw("</span>");
        }
        html.raw("</dd></div>\n");
    }
    html.raw("<div class=\"wide\"><dt>Command</dt><dd>").code(&report.command).raw("</dd></div>\n");
    if let Some(good) = report.last_good.as_ref().filter(|_| told.has_answer()) {
        let title = if report.find_fix { "Last version that fails" } else { "Last good version" };
        html.raw("<div><dt>")
            .raw(title)
            .raw("</dt><dd>")
            .code(&good.id.short())
            .raw("<br><span class=\"muted\">");
        html.text(&good.subject).raw("</span></dd></div>\n");
    }
    if let Some(fix) = &told.fix {
        let best = fix.fixes.first().filter(|fix| fix.is_clean());
        html.raw("<div><dt>Fix</dt><dd>");
        match (fix.mended_already, best) {
            (true, _) => html.raw("not needed: it passes already"),
            (false, Some(best)) => html.raw("tested: ").text(best.kind.phrase()),
            (false, None) => html.raw("none of the candidates passes"),
        };
        html.raw("</dd></div>\n");
    }
    html.raw("<div><dt>Search</dt><dd>");
    let trials = &report.trials;
    html.text(&plural(trials.run + trials.narrowing, "trial"))
        .raw(" in ")
        .text(&duration(report.wall_seconds));
    if report.range.commits > 0 {
        html.raw("<br><span class=\"muted\">over ").text(&plural(report.range.commits, "commit"));
        html.raw(", ").text(&plural(report.range.merges, "merge")).raw("</span>");
    }
    html.raw("</dd></div>\n</dl>\n");
}

//! The same page where a server has it: it grows while the incident does, and has buttons for what waits for a person.

use std::io::{self, Write};

use jiff::Timestamp;

use super::markup::Html;
use super::policy::{SCRIPT, STYLE, hashes};
use crate::model::{Incident, IncidentOutcome, Step, StepKind, StepState};
use crate::report::escape::cleaned;
use crate::report::phrases::duration;
use crate::report::postmortem::{state, title};

const LIVE_STYLE: &str = include_str!("live.css");
const LIVE_SCRIPT: &str = include_str!("live.js");
/// Lines of a step that runs.
const MOST_LINES: usize = 8;

/// What a page needs to be a live one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// What its forms are known by.
    pub csrf: String,
    /// How much is written down of the incident that it shows.
    pub size: u64,
}

/// As that of the page by itself, but that it asks its own server, and only that.
pub(super) fn policy() -> String {
    format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; base-uri 'none'; form-action 'self'",
        hashes(&[STYLE, LIVE_STYLE]),
        hashes(&[SCRIPT, LIVE_SCRIPT])
    )
}

pub(super) fn style(html: &mut Html) {
    html.raw("<style>").raw(LIVE_STYLE).raw("</style>\n");
}

pub(super) fn script(html: &mut Html) {
    html.raw("<script>").raw(LIVE_SCRIPT).raw("</script>\n");
}

/// Above all: whether the page is up to date, and the way to the others.
pub(super) fn bar(live: &Live, incident: &Incident, html: &mut Html) {
    html.raw("<nav class=\"live\" id=\"live\" aria-label=\"Incidents\" data-path=\"/incidents/")
        .text(&incident.id);
    html.raw("\" data-size=\"").text(&live.size.to_string()).raw("\"");
    if incident.outcome.is_some() {
        html.raw(" data-over=\"yes\"");
    }
    html.raw("><a href=\"/\">All incidents</a><span class=\"live-state script-only\" id=\"live-state\" role=\"status\">…</span>");
    logout(html);
    html.raw("</nav>\n");
}

fn logout(html: &mut Html) {
    html.raw("<form method=\"post\" action=\"/logout\"><button class=\"plain\">Log out</button></form>");
}

/// What runs now, and what waits for a person.
pub(super) fn now(live: &Live, incident: &Incident, html: &mut Html) {
    let mut content = Html::default();
    for step in incident.steps.iter().filter(|step| step.state == StepState::Running) {
        content.raw("<h3>").text(&title(step)).raw("</h3>\n<p>").code(&step.what).raw("</p>\n");
        if !step.progress.is_empty() {
            content.raw("<pre class=\"progress\" tabindex=\"0\">");
            for line in step.progress.iter().skip(step.progress.len().saturating_sub(MOST_LINES)) {
                content.block(line).raw("\n");
            }
            content.raw("</pre>\n");
        }
    }
    let waits = |step: &&Step| step.state == StepState::Waiting && !step.approved;
    let mut waiting: Vec<&Step> = incident.steps.iter().filter(waits).collect();
    // Of several stages, the first: the next follows when it is well.
    waiting.dedup_by_key(|step| step.id.kind);
    if !waiting.is_empty() {
        content.raw("<p>Waits for your leave:</p>\n<div class=\"acts\">\n");
        for step in waiting {
            button(live, incident, step, ("approve", "act", &verb(step, incident)), &mut content);
        }
        content.raw("</div>\n");
    }
    let failed: Vec<&Step> = incident.steps.iter().filter(|step| step.state == StepState::Failed).collect();
    if !failed.is_empty() && !incident.steps.iter().any(|step| step.state == StepState::Running) {
        content.raw("<p>Failed, and can be tried again:</p>\n<div class=\"acts\">\n");
        for step in failed {
            button(live, incident, step, ("retry", "act again", &verb(step, incident)), &mut content);
        }
        content.raw("</div>\n");
    }
    if !content.is_empty() {
        html.raw("<section id=\"now\" aria-labelledby=\"now-title\">\n<h2 id=\"now-title\">Now</h2>\n");
        html.add(&content).raw("</section>\n");
    }
}

fn button(
    live: &Live,
    incident: &Incident,
    step: &Step,
    (what, class, verb): (&'static str, &'static str, &str),
    html: &mut Html,
) {
    html.raw("<form method=\"post\" action=\"/incidents/").text(&incident.id).raw("/").raw(what);
    html.raw("\"><input type=\"hidden\" name=\"csrf\" value=\"").text(&live.csrf);
    html.raw("\"><button class=\"").raw(class).raw("\" name=\"step\" value=\"").text(&step.id.to_string());
    html.raw("\">").text(verb).raw("</button></form>\n");
}

/// What a button does, with the version where a search told which one it will be.
fn verb(step: &Step, incident: &Incident) -> String {
    let last_good = incident.found().and_then(|found| found.last_good.as_ref());
    match (step.id.kind, last_good) {
        // One that failed may have tried it.
        (StepKind::Rollback, Some(good)) if step.state == StepState::Waiting => {
            format!("Deploy the last good version: {} {}", good.id.short(), good.subject)
        }
        (kind, _) => verb_of(kind).to_owned(),
    }
}

const fn verb_of(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Fallback => "Put the fallback in front",
        StepKind::Rollback => "Deploy the last good version",
        StepKind::FallbackOff => "Take the fallback away",
        StepKind::Logs => "Read the logs",
        StepKind::Suspects => "Rank the suspects",
        StepKind::Find => "Find the cause",
        StepKind::Fixes => "Test the fixes",
        StepKind::Branch => "Put the fix on a branch",
        StepKind::Push => "Push the branch",
        StepKind::Rollout => "Roll out the fix",
        StepKind::Report => "Write the report",
    }
}

/// The beginning of a page of the server's, to the body's content.
fn begin(heading: &str, html: &mut Html) {
    html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"").text(&policy()).raw("\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<title>")
        .text(heading)
        .raw("</title>\n<style>");
    html.raw(STYLE).raw("</style>\n");
    style(html);
    html.raw("</head>\n<body>\n");
}

/// The page of all incidents of a service.
#[derive(Debug, Clone, Copy)]
pub struct IncidentList<'a> {
    /// What is watched.
    pub service: &'a str,
    /// The incidents, the latest first.
    pub incidents: &'a [Incident],
}

impl IncidentList<'_> {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(self, out: &mut dyn Write) -> io::Result<()> {
        let mut html = Html::default();
        begin(&format!("Incidents of {}", self.service), &mut html);
        html.raw("<nav class=\"live\" aria-label=\"Incidents\"><span>pybisect</span>");
        logout(&mut html);
        html.raw("</nav>\n<main class=\"list\">\n<h1>Incidents of ").text(self.service).raw("</h1>\n");
        if self.incidents.is_empty() {
            html.raw("<p>There was none yet.</p>\n");
        } else {
            html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Incidents\"><table>\n<thead><tr><th scope=\"col\">opened</th><th scope=\"col\">outcome</th><th scope=\"col\">what was told</th><th scope=\"col\" class=\"number\">downtime</th></tr></thead>\n<tbody>\n");
            for incident in self.incidents {
                row(&cleaned(incident), &mut html);
            }
            html.raw("</tbody>\n</table></div>\n");
        }
        html.raw("</main>\n</body>\n</html>\n");
        out.write_all(html.as_str().as_bytes())
    }
}

fn row(incident: &Incident, html: &mut Html) {
    let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    html.raw("<tr><td><a href=\"/incidents/").text(&incident.id).raw("\">");
    html.text(&incident.opened.map(time).unwrap_or_default()).raw("</a></td><td class=\"");
    let (class, word) = match incident.outcome {
        Some(IncidentOutcome::Fixed) => ("pass", "fixed"),
        Some(IncidentOutcome::RolledBack) => ("pass", "rolled back"),
        Some(IncidentOutcome::Unresolved) => ("fail", "not solved"),
        Some(IncidentOutcome::Superseded) => ("skip", "another took its place"),
        None => ("skip", "open"),
    };
    html.raw(class)
        .raw("\">")
        .raw(word)
        .raw("</td><td>")
        .text(incident.title())
        .raw("<br><span class=\"muted\">");
    html.prose(&state(incident).0).raw("</span></td><td class=\"number\">");
    html.text(&incident.downtime_seconds().map(duration).unwrap_or_default()).raw("</td></tr>\n");
}

/// The page where one comes in.
#[derive(Debug, Clone, Copy)]
pub struct TokenForm<'a> {
    /// What is watched.
    pub service: &'a str,
    /// The incident that is looked at then; none for all of them.
    pub to: &'a str,
    /// Whether a wrong token was given.
    pub is_wrong: bool,
}

impl TokenForm<'_> {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(self, out: &mut dyn Write) -> io::Result<()> {
        let mut html = Html::default();
        begin("pybisect", &mut html);
        html.raw("<main class=\"token\">\n<h1>Incidents of ").text(self.service).raw("</h1>\n");
        if self.is_wrong {
            html.raw("<p class=\"fail\" role=\"alert\">That is another token.</p>\n");
        }
        html.raw("<form method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"to\" value=\"")
            .text(self.to);
        html.raw("\"><label for=\"token\">Token</label>\n");
        html.raw("<input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"current-password\" required autofocus>\n");
        html.raw("<button class=\"act\">Come in</button></form>\n");
        html.raw("<p class=\"hint\">It is in the file that <code>pybisect serve</code> names when it starts.</p>\n");
        html.raw("</main>\n</body>\n</html>\n");
        out.write_all(html.as_str().as_bytes())
    }
}

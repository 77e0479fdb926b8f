//! The incident: how long it was down, each step beside the others, and who lets them be taken.

use jiff::Timestamp;

use super::markup::Html;
use crate::model::{Excerpt, Incident, Step, StepState};
use crate::report::phrases::duration;
use crate::report::postmortem::{Postmortem, leave, title};

/// The width of the chart, of its labels, and the height of a row.
const WIDTH: f64 = 960.0;
const LABELS: f64 = 170.0;
const ROW: f64 = 24.0;
/// Lines of the log that are shown.
const MOST_LINES: usize = 60;

/// The section's content.
pub(super) fn incident(told: &Postmortem) -> Html {
    let mut html = Html::default();
    let Some(incident) = &told.incident else { return html };
    times(told, incident, &mut html);
    chart(incident, &mut html);
    steps(incident, &mut html);
    log(incident, &mut html);
    if !incident.notes.is_empty() {
        html.raw("<ul class=\"notes\">");
        for note in &incident.notes {
            html.raw("<li>").block(note).raw("</li>");
        }
        html.raw("</ul>\n");
    }
    html
}

/// Downtime, against what is allowed; time to recovery.
fn times(told: &Postmortem, incident: &Incident, html: &mut Html) {
    html.raw("<dl class=\"facts\">\n");
    html.raw("<div><dt>Downtime</dt><dd class=\"big\"");
    if incident.recovered.is_none() && incident.outcome.is_none() {
        // It grows while nothing happens.
        html.raw(" data-grows=\"yes\"");
    }
    html.raw(">");
    html.text(told.down().as_deref().unwrap_or("not over"));
    html.raw("</dd></div>\n");
    if let Some((spent, share)) = told.spent() {
        html.raw("<div><dt>Of what is allowed</dt><dd><b class=\"");
        html.raw(if share > 1.0 { "fail" } else { "pass" }).raw("\">").text(&spent).raw("</b>");
        html.raw("<svg class=\"budget\" width=\"100%\" height=\"10\" role=\"img\" aria-label=\"");
        html.text(&format!("{:.0} % of it", share * 100.0))
            .raw("\"><rect class=\"allowed\" width=\"100%\" height=\"10\" rx=\"5\"/><rect class=\"");
        html.raw(if share > 1.0 { "spent over" } else { "spent" }).raw("\" height=\"10\" rx=\"5\" width=\"");
        html.length(share.clamp(0.0, 1.0) * 100.0).raw("%\"/></svg></dd></div>\n");
    }
    if let (Some(alarmed), Some(recovered)) = (incident.alarmed(), incident.recovered) {
        let seconds = recovered.duration_since(alarmed).as_secs_f64();
        html.raw("<div><dt>From the alarm to recovery</dt><dd class=\"big\">")
            .text(&duration(seconds.max(0.0)));
        html.raw("</dd></div>\n");
    }
    if let Some(version) = &incident.deployed {
        html.raw("<div><dt>Deployed when it began</dt><dd>").code(&version.name()).raw("</dd></div>\n");
    }
    if let Some(version) = &incident.serving {
        html.raw("<div><dt>Serves now</dt><dd>").code(&version.name()).raw("</dd></div>\n");
    }
    html.raw("</dl>\n");
}

/// The time that the chart shows.
struct Span {
    from: Timestamp,
    seconds: f64,
}

impl Span {
    fn of(incident: &Incident) -> Option<Self> {
        let mut all: Vec<Timestamp> =
            incident.steps.iter().flat_map(|step| [step.started, step.ended]).flatten().collect();
        all.extend(incident.alarms.iter().map(|alarm| alarm.at));
        all.extend(
            [incident.down_since(), incident.recovered, incident.closed, incident.opened]
                .into_iter()
                .flatten(),
        );
        let (from, to) = (*all.iter().min()?, *all.iter().max()?);
        Some(Self { from, seconds: to.duration_since(from).as_secs_f64().max(0.1) })
    }

    fn x(&self, at: Timestamp) -> f64 {
        let share = at.duration_since(self.from).as_secs_f64() / self.seconds;
        LABELS + share.clamp(0.0, 1.0) * (WIDTH - LABELS - 12.0)
    }
}

/// Each step as a bar along the time, below the time that it was down. The table says the same.
fn chart(incident: &Incident, html: &mut Html) {
    let Some(span) = Span::of(incident) else { return };
    let rows: Vec<&Step> = incident.steps.iter().filter(|step| step.started.is_some()).collect();
    let height = ROW * (super::layout::number(rows.len()) + 1.0) + 10.0;
    html.raw("<div class=\"strip\" tabindex=\"0\" role=\"group\" aria-label=\"Steps along the time; the table below says the same\">\n<svg width=\"");
    html.length(WIDTH).raw("\" height=\"").length(height).raw("\" viewBox=\"0 0 ").length(WIDTH).raw(" ");
    html.length(height).raw("\" aria-hidden=\"true\" focusable=\"false\">\n");
    if let Some(since) = incident.down_since() {
        let until = incident.recovered.unwrap_or(since);
        let to = if incident.recovered.is_some() { span.x(until) } else { WIDTH - 12.0 };
        label("down", 17.0, html);
        bar("down", (span.x(since), to), 6.0, "", html);
        html.raw("<rect class=\"shade\" x=\"").length(span.x(since)).raw("\" y=\"0\" width=\"");
        html.length(to - span.x(since)).raw("\" height=\"").length(height).raw("\"/>\n");
    }
    for (number, step) in rows.iter().enumerate() {
        let Some(started) = step.started else { continue };
        let y = ROW * (super::layout::number(number) + 1.0);
        label(&title(step), y + 17.0, html);
        let to = step.ended.map_or(WIDTH - 12.0, |ended| span.x(ended));
        let took = step.seconds().map(duration).unwrap_or_default();
        bar(class(step.state), (span.x(started), to), y + 6.0, &took, html);
    }
    html.raw("</svg>\n</div>\n");
}

fn label(text: &str, y: f64, html: &mut Html) {
    html.raw("<text class=\"step\" x=\"10\" y=\"").length(y).raw("\">").text(text).raw("</text>\n");
}

fn bar(class: &'static str, (from, to): (f64, f64), y: f64, took: &str, html: &mut Html) {
    html.raw("<rect class=\"bar ").raw(class).raw("\" rx=\"3\" x=\"").length(from).raw("\" y=\"").length(y);
    html.raw("\" width=\"").length((to - from).max(3.0)).raw("\" height=\"14\"/>\n");
    if !took.is_empty() {
        // Where there is no room behind it, before it.
        let (x, anchor) =
            if to > WIDTH - 90.0 { (from - 5.0, "end") } else { (to.max(from + 3.0) + 5.0, "start") };
        html.raw("<text class=\"took\" text-anchor=\"").raw(anchor).raw("\" x=\"").length(x).raw("\" y=\"");
        html.length(y + 11.0).raw("\">").text(took).raw("</text>\n");
    }
}

const fn class(state: StepState) -> &'static str {
    match state {
        StepState::Done => "pass",
        StepState::Failed => "fail",
        StepState::Waiting => "skip",
        StepState::Planned | StepState::Running | StepState::Skipped => "plain",
    }
}

fn steps(incident: &Incident, html: &mut Html) {
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Steps\"><table>\n<thead><tr><th scope=\"col\">step</th><th scope=\"col\">state</th><th scope=\"col\" class=\"number\">took</th><th scope=\"col\">what came of it</th><th scope=\"col\">leave by</th></tr></thead>\n<tbody>\n");
    for step in &incident.steps {
        html.raw("<tr><td>").text(&title(step)).raw("</td><td class=\"").raw(class(step.state)).raw("\">");
        html.raw(step.state.word()).raw("</td><td class=\"number\">");
        html.text(&step.seconds().map(duration).unwrap_or_default()).raw("</td><td>");
        if step.outcome.is_empty() || step.state == StepState::Waiting {
            html.code(&step.what);
        } else {
            html.text(&step.outcome);
        }
        let (who, command) = leave(step);
        html.raw("</td><td>").raw(who);
        if let Some(command) = command {
            html.command(&command);
        }
        html.raw("</td></tr>\n");
    }
    html.raw("</tbody></table></div>\n");
}

/// The most telling of what the log says.
fn log(incident: &Incident, html: &mut Html) {
    let Some(report) = incident.log() else { return };
    let Some(group) = report.groups.first() else { return };
    html.raw("<h3>In the log</h3>\n<p><b>").text(&group.count.to_string()).raw(" ×</b> ").code(&group.title);
    html.raw("</p>\n");
    let is_of_first = |excerpt: &&Excerpt| excerpt.lines.iter().any(|line| line.group == Some(0));
    if let Some(excerpt) = report.excerpts.iter().find(is_of_first) {
        html.raw("<div class=\"side fail output\"><h3>")
            .text(&excerpt.source)
            .raw("</h3>\n<pre tabindex=\"0\">");
        for line in excerpt.lines.iter().take(MOST_LINES) {
            html.raw("<span class=\"muted\">").text(&format!("{:>6} ", line.number)).raw("</span>");
            if line.group == Some(0) {
                html.raw("<b>").block(&line.text).raw("</b>\n");
            } else {
                html.block(&line.text).raw("\n");
            }
        }
        html.raw("</pre></div>\n");
    }
}

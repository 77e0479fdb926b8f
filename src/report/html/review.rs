//! The method of a post-mortem: what happened, five whys, the root cause, and what is done about it.

use super::markup::Html;
use crate::report::postmortem::{Countermeasure, Postmortem, Tone, countermeasures, events, whys};

/// What is left to people.
const BLANK: &str = "<span class=\"blank\"></span>";

/// The section's content.
pub(super) fn review(told: &Postmortem) -> Html {
    let mut html = Html::default();
    if !told.has_answer() {
        return html;
    }
    html.raw("<p class=\"muted\">Filled in with what trials and the repository tell; the lines are for what only people know. To go on in an editor: <code>pybisect report ");
    html.raw(if told.incident.is_some() { "--incident " } else { "" }).raw("-o post-mortem.md</code></p>\n");
    sequence(told, &mut html);
    html.raw("<h3>Five whys</h3>\n<ol class=\"whys\">\n");
    for why in whys(told) {
        html.raw("<li><p class=\"question\">").raw(why.question).raw("</p>\n");
        if !why.known.is_empty() {
            html.raw("<ul>");
            for known in &why.known {
                html.raw("<li>").prose(known).raw("</li>");
            }
            html.raw("</ul>");
        }
        if let Some(open) = &why.open {
            html.raw("<p class=\"open\">").prose(open).raw("</p>").raw(BLANK);
        }
        html.raw("</li>\n");
    }
    html.raw("</ol>\n<h3>Root cause</h3>\n").raw(BLANK).raw("\n");
    let all = countermeasures(told);
    html.raw("<div class=\"sides measures\">\n");
    for (title, is_preventive) in
        [("Responsive countermeasures", false), ("Preventive countermeasures", true)]
    {
        html.raw("<div><h3>").raw(title).raw("</h3>\n<ul class=\"checklist\">\n");
        for measure in all.iter().filter(|measure| measure.is_preventive == is_preventive) {
            item(measure, &mut html);
        }
        html.raw("<li><span class=\"box\" role=\"img\" aria-label=\"to do\"></span> ")
            .raw(BLANK)
            .raw("</li>\n</ul></div>\n");
    }
    html.raw("</div>\n");
    html
}

fn sequence(told: &Postmortem, html: &mut Html) {
    html.raw("<h3>Sequence of events</h3>\n<ol class=\"events\">\n");
    for moment in events(told) {
        let class = match moment.tone {
            Tone::Bad => "<li class=\"bad\">",
            Tone::Good => "<li class=\"good\">",
            Tone::Plain => "<li>",
        };
        html.raw(class)
            .raw("<span class=\"when\">")
            .text(&moment.when)
            .raw("</span> <span>")
            .prose(&moment.what);
        html.raw("</span></li>\n");
    }
    html.raw("</ol>\n");
}

fn item(measure: &Countermeasure, html: &mut Html) {
    let (class, label) = if measure.is_done { ("box done", "done") } else { ("box", "to do") };
    html.raw("<li><span class=\"")
        .raw(class)
        .raw("\" role=\"img\" aria-label=\"")
        .raw(label)
        .raw("\"></span> <div>");
    html.prose(&measure.what);
    if let Some(command) = &measure.command {
        html.command(command);
    }
    html.raw("</div></li>\n");
}

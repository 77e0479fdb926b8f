//! A post-mortem as one page that needs nothing else: no network, no font, no program to build it.
//!
//! All of it can be read without its script, which adds the keys and the pointer of the history strip, and buttons to copy.
//! The page's policy lets nothing run or be fetched but its own style and script, each named by its hash.

mod about;
mod cause;
mod head;
mod incident;
mod lanes;
mod layout;
mod live;
mod markup;
mod policy;
mod review;
mod strip;
#[cfg(test)]
mod tests;
mod trials;

use std::io::{self, Write};

use self::head::Section;
use self::markup::Html;
use self::policy::{SCRIPT, STYLE, policy};
use super::postmortem::{Headline, Postmortem, state};

pub use live::{IncidentList, Live, TokenForm};

const MARKS: &str = include_str!("marks.svg");

/// Renders a [`Postmortem`] as a page.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReportHtml;

impl ReportHtml {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(self, told: &Postmortem, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(page(&told.cleaned(), None).as_str().as_bytes())
    }

    /// Write it as a page of a server, that grows while the incident does.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render_live(self, told: &Postmortem, live: &Live, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(page(&told.cleaned(), Some(live)).as_str().as_bytes())
    }
}

fn page(told: &Postmortem, live: Option<&Live>) -> Html {
    let headline = Headline::of(told);
    let sections: Vec<Section> = sections(told).into_iter().filter(|part| !part.content.is_empty()).collect();
    let mut html = Html::default();
    html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let policy = if live.is_some() { live::policy() } else { policy(&[STYLE], &[SCRIPT]) };
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"").text(&policy).raw("\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
    if live.is_none() {
        html.raw("<meta name=\"referrer\" content=\"no-referrer\">\n");
    }
    let line = told.incident.as_ref().map_or_else(|| headline.line.clone(), |incident| state(incident).0);
    html.raw("<title>").text(&line.plain()).raw("</title>\n");
    html.raw("<style>").raw(STYLE).raw("</style>\n");
    if live.is_some() {
        live::style(&mut html);
    }
    html.raw("</head>\n<body>\n<a class=\"jump\" href=\"#main\">To the report</a>\n").raw(MARKS);
    if let (Some(live), Some(incident)) = (live, &told.incident) {
        live::bar(live, incident, &mut html);
    }
    head::head(told, &headline, &sections, &mut html);
    html.raw(if told.incident.is_some() {
        "<main id=\"main\" class=\"incident\">\n"
    } else {
        "<main id=\"main\">\n"
    });
    if let (Some(live), Some(incident)) = (live, &told.incident) {
        live::now(live, incident, &mut html);
    }
    // How the service is comes first, then what broke it.
    let (first, others) = sections.split_at(sections.iter().filter(|part| part.id == "incident").count());
    for section in first {
        put(section, &mut html);
    }
    head::facts(told, &mut html);
    for section in others {
        put(section, &mut html);
    }
    html.raw("</main>\n");
    about::footer(told, &mut html);
    html.raw("<script>").raw(SCRIPT).raw("</script>\n");
    if live.is_some() {
        live::script(&mut html);
    }
    html.raw("</body>\n</html>\n");
    html
}

fn put(section: &Section, html: &mut Html) {
    let Section { id, title, content } = section;
    html.raw("<section id=\"").raw(id).raw("\" aria-labelledby=\"").raw(id).raw("-title\">\n<h2 id=\"");
    html.raw(id).raw("-title\">").raw(title).raw("</h2>\n").add(content).raw("</section>\n");
}

fn sections(told: &Postmortem) -> Vec<Section> {
    let section = |id, title, content| Section { id, title, content };
    vec![
        section("incident", "The incident", incident::incident(told)),
        section("cause", "What changed", cause::cause(told)),
        section("history", "The history", strip::strip(told)),
        section("proof", "Proof", trials::proofs(told)),
        section("printed", "What was printed", trials::outputs(told)),
        section("fixes", "Fixes", about::fixes(told)),
        section("tests", "Failing tests", about::targets(told)),
        section("review", "Post-mortem", review::review(told)),
        section("trials", "Trials", trials::trials(told)),
        section("environment", "Environment", about::environment(told)),
    ]
}

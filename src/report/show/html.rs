//! A session as one page of HTML, with good and bad side by side.

use std::io::{self, Write};

use super::{Shown, Titled, lines_of};
use crate::report::escape::one_line;
use crate::report::phrases::date;

/// Renders a session as a page that needs nothing else, and runs nothing.
#[derive(Debug, Clone, Copy)]
pub struct ShowHtml;

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
<meta name=\"viewport\" content=\"width=device-width\">\n";
const STYLE: &str = "<style>\nbody{font:15px/1.45 system-ui,sans-serif;margin:2rem}\n\
pre{font:13px/1.4 ui-monospace,monospace;background:#f6f6f6;padding:.7rem;overflow:auto;max-height:75vh}\n\
.beside{display:grid;grid-template-columns:1fr 1fr;gap:1rem}\n.beside>*{min-width:0}\n.bad{color:#b00020}.good{color:#0a7a2f}\n\
@media(max-width:60rem){.beside{grid-template-columns:1fr}}\n</style>\n";

impl ShowHtml {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(self, shown: Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        let report = shown.report;
        let doing = if report.find_fix { "fixed it" } else { "broke it" };
        let heading = match report.culprits.first() {
            Some(culprit) if report.status == "found" => format!("{} {doing}", culprit.commit.id.short()),
            Some(_) => format!("one of {} commits {doing}", report.culprits.len()),
            None => report.reason.clone().unwrap_or_else(|| "no answer".to_owned()),
        };
        let heading = html(&heading);
        write!(out, "{HEAD}<title>{heading}</title>\n{STYLE}</head>\n<body>\n<h1>{heading}</h1>\n")?;
        if let Some(commit) = report.culprits.first().map(|culprit| &culprit.commit) {
            let when = date(commit.author_time, commit.author_offset);
            writeln!(out, "<p><b>{}</b><br>{}, {when}</p>", html(&commit.subject), html(&commit.author))?;
        }
        writeln!(out, "<p>command: <code>{}</code></p>", html(&report.command))?;
        if let Some(failure) = &report.failure {
            writeln!(out, "<p>failure: <code>{}</code></p>", html(&failure.to_string()))?;
        }
        for change in &report.breaking_changes {
            writeln!(
                out,
                "<p><code>{}</code></p>\n<pre>",
                html(&format!("{}:{}", change.path, change.line))
            )?;
            for (side, mark, class) in [(&change.before, '-', "bad"), (&change.after, '+', "good")] {
                for line in side.iter().flat_map(|text| text.lines()) {
                    writeln!(out, "<span class=\"{class}\">{mark} {}</span>", html(line))?;
                }
            }
            writeln!(out, "</pre>")?;
        }
        writeln!(out, "<div class=\"beside\">")?;
        for titled in shown.deciding() {
            column(&titled, out)?;
        }
        writeln!(out, "</div>\n</body>\n</html>")
    }
}

fn column(titled: &Titled<'_>, out: &mut dyn Write) -> io::Result<()> {
    let class = if titled.output.verdict == "good" { "good" } else { "bad" };
    writeln!(out, "<section><h2 class=\"{class}\">{}</h2>\n<pre>", html(&titled.title))?;
    for line in lines_of(titled.output) {
        writeln!(out, "{}", html(&line))?;
    }
    writeln!(out, "</pre></section>")
}

/// A foreign text in HTML.
fn html(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in one_line(text).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

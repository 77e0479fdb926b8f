//! A session in Slack's own markup, for a channel.

use std::io::{self, Write};

use super::ShownSession;
use crate::model::{Report, Status, by_culprit};
use crate::report::escape::{lines, one_line};
use crate::report::phrases::{date, plural};
use crate::report::targets::heading;

/// Renders a session as a message in Slack's mrkdwn.
#[derive(Debug, Clone, Copy)]
pub struct ShowSlack;

/// Edits that are shown.
const MOST_EDITS: usize = 3;
/// Tests of each commit that are shown.
const MOST_TESTS: usize = 3;
/// Lines of each side of an edit that are shown.
const MOST_LINES: usize = 6;

impl ShowSlack {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(self, shown: ShownSession<'_>, out: &mut dyn Write) -> io::Result<()> {
        let report = shown.report;
        let doing = if report.find_fix { "fixed it" } else { "broke it" };
        match (report.status, report.culprits.as_slice()) {
            (Status::Found, [first, ..]) => {
                let commit = &first.commit;
                writeln!(out, "*{} {doing}*: {}", code(&commit.id.short()), text(&commit.subject))?;
                let when = date(commit.author_time, commit.author_offset);
                writeln!(out, "{}, {when}", text(commit.author.split(" <").next().unwrap_or_default()))?;
            }
            (Status::Found, []) => {
                for package in &report.packages {
                    let version = package.first_bad.as_ref().or(package.after.as_ref());
                    let version = version.map_or("", String::as_str);
                    writeln!(out, "*{} {} broke it*, no commit did", text(&package.name), text(version))?;
                }
            }
            (Status::Ambiguous, several) => {
                writeln!(out, "*one of {} {doing}*", plural(several.len(), "commit"))?;
                for culprit in several.iter().take(MOST_EDITS) {
                    let (commit, percent) = (&culprit.commit, culprit.probability * 100.0);
                    let subject = text(&commit.subject);
                    writeln!(out, "• {} ({percent:.0} %) {subject}", code(&commit.id.short()))?;
                }
            }
            _ => writeln!(out, "*no answer*: {}", text(report.reason.as_deref().unwrap_or_default()))?,
        }
        writeln!(out, "command: {}", code(&report.command))?;
        if let Some(failure) = &report.failure {
            let first = failure.to_string();
            writeln!(out, "failure: {}", code(first.lines().next().unwrap_or_default()))?;
        }
        for change in report.breaking_changes.iter().take(MOST_EDITS) {
            writeln!(out, "edit: {}", code(&format!("{}:{}", change.path, change.line)))?;
            let sides = [(&change.before, '-'), (&change.after, '+')];
            let rows = sides.into_iter().flat_map(|(side, mark)| {
                let all = side.iter().flat_map(|text| text.lines());
                all.take(MOST_LINES).map(move |line| format!("{mark} {line}"))
            });
            let rows: Vec<String> = rows.collect();
            writeln!(out, "```\n{}\n```", escaped(&lines(&rows.join("\n"))))?;
        }
        let more = report.breaking_changes.len().saturating_sub(MOST_EDITS);
        if more > 0 {
            writeln!(out, "… {} more", plural(more, "edit"))?;
        }
        targets(report, out)
    }
}

/// The tests that newly fail, where there are several, by the commit that broke them.
fn targets(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(heading) = heading(report) else { return Ok(()) };
    writeln!(out, "{}", text(&heading))?;
    for group in by_culprit(&report.targets) {
        let commit = group.culprit.map(|culprit| &culprit.commit);
        let broke = commit.map_or_else(
            || "no answer".to_owned(),
            |commit| format!("{} {}", code(&commit.id.short()), text(&commit.subject)),
        );
        let tests: Vec<String> =
            group.tests.iter().take(MOST_TESTS).map(|target| code(&target.test)).collect();
        let more = group.tests.len().saturating_sub(MOST_TESTS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(out, "• {broke}: {}{more}", tests.join(", "))?;
    }
    Ok(())
}

/// What Slack would take for a mention, a link or an entity is text, and nothing ends a block of code.
fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace("```", "\"\"\"")
}

/// Words in one line, of which none are markup.
fn text(words: &str) -> String {
    // A character that is not seen keeps a mark from the edge of a word, where it would be markup.
    let with_guard = |c: char| {
        let guard = "*_~`".contains(c).then_some('\u{2060}');
        guard.into_iter().chain([c])
    };
    escaped(&one_line(words)).chars().flat_map(with_guard).collect()
}

fn code(words: &str) -> String {
    format!("`{}`", escaped(&one_line(words)).replace('`', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_is_a_mention_a_link_or_markup() {
        assert_eq!(text("<!channel> & <http://x|y>"), "&lt;!channel&gt; &amp; &lt;http://x|y&gt;");
        assert_eq!(text("*bold*"), "\u{2060}*bold\u{2060}*");
        assert_eq!(code("a`b"), "`a'b`");
        assert!(!escaped("```").contains('`'));
    }
}

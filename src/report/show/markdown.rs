//! A session in Markdown: for an issue or a channel.

use crate::model::Status;
use std::io::{self, Write};

use super::{ShownSession, lines_of};
use crate::report::escape::{lines, markdown, markdown_code, markdown_fence};
use crate::report::phrases::{date, plural};
use crate::report::targets::{MOST_LISTED, heading, write_markdown};

/// Renders a session in Markdown.
#[derive(Debug, Clone, Copy)]
pub struct ShowMarkdown;

/// Lines of each output that are shown.
const MOST: usize = 40;
/// Lines of an edit that are shown.
const MOST_OF_EDIT: usize = 20;

impl ShowMarkdown {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(self, shown: ShownSession<'_>, out: &mut dyn Write) -> io::Result<()> {
        let report = shown.report;
        let doing = if report.find_fix { "fixed it" } else { "broke it" };
        match report.culprits.as_slice() {
            [first, ..] if report.status == Status::Found => {
                let commit = &first.commit;
                writeln!(
                    out,
                    "**{} {doing}**: {}",
                    markdown_code(&commit.id.short()),
                    markdown(&commit.subject)
                )?;
                let when = date(commit.author_time, commit.author_offset);
                writeln!(out, "\n{}, {when}\n", markdown(&commit.author))?;
            }
            [] if report.status == Status::Found => {
                for package in &report.packages {
                    let version =
                        |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
                    let (before, after) = (version(&package.before), version(&package.after));
                    writeln!(
                        out,
                        "**{} {before} → {after} broke it**, no commit did\n",
                        markdown(&package.name)
                    )?;
                }
            }
            several if report.status == Status::Ambiguous => {
                writeln!(out, "**one of {} {doing}**\n", plural(several.len(), "commit"))?;
                for culprit in several.iter().take(10) {
                    let (id, percent) = (culprit.commit.id.short(), culprit.probability * 100.0);
                    writeln!(
                        out,
                        "- {} ({percent:.0} %) {}",
                        markdown_code(&id),
                        markdown(&culprit.commit.subject)
                    )?;
                }
                writeln!(out)?;
            }
            _ => {
                writeln!(out, "**no answer**: {}\n", markdown(report.reason.as_deref().unwrap_or_default()))?;
            }
        }
        writeln!(out, "- command: {}", markdown_code(&report.command))?;
        if let Some(failure) = &report.failure {
            let first = failure.to_string();
            writeln!(out, "- failure: {}", markdown_code(first.lines().next().unwrap_or_default()))?;
        }
        for change in &report.breaking_changes {
            writeln!(out, "- edit: {}", markdown_code(&format!("{}:{}", change.path, change.line)))?;
            let sides = [(&change.before, '-'), (&change.after, '+')];
            let diff: Vec<String> = sides
                .into_iter()
                .flat_map(|(side, mark)| {
                    side.iter()
                        .flat_map(|text| text.lines())
                        .take(MOST_OF_EDIT)
                        .map(move |line| format!("{mark} {line}"))
                })
                .collect();
            block("diff", "  ", &diff, out)?;
        }
        if let Some(heading) = heading(report) {
            writeln!(out, "\n{}\n", markdown(&heading))?;
            write_markdown(report, MOST_LISTED, out)?;
        }
        for titled in shown.deciding() {
            writeln!(out, "\n<details><summary>{}</summary>\n", markdown(&titled.title))?;
            let all = lines_of(titled.output);
            block("text", "", &all[all.len().saturating_sub(MOST)..], out)?;
            writeln!(out, "\n</details>")?;
        }
        Ok(())
    }
}

/// A block of code that nothing in it ends.
fn block(language: &str, indent: &str, content: &[String], out: &mut dyn Write) -> io::Result<()> {
    let text = content.join("\n");
    let fence = markdown_fence(&text);
    writeln!(out, "{indent}{fence}{language}")?;
    for line in lines(&text).lines() {
        writeln!(out, "{indent}{line}")?;
    }
    writeln!(out, "{indent}{fence}")
}

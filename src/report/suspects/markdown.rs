//! Ranked commits as a table for a comment.

use std::io;

use super::super::escape::markdown as cell;
use super::{SuspectRenderer, percent};
use crate::model::SuspectReport;

/// Renders Markdown.
#[derive(Debug, Clone, Copy, Default)]
pub struct SuspectsMarkdown;

impl SuspectRenderer for SuspectsMarkdown {
    fn render(&self, report: &SuspectReport, out: &mut dyn io::Write) -> io::Result<()> {
        if let Some(failure) = &report.failure {
            writeln!(out, "**{}**\n", cell(&failure.to_string()))?;
        }
        writeln!(out, "| probability | commit | reasons |\n|---:|---|---|")?;
        for one in &report.suspects {
            let reasons: Vec<String> = one.reasons.iter().map(|reason| cell(reason)).collect();
            let (id, subject) = (one.commit.id.short(), cell(&one.commit.subject));
            writeln!(out, "| {} | {id} {subject} | {} |", percent(one.probability), reasons.join("<br>"))?;
        }
        writeln!(out, "\n{} commits ranked; nothing was tested.", report.commits)
    }
}

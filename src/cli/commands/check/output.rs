//! Where what was found goes.

use std::io::Write;
use std::path::Path;

use super::args::Args;
use super::format::CheckFormat;
use crate::cli::commands::masked::masked;
use crate::cli::{Error, Format, terminal};
use crate::model::CheckReport;
use crate::report::{CheckJson, CheckJunit, CheckMarkdown, CheckRenderer as _, CheckText, one_line};

/// Write the report in the form that was asked for.
pub(super) fn write(args: &Args, report: &CheckReport) -> Result<(), Error> {
    let report = &masked(report);
    let mut out = Vec::new();
    render(args, report, &mut out).map_err(Error::internal)?;
    if args.format == CheckFormat::Of(Format::Github) {
        job_summary(report).map_err(Error::internal)?;
    }
    let is_text = args.format == CheckFormat::Of(Format::Text);
    args.output.write(&out, is_text).map(drop)
}

fn render(args: &Args, report: &CheckReport, out: &mut Vec<u8>) -> std::io::Result<()> {
    let CheckFormat::Of(format) = args.format else {
        return CheckJunit { fail_on: args.fail_on.least() }.render(report, out);
    };
    if let Some(renderer) = format.annotations() {
        renderer.render(&report.findings, out)?;
    }
    match format {
        Format::Text => {
            let width = terminal::columns_to_fill().filter(|_| !args.output.is_file());
            CheckText { style: terminal::stdout_style(), verbose: args.verbose, width }.render(report, out)
        }
        Format::Json => CheckJson.render(report, out),
        Format::Markdown => CheckMarkdown.render(report, out),
        Format::Github => report.notes.iter().try_for_each(|note| writeln!(out, "note: {}", one_line(note))),
        Format::Sarif | Format::Gitlab | Format::Rdjson => Ok(()),
    }
}

/// All of it, with suggestions, for the page of the job: GitHub shows few annotations.
fn job_summary(report: &CheckReport) -> std::io::Result<()> {
    let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    let mut text = Vec::new();
    CheckMarkdown.render(report, &mut text)?;
    std::fs::OpenOptions::new().create(true).append(true).open(Path::new(&file))?.write_all(&text)
}

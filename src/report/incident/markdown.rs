//! An incident in Markdown: for a ticket, and to begin a post-mortem with.

use std::io::{self, Write};

use jiff::Timestamp;

use super::{headline, next_steps, time};
use crate::model::{Excerpt, Incident, Report, StepKind, StepState};
use crate::report::escape::{markdown, markdown_code, markdown_code_cell, markdown_fence};
use crate::report::phrases::duration;

/// Lines of a diff, and of an excerpt of the log, that are shown.
const MOST_LINES: usize = 60;

/// Renders an [`Incident`] in Markdown.
#[derive(Debug, Clone, Copy)]
pub struct IncidentMarkdown;

impl IncidentMarkdown {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(self, incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "# {}: {}\n", markdown(&incident.service), markdown(incident.title()))?;
        writeln!(out, "**{}**\n", markdown(&headline(incident).0))?;
        timeline(incident, out)?;
        cause(incident, out)?;
        fix(incident, out)?;
        log(incident, out)?;
        steps(incident, out)?;
        questions(incident, out)?;
        left(incident, out)
    }
}

fn timeline(incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    let mut moments: Vec<(Timestamp, String)> = Vec::new();
    if let (Some(at), Some(version)) = (incident.deployed_since, &incident.deployed) {
        moments.push((at, format!("{} is deployed", version.name())));
    }
    moments.extend(incident.began.map(|at| (at, "the outage begins, by the alarm".to_owned())));
    moments.extend(incident.first_error.map(|at| (at, "the first error in the log".to_owned())));
    for alarm in &incident.alarms {
        let word = if alarm.firing { "alarm" } else { "the alarm is over" };
        moments.push((alarm.at, format!("{word}: {} ({})", alarm.title, alarm.source)));
    }
    if let (Some(at), Some(version)) =
        (incident.recovered, incident.rollback().and_then(|r| r.attempts.last()))
    {
        moments.push((at, format!("{} answers", version.version.name())));
    } else if let Some(at) = incident.recovered {
        moments.push((at, "it answers again".to_owned()));
    }
    for step in incident.steps.iter().filter(|step| matches!(step.state, StepState::Done | StepState::Failed))
    {
        moments.extend(step.ended.map(|at| (at, format!("{}: {}", step.id, step.outcome))));
    }
    moments.sort_by_key(|(at, _)| *at);
    writeln!(out, "## Timeline\n\n| when | what |\n|---|---|")?;
    for (at, what) in moments {
        writeln!(out, "| {} | {} |", time(at), markdown(what.lines().next().unwrap_or_default()))?;
    }
    if let (Some(from), Some(seconds)) = (incident.down_since(), incident.downtime_seconds()) {
        writeln!(out, "\nDown for {}, from {}.", duration(seconds), time(from))?;
    }
    Ok(())
}

fn cause(incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    let Some(report) = incident.found() else { return Ok(()) };
    writeln!(out, "\n## Cause\n")?;
    match report.culprits.as_slice() {
        [culprit] if report.status == "found" => {
            let (id, subject) = (culprit.commit.id.short(), &culprit.commit.subject);
            writeln!(
                out,
                "{} {} ({})",
                markdown_code(&id),
                markdown(subject),
                markdown(&culprit.commit.author)
            )?;
        }
        _ => writeln!(out, "{}", markdown(report.reason.as_deref().unwrap_or("no single commit")))?,
    }
    if let Some(failure) = &report.failure {
        let text = failure.to_string();
        writeln!(out, "\n- failure: {}", markdown_code(text.lines().next().unwrap_or_default()))?;
    }
    writeln!(out, "- command: {}", markdown_code(&report.command))?;
    edits(report, out)
}

fn edits(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for change in &report.breaking_changes {
        writeln!(out, "- edit: {}\n", markdown_code(&format!("{}:{}", change.path, change.line)))?;
        let side = |text: &Option<String>, mark: char| {
            text.iter().flat_map(|text| text.lines()).map(|line| format!("{mark} {line}")).collect::<Vec<_>>()
        };
        let lines = [side(&change.before, '-'), side(&change.after, '+')].concat();
        block("diff", lines.iter().map(String::as_str), out)?;
        let proofs = [
            (change.sufficient, "the last good version with this edit alone fails in the same way"),
            (change.necessary, "the first bad version without it passes"),
        ];
        for (_, proof) in proofs.iter().filter(|(holds, _)| *holds) {
            writeln!(out, "- {proof}")?;
        }
    }
    Ok(())
}

fn fix(incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    let Some(report) = incident.fixes() else { return Ok(()) };
    writeln!(out, "\n## Fix\n")?;
    for fix in &report.fixes {
        let word = if fix.passed { "passes" } else { "fails" };
        let wider =
            fix.verified.as_ref().map(|wider| format!("; the wider command {wider}")).unwrap_or_default();
        writeln!(out, "- {word}: {}{}", fix.kind.phrase(), markdown(&wider))?;
    }
    if let Some(fix) = report.fixes.first().filter(|fix| fix.passed) {
        writeln!(out)?;
        block("diff", fix.patch.lines(), out)?;
    }
    if let Some((name, commit)) = incident.branch() {
        writeln!(out, "\nOn the branch {} as {}.", markdown_code(name), markdown_code(&commit.short()))?;
    }
    Ok(())
}

fn log(incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    let Some(report) = incident.log() else { return Ok(()) };
    let Some(group) = report.groups.first() else { return Ok(()) };
    writeln!(out, "\n## Log\n\n{} × {}\n", group.count, markdown_code(&group.title))?;
    let excerpt =
        report.excerpts.iter().find(|excerpt| excerpt.lines.iter().any(|line| line.group == Some(0)));
    if let Some(Excerpt { lines, .. }) = excerpt {
        block("text", lines.iter().map(|line| line.text.as_str()), out)?;
    }
    Ok(())
}

fn steps(incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## Steps\n\n| step | state | what | took |\n|---|---|---|---|")?;
    for step in incident.steps.iter().filter(|step| step.id.kind != StepKind::Report) {
        let took = step.seconds().map(duration).unwrap_or_default();
        let text =
            if step.outcome.is_empty() { markdown_code_cell(&step.what) } else { markdown(&step.outcome) };
        writeln!(out, "| {} | {} | {text} | {took} |", step.id, step.state.word())?;
    }
    Ok(())
}

/// The five whys, as far as they are known, and what only people know.
fn questions(incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## Five whys\n")?;
    let found = incident.found();
    let failure = found.and_then(|report| report.failure.as_ref()).map(ToString::to_string);
    let failure = failure.as_deref().and_then(|text| text.lines().next()).unwrap_or("…");
    let change = found.and_then(|report| report.breaking_changes.first());
    let place = change.map_or_else(|| "…".to_owned(), |change| format!("{}:{}", change.path, change.line));
    writeln!(out, "1. Why did it fail? {}", markdown(failure))?;
    writeln!(out, "2. Why did that happen? The edit in {} brought it.", markdown_code(&place))?;
    writeln!(out, "3. Why did no test catch it? …")?;
    writeln!(out, "4. Why did it get into production? …")?;
    writeln!(out, "5. Why did it take that long to notice? …")?;
    writeln!(out, "\n## Countermeasures\n\n- [ ] preventive: …\n- [ ] responsive: …")
}

fn left(incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    let steps = next_steps(incident);
    if steps.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Next\n")?;
    for (step, why) in steps {
        writeln!(out, "- {}: {why}", markdown_code(&step))?;
    }
    Ok(())
}

fn block<'a>(kind: &str, lines: impl Iterator<Item = &'a str>, out: &mut dyn Write) -> io::Result<()> {
    let text: Vec<String> =
        lines.take(MOST_LINES).map(|line| crate::report::escape::one_line(line).into_owned()).collect();
    let text = text.join("\n");
    let fence = markdown_fence(&text);
    writeln!(out, "{fence}{kind}\n{text}\n{fence}")
}

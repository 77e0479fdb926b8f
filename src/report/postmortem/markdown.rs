//! A post-mortem in Markdown: for a ticket, or as the draft that people go on with.

use std::io::{self, Write};

use super::{
    Certainty, Countermeasure, Headline, Piece, Postmortem, Prose, countermeasures, events, leave, proofs,
    state, title, whys,
};
use crate::model::{BreakingChange, CandidateFix, Excerpt, FixReport, Incident, Status};
use crate::report::escape::{lines, markdown, markdown_code, markdown_code_cell, markdown_fence};
use crate::report::phrases::{date, duration, plural};
use crate::report::show::{ShownSession, lines_of};
use crate::report::targets::{heading, write_markdown};

/// Lines of an output, an edit and a diff that are shown.
const MOST_OF_OUTPUT: usize = 60;
const MOST_OF_EDIT: usize = 30;
const MOST_OF_DIFF: usize = 200;

/// Renders a [`Postmortem`] in Markdown.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReportMarkdown;

impl ReportMarkdown {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(self, told: &Postmortem, out: &mut dyn Write) -> io::Result<()> {
        let told = &told.cleaned();
        head(told, out)?;
        cause(told, out)?;
        proven(told, out)?;
        targets(told, out)?;
        outputs(told, out)?;
        if let Some(fix) = &told.fix {
            fixes(fix, out)?;
        }
        review(told, out)?;
        about(told, out)
    }
}

/// A sentence, in which nothing of others is markup.
fn prose(told: &Prose) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => markdown(text),
        Piece::Code(code) => markdown_code(code),
    };
    told.pieces().iter().map(piece).collect()
}

/// The same in a cell of a table.
fn prose_cell(told: &Prose) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => markdown(text),
        Piece::Code(code) => markdown_code_cell(code),
    };
    told.pieces().iter().map(piece).collect()
}

fn head(told: &Postmortem, out: &mut dyn Write) -> io::Result<()> {
    let report = &told.report;
    let headline = Headline::of(told);
    if let Some(incident) = &told.incident {
        of_incident(told, incident, out)?;
        if report.status == Status::NotSearched {
            return Ok(());
        }
        writeln!(out, "\n## {}\n", prose(&headline.line))?;
    } else {
        writeln!(out, "# {}\n", prose(&headline.line))?;
    }
    if let Some(subject) = &headline.subject {
        let byline = headline.byline.as_deref().unwrap_or_default();
        writeln!(out, "**{}**, {}\n", markdown(subject), markdown(byline))?;
    }
    let because: Vec<String> = headline.because.iter().map(prose).collect();
    writeln!(out, "**{}.** {}\n", headline.certainty.label(), because.join(" "))?;
    if headline.certainty == Certainty::OneOfSeveral {
        for culprit in report.culprits.iter().take(20) {
            let (id, percent) = (markdown_code(&culprit.commit.id.short()), culprit.probability * 100.0);
            writeln!(out, "- {id} ({percent:.0} %) {}", markdown(&culprit.commit.subject))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "- command: {}", markdown_code(&report.command))?;
    if let Some(failure) = &report.failure {
        let text = failure.to_string();
        writeln!(out, "- failure: {}", markdown_code(text.lines().next().unwrap_or_default()))?;
    }
    if let Some(good) = report.last_good.as_ref().filter(|_| told.has_answer()) {
        let (id, subject) = (markdown_code(&good.id.short()), markdown(&good.subject));
        writeln!(out, "- last good version: {id} {subject}")?;
    }
    if report.range.commits > 0 {
        let (commits, merges) =
            (plural(report.range.commits, "commit"), plural(report.range.merges, "merge"));
        writeln!(out, "- range: {commits}, {merges}")?;
    }
    Ok(())
}

/// How the service is, and each step of the response.
fn of_incident(told: &Postmortem, incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}\n", prose(&state(incident).0))?;
    writeln!(out, "- incident: {}", markdown_code(&incident.id))?;
    if !incident.title().is_empty() {
        writeln!(out, "- alarm: {} (by {})", markdown(incident.title()), markdown(incident.source()))?;
    }
    if let Some(down) = told.down() {
        let of = told.spent().map(|(spent, _)| format!(": {spent}")).unwrap_or_default();
        writeln!(out, "- downtime: {down}{of}")?;
    }
    writeln!(out, "\n| step | state | took | what came of it | leave by |\n|---|---|---|---|---|")?;
    for step in &incident.steps {
        let took = step.seconds().map(duration).unwrap_or_default();
        let came =
            if step.outcome.is_empty() { markdown_code_cell(&step.what) } else { markdown(&step.outcome) };
        let (who, command) = leave(step);
        let command =
            command.map(|command| format!(": {}", markdown_code_cell(&command))).unwrap_or_default();
        writeln!(out, "| {} | {} | {took} | {came} | {who}{command} |", title(step), step.state.word())?;
    }
    for note in &incident.notes {
        writeln!(out, "\n- {}", markdown(note))?;
    }
    log(incident, out)
}

/// The most telling of what the log says.
fn log(incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    let Some((report, group)) = incident.log().and_then(|report| Some((report, report.groups.first()?)))
    else {
        return Ok(());
    };
    writeln!(out, "\n**In the log**, {} times: {}\n", group.count, markdown_code(&group.title))?;
    let is_of_first = |excerpt: &&Excerpt| excerpt.lines.iter().any(|line| line.group == Some(0));
    if let Some(excerpt) = report.excerpts.iter().find(is_of_first) {
        let all = excerpt.lines.iter().take(MOST_OF_OUTPUT);
        block("text", &all.map(|line| line.text.clone()).collect::<Vec<_>>(), out)?;
    }
    Ok(())
}

fn cause(told: &Postmortem, out: &mut dyn Write) -> io::Result<()> {
    let report = &told.report;
    if !report.breaking_changes.is_empty() {
        writeln!(out, "\n## What changed\n")?;
        for change in &report.breaking_changes {
            edit(change, out)?;
        }
    }
    if let Some(diff) = &told.diff {
        writeln!(out, "\n<details><summary>The whole commit</summary>\n")?;
        let all: Vec<String> = diff.lines().map(str::to_owned).collect();
        block("diff", &all[..all.len().min(MOST_OF_DIFF)], out)?;
        if let Some(more) = all.len().checked_sub(MOST_OF_DIFF).filter(|more| *more > 0) {
            writeln!(out, "\n… {}", plural(more, "more line"))?;
        }
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}

fn edit(change: &BreakingChange, out: &mut dyn Write) -> io::Result<()> {
    let function = change.function.as_ref().filter(|name| name.as_str() != "<module>");
    let function = function.map(|name| format!(" in {}", markdown_code(name))).unwrap_or_default();
    let place = markdown_code(&format!("{}:{}", change.path, change.line));
    writeln!(out, "{place}{function}: {}\n", markdown(&change.kind.replace('-', " ")))?;
    let mut diff = Vec::new();
    for (side, mark) in [(&change.before, '-'), (&change.after, '+')] {
        let all: Vec<&str> = side.iter().flat_map(|text| text.lines()).collect();
        diff.extend(all.iter().take(MOST_OF_EDIT).map(|line| format!("{mark} {line}")));
        if let Some(more) = all.len().checked_sub(MOST_OF_EDIT).filter(|more| *more > 0) {
            diff.push(format!("{mark} … {}", plural(more, "more line")));
        }
    }
    block("diff", &diff, out)
}

fn proven(told: &Postmortem, out: &mut dyn Write) -> io::Result<()> {
    let proofs = proofs(told);
    if proofs.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Proof\n")?;
    for proof in proofs {
        let holds = if proof.holds { "proven" } else { "not proven" };
        writeln!(out, "**{}: {holds}**\n", proof.title)?;
        for seen in &proof.seen {
            writeln!(out, "- {}", prose(seen))?;
        }
        writeln!(out, "\nTo run it again:\n")?;
        block("sh", &[proof.command], out)?;
        writeln!(out)?;
    }
    Ok(())
}

fn targets(told: &Postmortem, out: &mut dyn Write) -> io::Result<()> {
    let Some(heading) = heading(&told.report) else { return Ok(()) };
    writeln!(out, "\n## Failing tests\n\n{}\n", markdown(&heading))?;
    write_markdown(&told.report, usize::MAX, out)
}

fn outputs(told: &Postmortem, out: &mut dyn Write) -> io::Result<()> {
    let shown = ShownSession { report: &told.report, outputs: &told.outputs };
    let mut tails: Vec<(String, Vec<String>)> =
        shown.deciding().into_iter().map(|titled| (titled.title, lines_of(titled.output))).collect();
    if tails.is_empty() {
        let tail = |tail: &crate::model::event::OutputTail| {
            (format!("{}: {}", tail.commit.short(), tail.ended), tail.lines.clone())
        };
        tails = told.report.outputs.iter().filter(|tail| !tail.lines.is_empty()).map(tail).collect();
    }
    if !tails.is_empty() {
        writeln!(out, "\n## What was printed")?;
    }
    for (title, all) in tails {
        writeln!(out, "\n<details><summary>{}</summary>\n", markdown(&title))?;
        block("text", &all[all.len().saturating_sub(MOST_OF_OUTPUT)..], out)?;
        writeln!(out, "\n</details>")?;
    }
    Ok(())
}

fn fixes(report: &FixReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## Fixes\n")?;
    if report.mended_already {
        writeln!(out, "No fix is needed: it passes already.")?;
        return Ok(());
    }
    writeln!(out, "| candidate | result | size |\n|---|---|---|")?;
    for CandidateFix { kind, passed, outcome, verified, files, lines, .. } in &report.fixes {
        let wider = verified.as_ref().map(|wider| format!("; the wider command {wider}")).unwrap_or_default();
        let result = if *passed { "passes".to_owned() } else { format!("fails: {outcome}") };
        let size = format!("{}, {}", plural(*files, "file"), plural(*lines, "line"));
        writeln!(out, "| {} | {} | {size} |", kind.phrase(), markdown(&format!("{result}{wider}")))?;
    }
    for why in &report.left_out {
        writeln!(out, "| {} | not made | |", markdown(why))?;
    }
    if let Some(best) = report.fixes.first().filter(|fix| fix.is_clean()) {
        writeln!(out)?;
        block("diff", &best.patch.lines().map(str::to_owned).collect::<Vec<_>>(), out)?;
    }
    Ok(())
}

fn review(told: &Postmortem, out: &mut dyn Write) -> io::Result<()> {
    if !told.has_answer() {
        return Ok(());
    }
    writeln!(out, "\n## Sequence of events\n\n| when | what |\n|---|---|")?;
    for moment in events(told) {
        writeln!(out, "| {} | {} |", markdown(&moment.when), prose_cell(&moment.what))?;
    }
    writeln!(out, "| | *to fill in: noticed, reported, answered* |")?;
    writeln!(out, "\n## Five whys\n")?;
    for (number, why) in (1..).zip(whys(told)) {
        writeln!(out, "{number}. **{}**", why.question)?;
        for known in &why.known {
            writeln!(out, "   - {}", prose(known))?;
        }
        if let Some(open) = &why.open {
            writeln!(out, "   - *to fill in:* {}", prose(open))?;
        }
    }
    writeln!(out, "\n## Root cause\n\n- *to fill in, in one sentence*")?;
    let all = countermeasures(told);
    for (title, is_preventive) in [("Responsive", false), ("Preventive", true)] {
        writeln!(out, "\n## {title} countermeasures\n")?;
        for measure in all.iter().filter(|measure| measure.is_preventive == is_preventive) {
            countermeasure(measure, out)?;
        }
        writeln!(out, "- [ ] *to fill in*")?;
    }
    Ok(())
}

fn countermeasure(measure: &Countermeasure, out: &mut dyn Write) -> io::Result<()> {
    let tick = if measure.is_done { 'x' } else { ' ' };
    let command = measure.command.as_ref().map(|it| format!(": {}", markdown_code(it))).unwrap_or_default();
    writeln!(out, "- [{tick}] {}{command}", prose(&measure.what))
}

fn about(told: &Postmortem, out: &mut dyn Write) -> io::Result<()> {
    let report = &told.report;
    writeln!(out, "\n## About this report\n")?;
    for (name, value) in &report.environment {
        writeln!(out, "- {}: {}", markdown(name), markdown_code(value))?;
    }
    for facts in &report.environments {
        let as_of = facts.as_of.as_deref().unwrap_or("now");
        let packages = plural(facts.packages.len(), "package");
        writeln!(out, "- Python {}, {packages} as of {}", markdown(&facts.python), markdown(as_of))?;
    }
    for note in &report.notes {
        writeln!(out, "- {}", markdown(note))?;
    }
    let session = if report.session.is_empty() {
        String::new()
    } else {
        format!("Session {}. ", markdown_code(&report.session))
    };
    let began = told.began.map(|began| format!("The search began {}. ", date(began, 0))).unwrap_or_default();
    writeln!(out, "\n{session}{began}Written by pybisect {}.", env!("CARGO_PKG_VERSION"))
}

/// A block of code that nothing in it ends.
fn block(language: &str, content: &[String], out: &mut dyn Write) -> io::Result<()> {
    let text = content.join("\n");
    let text = lines(&text);
    let fence = markdown_fence(&text);
    writeln!(out, "{fence}{language}\n{text}\n{fence}")
}

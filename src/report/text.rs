//! The result for people: the answer first, then why to believe it, then what to do.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::breaking::breaking;
use super::diff::write_diff;
use super::escape::cleaned;
use super::live_plain::shortened;
use super::phrases::{date, did, duration, own_frame, place, plural};
use super::proof::{history, not_certain, why_proven};
use super::targets::{heading, write_targets};
use super::{Renderer, Style};
use crate::model::{
    CommitId, CommitInfo, Compared, Culprit, Dropped, FailureSignature, PackageEdit, Report, Status,
};

/// Renders [`Report`]s for a terminal.
#[derive(Debug, Clone)]
pub struct TextRenderer {
    /// Colours.
    pub style: Style,
    /// The culprit's diff, when there is one culprit.
    pub diff: Option<String>,
    /// Whether the text says what could be done next.
    pub says_next: bool,
}

/// Lines of diff that fit one screen with the rest.
const MOST_DIFF_LINES: usize = 24;
/// Members of an ambiguous set that are listed.
const MOST_LISTED: usize = 10;

impl Renderer for TextRenderer {
    fn render(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let mut shown = cleaned(report);
        shown.keep_proofs(report);
        let report = &shown;
        match report.status {
            Status::Found => self.found(report, out)?,
            Status::Ambiguous => self.ambiguous(report, out)?,
            _ => self.nothing(report, out)?,
        }
        write_targets(self.style, report, out)?;
        self.outputs(report, out)?;
        self.failure(report, out)?;
        if report.breaking_changes.is_empty() {
            self.changed(out)?;
        } else {
            breaking(self.style, report, out)?;
        }
        self.packages(report, out)?;
        self.evidence(report, out)?;
        self.next_steps(report, out)
    }
}

impl TextRenderer {
    fn found(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let Some(culprit) = report.culprits.first() else {
            let names: Vec<&str> = report.packages.iter().map(|package| package.name.as_str()).collect();
            let text = format!("no commit, but other packages: {}", names.join(", "));
            return writeln!(out, "{}", self.style.bold(self.style.bad(text)));
        };
        let what = did(report);
        let style = self.style;
        writeln!(out, "{} {}", style.bold(style.bad(culprit.commit.id)), style.bold(what))?;
        self.commit(&culprit.commit, out)?;
        if let (Some(_), Some(first)) = (heading(report), report.targets.first()) {
            writeln!(out, "  it is what fails in {}; all tests that newly fail are below", first.test)?;
        }
        Ok(())
    }

    fn commit(&self, commit: &CommitInfo, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "  {}", self.style.bold(&commit.subject))?;
        writeln!(out, "  {}, {}", commit.author, date(commit.author_time, commit.author_offset))
    }

    fn ambiguous(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let count = plural(report.culprits.len(), "commit");
        writeln!(
            out,
            "{}",
            self.style.bold(self.style.warn(if report.can_go_on {
                format!("one of {count}")
            } else {
                format!("one of {count}, and no trial can tell which")
            }))
        )?;
        for Culprit { commit, probability, .. } in report.culprits.iter().take(MOST_LISTED) {
            let percent = format!("{:>5.1} %", probability * 100.0);
            writeln!(
                out,
                "  {}  {percent}  {}",
                self.style.name(commit.id.short()),
                shortened(&commit.subject, 70)
            )?;
        }
        if let Some(more) = report.culprits.len().checked_sub(MOST_LISTED).filter(|more| *more > 0) {
            writeln!(out, "  … and {more} more")?;
        }
        self.reason(report, out)
    }

    fn nothing(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let headline = match report.status {
            Status::NotReproduced => "the failure is not reproduced",
            _ => "no answer",
        };
        writeln!(out, "{}", self.style.bold(self.style.warn(headline)))?;
        self.reason(report, out)
    }

    /// What the command printed at the ends of the range.
    fn outputs(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        for tail in report.outputs.iter().filter(|tail| !tail.lines.is_empty()) {
            let heading = format!("the command at {} printed, at the end", tail.commit.short());
            writeln!(out, "\n{}", self.style.bold(heading))?;
            for line in &tail.lines {
                writeln!(out, "  {}", self.style.dim(shortened(line, 160)))?;
            }
        }
        Ok(())
    }

    fn reason(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        if let Some(reason) = &report.reason {
            writeln!(out, "  {reason}")?;
        }
        for hint in report.hint.iter().flat_map(|hint| hint.lines()) {
            writeln!(out, "  {} {hint}", self.style.bold("hint:"))?;
        }
        Ok(())
    }

    fn failure(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let Some(failure) = &report.failure else { return Ok(()) };
        writeln!(out, "\n{}", self.style.bold("failure"))?;
        for line in failure.to_string().lines().take(2) {
            writeln!(out, "  {}", shortened(line, 160))?;
        }
        if let Some(place) = place_and_code(failure) {
            writeln!(out, "  {}", self.style.dim(place))?;
        }
        match failure.compared() {
            Compared::Failure => Ok(()),
            Compared::ClosingLines => {
                writeln!(
                    out,
                    "  {}",
                    self.style.warn("no failure can be read of it: its closing lines were compared")
                )
            }
            Compared::Status => {
                writeln!(out, "  {}", self.style.warn("it prints nothing: only the exit status was compared"))
            }
        }
    }

    fn changed(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(diff) = &self.diff else { return Ok(()) };
        writeln!(out, "\n{}", self.style.bold("change"))?;
        write_diff(self.style, diff, MOST_DIFF_LINES, " (git show)", out)
    }

    /// Packages that break it, with what mends it.
    fn packages(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        if report.packages.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", self.style.bold("packages"))?;
        for package in &report.packages {
            let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
            let (before, after) = (version(&package.before), version(&package.after));
            let proof = match (package.sufficient, package.necessary) {
                (true, true) => {
                    "; proven: with it (and what it requires) the good version fails, without it the bad one passes"
                }
                (true, false) => "; with it (and what it requires) the good version fails",
                _ => "",
            };
            writeln!(out, "  {} {before} → {after}{proof}", self.style.bold(&package.name))?;
            for Dropped { name, extra } in &package.dropped {
                let extra = extra.as_ref().map(|extra| format!(", but {}[{extra}] does", package.name));
                writeln!(out, "  {name} is gone: it is not required any more{}", extra.unwrap_or_default())?;
            }
            if let Some(failure) = &package.failure {
                writeln!(out, "  brings {}", shortened(failure, 160))?;
            }
            if let (Some(good), Some(bad)) = (&package.last_good, &package.first_bad) {
                writeln!(out, "  {good} is the last version that passes, {bad} the first that fails")?;
            }
            if let Some(constraint) = &package.constraint {
                let tested = match (package.constraint_passed, package.tested_together.as_slice()) {
                    (true, []) => "tested: the bad commit passes".to_owned(),
                    (true, all) => format!("tested: the bad commit passes with {} together", all.join(", ")),
                    (false, _) => "not enough at the bad commit".to_owned(),
                };
                writeln!(out, "  constraint: {constraint}  # {tested}")?;
                if let Some(PackageEdit { path, line, before, after }) = &package.edit {
                    let instead = before.as_ref().map(|before| format!(", instead of '{before}'"));
                    writeln!(out, "  in {path}, line {line}: {after}{}", instead.unwrap_or_default())?;
                }
            }
        }
        Ok(())
    }

    fn evidence(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n{}", self.style.bold("evidence"))?;
        if let (Some(culprit), Status::Found) = (report.culprits.first(), report.status) {
            writeln!(out, "  {}", why_proven(report, culprit))?;
            for line in not_certain(report, culprit) {
                writeln!(out, "  {}", shortened(&line, 160))?;
            }
        }
        for line in history(report) {
            writeln!(out, "  {}", shortened(&line, 160))?;
        }
        for episode in &report.episodes {
            let (bad, mended) = (episode.bad.short(), episode.mended_by.short());
            writeln!(
                out,
                "  the failure was there before: {bad} has it, {mended} does not; this is the latest breakage"
            )?;
        }
        if let Some((failures, passes)) = report.flaky {
            let (failures, passes) = (failures * 100.0, passes * 100.0);
            writeln!(
                out,
                "  the test is flaky: about {failures:.0} % false failures, {passes:.0} % false passes"
            )?;
        }
        self.skips(report, out)?;
        let untested = untested_goods(report);
        if !untested.is_empty() {
            writeln!(out, "  not run: {}; the answer does not rest on it", untested.join(", "))?;
        }
        if let Some(line) = environments(report) {
            writeln!(out, "  {line}")?;
        }
        if !report.isolation.missing.is_empty() {
            writeln!(out, "  isolation is incomplete: {}", report.isolation.missing.join("; "))?;
        }
        for note in &report.notes {
            writeln!(out, "  note: {note}")?;
        }
        let trials = &report.trials;
        let mut counts = vec![plural(trials.run, "trial")];
        for (count, word) in [
            (trials.narrowing, "for the edit"),
            (trials.reused, "known already"),
            (trials.inferred, "inferred"),
            (trials.cancelled, "cancelled"),
        ] {
            if count > 0 {
                counts.push(format!("{count} {word}"));
            }
        }
        let range = match report.range.commits {
            0 => String::new(),
            commits => {
                format!(" over {} ({})", plural(commits, "commit"), plural(report.range.merges, "merge"))
            }
        };
        writeln!(
            out,
            "  {}{range}, {} at a time, {} in all",
            counts.join(", "),
            report.jobs,
            duration(report.wall_seconds)
        )
    }

    /// Reasons for skips, each once, the most frequent first.
    fn skips(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        const MOST_REASONS: usize = 4;
        let mut reasons: BTreeMap<&str, Vec<CommitId>> = BTreeMap::new();
        for skipped in &report.skipped {
            reasons.entry(&skipped.reason).or_default().push(skipped.commit);
        }
        let mut reasons: Vec<(&str, Vec<CommitId>)> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, commits)| std::cmp::Reverse(commits.len()));
        for (reason, commits) in reasons.iter().take(MOST_REASONS) {
            let first = commits.first().map(CommitId::short).unwrap_or_default();
            let example = if commits.len() == 1 { format!(" ({first})") } else { format!(" (as {first})") };
            writeln!(out, "  skipped {}{example}: {reason}", plural(commits.len(), "commit"))?;
        }
        if let Some(more) = reasons.len().checked_sub(MOST_REASONS).filter(|more| *more > 0) {
            writeln!(out, "  and {} more for other reasons", plural(more, "kind"))?;
        }
        Ok(())
    }

    fn next_steps(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let mut steps: Vec<(String, String)> = Vec::new();
        let is_held = report.packages.iter().any(|one| one.constraint_passed && one.edit.is_some());
        if is_held && report.culprits.is_empty() {
            steps.push(("pybisect fix".to_owned(), "what holds it back as a patch, tested".to_owned()));
        }
        if let (Some(culprit), Status::Found) = (report.culprits.first(), report.status) {
            let id = culprit.commit.id.short();
            steps.push((format!("git show {id}"), "the whole change".to_owned()));
            if !report.find_fix {
                steps.push(("pybisect fix".to_owned(), "ways to fix it, tested".to_owned()));
            }
        }
        if let (Some(good), false) = (&report.last_good, report.find_fix) {
            steps.push((
                format!("git switch --detach {}", good.id.short()),
                "the last good commit".to_owned(),
            ));
        }
        if !report.session.is_empty() {
            steps.push((
                format!("pybisect log {}", report.session),
                "this search, as a git bisect log".to_owned(),
            ));
        }
        if steps.is_empty() || !self.says_next {
            return Ok(());
        }
        writeln!(out, "\n{}", self.style.bold("next"))?;
        let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
        for (command, what) in steps {
            writeln!(out, "  {command:<width$}  {}", self.style.dim(format!("# {what}")))?;
        }
        Ok(())
    }
}

/// Where it failed, with the code that stands there.
fn place_and_code(failure: &FailureSignature) -> Option<String> {
    let code = own_frame(failure)?.code.as_ref();
    let code = code.map(|code| format!(": {}", shortened(code.trim(), 100))).unwrap_or_default();
    Some(format!("{}{code}", place(failure)?))
}

/// Commits that were said to be good and not tested, of an answer.
fn untested_goods(report: &Report) -> Vec<String> {
    let ran = |id: &CommitId| report.trial_log.iter().any(|trial| trial.commit == *id);
    let is_answered = report.status == Status::Found;
    let untested = report.good.iter().filter(|id| is_answered && !ran(id));
    untested.map(|id| format!("good {}", id.short())).collect()
}

/// The environments that were made for versions of the project.
fn environments(report: &Report) -> Option<String> {
    let pythons: std::collections::BTreeSet<&str> =
        report.environments.iter().map(|environment| environment.python.as_str()).collect();
    let pythons: Vec<&str> = pythons.into_iter().collect();
    let time = report.environment.get("packages_as_of").filter(|_| !pythons.is_empty())?;
    let count = plural(report.environments.len(), "environment");
    Some(format!("{count}, Python {}, packages as of {time}", pythons.join(" and ")))
}

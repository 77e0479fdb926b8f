//! A rollback for people: which version answers now, and how one knows.

use std::io::{self, Write};

use super::Style;
use super::escape::{cleaned, one_line};
use super::live_plain::shortened;
use super::next_steps::write_next;
use super::phrases::{duration, plural};
use crate::model::{
    Action, AnswerCount, Attempt, DeployedVersion, Grounds, HealthReport, RollbackOutcome, RollbackReport,
    Termination,
};

/// Columns of a row's text.
const MOST_COLUMNS: usize = 100;
/// Lines of a failed command that are shown.
const MOST_LINES: usize = 8;

/// Renders a [`RollbackReport`] for a terminal.
#[derive(Debug)]
pub struct RollbackText<'a> {
    /// Colours.
    pub style: Style,
    /// The command that tells good from bad, for what could be done next.
    pub command: Option<&'a str>,
}

impl RollbackText<'_> {
    /// Write it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(&self, report: &RollbackReport, out: &mut dyn Write) -> io::Result<()> {
        let report = &cleaned(report);
        writeln!(out, "{}", self.headline(report))?;
        if let Some(deployed) = &report.deployed {
            let said = answers(&report.baseline);
            let said = if said.is_empty() { said } else { format!(": {said}") };
            self.row(out, "was", &format!("{}{said}", deployed.name()))?;
        }
        for tested in report.tested.iter().filter(|tested| !tested.passed) {
            self.row(
                out,
                "not good",
                &format!("{}: {}", tested.version.name(), first_line(&tested.outcome)),
            )?;
        }
        for attempt in &report.attempts {
            self.attempt(attempt, out)?;
        }
        if let Some(seconds) = report.serving_after_seconds {
            self.row(out, "serving", &format!("{} after the start", duration(seconds)))?;
        }
        for path in &report.migrations {
            self.row(out, "migration", path)?;
        }
        for note in &report.notes {
            self.row(out, "note", note)?;
        }
        self.next_steps(report, out)
    }

    fn headline(&self, report: &RollbackReport) -> String {
        let service = one_line(&report.service);
        let last = report.attempts.last().map(|attempt| attempt.version.name()).unwrap_or_default();
        let unknown = report.attempts.last().and_then(|attempt| attempt.health.last());
        let good = |text: String| self.style.bold(self.style.good(text));
        let bad = |text: String| self.style.bold(self.style.bad(text));
        match report.outcome {
            RollbackOutcome::Healthy if unknown.is_some_and(|health| !health.tells_version) => {
                good(format!("rolled back: {service} answers after the deploy of {last}, version unknown"))
            }
            RollbackOutcome::Healthy => good(format!("rolled back: {service} is at {last}")),
            RollbackOutcome::Deployed => {
                good(format!("deployed: {last}; whether {service} answers was not asked"))
            }
            RollbackOutcome::DryRun => {
                self.style.bold(format!("would roll {service} back to {last}; nothing was done"))
            }
            RollbackOutcome::NoneGood => {
                bad("no older version is known to be good: nothing was done".to_owned())
            }
            RollbackOutcome::Migrations => bad(format!(
                "not rolled back to {last}: {} of the database between the versions",
                plural(report.migrations.len(), "migration")
            )),
            RollbackOutcome::Unhealthy => {
                let actions =
                    report.attempts.last().map(|attempt| attempt.actions.as_slice()).unwrap_or_default();
                let failed = actions.last().filter(|action| !action.succeeded());
                bad(failed.map_or_else(
                    || format!("{service} is not healthy"),
                    |failed| {
                        format!("{service} is in an unknown state: the {} of {last} failed", failed.kind)
                    },
                ))
            }
            RollbackOutcome::Interrupted => bad("stopped".to_owned()),
        }
    }

    fn attempt(&self, attempt: &Attempt, out: &mut dyn Write) -> io::Result<()> {
        let grounds = match &attempt.grounds {
            Grounds::Named => "as you said".to_owned(),
            Grounds::Session { id } => format!("the last good version of search {id}"),
            Grounds::Deployed { at } => format!("deployed before, and healthy at {at}"),
            Grounds::Tested => "the command passes".to_owned(),
            Grounds::Begun { at } => format!("its deploy was begun by the response of {at}"),
            Grounds::Fix => "with a fix that was tested".to_owned(),
        };
        self.row(out, "good", &format!("{}: {grounds}", attempt.version.name()))?;
        let mut health = attempt.health.iter();
        for (at, action) in attempt.actions.iter().enumerate() {
            self.action(action, out)?;
            // A reload comes between a deploy and the look at it, and a restart at once after a reload that failed.
            let next = attempt.actions.get(at + 1);
            let is_looked_at = next.is_none_or(|next| next.kind == "restart" && action.succeeded());
            if let Some(health) = is_looked_at.then(|| health.next()).flatten() {
                self.health(health, &attempt.version, out)?;
            }
        }
        Ok(())
    }

    fn action(&self, action: &Action, out: &mut dyn Write) -> io::Result<()> {
        let command = shortened(&action.command, MOST_COLUMNS);
        let ended = match &action.ending {
            None => String::new(),
            Some(_) if action.succeeded() => format!(" ({})", duration(action.seconds)),
            Some(Termination::Exited { code }) => self.style.bad(format!(": exit status {code}")),
            Some(Termination::TimedOut { after_ms }) => {
                self.style.bad(format!(": not done after {} s", after_ms / 1000))
            }
            Some(Termination::NotStarted { error }) => self.style.bad(format!(": {error}")),
            Some(_) => self.style.bad(": it was ended"),
        };
        self.row(out, &action.kind, &format!("{command}{ended}"))?;
        if action.ending.is_some() && !action.succeeded() {
            let lines: Vec<&str> = action.output.lines().collect();
            for line in &lines[lines.len().saturating_sub(MOST_LINES)..] {
                writeln!(out, "            {}", self.style.dim(shortened(line, MOST_COLUMNS)))?;
            }
        }
        Ok(())
    }

    fn health(
        &self,
        health: &HealthReport,
        version: &DeployedVersion,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let text = match &health.why {
            None if health.healthy && health.tells_version => {
                format!(
                    "{} in a row from {} in {}, no other",
                    health.in_a_row,
                    version.name(),
                    duration(health.window_seconds)
                )
            }
            None => format!("{} in {}", answers(&health.answers), duration(health.seconds)),
            Some(why) => format!("{why} ({}, in {})", answers(&health.answers), duration(health.seconds)),
        };
        let text = if health.healthy { self.style.good(text) } else { self.style.bad(text) };
        self.row(out, "answers", &text)
    }

    fn row(&self, out: &mut dyn Write, what: &str, text: &str) -> io::Result<()> {
        writeln!(out, "  {} {text}", self.style.dim(format!("{what:<9}")))
    }

    fn next_steps(&self, report: &RollbackReport, out: &mut dyn Write) -> io::Result<()> {
        let mut steps: Vec<(String, &str)> = Vec::new();
        let is_unchanged = report.attempts.iter().flat_map(|attempt| &attempt.health).any(|health| {
            health.why.as_deref().is_some_and(|why| why.ends_with("the new code was not taken"))
        });
        match report.outcome {
            RollbackOutcome::Healthy | RollbackOutcome::Deployed => {
                let ends = report.attempts.last().zip(report.deployed.as_ref());
                if let (Some((attempt, deployed)), Some(command)) = (ends, self.command) {
                    let (good, bad) = (attempt.version.commit.short(), deployed.commit.short());
                    steps
                        .push((format!("pybisect find --good {good} --bad {bad} -- {command}"), "the cause"));
                }
            }
            RollbackOutcome::DryRun => steps.push(("the same without --dry-run".to_owned(), "do it")),
            RollbackOutcome::Migrations => {
                steps.push((
                    "the same with --allow-migrations".to_owned(),
                    "if the older code can do with the newer schema",
                ));
            }
            RollbackOutcome::NoneGood => {
                steps.push(("the same with --to REV".to_owned(), "a version that you know to be good"));
            }
            RollbackOutcome::Unhealthy if is_unchanged => {
                let why = "a reload does not take a new release under --preload, or when the folder was resolved at the start";
                steps.push(("the same with --restart 'COMMAND'".to_owned(), why));
            }
            RollbackOutcome::Unhealthy | RollbackOutcome::Interrupted => {}
        }
        write_next(self.style, &steps, out)
    }
}

fn first_line(text: &str) -> String {
    shortened(text.lines().next().unwrap_or_default(), MOST_COLUMNS)
}

fn answers(counts: &[AnswerCount]) -> String {
    let each = counts.iter().map(|AnswerCount { answer, count }| format!("{count} × {answer}"));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(digits: &str, tag: &str) -> DeployedVersion {
        let commit = digits.repeat(20).parse().unwrap();
        DeployedVersion { commit, tag: Some(tag.to_owned()), subject: String::new(), as_commit: None }
    }

    fn action(kind: &str, code: i32) -> Action {
        Action {
            kind: kind.to_owned(),
            command: format!("./{kind}.sh"),
            ending: Some(Termination::Exited { code }),
            seconds: 0.25,
            output: "one\ntwo\u{1b}[31m\n".to_owned(),
        }
    }

    fn text(report: &RollbackReport) -> String {
        let mut text = Vec::new();
        let view = RollbackText { style: Style::new(false), command: Some("python smoke.py") };
        view.render(report, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn each_look_stands_behind_what_was_done_before_it() {
        let unchanged = HealthReport {
            tells_version: true,
            seconds: 20.0,
            answers: vec![AnswerCount { answer: "2".to_owned(), count: 20 }],
            why: Some("2 goes on answering: the new code was not taken".to_owned()),
            ..HealthReport::default()
        };
        let healthy = HealthReport {
            healthy: true,
            tells_version: true,
            in_a_row: 20,
            window_seconds: 20.0,
            seconds: 21.0,
            ..HealthReport::default()
        };
        let attempt = Attempt {
            version: version("aa", "v1"),
            grounds: Grounds::Tested,
            actions: vec![action("deploy", 0), action("reload", 0), action("restart", 0)],
            health: vec![unchanged, healthy],
        };
        let report = RollbackReport {
            service: "shop".to_owned(),
            outcome: RollbackOutcome::Healthy,
            deployed: Some(version("bb", "v2")),
            baseline: vec![AnswerCount { answer: "500 Internal Server Error".to_owned(), count: 3 }],
            attempts: vec![attempt],
            serving_after_seconds: Some(22.0),
            ..RollbackReport::default()
        };
        insta::assert_snapshot!(text(&report), @r"
        rolled back: shop is at v1 (aaaaaaaaa)
          was       v2 (bbbbbbbbb): 3 × 500 Internal Server Error
          good      v1 (aaaaaaaaa): the command passes
          deploy    ./deploy.sh (0.2 s)
          reload    ./reload.sh (0.2 s)
          answers   2 goes on answering: the new code was not taken (20 × 2, in 20 s)
          restart   ./restart.sh (0.2 s)
          answers   20 in a row from v1 (aaaaaaaaa) in 20 s, no other
          serving   22 s after the start

        next
          pybisect find --good aaaaaaaaa --bad bbbbbbbbb -- python smoke.py  # the cause
        ");
    }

    #[test]
    fn a_command_that_failed_shows_what_it_printed() {
        let attempt = Attempt {
            version: version("aa", "v1"),
            grounds: Grounds::Named,
            actions: vec![action("deploy", 3)],
            health: Vec::new(),
        };
        let report = RollbackReport {
            service: "shop".to_owned(),
            outcome: RollbackOutcome::Unhealthy,
            attempts: vec![attempt],
            ..RollbackReport::default()
        };
        insta::assert_snapshot!(text(&report), @r"
        shop is in an unknown state: the deploy of v1 (aaaaaaaaa) failed
          good      v1 (aaaaaaaaa): as you said
          deploy    ./deploy.sh: exit status 3
                    one
                    two\x1b[31m
        ");
    }
}

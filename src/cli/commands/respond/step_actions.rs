//! What each step does.

use std::fs::File;

use jiff::Timestamp;

use super::incident::{FETCHED_LOG, GIVEN_LOG};
use super::settings::Settings;
use super::work::{Ended, Work, deployed, end_of, serving};
use super::{rollout, search};
use crate::cli::Error;
use crate::cli::commands::report::{of_incident, write_of_incident};
use crate::cli::commands::rollback::{self, Around};
use crate::cli::commands::{logs, suspects};
use crate::model::kept_output::ending_words;
use crate::model::{Action, IncidentEventKind, StepKind, StepResult, Termination};
use crate::process::{ActionSpec, act};
use crate::report::duration;
use crate::respond::{Desk, Hands, Job, StepEnd, Template, run_once};

impl Hands for Work<'_> {
    fn carry_out(&self, job: &Job<'_>, desk: &Desk<'_>) -> Option<StepEnd> {
        let ended = match job.step.kind {
            StepKind::Fallback => self.switch(job, self.settings.respond.fallback.as_deref()),
            StepKind::FallbackOff => self.switch(job, self.settings.respond.fallback_off.as_deref()),
            StepKind::Rollback => self.rollback(job, desk),
            StepKind::Logs => self.logs(job, desk),
            StepKind::Suspects => self.suspects(job),
            StepKind::Find => search::find(self, job, desk),
            StepKind::Fixes => search::fixes(self, job, desk),
            StepKind::Branch => search::branch(self, job),
            StepKind::Push => self.push(job),
            StepKind::Rollout => rollout::stage(self, job, desk),
            StepKind::Report => self.report(job),
        };
        ended.unwrap_or_else(|error| Some(StepEnd::failed(error.told())))
    }
}

impl Work<'_> {
    /// Put the fallback in front, or take it away.
    fn switch(&self, job: &Job<'_>, command: Option<&str>) -> Ended {
        let Some(command) = command else { return Ok(Some(StepEnd::skipped("not configured any more"))) };
        let template = Template::parse(command).map_err(Error::usage_of)?;
        let version = deployed(job.incident)?;
        let place = (self.settings.here.as_path(), self.settings.limits.command);
        let kind = job.step.kind.word();
        let action = run_once((kind, &template), version, place, self.cancel)?;
        let hidden = |text: &str| self.settings.secrets.hidden(text);
        let action = Action { command: hidden(&action.command), output: hidden(&action.output), ..action };
        let end = if action.succeeded() {
            StepEnd::done(format!("{} ({})", action.command, duration(action.seconds)))
        } else {
            let why = action.ending.as_ref().map(ending_words).unwrap_or_default();
            let last = action.output.lines().rev().find(|line| !line.trim().is_empty());
            StepEnd::failed(format!("{}: {why} {}", action.command, last.unwrap_or_default()))
        };
        Ok(Some(end.with(StepResult::Action(Box::new(action)))))
    }

    fn rollback(&self, job: &Job<'_>, desk: &Desk<'_>) -> Ended {
        let repository = self.repository()?;
        let args = rollback::Args {
            deployed: Some(deployed(job.incident)?.commit.to_string()),
            ..self.settings.rollback.clone()
        };
        let steps = rollback::steps(&args, &self.settings.here)?;
        let resumes = job.incident.opened.filter(|_| job.resumes);
        let Settings { here, secrets, .. } = self.settings;
        let around =
            Around { repository: &repository, here: here.clone(), resumes, cancel: self.cancel, secrets };
        let said = |text: &str| desk.say(job.step, text);
        let report = rollback::carry_out(&args, &steps, &around, &said)?.report;
        if let Some((when, version)) = serving(&report) {
            desk.note(IncidentEventKind::Recovered { when, version });
        }
        Ok(end_of(report).map(|(end, report)| end.with(StepResult::Rollback(Box::new(report)))))
    }

    /// Fetch the log, keep it, read it.
    fn logs(&self, job: &Job<'_>, desk: &Desk<'_>) -> Ended {
        let given = self.folder.join(GIVEN_LOG);
        let fetched = self.folder.join(FETCHED_LOG);
        let mut notes = Vec::new();
        let (path, name) = match &self.settings.logs_command {
            Some(command) if !given.is_file() => {
                let Some(failed) = self.fetch(command, &fetched)? else { return Ok(None) };
                notes.extend(failed);
                (fetched, self.settings.secrets.hidden(command))
            }
            _ => (given, "the log".to_owned()),
        };
        let input = File::open(&path).map_err(Error::internal)?;
        let repository = self.repository()?;
        let report = logs::read_all(&name, input, Some(&repository))?;
        if let (Some(note), true) = (notes.first(), report.lines() <= 2) {
            let said = std::fs::read_to_string(&path).unwrap_or_default();
            let said = self.settings.secrets.hidden(said.lines().next().unwrap_or_default());
            return Ok(Some(StepEnd::failed(format!("no log: {note}: {said}"))));
        }
        let first = report.groups.first().and_then(|group| group.first.as_ref());
        let first = first.and_then(|first| Timestamp::from_microsecond(first.micros).ok());
        // What was in the log long after the alarm, or is cut off before it, says nothing of the beginning.
        if let Some(when) = first.filter(|when| job.incident.alarmed().is_none_or(|alarmed| *when <= alarmed))
        {
            desk.note(IncidentEventKind::FirstError { when });
        }
        let outcome = report.groups.first().map_or_else(
            || format!("no errors in {} lines", report.lines()),
            |group| format!("{} × {}", group.count, group.title.lines().next().unwrap_or_default()),
        );
        notes.iter().for_each(|note| desk.say(job.step, note));
        Ok(Some(StepEnd::done(outcome).with(StepResult::Logs(Box::new(report)))))
    }

    /// Have the command write the log into a file. What is to be told of its end; `None` when the user stopped it.
    fn fetch(&self, command: &str, path: &std::path::Path) -> Result<Option<Option<String>>, Error> {
        let output = File::create(path).map_err(Error::internal)?;
        let words = ["sh", "-c", command].map(Into::into);
        let spec = ActionSpec {
            words: &words,
            folder: self.settings.here.clone(),
            variables: Vec::new(),
            limit: self.settings.limits.logs,
            output,
        };
        let (ending, _) = act(&spec, self.cancel).map_err(Error::internal)?;
        Ok(match ending {
            Termination::Cancelled => None,
            Termination::Exited { code: 0 } => Some(None),
            other => Some(Some(format!("'{command}': {}", ending_words(&other)))),
        })
    }

    fn suspects(&self, job: &Job<'_>) -> Ended {
        let Some(log) = job.incident.log().filter(|log| !log.groups.is_empty()) else {
            return Ok(Some(StepEnd::skipped("the log has no error")));
        };
        let repository = self.repository()?;
        let bad = deployed(job.incident)?.commit;
        let Some(good) = self.good(job.incident, &repository)? else {
            return Ok(Some(StepEnd::skipped("no good version is known to compare with")));
        };
        const MOST: usize = 10;
        let report = suspects::of_log(&repository, log, (good, bad), MOST)?;
        let outcome = match report.suspects.first() {
            Some(first) => format!(
                "{} first, of {}: {}",
                first.commit.id.short(),
                crate::report::plural(report.commits, "commit"),
                first.commit.subject
            ),
            None => "nothing speaks for any commit".to_owned(),
        };
        Ok(Some(StepEnd::done(outcome).with(StepResult::Suspects(Box::new(report)))))
    }

    fn push(&self, job: &Job<'_>) -> Ended {
        let Some(remote) = self.settings.respond.push.clone() else {
            return Ok(Some(StepEnd::skipped("not configured any more")));
        };
        let Some((branch, _)) = job.incident.branch() else {
            return Ok(Some(StepEnd::skipped("there is no branch with a fix")));
        };
        self.repository()?.push_branch(&remote, branch, self.settings.limits.command)?;
        let end = StepEnd::done(format!("{branch} to {remote}"));
        Ok(Some(end.with(StepResult::Push { remote, branch: branch.to_owned() })))
    }

    fn report(&self, job: &Job<'_>) -> Ended {
        let told = of_incident(job.incident.clone(), self.settings.sla)?;
        let own = self.folder.join("report.html");
        let path = self.report.as_ref().unwrap_or(&own);
        for path in [&own, &self.folder.join("report.md"), path] {
            write_of_incident(&told, path)?;
        }
        let path = path.display().to_string();
        Ok(Some(StepEnd::done(path.clone()).with(StepResult::Report { path })))
    }
}

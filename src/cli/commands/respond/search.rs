//! The steps that search: the cause, the fixes, and the commit of the one that passed.

use super::work::{Ended, Work, deployed, within};
use crate::cli::Error;
use crate::model::{BreakingChange, CancelToken, Event, FixReport, Incident, Report, Status, StepResult};
use crate::report::{FixRows, PlainReporter, Reporter as _, Style, plural};
use crate::respond::{Desk, Job, StepEnd};
use crate::setup::{self, FixRequest, FoundCause, Request, TestedFixes};

/// Find the commit that broke it, and the edit in it.
pub(super) fn find(work: &Work<'_>, job: &Job<'_>, desk: &Desk<'_>) -> Ended {
    let settings = work.settings;
    let repository = work.repository()?;
    let bad = deployed(job.incident)?;
    let good = work.good(job.incident, &repository)?;
    let request =
        Request { good: good.iter().map(ToString::to_string).collect(), ..settings.rollback.as_search(bad) };
    let request = Request { jobs: settings.rollback.jobs, ..request };
    let said = |text: &str| desk.say(job.step, text);
    let (report, is_late) = within(settings.limits.find, work.cancel, |cancel| {
        let prepared = setup::prepare(&request)?;
        prepared.warnings.iter().for_each(|warning| said(warning));
        let mut reporter = PlainReporter::new(Lines { said: &said, rest: Vec::new() }, Style::new(false));
        setup::search(&request, &prepared, cancel, &mut |event| {
            reporter.on_event(event);
            (work.heard)(&event.kind);
        })
    });
    let report = report?;
    if work.cancel.is_cancelled() {
        return Ok(None);
    }
    if is_late {
        let limit = crate::report::duration(settings.limits.find.as_secs_f64());
        return Ok(Some(StepEnd::failed(format!("no answer within {limit}"))));
    }
    let end = match cause(&report) {
        Some(cause) => StepEnd::done(cause),
        None => StepEnd::failed(report.reason.clone().unwrap_or_else(|| report.status.to_string())),
    };
    Ok(Some(end.with(StepResult::Find(Box::new(report)))))
}

/// What broke it, in a line; `None` when that is not one thing.
fn cause(report: &Report) -> Option<String> {
    let is_one = report.culprits.len() == 1 || !report.packages.is_empty();
    if report.status != Status::Found || !is_one {
        return None;
    }
    let culprit = report
        .culprits
        .first()
        .map(|culprit| format!("{} broke it: {}", culprit.commit.id.short(), culprit.commit.subject));
    let edit = report.breaking_changes.first().map(edit).unwrap_or_default();
    let packages = || {
        let names: Vec<&str> = report.packages.iter().map(|package| package.name.as_str()).collect();
        format!("a release of {} broke it", names.join(", "))
    };
    Some(format!("{}{edit}", culprit.unwrap_or_else(packages)))
}

fn edit(change: &BreakingChange) -> String {
    let place = format!("{}:{}", change.path, change.line);
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if !before.contains('\n') && !after.contains('\n') => {
            format!(", in {place} {} became {}", before.trim(), after.trim())
        }
        _ => format!(", in {place}"),
    }
}

/// Lines of a live view, each told by itself.
struct Lines<'a> {
    said: &'a dyn Fn(&str),
    rest: Vec<u8>,
}

impl std::io::Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            (self.said)(String::from_utf8_lossy(&line).trim_end());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How the fix of an incident is asked for.
fn request(work: &Work<'_>, incident: &Incident) -> Result<FixRequest, Error> {
    let settings = work.settings;
    let found = incident.found().ok_or_else(|| Error::usage("no cause was found"))?;
    let onto = match &settings.respond.onto {
        Some(onto) => onto.clone(),
        // What is rolled out is what was deployed, and the fix: nothing else.
        None => deployed(incident)?.commit.to_string(),
    };
    Ok(FixRequest {
        session: Some(found.session.clone()),
        repo: Some(settings.place.clone()),
        onto: Some(onto),
        verify: settings.respond.verify.clone(),
        jobs: settings.rollback.jobs,
        ..FixRequest::default()
    })
}

fn tested(
    request: &FixRequest,
    cancel: &CancelToken,
    told: &mut dyn FnMut(&Event),
) -> Result<Option<TestedFixes>, Error> {
    FoundCause::of(request)?.test(request, cancel, told)
}

/// Test all candidate fixes.
pub(super) fn fixes(work: &Work<'_>, job: &Job<'_>, desk: &Desk<'_>) -> Ended {
    let request = request(work, job.incident)?;
    let limit = work.settings.limits.fixes;
    let mut rows = FixRows::default();
    let mut told = |event: &Event| {
        (work.heard)(&event.kind);
        if let Some(row) = rows.row(&event.kind) {
            desk.say(job.step, &row);
        }
    };
    let (tested, is_late) = within(limit, work.cancel, |cancel| tested(&request, cancel, &mut told));
    let Some(tested) = tested? else {
        let limit = crate::report::duration(limit.as_secs_f64());
        return Ok(is_late.then(|| StepEnd::failed(format!("not tested within {limit}"))));
    };
    let report = tested.fixes.report;
    Ok(Some(end_of(&report).with(StepResult::Fixes(Box::new(report)))))
}

fn end_of(report: &FixReport) -> StepEnd {
    if report.mended_already {
        return StepEnd::failed("the command passes there without any fix");
    }
    let count = plural(report.fixes.len(), "candidate");
    // What takes back others' work is nothing to roll out unasked.
    match report.fixes.first().filter(|fix| fix.is_clean()) {
        Some(fix) => {
            let wider = if fix.verified.is_some() { ", the wider command too" } else { "" };
            StepEnd::done(format!("{} passes{wider}, of {count}", fix.kind.phrase()))
        }
        None => StepEnd::failed(match &report.wider_cannot_run {
            Some(why) => format!("the wider command cannot be run: {why}"),
            None => format!("none of {count} passes"),
        }),
    }
}

/// Make a commit of the fix that passed, on a branch.
pub(super) fn branch(work: &Work<'_>, job: &Job<'_>) -> Ended {
    let request = request(work, job.incident)?;
    let known = job.incident.fixes().and_then(|report| report.fixes.first());
    // Nothing runs: all of it is in the record.
    let (tested, is_late) =
        within(work.settings.limits.fixes, work.cancel, |cancel| tested(&request, cancel, &mut |_| ()));
    let Some(tested) = tested? else {
        return Ok(is_late.then(|| StepEnd::failed("the fix could not be made again in time")));
    };
    let best = tested.best(false).filter(|(fix, _)| known.is_some_and(|known| known.patch == fix.patch));
    let Some(best) = best else {
        return Ok(Some(StepEnd::failed("the fix is not any more what was tested")));
    };
    let culprit = tested.fixes.report.culprit.map(|culprit| culprit.short());
    let default = format!("pybisect/fix-{}", culprit.unwrap_or_else(|| job.incident.id.clone()));
    let name = work.settings.respond.branch.clone().unwrap_or(default);
    let commit = tested.commit(best, &name, request.verify.as_deref())?;
    let end = StepEnd::done(format!("{name} is at {}", commit.short()));
    Ok(Some(end.with(StepResult::Branch { name, commit })))
}

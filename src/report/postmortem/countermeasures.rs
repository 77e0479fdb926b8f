//! What can be done: about this failure, and against the next one of its kind.

use super::{Postmortem, Presence, Prose};
use crate::model::{Incident, IncidentOutcome, StepKind, StepState};

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Countermeasure {
    /// Whether it keeps the next one away; otherwise it answers this one.
    pub(in crate::report) is_preventive: bool,
    /// Whether it is done.
    pub(in crate::report) is_done: bool,
    /// What.
    pub(in crate::report) what: Prose,
    /// A command that does it, or begins to.
    pub(in crate::report) command: Option<String>,
}

/// A checklist; never longer than somebody ticks off.
pub(in crate::report) fn countermeasures(told: &Postmortem) -> Vec<Countermeasure> {
    let mut list = responsive(told);
    list.extend(preventive(told));
    list
}

fn responsive(told: &Postmortem) -> Vec<Countermeasure> {
    let report = &told.report;
    let to_do = |what: Prose, command: Option<String>| Countermeasure {
        is_preventive: false,
        is_done: false,
        what,
        command,
    };
    if report.find_fix {
        return Vec::new();
    }
    let mut list = Vec::new();
    if let Some(good) = &report.last_good {
        let what =
            Prose::of("Serve the last good version, ").code(good.id.short()).text(", until the fix is out");
        let command = format!("pybisect rollback --to {} --deploy 'CMD' --health URL", good.id.short());
        let rollback = told.incident.as_ref().and_then(|incident| incident.step(StepKind::Rollback));
        let is_done = rollback.is_some_and(|step| step.state == StepState::Done);
        let command = Some(command).filter(|_| !is_done);
        list.push(Countermeasure { is_done, ..to_do(what, command) });
    }
    for package in report.packages.iter().filter(|package| package.constraint_passed) {
        let Some(edit) = &package.edit else { continue };
        let place = format!("{}:{}", edit.path, edit.line);
        list.push(to_do(
            Prose::of("Hold back ").code(&package.name).text(" in ").code(place),
            Some(edit.after.clone()),
        ));
    }
    let session = &report.session;
    match &told.fix {
        Some(fix) if fix.mended_already => {
            let onto = fix.onto.map(|onto| onto.short()).unwrap_or_default();
            let what = Prose::of("Fix it: ").code(onto).text(" passes already");
            list.push(Countermeasure { is_done: true, ..to_do(what, None) });
        }
        Some(fix) if fix.fixes.first().is_some_and(|fix| fix.is_clean()) => {
            let how = fix.fixes.first().map(|fix| fix.kind.phrase()).unwrap_or_default();
            let what = Prose::of(format!("Bring the tested fix in: {how}"));
            list.push(match told.incident.as_ref().and_then(Incident::branch) {
                Some((branch, _)) => {
                    let is_done =
                        told.incident.as_ref().and_then(Incident::resolution) == Some(IncidentOutcome::Fixed);
                    Countermeasure { is_done, ..to_do(what.text(", on the branch ").code(branch), None) }
                }
                None => to_do(what, Some(format!("pybisect fix {session} --branch NAME --commit"))),
            });
        }
        Some(_) => list.push(to_do(Prose::of("Write a fix: none of the candidates passes"), None)),
        None if told.proven().is_some() => {
            let what = Prose::of("Fix it, and test the fix");
            list.push(to_do(what, Some(format!("pybisect fix {session}").trim_end().to_owned())));
        }
        None => {}
    }
    let called = told.proven().and_then(|_| {
        let calls =
            report.breaking_changes.iter().filter(|change| change.callee_before != change.callee_after);
        calls.filter_map(|change| change.callee_after.clone()).next()
    });
    if let Some(callee) = called {
        let what = Prose::of("Look for the same mistake elsewhere: other calls of ").code(&callee);
        let name = callee.rsplit('.').next().unwrap_or(&callee).to_owned();
        let is_plain = name.chars().all(|c| c == '_' || c.is_alphanumeric());
        list.push(to_do(what, is_plain.then(|| format!("git grep -n '{name}('"))));
    }
    list
}

fn preventive(told: &Postmortem) -> Vec<Countermeasure> {
    let report = &told.report;
    let mut list = Vec::new();
    let mut add = |what: Prose, command: Option<String>| {
        list.push(Countermeasure { is_preventive: true, is_done: false, what, command });
    };
    let missing = told.tests.iter().find(|file| file.at_culprit != Presence::Same);
    match missing {
        Some(file) => add(
            Prose::of("Keep ").code(&file.path).text(" in the repository, and run it before each merge"),
            Some(report.command.clone()),
        ),
        None => {
            add(
                Prose::of("Run the failing command before each merge, and let it stop one"),
                Some(report.command.clone()),
            );
        }
    }
    add(Prose::of("Check changed calls before each merge"), Some("pybisect init".to_owned()));
    if report.flaky.is_some() {
        add(Prose::of("Make the test tell the same of the same code: it is flaky"), None);
    }
    if !report.packages.is_empty() {
        add(Prose::of("Pin the packages that are deployed, and update them by merges that are tested"), None);
    }
    if !report.find_fix {
        add(Prose::of("Roll out in stages, each with a check that goes back by itself"), None);
    }
    list
}

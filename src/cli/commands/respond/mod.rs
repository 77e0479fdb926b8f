//! `pybisect respond`.

mod args;
mod incident;
mod rollout;
mod search;
mod settings;
mod step_actions;
#[cfg(feature = "serve")]
mod watched;
mod work;

use std::io::Write as _;

pub(crate) use self::args::Args;
use self::incident::{At, Opened};
use self::settings::Settings;
#[cfg(feature = "serve")]
pub(super) use self::watched::{Watched, watched};
use self::work::Work;
use super::json_target::JsonTarget;
use super::live::pulse;
use super::report::{of_incident, spent};
use crate::cli::terminal::{stderr_style, stdout_style};
use crate::cli::{Error, ExitStatus, print};
use crate::git::Repository;
use crate::model::{
    CancelToken, DowntimeBudget, EventKind, Incident, IncidentEventKind, IncidentOutcome, StepKind, StepState,
};
use crate::report::{IncidentText, ReportMarkdown, lines};
use crate::respond::{Desk, Incidents, Response};
use crate::session::SignalListener;
use crate::setup::{cache_dir, named_or_current};

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let mut json = args.result.target()?.as_deref().map(JsonTarget::open).transpose()?;
    let place = named_or_current(args.repo.as_deref())?;
    let repository = Repository::open(&place)?;
    let settings = Settings::new(args, &repository)?;
    if !args.quiet {
        settings.warnings.iter().for_each(|warning| print::warn(warning));
    }
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(Error::internal)?;
    let incidents = Incidents::of(&cache_dir::state()?.join("services"), settings.service())?;
    let Some(auto) = settings.auto.as_ref().filter(|_| !args.dry_run) else {
        let incident = incident::planned(args, &settings, &repository, &cancel)?;
        drop(listener);
        return tell((args, settings.sla), &incident, json.as_mut());
    };
    let opened = match incident::at(args, &settings, &incidents)? {
        At::Told(text) => {
            print::say(&text);
            return Ok(ExitStatus::Success);
        }
        At::Desk(opened) => opened,
    };
    let Opened { journal, lock: _lock, log } = *opened;
    let id = journal.incident().id.clone();
    let pulse = (!args.quiet).then(pulse);
    let heard = |kind: &IncidentEventKind, incident: &Incident| {
        let Some(pulse) = &pulse else { return };
        match kind {
            IncidentEventKind::Begun { step, .. } => pulse.begin(&step.to_string()),
            IncidentEventKind::Ended { step, .. } | IncidentEventKind::Waiting { step, .. } => {
                pulse.end(&step.to_string());
            }
            _ => {}
        }
        say(kind, incident);
        pulse.told();
    };
    let heard_of_trials = |kind: &EventKind| pulse.iter().for_each(|pulse| pulse.hear(kind));
    let hide = |text: &str| settings.secrets.hidden(text);
    let folder = incidents.folder_of(&id);
    incident::keep_log(log.as_deref(), &folder)?;
    let desk = Desk::new(journal, &heard, &hide);
    if desk.incident().deployed.is_none() {
        incident::note_deployed(&settings, &repository, &desk, &cancel)?;
    }
    let work = Work {
        settings: &settings,
        folder,
        report: args.report.clone(),
        cancel: &cancel,
        heard: &heard_of_trials,
    };
    Response { desk: &desk, hands: &work, auto, cancel: &cancel }.carry_out();
    drop(listener);
    let incident = desk.close()?.incident().clone();
    drop(pulse);
    tell((args, settings.sla), &incident, json.as_mut())?;
    Ok(if cancel.is_cancelled() { ExitStatus::Interrupted } else { exit(&incident) })
}

/// What happens, for those who watch.
fn say(kind: &IncidentEventKind, incident: &Incident) {
    let style = stderr_style();
    let text = match kind {
        IncidentEventKind::Begun { step, .. } => {
            let what = incident.step(*step).map(|step| step.what.clone()).unwrap_or_default();
            format!("{} {}", style.bold(format!("{:<12}", step.to_string())), lines(&what))
        }
        IncidentEventKind::Progress { step, text } => {
            style.dim(format!("{:<12}   {}", step.to_string(), lines(text)))
        }
        IncidentEventKind::Ended { step, state, outcome, .. } => {
            let outcome = lines(outcome.lines().next().unwrap_or_default()).into_owned();
            let outcome = match state {
                StepState::Failed => style.bad(format!("failed: {outcome}")),
                StepState::Skipped => style.dim(format!("skipped: {outcome}")),
                _ => style.good(outcome),
            };
            format!("{:<12} {outcome}", step.to_string())
        }
        IncidentEventKind::Waiting { step, why } => {
            format!("{:<12} {}", step.to_string(), style.warn(lines(why)))
        }
        IncidentEventKind::Lost { why } => style.bad(lines(why)),
        _ => return,
    };
    // Nobody may be reading; the response goes on.
    drop(writeln!(anstream::stderr(), "{text}"));
}

/// Show what came of it.
fn tell(
    (args, sla): (&Args, Option<DowntimeBudget>),
    incident: &Incident,
    json: Option<&mut JsonTarget>,
) -> Result<ExitStatus, Error> {
    let on_stdout = json.as_ref().is_some_and(|json| json.is_stdout());
    if let Some(json) = json {
        let mut text = serde_json::to_vec_pretty(incident).map_err(Error::internal)?;
        text.push(b'\n');
        json.write(&text)?;
    }
    if on_stdout {
        return Ok(ExitStatus::Success);
    }
    let mut text = Vec::new();
    if args.markdown {
        let told = of_incident(incident.clone(), sla)?;
        ReportMarkdown.render(&told, &mut text).map_err(Error::internal)?;
        return print::print_text(&text);
    }
    let spent = sla.map(|sla| spent(incident, sla)).transpose()?.flatten();
    let view = IncidentText { style: stdout_style(), says_next: true, spent: spent.as_deref() };
    view.render(incident, &mut text).map_err(Error::internal)?;
    print::print_text(&text)
}

/// How the program ends.
fn exit(incident: &Incident) -> ExitStatus {
    let has_failed = |acts: bool| {
        let mut steps = incident.steps.iter();
        steps.any(|step| step.state == StepState::Failed && step.id.kind.acts() == acts)
    };
    let no_answer = [StepKind::Find, StepKind::Fixes]
        .into_iter()
        .any(|kind| incident.step(kind).is_some_and(|step| step.state == StepState::Failed));
    match incident.outcome {
        Some(IncidentOutcome::Fixed) => ExitStatus::Success,
        _ if has_failed(true) => ExitStatus::Response,
        _ if no_answer => ExitStatus::Inconclusive,
        _ => ExitStatus::Success,
    }
}

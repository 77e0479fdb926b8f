//! `pybisect respond`.

mod hands;
mod incident;
mod rollout;
mod search;
mod settings;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use self::hands::Work;
use self::incident::{At, Opened};
use self::settings::Settings;
use super::config_args::ConfigArgs;
use super::environment_args::EnvArgs;
use super::isolation_args::IsolationArgs;
use super::json_target::JsonTarget;
use super::report::of_incident;
use super::rollback;
use crate::cli::terminal::{stderr_style, stdout_style};
use crate::cli::{CliError, ExitStatus};
use crate::git::Repository;
use crate::model::{CancelToken, Incident, IncidentEventKind, IncidentOutcome, StepKind, StepState};
use crate::report::{IncidentText, ReportMarkdown, lines};
use crate::respond::{Desk, Incidents, Response};
use crate::session::SignalListener;
use crate::setup::cache_dir;
#[cfg(feature = "serve")]
use crate::setup::{Location, config};

/// From an alarm to the old version, the cause, a tested fix, its rollout and a report
///
/// The last good version is deployed again; the log is read; the commit that broke it is found; all fixes are tested;
/// the one that passes is rolled out stage by stage, and back when it is not healthy. What may happen without a person is
/// said in the configuration (`auto`); everything else waits for --approve. Each step is written down before and after,
/// and a response that was killed goes on.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect respond --dry-run
  pybisect respond --alarm '500 on /your-url' --log error.log
  pybisect respond --approve rollout

Exit status: 0 done as far as it may, 2 usage, 3 no cause or no fix, 6 not healthy or not done, 130 interrupted")]
pub(crate) struct Args {
    /// What the alarm says
    #[arg(long, value_name = "TEXT")]
    alarm: Option<String>,
    /// An alarm that a server received
    #[arg(long, value_name = "FILE", hide = true, conflicts_with_all = ["alarm", "log", "approve", "resume", "new"])]
    received: Option<PathBuf>,
    /// Read this log instead of what the configured command writes; - is standard input
    #[arg(long, value_name = "FILE|-")]
    log: Option<PathBuf>,
    /// Give leave for what waits: fallback, rollback, branch, push or rollout (can be repeated)
    #[arg(long, value_name = "STEP", conflicts_with_all = ["alarm", "log", "new"])]
    approve: Vec<String>,
    /// Do a step again that failed, and what was left out after it: find, rollout-2, …
    #[arg(long, value_name = "STEP", conflicts_with_all = ["alarm", "log", "new", "approve"])]
    retry: Option<String>,
    /// Go on with the response that was stopped, and begin no other
    #[arg(long, conflicts_with = "new")]
    resume: bool,
    /// Begin another response, though one is open
    #[arg(long)]
    new: bool,
    /// Say what would be done, and do nothing
    #[arg(long, conflicts_with_all = ["approve", "retry", "resume"])]
    dry_run: bool,
    /// Version that is deployed now [default: what the service says, else what was deployed last, else HEAD]
    #[arg(long, value_name = "REV")]
    deployed: Option<String>,
    /// Version to go back to, without a test [default: the last one known to be good]
    #[arg(long, value_name = "REV")]
    to: Option<String>,
    /// Go back over migrations of the database
    #[arg(long)]
    allow_migrations: bool,
    /// Repository [default: the one you stand in]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Trials at the same time [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    jobs: Option<u16>,
    /// File to lay over every version that is tested, such as the reproducing test (can be repeated)
    #[arg(long, value_name = "SRC[:DEST]")]
    with_file: Vec<String>,
    /// Longest time for one test
    #[arg(long, value_name = "DUR")]
    timeout: Option<String>,
    #[command(flatten)]
    environment: EnvArgs,
    #[command(flatten)]
    isolation: IsolationArgs,
    #[command(flatten)]
    config: ConfigArgs,
    /// Write the report to this file as well: a page when it ends in .html, else Markdown
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the incident as JSON to a file, or to standard output with -
    #[arg(long, value_name = "FILE|-")]
    json: Option<PathBuf>,
    /// Show the result in Markdown
    #[arg(long)]
    markdown: bool,
    /// Show the result only, not the progress
    #[arg(long, short)]
    quiet: bool,
    /// Test with this shell command instead of a program with arguments
    #[arg(long, value_name = "STRING", conflicts_with = "command")]
    shell: Option<String>,
    /// The command that passes on a good version, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Args {
    /// The options of a rollback among these.
    fn as_rollback(&self) -> rollback::Args {
        rollback::Args {
            to: self.to.clone(),
            deployed: self.deployed.clone(),
            allow_migrations: self.allow_migrations,
            repo: self.repo.clone(),
            jobs: self.jobs,
            with_file: self.with_file.clone(),
            timeout: self.timeout.clone(),
            environment: self.environment.clone(),
            isolation: self.isolation.clone(),
            config: self.config.clone(),
            shell: self.shell.clone(),
            command: self.command.clone(),
            ..rollback::Args::default()
        }
    }
}

/// What a server has to know of responses in a repository.
#[cfg(feature = "serve")]
pub(super) struct Watched {
    pub(super) service: String,
    pub(super) place: PathBuf,
    pub(super) config: config::Config,
    pub(super) warnings: Vec<String>,
}

/// Whether responses can begin in a repository without anybody at hand; all that is configured for them is looked at.
#[cfg(feature = "serve")]
pub(super) fn watched(repo: Option<&Path>) -> Result<Watched, CliError> {
    let args = Args { repo: repo.map(Path::to_owned), ..Args::default() };
    let place = args.repo.clone().map_or_else(std::env::current_dir, Ok).map_err(CliError::internal)?;
    let repository = Repository::open(&place)?;
    let settings = Settings::new(&args, &repository)?;
    if settings.auto.is_none() {
        return Err(CliError::usage("it is not said what may happen without a person")
            .hinted("under [tool.pybisect.respond]: auto = ['rollback'], or auto = [] where all of it waits for leave"));
    }
    let location = Location::new(&repository, &place);
    let config = config::load(&location.config(&repository, None), false)?.config;
    let (service, place) = (settings.service().to_owned(), absolute(&place));
    Ok(Watched { service, place, config, warnings: settings.warnings })
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, CliError> {
    let mut json = args.json.as_deref().map(JsonTarget::open).transpose()?;
    let place = match &args.repo {
        Some(place) => place.clone(),
        None => std::env::current_dir().map_err(CliError::internal)?,
    };
    let repository = Repository::open(&place)?;
    let settings = Settings::new(args, &repository)?;
    if !args.quiet {
        settings.warnings.iter().for_each(|warning| super::find::warn(warning));
    }
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(CliError::internal)?;
    let incidents = Incidents::of(&cache_dir::state()?.join("services"), settings.service())?;
    let Some(auto) = settings.auto.as_ref().filter(|_| !args.dry_run) else {
        let incident = incident::planned(args, &settings, &repository, &cancel)?;
        drop(listener);
        return tell(args, &incident, json.as_mut());
    };
    let opened = match incident::at(args, &settings, &incidents)? {
        At::Told(text) => {
            super::say(&text);
            return Ok(ExitStatus::Success);
        }
        At::Desk(opened) => opened,
    };
    let Opened { journal, lock: _lock, log } = *opened;
    let id = journal.incident().id.clone();
    let heard = |kind: &IncidentEventKind, incident: &Incident| {
        if !args.quiet {
            say(kind, incident);
        }
    };
    let hide = |text: &str| settings.secrets.hidden(text);
    let folder = incidents.folder_of(&id);
    incident::keep_log(log.as_deref(), &folder)?;
    let desk = Desk::new(journal, &heard, &hide);
    if desk.incident().deployed.is_none() {
        incident::note_deployed(&settings, &repository, &desk, &cancel)?;
    }
    let work = Work { settings: &settings, folder, report: args.report.clone(), cancel: &cancel };
    Response { desk: &desk, hands: &work, auto, cancel: &cancel }.carry_out();
    drop(listener);
    let incident = desk.close()?.incident().clone();
    tell(args, &incident, json.as_mut())?;
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
fn tell(args: &Args, incident: &Incident, json: Option<&mut JsonTarget>) -> Result<ExitStatus, CliError> {
    let on_stdout = json.as_ref().is_some_and(|json| json.is_stdout());
    if let Some(json) = json {
        let mut text = serde_json::to_vec_pretty(incident).map_err(CliError::internal)?;
        text.push(b'\n');
        json.write(&text)?;
    }
    if on_stdout {
        return Ok(ExitStatus::Success);
    }
    let mut text = Vec::new();
    if args.markdown {
        let told = of_incident(incident.clone(), None)?;
        ReportMarkdown.render(&told, &mut text).map_err(CliError::internal)?;
        return super::print_text(&text);
    }
    let view = IncidentText { style: stdout_style(), says_next: true };
    view.render(incident, &mut text).map_err(CliError::internal)?;
    super::print_text(&text)
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

/// The place of a file, whatever the folder of who reads it.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

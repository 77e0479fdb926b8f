//! `pybisect suspects`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::config_args::ConfigArgs;
use super::isolation_args::IsolationArgs;
use super::live::pulse;
use super::logs::{repository_files, sources};
use super::masked::masked;
use super::output::OutputArgs;
use crate::cli::terminal::{columns, stdout_style};
use crate::cli::{Error, ExitStatus, Format, print};
use crate::git::{RangeOptions, Repository, disable_hash_verification};
use crate::model::{CancelToken, CommitId, Event, LogEventKind, LogReport, SuspectReport};
use crate::report::{
    SuspectRenderer as _, SuspectsJson, SuspectsMarkdown, SuspectsText, plural, suspect_annotations,
};
use crate::session::{
    ChangedCalls, FailingTree, FunctionTracer, RangeChanges, SignalListener, add_calls, failure_of,
    isolation_failure, run_bad_commit,
};
use crate::setup::{self, Prepared, Request, Runs};
use crate::store::SessionKind;
use crate::suspects::FailureEvidence;
use crate::triage::log::{Clock, LogOptions, LogReader};
use crate::triage::{CommandFacts, TargetOracle};

/// Rank the commits of a range by the evidence of a failure, before anything is tested
///
/// The evidence is a log (--log), or one run of the failing command at the bad commit. Each commit gets a
/// probability and the reasons in words; pybisect find proves one.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect suspects --log error.log v1.4..
  eb logs | pybisect suspects --log - v1.4..v1.5
  pybisect suspects v1.4.. -- python -m pytest -q tests/test_smoke.py

Exit status: 0 ranked, 2 usage, 4 the command passes at the bad commit, 130 interrupted")]
pub(crate) struct Args {
    /// The range: GOOD..BAD, or GOOD for all up to HEAD [default: since the last release tag]
    #[arg(value_name = "RANGE")]
    range: Option<String>,
    /// Good commit, as with find: where the range begins
    #[arg(long, value_name = "REV", conflicts_with = "range")]
    good: Option<String>,
    /// Bad commit, which fails [default: HEAD]
    #[arg(long, value_name = "REV", conflicts_with = "range")]
    bad: Option<String>,
    /// Read the failure from a log (can be repeated); - is standard input
    #[arg(long, value_name = "FILE|-", conflicts_with = "command")]
    log: Vec<PathBuf>,
    /// Number of commits to show; 0 for all
    #[arg(long, value_name = "N", default_value_t = TOP)]
    top: usize,
    /// Output format
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    #[command(flatten)]
    output: OutputArgs,
    /// Do not trace which functions the command executes
    #[arg(long)]
    no_trace: bool,
    /// File to lay over the tree, such as the reproducing test (can be repeated)
    #[arg(long, value_name = "SRC[:DEST]")]
    with_file: Vec<String>,
    /// Shell command to run before the command
    #[arg(long, value_name = "CMD")]
    setup: Option<String>,
    /// Longest time for the run, such as 90s or 2m [default: no limit]
    #[arg(long, value_name = "DUR")]
    timeout: Option<String>,
    /// Only commits that touch this path (can be repeated)
    #[arg(long, value_name = "PATHSPEC")]
    path: Vec<String>,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Run the command on a cluster: slurm, or one of the Remote Execution API, grpc://HOST:PORT or grpcs://HOST:PORT; local
    /// for this machine
    #[arg(long, value_name = "URL|slurm|local")]
    executor: Option<String>,
    #[command(flatten)]
    isolation: IsolationArgs,
    #[command(flatten)]
    config: ConfigArgs,
    /// The failing command, after `--` [default: the configuration's]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Commits that are shown by default.
const TOP: usize = 5;

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    disable_hash_verification();
    let (good, bad) = ends(args)?;
    let report =
        if args.log.is_empty() { by_running(args, &good, &bad)? } else { by_log(args, &good, &bad)? };
    let report = masked(&report);
    let mut out = Vec::new();
    let rendered = match (args.format.annotations(), args.format) {
        (Some(renderer), _) => renderer.render(&suspect_annotations(&report), &mut out),
        (None, Format::Json) => SuspectsJson.render(&report, &mut out),
        (None, Format::Markdown) => SuspectsMarkdown.render(&report, &mut out),
        (None, _) => SuspectsText { style: stdout_style(), width: columns(), folds: args.top == TOP }
            .render(&report, &mut out),
    };
    rendered.map_err(Error::internal)?;
    args.output.write(&out, args.format == Format::Text)
}

/// The ends of the range.
fn ends(args: &Args) -> Result<(String, String), Error> {
    let head = || args.bad.clone().unwrap_or_else(|| "HEAD".to_owned());
    let example = "pybisect suspects --log error.log v1.4..";
    if let Some(good) = &args.good {
        return Ok((good.clone(), head()));
    }
    let Some(range) = &args.range else {
        let here = std::env::current_dir().map_err(Error::internal)?;
        let repository = Repository::open(args.repo.as_deref().unwrap_or(&here))?;
        let tags = repository.release_tags_reachable_from(repository.resolve(&head())?.id)?;
        let tag = tags.into_iter().next().ok_or_else(|| {
            Error::usage("it is not said since when, and no tag tells of a release")
                .hinted(format!("name a good version: {example}"))
        })?;
        print::say(&format!("since {}, the last release", tag.name));
        return Ok((tag.name, head()));
    };
    match range.split_once("..") {
        Some(("", _)) => Err(Error::usage(format!("'{range}' does not say where it begins"))
            .hinted(format!("GOOD..BAD, or GOOD.. for all up to HEAD: {example}"))),
        Some((good, "")) => Ok((good.to_owned(), head())),
        Some((good, bad)) => Ok((good.to_owned(), bad.to_owned())),
        None => Ok((range.clone(), head())),
    }
}

fn most(args: &Args) -> usize {
    if args.top == 0 { usize::MAX } else { args.top }
}

/// The evidence is a log. The log and the history are read at the same time.
fn by_log(args: &Args, good: &str, bad: &str) -> Result<SuspectReport, Error> {
    let here = std::env::current_dir().map_err(Error::internal)?;
    let repository = Repository::open(args.repo.as_deref().unwrap_or(&here))?;
    let (good, bad) = (repository.resolve(good)?.id, repository.resolve(bad)?.id);
    let tree = FailingTree::new(&repository, bad, &[])?;
    let folder = repository.folder().to_owned();
    let (log, changes) = rayon::join(
        || read_log(args, &folder),
        || -> Result<RangeChanges, Error> { ranged(&Repository::open(&folder)?, good, bad, args) },
    );
    let (log, changes) = (log?, changes?);
    ranked(&repository, &log, &tree, &changes, (good, bad, most(args)))
}

/// What a log points at, in a range that was read.
fn ranked(
    repository: &Repository,
    log: &LogReport,
    tree: &FailingTree,
    changes: &RangeChanges,
    (good, bad, most): (CommitId, CommitId, usize),
) -> Result<SuspectReport, Error> {
    let failure = FailureEvidence::of_log(log, tree);
    let mut report = changes.rank(repository, &failure, &changes.ranking(&failure), most)?;
    add_calls(repository, &failure, &mut report.suspects, &mut ChangedCalls::default())?;
    report.good = vec![good];
    report.bad = Some(bad);
    report.failure = log.groups.first().and_then(crate::model::LogGroup::signature);
    report.notes = notes(log, &failure);
    Ok(report)
}

/// What a log that was read points at, among all commits of a range.
pub(super) fn of_log(
    repository: &Repository,
    log: &LogReport,
    (good, bad): (CommitId, CommitId),
    most: usize,
) -> Result<SuspectReport, Error> {
    let tree = FailingTree::new(repository, bad, &[])?;
    let changes = ranged(repository, good, bad, &Args::default())?;
    ranked(repository, log, &tree, &changes, (good, bad, most))
}

fn ranged(
    repository: &Repository,
    good: CommitId,
    bad: CommitId,
    args: &Args,
) -> Result<RangeChanges, Error> {
    let options = RangeOptions { first_parent: false, paths: args.path.iter().map(PathBuf::from).collect() };
    let history = repository.range(bad, &[good], &options)?;
    Ok(RangeChanges::read(repository, RangeChanges::candidates(&history), &[], &AtomicBool::new(false))?)
}

fn read_log(args: &Args, folder: &Path) -> Result<LogReport, Error> {
    let repository = Repository::open(folder)?;
    let options = LogOptions {
        since: None,
        new_since: None,
        around: 0,
        grep: None,
        files: repository_files(&repository),
        clock: Clock { zone: TimeZone::system(), now: Timestamp::now() },
    };
    let mut reader = LogReader::new(options);
    for source in sources::files(&args.log)? {
        source.read(&mut reader)?;
    }
    Ok(reader.finish())
}

/// What the reader should know of the log.
fn notes(log: &LogReport, failure: &FailureEvidence) -> Vec<String> {
    let mut notes = log.notes.clone();
    match log.groups.first().map(|group| group.kind) {
        None => notes.push("no errors found in the log: nothing speaks for any commit".to_owned()),
        Some(LogEventKind::Traceback) if failure.frames.is_empty() => {
            notes.push("no line of the traceback is in this repository: low confidence".to_owned());
        }
        Some(LogEventKind::Traceback) => {}
        Some(_) => notes.push("there is no traceback in the log, only words: low confidence".to_owned()),
    }
    if let Some(others) = log.groups.len().checked_sub(1).filter(|others| *others > 0) {
        let kinds = plural(others, "more kind");
        notes.push(format!("the log has {kinds} of errors; this is the most telling one (pybisect logs)"));
    }
    notes
}

/// The evidence is one run of the command. It runs while the history is read.
fn by_running(args: &Args, good: &str, bad: &str) -> Result<SuspectReport, Error> {
    let request = Request {
        good: vec![good.to_owned()],
        bad: Some(bad.to_owned()),
        repo: args.repo.clone(),
        path: args.path.clone(),
        with_file: args.with_file.clone(),
        setup: args.setup.clone(),
        timeout: args.timeout.clone(),
        command: args.command.clone(),
        jobs: Some(1),
        executor: args.executor.clone(),
        isolation: args.isolation.options(),
        no_config: args.config.no_config,
        runs: Runs::IfConfigured,
        ..Request::default()
    };
    let prepared = setup::prepare(&request)?;
    if prepared.plan.recipe.command.is_empty() {
        let range = args.range.clone().unwrap_or_else(|| format!("{good}..{bad}"));
        return Err(Error::usage("there is no failure to go by: neither a log nor a command").hinted(format!(
            "pybisect suspects --log error.log {range}, or pybisect suspects {range} -- python -m pytest -q tests/…"
        )));
    }
    prepared.warnings.iter().for_each(|warning| print::warn(warning));
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(Error::internal)?;
    let report = watched(args, &prepared, &cancel);
    drop(listener);
    report
}

fn watched(args: &Args, prepared: &Prepared, cancel: &CancelToken) -> Result<SuspectReport, Error> {
    let Prepared { repository, plan, .. } = prepared;
    let recipe = if args.no_trace { plan.recipe.clone() } else { FunctionTracer::watched(&plan.recipe) };
    let (reader, options) = (repository.reopen()?, RangeOptions::default());
    let options = RangeOptions { paths: plan.pathspecs.iter().map(Into::into).collect(), ..options };
    let (ran, changes) = std::thread::scope(|scope| {
        let changes = scope.spawn(move || -> Result<RangeChanges, Error> {
            let history = reader.range(plan.bad, &plan.good, &options)?;
            Ok(RangeChanges::read(
                &reader,
                RangeChanges::candidates(&history),
                &plan.overlay,
                &AtomicBool::new(false),
            )?)
        });
        let workshop = prepared.workshop(cancel);
        let pulse = pulse();
        let mut heard = |event: &Event| pulse.hear(&event.kind);
        let ran = run_bad_commit(plan, &workshop, recipe, SessionKind::Suspects, &mut heard);
        drop(pulse);
        let changes = changes.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (ran, changes)
    });
    let (output, trial_log) = ran?;
    if let Some(want) = isolation_failure(&output, &plan.isolation) {
        let text = format!("at the bad commit {}, the command {}", plan.bad.short(), want.what);
        return Err(Error::not_reproduced(text).hinted(format!("if it is to have it: {}", want.option)));
    }
    let signature =
        TargetOracle::target_of(&output, CommandFacts::of(&plan.recipe.command)).map_err(|no| {
            let text = format!("at the bad commit {}, {}", plan.bad.short(), no.seen);
            let error = Error::not_reproduced(text);
            match no.hint {
                Some(hint) => error.hinted(hint),
                None => error,
            }
        })?;
    let failure = failure_of(plan, repository, &output, &FunctionTracer::read(&output), None)?;
    let changes = changes?;
    let mut report = changes.rank(repository, &failure, &changes.ranking(&failure), most(args))?;
    add_calls(repository, &failure, &mut report.suspects, &mut ChangedCalls::default())?;
    report.good.clone_from(&plan.good);
    report.bad = Some(plan.bad);
    // As it was given: what runs may have an option more.
    report.command = shell_words::split(&plan.command_text).unwrap_or_default();
    report.failure = Some(signature);
    report.trial_log = trial_log;
    if failure.is_empty() {
        report.notes.push("the command printed nothing that tells of a commit".to_owned());
    }
    Ok(report)
}

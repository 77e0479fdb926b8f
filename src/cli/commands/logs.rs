//! `pybisect logs`.

mod follow;
pub(super) mod sources;
mod time_arg;

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::config_args::ConfigArgs;
use super::output::JsonArgs;
use crate::cli::terminal::{stderr_style, stdout_style};
use crate::cli::{Error, ExitStatus, print};
use crate::git::Repository;
use crate::model::LogReport;
use crate::report::{LogJson, LogText, lines};
use crate::setup::Location;
use crate::setup::config;
use crate::triage::log::{Clock, LogOptions, LogReader, RepositoryFiles};

use sources::LogSource;

/// Read logs: what went wrong, where in this repository, since when
///
/// Every error once, the most telling first, with a count, first and last time, and the lines around
/// it. Python tracebacks are read wherever they stand: behind the marks of Docker, Kubernetes, syslog
/// and others, in JSON records, between the lines of other workers, in the output of test runners.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Examples:
  eb logs | pybisect logs
  kubectl logs deploy/web --all-containers --prefix | pybisect logs --since '10 min ago'
  pybisect logs --command 'eb logs --all'
  pybisect logs --journal shop.service --since '1 hour ago'
  pybisect logs --follow /var/log/shop.log
  pybisect logs app.log app.log.1.gz /var/log/web --new-since v1.4 --json -

Exit status: 0 also when nothing was found, 2 usage or no such file")]
pub(crate) struct Args {
    /// Files, also compressed with gzip, zstd or xz, or folders of them; - is standard input [default: standard input]
    files: Vec<PathBuf>,
    /// Run this shell command and read what it writes [default, when there is nothing else: `logs-command` of
    /// the configuration]
    #[arg(long, value_name = "CMD", conflicts_with = "files")]
    command: Option<String>,
    /// Read what journald has of this unit (runs journalctl)
    #[arg(long, value_name = "UNIT", conflicts_with_all = ["files", "command"])]
    journal: Option<String>,
    /// Keep reading as the log grows, and report each new kind of error once; files are followed by their
    /// name, through rotation and truncation
    #[arg(short, long, conflicts_with_all = ["new_since", "top"])]
    follow: bool,
    /// Leave out events before this time: 2026-11-24 15:07, 15:07, '10 min ago', or as a log writes it
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Mark what began after this time or commit as new: a time as above, a tag, a branch, a commit
    #[arg(long, value_name = "WHEN|REV")]
    new_since: Option<String>,
    /// Lines of context before and after each error
    #[arg(long, value_name = "N", default_value_t = 2)]
    around: u16,
    /// Number of kinds of errors to show
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: u16,
    /// Lines that match count as errors too
    #[arg(long, value_name = "REGEX")]
    grep: Option<String>,
    #[command(flatten)]
    result: JsonArgs,
    #[command(flatten)]
    config: ConfigArgs,
    /// Repository whose files the log's paths are mapped to [default: the current one]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let here = std::env::current_dir().map_err(Error::internal)?;
    let repository = match &args.repo {
        Some(folder) => Some(Repository::open(folder)?),
        // A log can be read anywhere.
        None => Repository::open(&here).ok(),
    };
    let sources = sources(args, &here, repository.as_ref())?;
    if args.follow {
        return followed(args, &sources, repository.as_ref());
    }
    let mut reader = LogReader::new(options(args, repository.as_ref())?);
    for source in sources {
        source.read(&mut reader)?;
    }
    write(args, reader.finish())
}

/// Tells of each group as it comes: for people, or one JSON object a line.
fn followed(
    args: &Args,
    sources: &[LogSource],
    repository: Option<&Repository>,
) -> Result<ExitStatus, Error> {
    let target = args.result.target()?;
    let mut json: Option<Box<dyn Write>> = match target.as_deref() {
        None => None,
        Some(path) if path == Path::new("-") => Some(Box::new(std::io::stdout())),
        Some(path) => {
            let failed = |error| Error::usage(format!("failed to write {}: {error}", path.display()));
            Some(Box::new(std::fs::File::create(path).map_err(failed)?))
        }
    };
    let to_stdout = target.as_deref() != Some(Path::new("-"));
    let style = LogText { style: stdout_style(), top: usize::from(args.top) };
    let mut number = 0;
    let mut gone = false;
    let ended = follow::follow(sources, || Ok(LogReader::new(options(args, repository)?)), &mut |group| {
        number += 1;
        let mut text = Vec::new();
        let group = crate::triage::log::masked_code(group.clone());
        let written = match &mut json {
            Some(out) => LogJson
                .group(&group, &mut text)
                .and_then(|()| out.write_all(&text))
                .and_then(|()| out.flush()),
            None => Ok(()),
        };
        text.clear();
        let written = written.and_then(|()| {
            if !to_stdout {
                return Ok(());
            }
            style.one(number, &group, sources.len() > 1, &mut text)?;
            let mut out = anstream::stdout().lock();
            out.write_all(&text).and_then(|()| out.flush())
        });
        gone |= written.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe);
        written.map_err(Error::internal)
    });
    // A reader that went away is no error.
    if gone { Ok(ExitStatus::Success) } else { ended.map(|()| ExitStatus::Success) }
}

fn sources(args: &Args, here: &Path, repository: Option<&Repository>) -> Result<Vec<LogSource>, Error> {
    if let Some(command) = &args.command {
        return Ok(vec![LogSource::Command(command.clone())]);
    }
    if let Some(unit) = &args.journal {
        let clock = Clock { zone: TimeZone::system(), now: Timestamp::now() };
        return Ok(vec![LogSource::Journal(unit.clone(), since(args, &clock)?)]);
    }
    if !args.files.is_empty() {
        return sources::files(&args.files);
    }
    if !sources::stdin_is_terminal() {
        return Ok(vec![LogSource::Stdin]);
    }
    let place = repository.map(|repository| Location::new(repository, here));
    let place = match (&place, repository) {
        (Some(standing), Some(repository)) => standing.config(repository, None),
        _ => config::Place { repository: None, folder: here, top: here, base: None },
    };
    let loaded = config::load(&place, args.config.no_config)?;
    let style = stderr_style();
    for warning in &loaded.warnings {
        // Nobody to tell when stderr is closed.
        drop(writeln!(anstream::stderr(), "{} {}", style.warn("warning:"), lines(warning)));
    }
    match loaded.config.logs_command {
        Some(command) => Ok(vec![LogSource::Command(command)]),
        None => Err(Error::usage("no log to read").hinted(
            "name files, pipe a log in (eb logs | pybisect logs), or give --command 'eb logs --all'; \
             `logs-command` in your own configuration (~/.config/pybisect/config.toml) makes it the default",
        )),
    }
}

fn options(args: &Args, repository: Option<&Repository>) -> Result<LogOptions, Error> {
    let clock = Clock { zone: TimeZone::system(), now: Timestamp::now() };
    let since = since(args, &clock)?;
    let new_since = args.new_since.as_deref().map(|text| new_since(text, &clock, repository)).transpose()?;
    let grep = args.grep.as_deref().map(regex::bytes::Regex::new).transpose();
    Ok(LogOptions {
        since: since.map(Timestamp::as_microsecond),
        new_since: new_since.map(Timestamp::as_microsecond),
        around: usize::from(args.around),
        grep: grep.map_err(|error| Error::usage(format!("--grep: {error}")))?,
        files: repository.map(repository_files).unwrap_or_default(),
        clock,
    })
}

fn since(args: &Args, clock: &Clock) -> Result<Option<Timestamp>, Error> {
    let Some(text) = args.since.as_deref() else { return Ok(None) };
    let time = time_arg::parse(text, &clock.zone, clock.now).or_else(|| clock.read(text));
    time.map(Some).ok_or_else(|| Error::usage(format!("--since: '{text}' is no time")).hinted(time_arg::HINT))
}

fn new_since(text: &str, clock: &Clock, repository: Option<&Repository>) -> Result<Timestamp, Error> {
    if let Some(time) = time_arg::parse(text, &clock.zone, clock.now) {
        return Ok(time);
    }
    let Some(repository) = repository else {
        return Err(Error::usage(format!("--new-since: '{text}' is no time")).hinted(time_arg::HINT));
    };
    let commit = repository.resolve(text)?;
    Timestamp::from_second(commit.commit_time).map_err(Error::internal)
}

/// What a log says, read to its end.
pub(super) fn read_all(
    name: &str,
    input: impl std::io::Read,
    repository: Option<&Repository>,
) -> Result<LogReport, Error> {
    let args = Args { around: 2, ..Args::default() };
    let mut reader = LogReader::new(options(&args, repository)?);
    sources::read(name, input, &mut reader);
    Ok(masked(reader.finish()))
}

/// A report whose code has no secrets in it.
fn masked(report: LogReport) -> LogReport {
    let groups = report.groups.into_iter().map(crate::triage::log::masked_code).collect();
    LogReport { groups, ..report }
}

/// The files of HEAD, or of the work tree before the first commit. A repository that cannot be read maps nothing: the log is
/// still worth reading.
pub(super) fn repository_files(repository: &Repository) -> RepositoryFiles {
    let committed = repository.resolve("HEAD").and_then(|head| repository.files(head.tree, |_| true));
    let paths: Vec<PathBuf> = match committed {
        Ok(files) => files.into_iter().map(|(path, _)| path).collect(),
        Err(_) => repository.uncommitted_below(Path::new("")).into_iter().map(|(path, _)| path).collect(),
    };
    RepositoryFiles::new(paths.into_iter().filter_map(|path| path.into_os_string().into_string().ok()))
}

/// The one log that was read, as a shell takes it: a file or standard input.
fn log_to_name(args: &Args) -> Option<String> {
    match args.files.as_slice() {
        _ if args.command.is_some() || args.journal.is_some() => None,
        [] => Some("-".to_owned()),
        [one] if one.is_dir() => None,
        [one] => Some(shell_words::quote(&one.to_string_lossy()).into_owned()),
        _ => None,
    }
}

fn write(args: &Args, report: LogReport) -> Result<ExitStatus, Error> {
    let report = &masked(report);
    let mut text = Vec::new();
    match args.result.target()?.as_deref() {
        Some(path) if path == Path::new("-") => {
            LogJson.render(report, &mut text).map_err(Error::internal)?;
            return print::print(&text);
        }
        Some(path) => {
            let failed = |error| Error::usage(format!("failed to write {}: {error}", path.display()));
            let mut file = std::fs::File::create(path).map_err(failed)?;
            LogJson.render(report, &mut file).map_err(failed)?;
        }
        None => {}
    }
    let text_form = LogText { style: stdout_style(), top: usize::from(args.top) };
    text_form.render(report, &mut text).map_err(Error::internal)?;
    if let Some(log) = log_to_name(args) {
        text_form.next(report, &log, &mut text).map_err(Error::internal)?;
    }
    print::print_text(&text)
}

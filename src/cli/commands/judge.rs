//! `pybisect judge`: the judgement of one commit, for `git bisect run`.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::config_args::ConfigArgs;
use super::environment_args::EnvArgs;
use super::isolation_args::IsolationArgs;
use super::logs::{repository_files, sources};
use crate::cli::terminal::stderr_style;
use crate::cli::{Error, ExitStatus, print};
use crate::git::{Repository, UnderWay};
use crate::model::{CancelToken, FailureSignature, LogGroup, Verdict};
use crate::report::{lines, printable};
use crate::session::{SignalListener, Unjudged, judge};
use crate::setup::{self, Request};
use crate::triage::log::{Clock, LogOptions, LogReader};

/// Judge the commit that is checked out, for `git bisect run`
///
/// Runs the command on HEAD in a private work tree, and compares its failure with the one at the bad commit of the git
/// bisect that is under way: the same failure is bad, none is good, and another one, or a run that came to no test, is
/// skipped. Runs that are recorded are not run again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  git bisect start HEAD v1.4
  git bisect run pybisect judge -- python -m pytest -q tests/test_smoke.py

Exit status, as git bisect run reads it: 0 good, 1 bad, 125 skip, 255 stop: it could not be judged, 130 interrupted")]
pub(crate) struct Args {
    /// The failure to compare with, as a traceback or a log [default: that of the bad commit]
    #[arg(long, value_name = "FILE")]
    failure: Option<PathBuf>,
    /// The commit that fails [default: that of the git bisect]
    #[arg(long, value_name = "REV")]
    bad: Option<String>,
    /// Treat any failure as bad, not only the one at the bad commit
    #[arg(long, conflicts_with_all = ["pattern", "failure"])]
    any_failure: bool,
    /// Treat a failure as bad when its output matches
    #[arg(long = "match", value_name = "REGEX", conflicts_with = "failure")]
    pattern: Option<String>,
    /// File to lay over the tree, such as the reproducing test (can be repeated)
    #[arg(long, value_name = "SRC[:DEST]")]
    with_file: Vec<String>,
    /// Shell command to run before the command; its failure is a skip
    #[arg(long, value_name = "CMD")]
    setup: Option<String>,
    /// Longest time for one run, such as 90s or 2m [default: an hour]
    #[arg(long, value_name = "DUR")]
    timeout: Option<String>,
    /// Ignore a recorded outcome, and run the command
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    environment: EnvArgs,
    #[command(flatten)]
    isolation: IsolationArgs,
    #[command(flatten)]
    config: ConfigArgs,
    /// The command under test, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Run it. What is no judgement ends git's search, lest the commit be taken for bad.
pub(crate) fn run(args: &Args) -> ExitStatus {
    judged(args).unwrap_or_else(|error| {
        crate::cli::error::print(&error);
        ExitStatus::StopBisect
    })
}

fn judged(args: &Args) -> Result<ExitStatus, Error> {
    let here = std::env::current_dir().map_err(Error::internal)?;
    let repository = Repository::open(&here)?;
    let under_way = repository.bisect_under_way();
    let bad = args.bad.clone().or_else(|| bad_of(under_way.as_ref()?)).ok_or_else(|| {
        Error::usage("no git bisect is under way here, so nothing is known as bad")
            .hinted("git bisect start HEAD v1.4, or name the commit that fails: --bad REV")
    })?;
    let good = under_way.as_ref().and_then(|under_way| under_way.good.first());
    let failure = args.failure.as_deref().map(|file| failure_in(file, &repository)).transpose()?;
    let head = repository.resolve("HEAD")?.id;
    let prepared = setup::prepare(&Request {
        good: good.map(ToString::to_string).into_iter().collect(),
        bad: Some(bad),
        any_failure: args.any_failure,
        pattern: args.pattern.clone(),
        with_file: args.with_file.clone(),
        setup: args.setup.clone(),
        timeout: args.timeout.clone(),
        fresh: args.fresh,
        environment: args.environment.options(),
        isolation: args.isolation.options(),
        no_config: args.config.no_config,
        command: args.command.clone(),
        ..Request::default()
    })?;
    prepared.warnings.iter().for_each(|warning| print::warn(warning));
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(Error::internal)?;
    let judged = judge(&prepared.plan, &prepared.workshop(&cancel), head, failure)?;
    drop(listener);
    let judgement = match judged {
        Ok(judgement) => judgement,
        Err(Unjudged::Cancelled) => return Ok(ExitStatus::Interrupted),
        Err(Unjudged::NoTarget(no)) => {
            let text = format!("at the bad commit {}, {}", prepared.plan.bad.short(), no.seen);
            return Err(no.hint.into_iter().fold(Error::not_reproduced(text), Error::hinted));
        }
    };
    let style = stderr_style();
    let (word, exit) = match &judgement.verdict {
        Verdict::Good => (style.good("good"), ExitStatus::Success),
        Verdict::Bad => (style.bad("bad"), ExitStatus::BisectBad),
        Verdict::Skip(_) => (style.warn("skip"), ExitStatus::BisectSkip),
        Verdict::Abort(_) => (style.bad("stop"), ExitStatus::StopBisect),
    };
    // As under `git bisect run` itself, what the command printed is there to read.
    drop(anstream::stdout().write_all(printable(&judgement.output.stdout.text).as_bytes()));
    let mut err = anstream::stderr().lock();
    drop(err.write_all(printable(&judgement.output.stderr.text).as_bytes()));
    drop(writeln!(err, "{word} {}: {}", head.short(), lines(&judgement.outcome)));
    Ok(exit)
}

fn bad_of(under_way: &UnderWay) -> Option<String> {
    under_way.bad.map(|bad| bad.to_string())
}

/// The most telling failure in a file.
fn failure_in(file: &Path, repository: &Repository) -> Result<FailureSignature, Error> {
    let options = LogOptions {
        since: None,
        new_since: None,
        around: 0,
        grep: None,
        files: repository_files(repository),
        clock: Clock { zone: TimeZone::system(), now: Timestamp::now() },
    };
    let mut reader = LogReader::new(options);
    for source in sources::files(&[file.to_owned()])? {
        source.read(&mut reader)?;
    }
    reader.finish().groups.iter().find_map(LogGroup::signature).ok_or_else(|| {
        Error::usage(format!("there is no traceback in {}", file.display()))
            .hinted(format!("what is read of it: pybisect logs {}", file.display()))
    })
}

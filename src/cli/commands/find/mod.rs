//! `pybisect find`.

mod args;
mod left;

use std::io::Write;

pub(crate) use self::args::Args;
use self::left::Left;
use super::json_target::JsonTarget;
use super::live::reporter;
use super::masked::masked_report;
use super::notify::notify;
use super::output::JsonArgs;
use super::{answer, continued, from_bisect};
use crate::cli::terminal::stderr_style;
use crate::cli::{Error, ExitStatus, print};
use crate::git::Repository;
use crate::model::{CancelToken, Event};
use crate::report::{Json, Renderer, lines};
use crate::session::SignalListener;
use crate::setup::{self, Prepared, Request, StoredRequest};

impl Args {
    /// How the answer is told.
    fn telling(&self) -> Telling<'_> {
        Telling { result: &self.result, quiet: self.quiet, notify: self.notify.as_deref(), has_next: true }
    }
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let here = || {
        let here = std::env::current_dir().map_err(Error::internal)?;
        Ok::<_, Error>(Repository::open(args.repo.as_deref().unwrap_or(&here))?)
    };
    if args.goes_on {
        return go_on(args, continued::stopped(&here()?)?);
    }
    if args.from_bisect {
        let repository = here()?;
        let (args, said) = from_bisect::taken_over(args, &repository)?;
        if !args.quiet {
            print::say(&said);
        }
        return run_with_ends(&args);
    }
    run_with_ends(args)
}

fn run_with_ends(args: &Args) -> Result<ExitStatus, Error> {
    run_and_tell(&args.request(), &args.telling())
}

/// Go on with a search that was stopped.
fn go_on(args: &Args, stopped: StoredRequest) -> Result<ExitStatus, Error> {
    if let Some(typed) = stopped.typed().filter(|_| !args.quiet) {
        print::say(&format!("goes on with: {typed}"));
    }
    let prepare = || {
        stopped.prepare(|request| {
            request.jobs = args.jobs.or(request.jobs);
            // What ran is what there is to go on with.
            request.fresh = args.fresh;
        })
    };
    tell_run(&args.telling(), prepare)
}

/// How a search and its answer are told.
pub(super) struct Telling<'a> {
    pub(super) result: &'a JsonArgs,
    pub(super) quiet: bool,
    pub(super) notify: Option<&'a str>,
    /// Whether what could be done next is told.
    pub(super) has_next: bool,
}

/// Search, and tell what came of it.
pub(super) fn run_and_tell(request: &Request, telling: &Telling<'_>) -> Result<ExitStatus, Error> {
    tell_run(telling, || Ok((request.clone(), setup::prepare(request)?)))
}

fn tell_run(
    telling: &Telling<'_>,
    prepare: impl FnOnce() -> Result<(Request, Prepared), Error>,
) -> Result<ExitStatus, Error> {
    let mut json = telling.result.target()?.as_deref().map(JsonTarget::open).transpose()?;
    let (request, prepared) = prepare()?;
    for warning in &prepared.warnings {
        print::warn(warning);
    }
    if let Some(line) = prepared.line.as_ref().filter(|_| !telling.quiet) {
        let style = stderr_style();
        drop(writeln!(anstream::stderr(), "{} {}", style.bold("environment:"), lines(line)));
    }
    let cancel = CancelToken::new();
    let listener = SignalListener::new(&cancel).map_err(Error::internal)?;
    let mut reporter = reporter(telling.quiet);
    let mut left = Left::default();
    let mut heard = |event: &Event| {
        left.hear(&event.kind);
        reporter.on_event(event);
    };
    let report = masked_report(&setup::search(&request, &prepared, &cancel, &mut heard)?);
    drop((listener, reporter));
    #[cfg(feature = "remote")]
    say_cluster(&prepared, telling.quiet);
    // Said before, unless it came meanwhile.
    if let Some(note) = prepared.store.note().filter(|note| !prepared.warnings.contains(note)) {
        print::warn(&note);
    }

    if let Some(json) = &mut json {
        let mut text = Vec::new();
        Json.render(&report, &mut text).map_err(Error::internal)?;
        json.write(&text)?;
    }
    let on_stdout = json.as_ref().is_some_and(JsonTarget::is_stdout);
    // What is left is told below.
    let is_cut_short = cancel.is_cancelled() && report.culprits.is_empty();
    if !on_stdout && !is_cut_short {
        answer::tell(&request, &prepared, &report, telling.has_next)?;
    }
    if cancel.is_cancelled() {
        let place = request.repo.as_ref().map(|place| place.to_string_lossy().into_owned());
        let words = ["pybisect", "find", "--continue"].into_iter().map(str::to_owned);
        let place = place.into_iter().flat_map(|place| ["--repo".to_owned(), place]);
        let rows = if is_cut_short { left.rows(&prepared.repository, &report) } else { Vec::new() };
        print::resume_hint(&cancel, &rows, words.chain(place));
        return Ok(ExitStatus::Interrupted);
    }
    if let Some(how) = telling.notify {
        notify(how, &report);
    }
    Ok(ExitStatus::of_report(&report))
}

/// How many trials a cluster ran, and how many it knew.
#[cfg(feature = "remote")]
fn say_cluster(prepared: &Prepared, is_quiet: bool) {
    let Some(cluster) = prepared.bench.cluster().filter(|_| !is_quiet) else { return };
    let (counts, style) = (cluster.counts(), stderr_style());
    let place = crate::executor::Executor::facts(cluster).place.unwrap_or_default();
    let text = format!("{} ran on {place}, {} were known there", counts.ran, counts.known);
    drop(writeln!(anstream::stderr(), "{} {}", style.bold("trials:"), lines(&text)));
}

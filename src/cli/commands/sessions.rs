//! `pybisect sessions`.

use std::io::Write;
use std::path::PathBuf;

use super::masked::{masked, masked_text};
use crate::cli::terminal::{columns, stdout_style};
use crate::cli::{Error, ExitStatus, print};
use crate::git::Repository;
use crate::model::{Report, Status, VerdictKind};
use crate::report::{cut, date, one_line, plural};
use crate::setup::cache_dir;
use crate::store::{SessionKind, SessionRow, SessionState, Store};

/// List the sessions of this repository with what they found, the latest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Sessions of all repositories
    #[arg(long, conflicts_with = "repo")]
    all: bool,
}

/// Columns before a result: the id and the time.
const LABELS: usize = 32;
/// Columns before a command: the id's.
const INDENT: usize = 14;

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let here = std::env::current_dir().map_err(Error::internal)?;
    let repository = match (&args.repo, args.all) {
        (_, true) => None,
        (Some(place), _) => Some(Repository::open(place)?),
        // Outside of a repository, those of all.
        (None, _) => Repository::open(&here).ok(),
    };
    let folder = repository.map(|repository| repository.folder().to_string_lossy().into_owned());
    let store = Store::open(&cache_dir::cache()?)?;
    let style = stdout_style();
    let mut text = Vec::new();
    let rows = store.sessions(folder.as_deref())?;
    if rows.is_empty() {
        let of_others = if folder.is_some() { " in this repository (--all: those of others)" } else { "" };
        drop(writeln!(anstream::stderr(), "no sessions yet{of_others}"));
    }
    for row in rows {
        let (result, is_answer) = result(&store, &row)?;
        let result = cut(&result, columns().saturating_sub(LABELS));
        let result = if is_answer { style.good(result) } else { style.warn(result) };
        let place = if folder.is_none() { format!("{}: ", one_line(&row.repository)) } else { String::new() };
        let when = date(seconds(row.updated), 0);
        let when = when.get(..16).unwrap_or(&when);
        let command = masked_text(&row.command).unwrap_or_else(|| row.command.clone());
        let command = cut(&format!("{place}{}", one_line(&command)), columns().saturating_sub(INDENT));
        writeln!(text, "{}  {when}  {result}\n{:INDENT$}{command}", style.name(&row.id), "")
            .map_err(Error::internal)?;
    }
    print::print_text(&text)
}

/// What a session came to, in a few words, and whether that is an answer.
fn result(store: &Store, row: &SessionRow) -> Result<(String, bool), Error> {
    let of = if row.kind == SessionKind::Find { String::new() } else { format!("{}: ", row.kind.word()) };
    match row.state {
        SessionState::Interrupted => return Ok((format!("{of}stopped before the end"), false)),
        SessionState::Running => return Ok((format!("{of}running, or killed"), false)),
        SessionState::Finished => {}
    }
    let report = masked(&Report::from_events(&store.events(&row.id)?));
    if row.kind != SessionKind::Find {
        return Ok(of_runs(row.kind, &report));
    }
    let what = if report.find_fix { "fixed it" } else { "broke it" };
    Ok(match (report.status, report.culprits.as_slice()) {
        (Status::Found, [culprit, ..]) => {
            let subject = one_line(&culprit.commit.subject);
            (format!("{} {what}: {subject}", culprit.commit.id.short()), true)
        }
        (Status::Found, []) => {
            let names: Vec<&str> = report.packages.iter().map(|package| package.name.as_str()).collect();
            (format!("{} {what}", one_line(&names.join(", "))), true)
        }
        (Status::Ambiguous, several) => (format!("one of {} {what}", plural(several.len(), "commit")), false),
        _ => {
            let reason = report.reason.unwrap_or_else(|| "no answer".to_owned());
            (one_line(&reason).into_owned(), false)
        }
    })
}

/// What the runs of a command came to that does not search.
fn of_runs(kind: SessionKind, report: &Report) -> (String, bool) {
    let count =
        |of: &dyn Fn(VerdictKind) -> bool| report.trial_log.iter().filter(|line| of(line.verdict)).count();
    let (passed, failed) = (count(&|one| one == VerdictKind::Good), count(&|one| one == VerdictKind::Bad));
    let runs = report.trial_log.len();
    let counts = [(passed, "passed"), (failed, "failed"), (runs - passed - failed, "could not be tested")];
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    (format!("{}: {}: {}", kind.word(), plural(runs, "run"), told.join(", ")), passed == runs)
}

/// Whole seconds.
#[expect(clippy::as_conversions, reason = "a float has no other way to an integer; it saturates")]
const fn seconds(time: f64) -> i64 {
    time as i64
}

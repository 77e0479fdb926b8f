//! `pybisect sessions`.

use std::io::Write;
use std::path::PathBuf;

use crate::cli::terminal::stdout_style;
use crate::cli::{CliError, Exit, folders};
use crate::git::Repository;
use crate::report::{date, one_line};
use crate::store::{SessionState, Store};

/// List finished and broken sessions, the latest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only sessions of this repository
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<Exit, CliError> {
    let repository = args.repo.as_deref().map(Repository::open).transpose()?;
    let folder = repository.map(|repository| repository.folder().to_string_lossy().into_owned());
    let store = Store::open(&folders::cache()?)?;
    let style = stdout_style();
    let mut text = Vec::new();
    let rows = store.sessions(folder.as_deref())?;
    if rows.is_empty() {
        drop(writeln!(anstream::stderr(), "no sessions yet"));
    }
    for row in rows {
        let state = format!("{:<11}", row.state.word());
        let state = match row.state {
            SessionState::Finished => style.good(state),
            SessionState::Interrupted | SessionState::Running => style.warn(state),
        };
        let when = date(seconds(row.updated), 0);
        writeln!(
            text,
            "{}  {state}  {when}  {}  {}",
            style.name(&row.id),
            one_line(&row.repository),
            one_line(&row.command)
        )
        .map_err(CliError::internal)?;
    }
    super::print_text(&text)
}

/// Whole seconds.
#[expect(clippy::as_conversions, reason = "a float has no other way to an integer; it saturates")]
const fn seconds(time: f64) -> i64 {
    time as i64
}

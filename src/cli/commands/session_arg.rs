//! Which session is meant.

use std::path::{Path, PathBuf};

use crate::cli::Error;
use crate::git::Repository;
use crate::store::{SessionKind, SessionRow, Store};

/// The session that a beginning of an id names; without one, the latest of the repository.
pub(super) fn chosen(
    store: &Store,
    prefix: Option<&str>,
    repository: Option<&Path>,
) -> Result<SessionRow, Error> {
    let list = "`pybisect sessions` lists them";
    if let Some(prefix) = prefix {
        let found = store.session(prefix)?;
        return found.ok_or_else(|| {
            Error::usage(format!("no session is called '{prefix}', or several are")).hinted(list)
        });
    }
    let folder = folder(repository).map_err(|error| {
        error.hinted(format!("or name a session, which may be of any repository: {list}"))
    })?;
    let latest = store.searches(folder.to_str())?.into_iter().next();
    latest.ok_or_else(|| {
        Error::usage("no search has run in this repository")
            .hinted("pybisect find --good REV -- COMMAND; for those of others: pybisect sessions")
    })
}

/// The same, where only a search has what is wanted.
pub(super) fn chosen_search(
    store: &Store,
    prefix: Option<&str>,
    repository: Option<&Path>,
) -> Result<SessionRow, Error> {
    let row = chosen(store, prefix, repository)?;
    if row.kind == SessionKind::Find {
        return Ok(row);
    }
    let (id, kind) = (&row.id, row.kind.word());
    Err(Error::usage(format!("session {id} is of pybisect {kind}, not a search"))
        .hinted(format!("what its runs printed: pybisect show {id}")))
}

/// The folder that sessions of a repository are kept under.
fn folder(repository: Option<&Path>) -> Result<PathBuf, Error> {
    let here = std::env::current_dir().map_err(Error::internal)?;
    let repository = Repository::open(repository.unwrap_or(&here))?;
    Ok(repository.folder().to_owned())
}

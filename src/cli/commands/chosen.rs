//! Which session is meant.

use std::path::{Path, PathBuf};

use crate::cli::Error;
use crate::git::Repository;
use crate::store::{SessionRow, Store};

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
    let latest = store.sessions(folder.to_str())?.into_iter().next();
    latest.ok_or_else(|| {
        Error::usage("no search has run in this repository")
            .hinted("pybisect find --good REV -- COMMAND; for those of others: pybisect sessions")
    })
}

/// The folder that sessions of a repository are kept under.
fn folder(repository: Option<&Path>) -> Result<PathBuf, Error> {
    let here = std::env::current_dir().map_err(Error::internal)?;
    let repository = Repository::open(repository.unwrap_or(&here))?;
    Ok(repository.folder().to_owned())
}

//! `find --continue`: go on with the search that was stopped.

use crate::cli::Error;
use crate::git::Repository;
use crate::setup::{StoredRequest, cache_dir};
use crate::store::{SessionRow, SessionState, Store};

/// What the latest search of a repository was asked that did not come to its end.
pub(super) fn stopped(repository: &Repository) -> Result<StoredRequest, Error> {
    let store = Store::open(&cache_dir::cache()?)?;
    let folder = repository.folder().to_string_lossy().into_owned();
    let is_stopped = |row: &SessionRow| row.state != SessionState::Finished;
    let row = store.searches(Some(&folder))?.into_iter().find(is_stopped).ok_or_else(|| {
        Error::usage("no search was stopped in this repository")
            .hinted("`pybisect sessions` lists those that came to their end")
    })?;
    StoredRequest::of_session(&store, row.id.as_str())
}

//! What has to be said of the history that is searched.

use super::error::Error;
use crate::git::Repository;

/// What to say where git shows another history than the one that is stored.
pub(crate) fn replacements(repository: &Repository) -> Result<Option<String>, Error> {
    let replaced = repository.replaced()?;
    Ok((replaced > 0).then(|| {
        let what = if replaced == 1 { "replacement" } else { "replacements" };
        format!(
            "history is searched as it is stored, without the {replaced} {what} of `git replace` (or grafts); git shows \
             the same with GIT_NO_REPLACE_OBJECTS=1, and `git filter-repo --force` makes them part of it",
        )
    }))
}

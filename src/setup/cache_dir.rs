//! Where pybisect keeps its things.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::error::Error;

/// The cache folder: `$PYBISECT_CACHE_DIR`, or `pybisect` in the user's cache folder
/// (`$XDG_CACHE_HOME`, `~/.cache`).
///
/// # Errors
/// When the user has no home.
pub(crate) fn cache() -> Result<PathBuf, Error> {
    if let Some(folder) = std::env::var_os("PYBISECT_CACHE_DIR").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let base = etcetera::choose_base_strategy().map_err(|error| {
        Error::internal(error).hinted("set PYBISECT_CACHE_DIR to a folder that can be written")
    })?;
    Ok(base.cache_dir().join("pybisect"))
}

/// The folder of what has to outlast a cleaned cache: `$PYBISECT_STATE_DIR`, or `pybisect` in the user's state folder
/// (`$XDG_STATE_HOME`, `~/.local/state`).
///
/// # Errors
/// When the user has no home.
pub(crate) fn state() -> Result<PathBuf, Error> {
    if let Some(folder) = std::env::var_os("PYBISECT_STATE_DIR").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let base = etcetera::choose_base_strategy().map_err(|error| {
        Error::internal(error).hinted("set PYBISECT_STATE_DIR to a folder that can be written")
    })?;
    Ok(base.state_dir().unwrap_or_else(|| base.cache_dir()).join("pybisect"))
}

/// What a run writes goes into `runs` of the cache folder: something else under that name is in the way.
///
/// # Errors
/// When there is something else, with how to mend it.
pub(crate) fn check_runs(cache: &Path) -> Result<(), Error> {
    let runs = cache.join("runs");
    let Ok(facts) = runs.symlink_metadata() else { return Ok(()) };
    if runs.is_dir() {
        return Ok(());
    }
    let what = if facts.is_symlink() { "a link to what is no folder" } else { "not a folder" };
    let quoted = shell_words::quote(&runs.to_string_lossy()).into_owned();
    Err(Error::usage(format!("{} is {what}, and runs are kept there", runs.display()))
        .hinted(format!("remove it: rm {quoted}"))
        .hinted("or another place for all of it: set PYBISECT_CACHE_DIR"))
}

//! Where pybisect keeps its things.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use super::CliError;

/// The cache folder: `$PYBISECT_CACHE_DIR`, or `pybisect` in the user's cache folder
/// (`$XDG_CACHE_HOME`, `~/.cache`).
///
/// # Errors
/// When the user has no home.
pub(super) fn cache() -> Result<PathBuf, CliError> {
    if let Some(folder) = std::env::var_os("PYBISECT_CACHE_DIR").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    let base = etcetera::choose_base_strategy().map_err(|error| {
        CliError::internal(error).hinted("set PYBISECT_CACHE_DIR to a folder that can be written")
    })?;
    Ok(base.cache_dir().join("pybisect"))
}

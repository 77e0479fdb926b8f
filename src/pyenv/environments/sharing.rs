//! Whether a version may run with the packages of another one: then no environment is made for it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Environments, ProjectVersion};
use crate::model::CancelToken;
use crate::pyenv::installed::{compiled_sources, is_used};
use crate::pyenv::resolved::EnvironmentError;

impl Environments {
    /// Whether the packages of `host` satisfy what `guest` declares, on the same Python. Of packages of which trials imported
    /// nothing, as far as that is known (where the packages are, and what was imported of them), any version will do.
    ///
    /// # Errors
    /// When what they declare, or the packages of the host, cannot be had.
    pub fn serves(
        &self,
        host: ProjectVersion<'_>,
        guest: ProjectVersion<'_>,
        imported: Option<(&Path, &BTreeSet<PathBuf>)>,
        cancel: &CancelToken,
    ) -> Result<bool, EnvironmentError> {
        let (python, _) = self.python(host)?;
        if self.python(guest)?.0 != python {
            return Ok(false);
        }
        if host.fingerprint == guest.fingerprint {
            return Ok(true);
        }
        let (own, theirs) = (self.wanted(guest, python, cancel)?, self.wanted(host, python, cancel)?);
        let packages = self.resolved(&theirs, self.cutoff(host), python, cancel)?;
        // What trials of earlier runs imported was compiled for later ones.
        let imported = imported.map(|(folder, sources)| (folder, sources | &compiled_sources(folder)));
        let unused =
            |name: &str| imported.as_ref().is_some_and(|(folder, imported)| !is_used(folder, name, imported));
        Ok(own.is_satisfied_by(&packages.packages, &theirs, python, &unused))
    }
}

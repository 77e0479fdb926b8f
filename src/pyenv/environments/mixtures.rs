//! Packages that no version declares as they are: with some held back, or with other versions of some.

use std::str::FromStr as _;

use pep440_rs::Version as PackageVersion;

use super::{Environments, ProjectVersion, no_python};
use crate::model::CancelToken;
use crate::pyenv::installed::{Requirer, requirers};
use crate::pyenv::resolve::{adapted, one_version, options};
use crate::pyenv::resolved::EnvironmentError;

/// Versions of a package that are looked at between two of them, at most.
const MOST_VERSIONS: usize = 60;

impl Environments {
    /// The exact packages of a version when it also declared these constraints: what is pinned otherwise gives way, as it
    /// does where they are written into the file that declares it.
    ///
    /// # Errors
    /// When there are none, or nobody needs them any more.
    pub fn packages_under(
        &self,
        version: ProjectVersion<'_>,
        constraints: &[String],
        cancel: &CancelToken,
    ) -> Result<Vec<String>, EnvironmentError> {
        let (python, _) = self.python(version)?;
        let wanted = self.wanted(version, python, cancel)?.under(constraints);
        Ok(self.resolved(&wanted, self.cutoff(version), python, cancel)?.packages.clone())
    }

    /// The packages of a version's environment, which is made when it is not there, that require another one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn requirers(
        &self,
        version: ProjectVersion<'_>,
        package: &str,
        cancel: &CancelToken,
    ) -> Result<Vec<Requirer>, EnvironmentError> {
        let environment = self.prepare(version, None, cancel)?;
        Ok(requirers(&environment.folder, package))
    }

    /// Exact packages with these among them, and the others as they are as far as the first ones' own requirements
    /// allow that.
    ///
    /// # Errors
    /// When there are none, or nobody needs them any more.
    pub fn adapted(
        &self,
        version: ProjectVersion<'_>,
        (fixed, others): (&[String], &[String]),
        cancel: &CancelToken,
    ) -> Result<Vec<String>, EnvironmentError> {
        let (python, _) = self.python(version)?;
        let options = options(&self.wanted(version, python, cancel)?.requirements);
        let path = self.pythons.get(python).ok_or_else(|| no_python(&python.to_string()))?;
        adapted(&self.uv, (path, python), (fixed, others, &options), self.cutoff(version), cancel)
    }

    /// The versions of a package after one and before another, oldest first, as of a version's date. Pre-releases are
    /// among them only where one of the two is one.
    ///
    /// # Errors
    /// When nobody needs them any more.
    pub fn versions_between(
        &self,
        version: ProjectVersion<'_>,
        package: &str,
        (from, to): (&str, &str),
        cancel: &CancelToken,
    ) -> Result<Vec<String>, EnvironmentError> {
        let (python, _) = self.python(version)?;
        let options = options(&self.wanted(version, python, cancel)?.requirements);
        let path = self.pythons.get(python).ok_or_else(|| no_python(&python.to_string()))?;
        let is_early =
            |text: &str| PackageVersion::from_str(text).is_ok_and(|version| version.any_prerelease());
        let may_be_early = is_early(from) || is_early(to);
        let mut found: Vec<String> = Vec::new();
        while found.len() < MOST_VERSIONS {
            let below = found.last().map_or(to, String::as_str);
            let wanted = format!("{package}>{from},<{below}");
            match one_version(&self.uv, path, (wanted, &options), self.cutoff(version), cancel) {
                // A resolver falls back to those where nothing else is left.
                Ok(Some(version)) if is_early(&version) && !may_be_early => break,
                Ok(Some(version)) => found.push(version),
                Ok(None) => break,
                Err(unmade) => return Err(unmade),
            }
        }
        found.reverse();
        Ok(found)
    }
}

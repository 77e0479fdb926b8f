//! Configuration, in two layers: the user's own file, and above it what the repository brings.
//!
//! | file | what it does |
//! |---|---|
//! | `keys` | [`Config`]: the keys, and which of them a file may set that came with a repository |
//! | `files` | where the files are: in the checkout, in a commit, the user's own |
//! | `in_force` | what counts in a place, and from where |
//! | `executor` | where trials run, when not on this machine |
//! | `respond` | what a response does, and what of it may happen without a person |
//! | `serve` | who may send alarms, who may look, who is told |
//! | `trust` | [`Trust`]: which configurations of repositories the user accepted |
//!
//! Whoever controls the configuration controls what runs. So a file in a repository sets what cannot harm: everything
//! else counts on the command line, in the user's own file, or after `pybisect trust`.

mod executor;
mod files;
mod in_force;
mod keys;
mod respond;
mod serve;
mod trust;

use std::path::Path;

use toml::Table;

use crate::git::Repository;
use crate::model::CommitId;
use crate::setup::error::Error;

pub(crate) use self::executor::ExecutorConfig;
#[cfg(feature = "remote")]
pub(crate) use self::executor::SecretSource;
pub(crate) use self::files::Found;
pub(crate) use self::in_force::in_force;
pub(crate) use self::keys::{Config, RollbackConfig};
pub(crate) use self::respond::{Respond, Stage};
#[cfg(feature = "serve")]
pub(crate) use self::serve::{Auth, HookTable, Notify, Serve};
pub(crate) use self::trust::Trust;

/// What is to be said of a configuration that came with a repository, read as such: what it may not set, and keys that
/// nobody knows.
///
/// # Errors
/// When it is no configuration.
#[cfg(feature = "internals")]
pub fn remarks_on(text: &str) -> Result<Vec<String>, Error> {
    const NAME: &str = "pybisect.toml";
    let mut table = files::parse(text, NAME)?;
    let mut remarks = keys::restrict(&mut table, &Table::new());
    remarks.extend(keys::unknown(&table, NAME));
    keys::read(table, NAME)?;
    Ok(remarks)
}

/// Where configuration is looked for.
pub(crate) struct Place<'a> {
    /// The repository, when there is one.
    pub(crate) repository: Option<&'a Repository>,
    /// The folder that the user stands in, with links resolved.
    pub(crate) folder: &'a Path,
    /// The top of the work tree.
    pub(crate) top: &'a Path,
    /// The commit whose configuration counts; `None` for the checkout's.
    pub(crate) base: Option<CommitId>,
}

/// The configuration that holds, and what the user should know of it.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) warnings: Vec<String>,
}

/// Read the configuration that holds in a place.
pub(crate) fn load(place: &Place<'_>, without: bool) -> Result<Loaded, Error> {
    if without {
        return Ok(Loaded::default());
    }
    let mut warnings = Vec::new();
    let own = match files::of_user()? {
        Some(own) => {
            warnings.extend(keys::unknown(&own.table, &own.name));
            own.table
        }
        None => Table::new(),
    };
    let trust = Trust::of_user();
    let is_trusted = |found: &Found| {
        place
            .repository
            .is_some_and(|repository| trust.as_ref().is_some_and(|trust| trust.has(repository, found)))
    };
    let checkout = files::of_checkout(place.folder, place.top)?;
    let found = match (place.base, place.repository) {
        // What is looked at must not decide how.
        (Some(base), Some(repository)) if !checkout.as_ref().is_some_and(is_trusted) => {
            let inside = place.folder.strip_prefix(place.top).unwrap_or(Path::new(""));
            let of_base = files::of_commit(repository, base, inside)?;
            if of_base.as_ref().map(|found| &found.table) != checkout.as_ref().map(|found| &found.table) {
                let name = checkout.as_ref().or(of_base.as_ref()).map_or("", |found| &found.name);
                warnings.push(format!(
                    "{name} is not as on the base, whose configuration holds (to take it as it is here: pybisect trust)"
                ));
            }
            of_base
        }
        _ => checkout,
    };
    let Some(mut found) = found else {
        return Ok(Loaded { config: keys::read(own, "the configuration")?, warnings });
    };
    warnings.extend(keys::unknown(&found.table, &found.name));
    // Its words are checked as they stand, before anything of them is left out.
    keys::read(found.table.clone(), &found.name)?;
    let mut of_repository = Vec::new();
    if !is_trusted(&found) {
        let ignored = keys::restrict(&mut found.table, &own);
        if !ignored.is_empty() {
            warnings.push(format!(
                "{}: {} ignored: a file of a repository may not set {} (to let this one: pybisect trust)",
                found.name,
                keys::listed(&ignored),
                if ignored.len() == 1 { "that" } else { "those" }
            ));
        }
        of_repository = found.table.keys().cloned().collect();
    }
    let mut table = own;
    table.extend(found.table);
    let config = Config { of_repository, ..keys::read(table, &found.name)? };
    Ok(Loaded { config, warnings })
}

/// The configuration of the checkout, for `pybisect trust`.
pub(crate) fn of_checkout(folder: &Path, top: &Path) -> Result<Option<Found>, Error> {
    files::of_checkout(folder, top)
}

/// The keys of a file that count only when it is trusted.
pub(crate) fn restricted(found: &Found) -> Vec<String> {
    keys::restrict(&mut found.table.clone(), &Table::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_in(folder: &Path, top: &Path) -> Result<Loaded, Error> {
        let Some(found) = files::of_checkout(folder, top)? else { return Ok(Loaded::default()) };
        let warnings = keys::unknown(&found.table, &found.name);
        Ok(Loaded { config: keys::read(found.table, &found.name)?, warnings })
    }

    #[test]
    fn the_nearest_file_counts_and_unknown_keys_warn() {
        let top = tempfile::tempdir().unwrap();
        let inner = top.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(top.path().join("pybisect.toml"), "jobs = 3\n").unwrap();
        std::fs::write(top.path().join("a/pyproject.toml"), "[tool.pybisect]\njobs = 5\ntimeot = '3s'\n")
            .unwrap();
        let loaded = load_in(&inner, top.path()).unwrap();
        assert_eq!(loaded.config.jobs, Some(5));
        assert_eq!(loaded.warnings.len(), 1);
        assert!(
            loaded.warnings[0].ends_with("unknown key 'timeot'; did you mean 'timeout'?"),
            "{:?}",
            loaded.warnings
        );

        assert_eq!(load_in(top.path(), top.path()).unwrap().config.jobs, Some(3));
        std::fs::write(top.path().join("pybisect.toml"), "[tool.pybisect]\njobs = 7\n").unwrap();
        assert_eq!(load_in(top.path(), top.path()).unwrap().config.jobs, Some(7));
        let elsewhere = tempfile::tempdir().unwrap();
        assert_eq!(load_in(elsewhere.path(), elsewhere.path()).unwrap().config, Config::default());
    }

    #[test]
    fn a_wrong_value_names_the_file() {
        let top = tempfile::tempdir().unwrap();
        std::fs::write(top.path().join("pybisect.toml"), "jobs = 'many'\n").unwrap();
        let error = format!("{:?}", load_in(top.path(), top.path()).unwrap_err());
        assert!(error.contains("pybisect.toml"), "{error}");
    }
}

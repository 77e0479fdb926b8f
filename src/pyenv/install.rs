//! Installing what was resolved.

use std::ffi::OsString;
use std::path::Path;
use std::{fs, io};

use jiff::Timestamp;

use super::date_overrides::build_options;
use super::python_version::PythonVersion;
use super::resolved::{EnvironmentError, Resolved};
use super::uv::{Uv, Work};
use crate::model::{CancelToken, Termination};
use crate::process::ChildOutcome;

/// Make a virtual environment in a folder and install exact versions, with uv or with pip.
///
/// # Errors
/// When that cannot be done.
pub(super) fn install(
    uv: &Uv,
    with_pip: bool,
    (folder, (python, version)): (&Path, (&Path, PythonVersion)),
    (resolved, date): (&Resolved, Option<Timestamp>),
    cancel: &CancelToken,
) -> Result<(), EnvironmentError> {
    let own = folder.join("bin/python");
    let check = |what: &str, outcome: io::Result<ChildOutcome>| {
        let outcome = outcome.map_err(|error| EnvironmentError::machine(&error))?;
        match outcome.ending {
            Termination::Exited { code: 0 } => Ok(()),
            Termination::Cancelled => Err(EnvironmentError::Cancelled),
            _ => Err(EnvironmentError::said(what, &outcome.stderr, &outcome.stdout)),
        }
    };
    let text = |path: &Path| path.as_os_str().to_owned();
    // Where code of packages runs, this is all that it writes to beside the run's own folder.
    fs::create_dir_all(folder).map_err(|error| EnvironmentError::machine(&error))?;
    if with_pip {
        let words = ["-m".into(), "venv".into(), text(folder)];
        check("no virtual environment", uv.run_other(python, words, Work::Builds(folder), cancel))?;
    } else {
        let words = ["venv", "--quiet", "--no-project", "--python"].map(Into::into);
        let words = words.into_iter().chain([text(python), text(folder)]);
        check("no virtual environment", uv.run(words, Work::Installs, cancel))?;
    }
    if resolved.packages.is_empty() {
        return Ok(());
    }
    let lines = [resolved.options.as_slice(), &resolved.packages].concat().join("\n");
    // No code of a package has run yet, so nothing leads elsewhere.
    let list = folder.join("pybisect-packages.txt");
    fs::write(&list, lines).map_err(|error| EnvironmentError::machine(&error))?;
    uv.know_sources(python, &[resolved.options.as_slice(), &resolved.packages].concat(), cancel)
        .map_err(|error| EnvironmentError::machine(&error))?;
    if with_pip {
        let words = ["-m", "pip", "install", "--quiet", "--no-deps", "-r"].map(Into::into);
        let words = words.into_iter().chain([text(&list)]);
        return check("cannot be installed", uv.run_other(&own, words, Work::Builds(folder), cancel));
    }
    let mut words: Vec<OsString> = ["pip", "sync", "--quiet", "--python"].map(Into::into).to_vec();
    words.push(text(&own));
    words.extend(build_options(date, version));
    words.push(text(&list));
    // Most packages come as files that are only unpacked. Then no code of theirs runs, and the cache that all runs share
    // can be used; otherwise all is done again where a build can do no harm.
    let ready = [words.as_slice(), &["--no-build".into()]].concat();
    match check("cannot be installed", uv.run(ready, Work::Installs, cancel)) {
        Err(EnvironmentError::Failed(_) | EnvironmentError::Unbuildable { .. }) => {}
        done => return done,
    }
    check("cannot be installed", uv.run(words, Work::Builds(folder), cancel))
}

//! Installing what was resolved.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::later::build_options;
use super::pythons::Minor;
use super::resolve::{Resolved, Unmade};
use super::uv::Uv;
use crate::model::{CancelToken, Ending};
use crate::process::ChildOutcome;

/// Make a virtual environment in a folder and install exact versions, with uv or with pip.
///
/// # Errors
/// When that cannot be done.
pub(super) fn install(
    uv: &Uv,
    with_pip: bool,
    (folder, (python, version)): (&Path, (&Path, Minor)),
    (resolved, date): (&Resolved, Option<Timestamp>),
    cancel: &CancelToken,
) -> Result<(), Unmade> {
    let own = folder.join("bin/python");
    let check = |what: &str, outcome: io::Result<ChildOutcome>| {
        let outcome = outcome.map_err(|error| Unmade::machine(&error))?;
        match outcome.ending {
            Ending::Exited { code: 0 } => Ok(()),
            Ending::Cancelled => Err(Unmade::Cancelled),
            _ => Err(Unmade::said(what, &outcome.stderr, &outcome.stdout)),
        }
    };
    let text = |path: &Path| path.as_os_str().to_owned();
    if with_pip {
        let outcome = uv.run_other(python, ["-m".into(), "venv".into(), text(folder)], cancel);
        check("no virtual environment", outcome)?;
    } else {
        let words = ["venv", "--quiet", "--no-project", "--python"].map(Into::into);
        let outcome = uv.run(words.into_iter().chain([text(python), text(folder)]), cancel);
        check("no virtual environment", outcome)?;
    }
    if resolved.packages.is_empty() {
        return Ok(());
    }
    let list = folder.join("pybisect-packages.txt");
    let lines = [resolved.options.as_slice(), &resolved.packages].concat().join("\n");
    fs::write(&list, lines).map_err(|error| Unmade::machine(&error))?;
    if with_pip {
        let words = ["-m", "pip", "install", "--quiet", "--no-deps", "-r"].map(Into::into);
        check("cannot be installed", uv.run_other(&own, words.into_iter().chain([text(&list)]), cancel))
    } else {
        let mut words: Vec<OsString> = ["pip", "sync", "--quiet", "--python"].map(Into::into).to_vec();
        words.push(text(&own));
        words.extend(build_options(date, version));
        words.push(text(&list));
        check("cannot be installed", uv.run(words, cancel))
    }
}

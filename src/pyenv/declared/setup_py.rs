//! `setup.py`, run with a `setup()` that only listens.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::project::ProjectFiles;
use crate::model::{CancelToken, Ending};
use crate::process::{ChildSpec, run};

/// It reads files and calls a function; one that takes longer than this does something else.
const LONGEST: Duration = Duration::from_secs(20);
const MARK: &str = "pybisect-setup-arguments ";

/// What `setup()` was given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    pub(super) name: String,
    pub(super) version: String,
    install_requires: Value,
    tests_require: Value,
    extras_require: Value,
    package_dir: Value,
    entry_points: Value,
    /// Whether it has extension modules, which have to be compiled.
    pub(super) builds: bool,
    called: bool,
    error: Option<String>,
}

impl Given {
    pub(super) fn install_requires(&self) -> Vec<String> {
        list(&self.install_requires)
    }

    pub(super) fn tests_require(&self) -> Vec<String> {
        list(&self.tests_require)
    }

    pub(super) fn extras(&self) -> BTreeMap<String, Vec<String>> {
        let Value::Object(extras) = &self.extras_require else { return BTreeMap::new() };
        extras.iter().map(|(name, value)| (name.clone(), list(value))).collect()
    }

    /// The folder of the packages: `src` for `package_dir={"": "src"}`.
    pub(super) fn source_folder(&self) -> Option<String> {
        self.package_dir.get("")?.as_str().map(str::to_owned)
    }

    /// Entry points: group, then `name = target` lines.
    pub(super) fn entry_points(&self) -> Vec<(String, String)> {
        match &self.entry_points {
            Value::Object(groups) => groups
                .iter()
                .flat_map(|(group, value)| list(value).into_iter().map(|line| (group.clone(), line)))
                .collect(),
            Value::String(text) => super::setup_cfg::read(text)
                .into_iter()
                .flat_map(|(group, lines)| {
                    lines
                        .into_iter()
                        .map(move |(name, target)| (group.clone(), format!("{name} = {}", target.concat())))
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// A list, or a text with one item a line.
fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => {
            items.iter().filter_map(|item| item.as_str()).map(|item| item.trim().to_owned()).collect()
        }
        Value::String(text) => {
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// Run the project's `setup.py` with this interpreter.
///
/// # Errors
/// What went wrong, in words, when `setup()` was not reached.
pub(super) fn listen(files: &dyn ProjectFiles, python: &Path, cancel: &CancelToken) -> Result<Given, String> {
    let folder = tempfile::Builder::new().prefix("pybisect-setup-").tempdir();
    let folder = folder.map_err(|error| error.to_string())?;
    files.export(folder.path()).map_err(|error| error.to_string())?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let spec = ChildSpec {
        program: python.into(),
        arguments: vec!["-c".into(), include_str!("listen.py").into()],
        folder: folder.path().to_owned(),
        environment: BTreeMap::from([
            ("PATH".into(), path),
            ("HOME".into(), folder.path().into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
        ]),
        timeout: Some(LONGEST),
        marker: format!("setup-{}", folder.path().display()),
        confinement: None,
    };
    let outcome = run(&spec, cancel).map_err(|error| error.to_string())?;
    let answer = outcome.stdout.text.lines().rev().find_map(|line| line.strip_prefix(MARK));
    let given = answer.and_then(|answer| serde_json::from_str::<Given>(answer).ok());
    match given {
        Some(given) if given.called => Ok(given),
        Some(Given { error: Some(error), .. }) => Err(error),
        Some(_) => Err("setup() is not called".to_owned()),
        None => match outcome.ending {
            Ending::TimedOut { .. } => Err("it does not come to an end".to_owned()),
            _ => Err(outcome.stderr.text.trim().lines().last().unwrap_or("it says nothing").to_owned()),
        },
    }
}

//! `setup.py`, run with a `setup()` that only listens.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::project_files::ProjectFiles;
use crate::dirfd::Scratch;
use crate::model::{CancelToken, Termination, TrialActivity};
use crate::process::sandbox::{Network, Sandbox, SlotDirs};
use crate::process::{ChildSpec, run};
use crate::pyenv::install_paths::places_of_python;

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

/// Run the project's `setup.py` with this interpreter, in the sandbox, where there is no network. It is code of the
/// history, as a trial is.
///
/// # Errors
/// What went wrong, in words, when `setup()` was not reached.
pub(super) fn capture_setup_call(
    files: &dyn ProjectFiles,
    python: &Path,
    sandbox: Option<&Sandbox>,
    cancel: &CancelToken,
) -> Result<Given, String> {
    let words = |error: std::io::Error| error.to_string();
    let folder = Scratch::new("pybisect-setup-").map_err(words)?;
    let slot = folder.path().canonicalize().map_err(words)?;
    let [tree, home, tmp] = ["tree", "home", "tmp"].map(|name| slot.join(name));
    for folder in [&tree, &home, &tmp] {
        std::fs::create_dir(folder).map_err(words)?;
    }
    files.export(&tree).map_err(words)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let confinement = sandbox.map(|sandbox| {
        let room = SlotDirs { slot: &slot, home: &home, tmp: &tmp, own: &[] };
        let sandbox = sandbox.clone().with_network(Network::Loopback);
        sandbox.confine(room, &tree, &places_of_python(python), &[])
    });
    let spec = ChildSpec {
        program: python.into(),
        arguments: vec!["-c".into(), include_str!("capture_setup.py").into()],
        environment: BTreeMap::from([
            ("PATH".into(), path),
            ("HOME".into(), home.into()),
            ("TMPDIR".into(), tmp.clone().into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
        ]),
        timeout: Some(LONGEST),
        marker: format!("setup-{}", slot.display()),
        folder: tree,
        confinement,
        activity: TrialActivity::default(),
    };
    let outcome = run(&spec, cancel).map_err(|error| error.to_string())?;
    let answer = outcome.stdout.text.lines().rev().find_map(|line| line.strip_prefix(MARK));
    let given = answer.and_then(|answer| serde_json::from_str::<Given>(answer).ok());
    match given {
        Some(given) if given.called => Ok(given),
        Some(Given { error: Some(error), .. }) => Err(error),
        Some(_) => Err("setup() is not called".to_owned()),
        None => match outcome.ending {
            Termination::TimedOut { .. } => Err("it does not come to an end".to_owned()),
            _ => Err(outcome.stderr.text.trim().lines().last().unwrap_or("it says nothing").to_owned()),
        },
    }
}

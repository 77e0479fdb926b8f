//! From resolved options to how trials run.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::location::Location;
use super::python_path::own_paths;
use super::resolved_options::ResolvedOptions;
use super::venvs::{Venvs, absolute_program, outer_path, with_outer_paths};
use crate::model::{PackageSelection, TrialSpec};
use crate::pyenv::Interpreter;
use crate::triage::runners::telling;

/// Have the command's runner tell the outcome of each test, where an option does that and nothing else; why it does.
pub(super) fn with_outcomes_told(recipe: &mut TrialSpec) -> Option<&'static str> {
    let told = telling(&recipe.command)?;
    recipe.command.clone_from(&told.command);
    Some(told.why)
}

/// How trials run: the command with its paths as they are in a tree, and the variables that it gets.
pub(super) fn recipe(
    merged: &ResolvedOptions,
    standing: &Location,
    (python, venvs): (Option<&Interpreter>, &Venvs),
    mut environment: BTreeMap<OsString, OsString>,
) -> TrialSpec {
    let mut command = merged.command.clone();
    absolute_program(&mut command, &standing.folder, standing.top.as_deref());
    let mut setup = merged.setup.clone();
    if let Some(top) = &standing.top {
        for word in command.iter_mut().skip(1) {
            let text = word.to_string_lossy();
            *word = match outer_path(&text, &standing.folder, top) {
                Some(path) => path.into_os_string(),
                None if merged.is_script => with_outer_paths(&text, &standing.folder, top).into(),
                None => continue,
            };
        }
        setup = setup.map(|script| with_outer_paths(&script, &standing.folder, top));
    }
    if venvs.is_for_uv() {
        // It would bring the environment up to date, which is not the trial's to write.
        environment.entry("UV_NO_SYNC".into()).or_insert_with(|| "1".into());
    }
    let mut tree_paths = BTreeMap::new();
    if let Some(python) = python {
        behind_shims(&mut environment, python);
        if let Some(base) = &python.user_base {
            environment.insert("PYTHONUSERBASE".into(), base.into());
        }
    }
    if let Some(top) = &standing.top {
        let own = own_paths(&mut environment, standing, top, python.into_iter().chain(&venvs.used));
        if !own.is_empty() {
            tree_paths.insert("PYTHONPATH".to_owned(), own);
        }
    }
    TrialSpec {
        command,
        subdir: standing.subdir.clone(),
        setup,
        timeout: merged.timeout,
        keep: merged.keep.clone(),
        environment,
        hash_seed: Some(TrialSpec::FIRST_HASH_SEED),
        tree_paths,
        packages: PackageSelection::Own,
        visible: Vec::new(),
        writable: Vec::new(),
        home: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        input_paths: BTreeMap::new(),
    }
}

/// Programs of a version manager choose by HOME, which trials do not share, and cost a start of their
/// own each time: the interpreter that they lead to comes first on PATH.
fn behind_shims(environment: &mut BTreeMap<OsString, OsString>, python: &Interpreter) {
    let Some(folder) = python.executable.parent() else { return };
    let path = environment.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let first = std::env::split_paths(&path)
        .find(|folder| ["python", "python3"].iter().any(|name| folder.join(name).is_file()));
    if first.as_deref() != Some(folder) {
        let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
        if let Ok(joined) = std::env::join_paths(folders) {
            environment.insert("PATH".into(), joined);
        }
    }
}

/// The command as people read it.
pub(super) fn command_text(command: &[OsString], shell: Option<&str>) -> String {
    match shell {
        Some(script) => script.to_owned(),
        None => shell_words::join(command.iter().map(|word| word.to_string_lossy())),
    }
}

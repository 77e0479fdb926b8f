//! A trial that is watched: which functions of the repository it executes.
//!
//! A module that Python imports at its start writes it down (see `tracing/sitecustomize.py`). Programs
//! that are no Python, and interpreters that are told to ignore the environment, leave nothing, and then
//! nothing is known: watching is never needed for an answer.

use std::path::PathBuf;

use crate::model::{InputFile, TrialOutput, TrialSpec};

const SHIM: &str = include_str!("tracing/sitecustomize.py");
/// Tells the shim where to write.
const FOLDER: &str = "PYBISECT_TRACE";

/// Has a trial write down which functions it executes.
#[derive(Debug, Clone, Copy)]
pub struct FunctionTracer;

impl FunctionTracer {
    /// The recipe of a trial that is watched.
    #[must_use]
    pub fn watched(recipe: &TrialSpec) -> TrialSpec {
        let mut recipe = with_shim(recipe);
        recipe.input_paths.insert(FOLDER.to_owned(), "out".into());
        recipe
    }

    /// What each process of the watched trial wrote; nothing when it wrote too much.
    #[must_use]
    pub fn read(output: &TrialOutput) -> Vec<String> {
        written(output)
    }
}

/// A recipe whose Python programs import the shim.
pub(super) fn with_shim(recipe: &TrialSpec) -> TrialSpec {
    let mut recipe = recipe.clone();
    let path = PathBuf::from("shim/sitecustomize.py");
    recipe.inputs.push(InputFile { path, content: SHIM.into() });
    recipe.outputs.push("out".into());
    recipe.input_paths.insert("PYTHONPATH".to_owned(), "shim".into());
    recipe
}

/// What the shim wrote, file by file in the order of their names.
pub(super) fn written(output: &TrialOutput) -> Vec<String> {
    output.files.iter().map(|file| String::from_utf8_lossy(&file.content).into_owned()).collect()
}

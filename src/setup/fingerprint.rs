//! What lies outside of tree and recipe, for the report and as part of what makes an outcome the same.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::git::Link;
use crate::model::TrialSpec;
use crate::pyenv::{self, Interpreter};

/// A fingerprint of all that lies outside of tree and recipe.
pub(super) fn environment_key(
    recipe: &TrialSpec,
    pythons: &[&Interpreter],
    outside: &[String],
    links: &[Link],
) -> String {
    let mut facts: Vec<String> = recipe.tree_paths.iter().map(|entry| format!("{entry:?}")).collect();
    facts.extend_from_slice(outside);
    facts.extend(links.iter().map(|(inside, target)| format!("{} {}", inside.display(), target.display())));
    for python in pythons {
        facts.push(format!("{} {}", python.executable.display(), python.version));
        facts.extend(python.packages.iter().cloned());
    }
    // Files that the command names outside of the tree.
    for word in recipe.command.iter().skip(1).chain(recipe.command.first()) {
        let path = Path::new(word);
        if path.is_absolute()
            && word.as_bytes().len() < 4096
            && std::fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() < 1 << 20)
            && let Ok(content) = std::fs::read(path)
        {
            facts.push(format!("{} {}", path.display(), blake3::hash(&content)));
        }
    }
    pyenv::fingerprint(&recipe.environment, &facts)
}

/// What the report says of the interpreter.
pub(super) fn facts(python: Option<&Interpreter>) -> Vec<(String, String)> {
    let Some(python) = python else { return Vec::new() };
    vec![
        ("python".to_owned(), python.executable.to_string_lossy().into_owned()),
        ("python_version".to_owned(), format!("{} {}", python.implementation, python.version)),
        ("packages".to_owned(), python.packages.len().to_string()),
    ]
}

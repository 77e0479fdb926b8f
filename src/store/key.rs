//! What can change the outcome of a trial.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::model::{PackageSelection, TreeId, TrialSpec};

/// Identifies an outcome: the tree with its overlay, the recipe, and the environment. The time limit
/// is no part of it: an outcome within the limit stays what it is, and one that ran into the limit is
/// stored with that limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutcomeKey([u8; 32]);

impl OutcomeKey {
    /// The key of a recipe's outcome on a tree. `environment` is a fingerprint of what lies outside
    /// of both: the interpreter, its packages, variables.
    #[must_use]
    pub fn new(tree: TreeId, recipe: &TrialSpec, environment: &str) -> Self {
        let mut parts = Parts::new("outcome/1");
        parts.add(tree.as_bytes());
        parts.add_all(recipe.command.iter().map(|word| word.as_bytes()));
        parts.add(recipe.subdir.as_os_str().as_bytes());
        parts.add(recipe.setup.as_deref().unwrap_or_default().as_bytes());
        parts.add_all(recipe.keep.iter().map(|glob| glob.as_bytes()));
        parts.add(environment.as_bytes());
        if recipe.packages != PackageSelection::Own {
            parts.add(format!("{:?}", recipe.packages).as_bytes());
        }
        for file in &recipe.home {
            parts.add(file.path.as_bytes());
            parts.add(&file.content);
        }
        for file in &recipe.inputs {
            parts.add(b"input");
            parts.add(file.path.as_os_str().as_bytes());
            parts.add(&file.content);
        }
        Self(parts.finish())
    }

    /// A key of anything else, from its parts; no two lists of parts share a key.
    #[must_use]
    pub fn of_parts<'a>(what: &str, list: impl IntoIterator<Item = &'a OsStr>) -> Self {
        let mut parts = Parts::new(what);
        parts.add_all(list.into_iter().map(OsStr::as_bytes));
        Self(parts.finish())
    }

    /// The key's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Hashes parts with their lengths, so that `a b` + `c` and `a` + `b c` differ.
pub(super) struct Parts(blake3::Hasher);

impl Parts {
    pub(super) fn new(what: &str) -> Self {
        let mut parts = Self(blake3::Hasher::new());
        parts.add(what.as_bytes());
        parts
    }

    pub(super) fn add(&mut self, part: &[u8]) {
        self.0.update(&part.len().to_le_bytes());
        self.0.update(part);
    }

    fn add_all<'a>(&mut self, parts: impl Iterator<Item = &'a [u8]>) {
        let parts: Vec<&[u8]> = parts.collect();
        self.0.update(&parts.len().to_le_bytes());
        for part in parts {
            self.add(part);
        }
    }

    pub(super) fn finish(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_parts_do_not_run_into_each_other() {
        let key = |parts: &[&str]| OutcomeKey::of_parts("test", parts.iter().map(OsStr::new));
        assert_ne!(key(&["a b", "c"]), key(&["a", "b c"]));
        assert_ne!(key(&["a", ""]), key(&["a"]));
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
    }
}

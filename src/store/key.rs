//! What can change the outcome of a trial.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::model::{PackageDate, PackageOrigin, PackageSelection, TreeId, TrialSpec};

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
        // A field that is added has to be thought of here.
        let TrialSpec {
            command,
            subdir,
            setup,
            keep,
            packages,
            home,
            inputs,
            hash_seed,
            // An outcome within the limit stays what it is.
            timeout: _,
            // They are in the fingerprint of the environment.
            environment: _,
            tree_paths: _,
            visible: _,
            writable: _,
            // They come with inputs.
            outputs: _,
            input_paths: _,
        } = recipe;
        let mut parts = Parts::new("outcome/2");
        parts.add(tree.as_bytes());
        parts.add_all(command.iter().map(|word| word.as_bytes()));
        parts.add(subdir.as_os_str().as_bytes());
        parts.add(setup.as_deref().unwrap_or_default().as_bytes());
        parts.add_all(keep.iter().map(|glob| glob.as_bytes()));
        parts.add(environment.as_bytes());
        parts.add_packages(packages);
        parts.add(hash_seed.map(|seed| seed.to_string()).unwrap_or_default().as_bytes());
        for file in home {
            parts.add(file.path.as_bytes());
            parts.add(&file.content);
        }
        for file in inputs {
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

    /// Nothing for a tree's own packages.
    fn add_packages(&mut self, packages: &PackageSelection) {
        match packages {
            PackageSelection::Own => {}
            PackageSelection::Of(origin) => self.add_origin(b"packages of", *origin),
            PackageSelection::Exactly { origin, packages } => {
                self.add_origin(b"exactly", *origin);
                self.add_all(packages.iter().map(String::as_bytes));
            }
        }
    }

    fn add_origin(&mut self, what: &[u8], PackageOrigin { commit, tree, day }: PackageOrigin) {
        self.add(what);
        self.add(commit.as_bytes());
        self.add(tree.as_bytes());
        match day {
            PackageDate::Asked => self.add(b"as asked"),
            PackageDate::Own => self.add(b"of the commit"),
            PackageDate::Today => self.add(b"today"),
            PackageDate::At(second) => {
                self.add(b"at");
                self.add(&second.to_le_bytes());
            }
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
    fn other_packages_are_another_outcome() {
        let tree = TreeId::from_bytes([1; 20]);
        let key = |packages: PackageSelection| {
            OutcomeKey::new(tree, &TrialSpec { packages, ..TrialSpec::default() }, "3.12")
        };
        let commit = crate::model::CommitId::from_bytes([2; 20]);
        let days = [PackageDate::Asked, PackageDate::Own, PackageDate::Today, PackageDate::At(7)];
        let origins = days.map(|day| PackageOrigin { commit, tree, day });
        let mut keys = vec![key(PackageSelection::Own)];
        for origin in origins {
            keys.push(key(PackageSelection::Of(origin)));
            for list in [vec![], vec!["a==1".to_owned()], vec!["a==1".to_owned(), "b==2".to_owned()]] {
                keys.push(key(PackageSelection::Exactly { origin, packages: list }));
            }
        }
        let different: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
    }

    #[test]
    fn lists_of_parts_do_not_run_into_each_other() {
        let key = |parts: &[&str]| OutcomeKey::of_parts("test", parts.iter().map(OsStr::new));
        assert_ne!(key(&["a b", "c"]), key(&["a", "b c"]));
        assert_ne!(key(&["a", ""]), key(&["a"]));
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
    }
}

//! How the files of a tree are to be written, and what submodules bring into it.

use std::collections::{BTreeMap, BTreeSet};

use super::file_forms::CheckoutForms;
use super::worktree::{CheckoutError, WorkTree};
use crate::executor::error::with_causes;
use crate::git::{CheckoutDelta, SUBMODULE, TreeFile, holds_attributes};

impl WorkTree {
    /// The files of submodules among those that change: what goes with one that goes, and comes with one that comes.
    pub(super) fn with_submodules(
        &mut self,
        mut delta: CheckoutDelta,
    ) -> Result<(CheckoutDelta, Vec<TreeFile>), CheckoutError> {
        let mut gone: BTreeSet<Vec<u8>> = BTreeSet::new();
        let changed = delta.removed.iter().chain(delta.written.iter().map(|file| &file.path));
        for path in changed.filter(|path| self.manifest.is_submodule(path)) {
            gone.extend(self.manifest.inside(path));
        }
        // What was damaged of a submodule that changes is not wanted as it was.
        let changed: Vec<&[u8]> = delta
            .removed
            .iter()
            .chain(delta.written.iter().map(|file| &file.path))
            .map(Vec::as_slice)
            .collect();
        let is_below = |path: &[u8], top: &[u8]| path.starts_with(top) && path.get(top.len()) == Some(&b'/');
        self.damaged.retain(|file| !changed.iter().any(|top| is_below(&file.path, top)));
        let mut brought = Vec::new();
        let mut waiting: Vec<TreeFile> =
            delta.written.iter().filter(|file| file.mode == SUBMODULE).cloned().collect();
        while let Some(submodule) = waiting.pop() {
            let files = self.objects.files_of_submodule(&submodule.path, submodule.id);
            for file in files.map_err(|error| CheckoutError::Tree(with_causes(&error)))?.unwrap_or_default() {
                // A submodule that names itself would go on without an end; a hash cannot name itself.
                if file.mode == SUBMODULE {
                    waiting.push(file.clone());
                }
                brought.push(file);
            }
        }
        delta.removed.extend(gone);
        Ok((delta, brought))
    }

    /// How each file is to be written; and files that stay as they are stored but not as they are written.
    pub(super) fn formed(&mut self, removed: &[Vec<u8>], written: Vec<TreeFile>) -> Vec<CheckoutForms> {
        let names = removed.iter().chain(written.iter().map(|file| &file.path));
        let is_new = !self.forms.is_known
            || names.into_iter().any(|path| holds_attributes(path) || self.manifest.is_submodule(path))
            || written.iter().any(|file| file.mode == SUBMODULE);
        let mut all: BTreeMap<Vec<u8>, TreeFile> =
            written.into_iter().map(|file| (file.path.clone(), file)).collect();
        if is_new {
            let gone: BTreeSet<&Vec<u8>> = removed.iter().collect();
            let stays = |path: &Vec<u8>| !gone.contains(path) && !all.contains_key(path);
            let staying = self.manifest.entries.iter().filter(|(path, _)| stays(path));
            let staying: Vec<TreeFile> = staying
                .map(|(path, entry)| TreeFile { path: path.clone(), id: entry.id, mode: entry.mode })
                .collect();
            let files = || staying.iter().chain(all.values());
            let submodules = files().filter(|file| file.mode == SUBMODULE).map(|file| file.path.clone());
            let attributes = files()
                .filter(|file| holds_attributes(&file.path) && file.mode & 0o170_000 == 0o100_000)
                .map(|file| (file.path.as_slice(), file.id));
            self.forms.attributes = self.checkout.attributes(&self.objects, attributes, submodules.collect());
            self.forms.is_known = true;
            for file in staying {
                let form = self.forms.form(&file);
                if self.manifest.entries.get(&file.path).is_some_and(|entry| entry.form != form) {
                    all.insert(file.path.clone(), file);
                }
            }
        }
        let modules = self.gitmodules(&all);
        let wanted = |file: TreeFile| {
            let form = self.forms.form(&file);
            let has_others = file.mode == SUBMODULE && self.checkout.has_submodule(&file.path, &modules);
            CheckoutForms { file, form, has_others }
        };
        all.into_values().map(wanted).collect()
    }

    /// What the tree says of its submodules, where there are any.
    fn gitmodules(&self, written: &BTreeMap<Vec<u8>, TreeFile>) -> Vec<u8> {
        if !written.values().any(|file| file.mode == SUBMODULE) {
            return Vec::new();
        }
        let path = &b".gitmodules"[..];
        let id = written.get(path).map(|file| file.id);
        let id = id.or_else(|| self.manifest.entries.get(path).map(|entry| entry.id));
        id.and_then(|id| self.objects.with_blob(id, <[u8]>::to_vec).ok().flatten()).unwrap_or_default()
    }
}

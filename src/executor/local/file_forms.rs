//! The form in which each file of a tree is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::git::{AttributeForm, SUBMODULE, SYMLINK, TreeAttributes, TreeFile};

/// A file that is to be written, and how.
#[derive(Debug)]
pub(super) struct CheckoutForms {
    pub(super) file: TreeFile,
    /// `None` for a file as it is stored.
    pub(super) form: Option<Arc<AttributeForm>>,
    /// Of a submodule whose commit is missing: whether the clone has others of it.
    pub(super) has_others: bool,
}

/// The attributes of the tree that is checked out, and the submodules in it.
#[derive(Debug, Default)]
pub(super) struct Forms {
    pub(super) attributes: TreeAttributes,
    /// Whether they are those of the tree that is checked out.
    pub(super) is_known: bool,
    /// One of each kind.
    pub(super) all: BTreeMap<String, Arc<AttributeForm>>,
}

impl Forms {
    /// Forget what holds: the tree is not what it was.
    pub(super) const fn forget(&mut self) {
        self.is_known = false;
    }

    pub(super) fn form(&mut self, file: &TreeFile) -> Option<Arc<AttributeForm>> {
        if file.mode == SYMLINK || file.mode == SUBMODULE {
            return None;
        }
        let form = self.attributes.form(&file.path);
        if form.is_plain() {
            return None;
        }
        let known = self.all.entry(format!("{form:?}")).or_insert_with(|| Arc::new(form));
        Some(Arc::clone(known))
    }
}

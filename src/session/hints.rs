//! What the user can do about an endpoint that is not as he said, and what he should know of trees.

use super::SessionError;
use super::find::Session;
use crate::model::TreeId;

impl Session<'_> {
    /// Say what attributes change of the files of a tree.
    pub(super) fn say_conversions(&mut self, tree: TreeId) -> Result<(), SessionError> {
        // A tree that cannot be read fails where it is needed.
        match self.workshop.shadow.conversions(tree) {
            Ok(Some(text)) => self.journal.note(text),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// A hint behind what is missing from trees, which comes first.
    pub(super) fn after_flaws(&self, hint: String) -> String {
        if self.flaws.is_empty() {
            return hint;
        }
        let flaws: Vec<&str> = self.flaws.iter().map(String::as_str).collect();
        format!("trees are not complete, which may be why: {}; or {hint}", flaws.join("; "))
    }
}

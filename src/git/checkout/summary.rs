//! What is done to the files of a tree when they are written, for people.

use std::collections::BTreeMap;
use std::path::Path;

use super::holds_attributes;
use super::text::Eol;
use crate::git::{GitError, SUBMODULE, SYMLINK, Shadow};
use crate::model::TreeId;

/// Files that are named.
const MOST_EXAMPLES: usize = 3;

impl Shadow {
    /// What attributes and the user's configuration change of the files of a tree; `None` where there is nothing, or no
    /// attributes at the top.
    ///
    /// # Errors
    /// When a tree is missing or broken.
    pub fn conversions(&self, tree: TreeId) -> Result<Option<String>, GitError> {
        let repository = self.repository();
        let checkout = self.checkout();
        if !checkout.has_rules() && repository.entry_at(tree, Path::new(".gitattributes"))?.is_none() {
            return Ok(None);
        }
        let files = repository.tree_delta(None, tree)?.written;
        let named = files.iter().filter(|file| holds_attributes(&file.path));
        let submodules = files.iter().filter(|file| file.mode == SUBMODULE).map(|file| file.path.clone());
        let named = named.map(|file| (file.path.as_slice(), file.id));
        let attributes = checkout.attributes(repository, named, submodules.collect());
        let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for file in files.iter().filter(|file| file.mode != SUBMODULE && file.mode != SYMLINK) {
            let form = attributes.form(&file.path);
            let kind = match form.eol {
                Eol::Crlf | Eol::AutoCrlf => "CRLF line ends",
                Eol::AsStored if form.encoding.is_some() => "another encoding",
                Eol::AsStored if form.ident => "$Id$",
                Eol::AsStored => continue,
            };
            kinds.entry(kind).or_default().push(String::from_utf8_lossy(&file.path).into_owned());
        }
        let kinds = kinds.into_iter().map(|(kind, paths)| {
            let shown = paths.iter().take(MOST_EXAMPLES).cloned().collect::<Vec<_>>().join(", ");
            match paths.len().saturating_sub(MOST_EXAMPLES) {
                0 => format!("{kind} ({shown})"),
                more => format!("{kind} ({shown} and {more} more)"),
            }
        });
        let kinds: Vec<String> = kinds.collect();
        let text = format!("files are written as .gitattributes asks for: {}", kinds.join("; "));
        Ok((!kinds.is_empty()).then_some(text))
    }
}

//! What the user can do about an endpoint that is not as he said, and what he should know of trees.

use std::collections::BTreeSet;
use std::path::Path;

use super::SessionError;
use super::state::Session;
use crate::model::{CommitId, TreeId};

/// More files are not read for the names of variables.
const MOST_READ: usize = 2000;
/// More variables are not named.
const MOST_NAMED: usize = 3;

/// Variables that every shell or login sets: that sources speak of them tells nothing.
const OF_SHELL: [&str; 11] =
    ["HOSTNAME", "LOGNAME", "LS_COLORS", "MAIL", "OLDPWD", "PS1", "PWD", "SHELL", "SHLVL", "TERM", "USER"];

impl Session<'_> {
    /// Say what attributes change of the files of a tree.
    pub(super) fn say_conversions(&mut self, tree: TreeId) -> Result<(), SessionError> {
        // A tree that cannot be read fails where it is needed.
        match self.workshop.shadow.conversions(tree) {
            Ok(Some(text)) => self.journal.note(text),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Why a command may pass on the commit and fail for the user: variables that trials do not get, and of which the
    /// project's sources speak.
    pub(super) fn withheld_hint(&self, commit: CommitId) -> Option<String> {
        let withheld = &self.plan.isolation.withheld;
        let repository = self.workshop.repository;
        let tree = repository.tree_of(commit).ok().filter(|_| !withheld.is_empty())?;
        let is_source = |path: &Path| {
            path.extension().is_some_and(|end| ["py", "cfg", "toml", "ini"].iter().any(|it| end == *it))
        };
        let mut spoken: BTreeSet<&str> = BTreeSet::new();
        for (_, blob) in repository.files(tree, is_source).ok()?.into_iter().take(MOST_READ) {
            let Ok(content) = repository.blob(blob) else { continue };
            let text = String::from_utf8_lossy(&content);
            let names = |name: &&String| {
                [format!("'{name}'"), format!("\"{name}\"")]
                    .iter()
                    .any(|quoted| text.contains(quoted.as_str()))
            };
            let is_of_shell = |name: &&String| name.len() < 3 || OF_SHELL.contains(&name.as_str());
            let told = withheld.iter().filter(|name| !is_of_shell(name));
            spoken.extend(told.filter(names).map(String::as_str));
        }
        let options: Vec<String> =
            spoken.iter().take(MOST_NAMED).map(|name| format!("--pass-env {name}")).collect();
        (!options.is_empty()).then(|| {
            format!(
                "trials do not get these variables of yours, of which the sources speak; if the failure needs them: {}",
                options.join(" ")
            )
        })
    }

    /// A hint behind what is missing from trees, which comes first.
    pub(super) fn after_flaws(&self, hint: String) -> String {
        if self.flaws.is_empty() {
            return hint;
        }
        let flaws: Vec<&str> = self.flaws.iter().map(String::as_str).collect();
        format!("trees are not complete, which may be why: {}\n{hint}", flaws.join("; "))
    }
}

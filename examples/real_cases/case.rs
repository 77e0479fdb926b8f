//! A case: facts about a regression.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// One regression of a public project.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: String,
    /// `owner/name` of the repository.
    pub(crate) repo: String,
    /// A commit at which the command passes.
    pub(crate) good: String,
    /// A commit at which it fails.
    pub(crate) bad: String,
    /// The commit that broke it.
    pub(crate) culprit: String,
    /// Size of the range.
    #[serde(default)]
    pub(crate) commits_in_range: usize,
    /// Files laid over every tree, from a commit or from the cases' folder.
    #[serde(default)]
    pub(crate) overlay: Vec<Overlay>,
    /// Files laid over every tree, given in place.
    #[serde(default)]
    pub(crate) overlay_text: Vec<OverlayText>,
    /// What pip installs.
    #[serde(default)]
    pub(crate) requirements: Vec<String>,
    /// Import path, relative to the work tree.
    pub(crate) pythonpath: String,
    /// The command.
    pub(crate) command: Vec<String>,
    /// `as-of-commit-date` when each commit has an environment of its own.
    pub(crate) environment: Option<String>,
    /// The version of Python of such environments.
    pub(crate) python: Option<String>,
    /// The files that declare what is in them.
    #[serde(default)]
    pub(crate) declared_in: Vec<String>,
    /// What is in them beside.
    #[serde(default)]
    pub(crate) extra_requirements: Vec<String>,
    /// The cases' folder.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// A file as it is at a commit, or in the cases' folder.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Overlay {
    /// The commit.
    pub(crate) commit: Option<String>,
    /// Its path there.
    pub(crate) from: Option<String>,
    /// A file in the cases' folder.
    pub(crate) local: Option<String>,
    /// Where it goes.
    pub(crate) to: String,
}

/// A file given in place.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct OverlayText {
    /// Where it goes.
    pub(crate) to: String,
    /// Its content.
    pub(crate) text: String,
}

impl Case {
    /// Whether each commit has an environment of its own.
    pub(crate) fn has_environments(&self) -> bool {
        self.environment.as_deref() == Some("as-of-commit-date")
    }
}

/// Every case in a folder, by name.
pub(crate) fn read_all(folder: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&file)?;
            let mut case: Case =
                toml::from_str(&text).with_context(|| format!("{} is no case", file.display()))?;
            case.folder = folder.to_owned();
            cases.push(case);
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

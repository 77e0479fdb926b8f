//! Exact versions of packages, or why there are none.

use serde::{Deserialize, Serialize};

use super::date_overrides::unbuildable;
use crate::model::Captured;

/// Exact versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// `name==version`, sorted.
    pub packages: Vec<String>,
    /// Options for installing them, such as `--index-url`.
    pub options: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Why there is no environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentError {
    /// Nobody needs it any more.
    Cancelled,
    /// It cannot be made; the last lines of the program that tried.
    Failed(String),
    /// It cannot be made, because a package cannot be built.
    Unbuildable {
        /// The package.
        package: String,
        /// The last lines of the program that tried.
        why: String,
    },
}

impl EnvironmentError {
    /// What a program said: what it calls the error, and the last lines.
    pub(super) fn said(what: &str, stderr: &Captured, stdout: &Captured) -> Self {
        let text = if stderr.text.trim().is_empty() { &stdout.text } else { &stderr.text };
        let is_telling = |line: &&str| {
            !line.is_empty() && !line.starts_with("warning:") && !line.starts_with("hint: Build failures")
        };
        let lines: Vec<&str> = text.lines().map(str::trim).filter(is_telling).collect();
        let first = lines.iter().position(|line| line.starts_with("error:") || line.starts_with('×'));
        let last = lines.len().saturating_sub(LAST_LINES);
        let mut shown: Vec<&str> = first.filter(|at| *at < last).map(|at| lines[at]).into_iter().collect();
        shown.extend(&lines[last..]);
        let mut told = shown.join("\n");
        if let Some(rest) = told.strip_prefix("error: ").or_else(|| told.strip_prefix("× ")) {
            told = rest.to_owned();
        }
        let why = format!("{what}: {told}");
        match unbuildable(text) {
            Some(package) => Self::Unbuildable { package, why },
            None => Self::Failed(why),
        }
    }

    /// Why, in words; `None` when nobody needs it any more.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Cancelled => None,
            Self::Failed(why) | Self::Unbuildable { why, .. } => Some(why),
        }
    }

    pub(super) fn machine(error: &std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Lines of a resolver that are shown.
pub(super) const LAST_LINES: usize = 6;

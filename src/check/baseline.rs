//! Findings that are accepted: a file with their fingerprints.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::Annotation;

const SCHEMA: &str = "pybisect.baseline/1";

/// A baseline cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file itself.
    #[error("cannot use the baseline {file}")]
    File {
        /// Which one.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Its content.
    #[error("{file} is no baseline of pybisect: {reason}")]
    Content {
        /// Which one.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

/// Accepted findings by fingerprint, each with what it said, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingsBaseline {
    schema: String,
    findings: BTreeMap<String, String>,
}

impl FindingsBaseline {
    /// A baseline of these findings.
    #[must_use]
    pub fn of(findings: &[Annotation]) -> Self {
        let line = |finding: &Annotation| {
            let message = finding.message.lines().next().unwrap_or_default();
            (finding.fingerprint.clone(), format!("{} {}: {message}", finding.rule.id, finding.path))
        };
        Self { schema: SCHEMA.to_owned(), findings: findings.iter().map(line).collect() }
    }

    /// Read one.
    ///
    /// # Errors
    /// When the file cannot be read or is something else.
    pub fn read(file: &Path) -> Result<Self, BaselineError> {
        let name = file.display().to_string();
        let text =
            std::fs::read(file).map_err(|source| BaselineError::File { file: name.clone(), source })?;
        let wrong = |reason: String| BaselineError::Content { file: name.clone(), reason };
        let baseline: Self = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        if baseline.schema == SCHEMA {
            Ok(baseline)
        } else {
            Err(wrong(format!("its schema is '{}', not '{SCHEMA}'", baseline.schema)))
        }
    }

    /// Write it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), BaselineError> {
        let name = file.display().to_string();
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| BaselineError::Content { file: name.clone(), reason: error.to_string() })?;
        std::fs::write(file, text + "\n").map_err(|source| BaselineError::File { file: name, source })
    }

    /// Whether a finding is in it.
    #[must_use]
    pub fn has(&self, finding: &Annotation) -> bool {
        self.findings.contains_key(&finding.fingerprint)
    }
}

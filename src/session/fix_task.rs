//! What is to be fixed, and which candidates are wanted.

use std::ffi::OsString;

use crate::model::{CommitId, Report};

/// What to mend, and where.
#[derive(Debug, Clone)]
pub struct FixTask {
    /// The report of the session that found the cause.
    pub report: Report,
    /// The commit that candidates are on top of.
    pub onto: CommitId,
    /// A wider command, for candidates that pass the failing one.
    pub verify: Option<Vec<OsString>>,
}

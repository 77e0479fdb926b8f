//! What is to be fixed, and which candidates are wanted.

use std::ffi::OsString;

use crate::model::{CommitId, Report};
use crate::store::SessionId;

/// What to mend, and where.
#[derive(Debug, Clone)]
pub struct FixTask {
    /// The session that found the cause.
    pub session: SessionId,
    /// The session's report.
    pub report: Report,
    /// The commit that candidates are on top of.
    pub onto: CommitId,
    /// A wider command, for candidates that pass the failing one.
    pub verify: Option<Vec<OsString>>,
}

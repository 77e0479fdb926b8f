//! Exit codes: what a script can rely on.

use std::process::ExitCode;

use crate::model::{Report, Status};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: found and verified; or the command did what it was asked.
    Success,
    /// 1: an internal error.
    Internal,
    /// 2: wrong usage or configuration.
    Usage,
    /// 3: inconclusive or ambiguous.
    Inconclusive,
    /// 4: the bad commit passes, or the good one fails.
    NotReproduced,
    /// 5: the command could not be run at all: no environment, no program, no test.
    NotRun,
    /// 6: a response action failed.
    Response,
    /// 10: `check` has findings at or above its threshold.
    Findings,
    /// 130: interrupted.
    Interrupted,
    /// 1, for `git bisect run`: bad.
    BisectBad,
    /// 125, for `git bisect run`: this commit cannot be judged.
    BisectSkip,
    /// 255, for `git bisect run`: stop.
    StopBisect,
}

impl ExitStatus {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::NotReproduced => 4,
            Self::NotRun => 5,
            Self::Response => 6,
            Self::Findings => 10,
            Self::Interrupted => 130,
            Self::BisectBad => 1,
            Self::BisectSkip => 125,
            Self::StopBisect => 255,
        }
    }

    /// How a session with this report ends.
    #[must_use]
    pub fn of_report(report: &Report) -> Self {
        match report.status {
            Status::Found => Self::Success,
            Status::NotReproduced if report.lacks_environment || report.did_not_run => Self::NotRun,
            Status::NotReproduced => Self::NotReproduced,
            _ => Self::Inconclusive,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(exit: ExitStatus) -> Self {
        Self::from(exit.code())
    }
}

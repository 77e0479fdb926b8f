//! What a session is asked: the one form in which the command line, a server and users of the library say it.

use std::ffi::OsString;
use std::path::PathBuf;

use super::corrected_command::CorrectedCommand;
use super::options::{EnvironmentOptions, IsolationOptions};
use crate::model::CommitId;
use crate::session::OnlyFailing;

/// What is to be searched, and how.
///
/// What it leaves open is as the configuration has it, and else as `pybisect find` does by default.
///
/// ```
/// let mut request = pybisect::Request::default();
/// request.repo = Some("/srv/shop".into());
/// request.good = vec!["v1.4".to_owned()];
/// request.command = ["python", "-m", "pytest", "-q", "tests/test_smoke.py"].map(Into::into).to_vec();
/// ```
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Request {
    /// Range to search, such as `v1.4..main`, in the place of `good` and `bad`.
    pub range: Option<String>,
    /// Revisions that pass; empty to look for one, backwards from `bad`.
    pub good: Vec<String>,
    /// Revision that fails; `HEAD` by default.
    pub bad: Option<String>,
    /// Folder of the repository; the current one by default.
    pub repo: Option<PathBuf>,
    /// Whether only the first parent of merges is followed.
    pub first_parent: bool,
    /// Pathspecs: only commits that touch one of them are candidates.
    pub path: Vec<String>,
    /// Trials at the same time, 1 to 512; the number of cores by default.
    pub jobs: Option<u16>,
    /// Files to lay over every tree, as `SRC[:DEST]`; `SRC:~/DEST` for the home of trials.
    pub with_file: Vec<String>,
    /// Whether test files that the command names, new or changed in the work tree, are not laid over.
    pub no_with_file: bool,
    /// Shell command to run before the command in each tree; its failure is a skip.
    pub setup: Option<String>,
    /// Longest time for one run, such as `90s`; ten times the slowest endpoint by default.
    pub timeout: Option<String>,
    /// Globs of untracked files that survive from one trial to the next.
    pub keep: Vec<String>,
    /// Whether every failure counts as the failure.
    pub any_failure: bool,
    /// Regular expression: a failure counts when its output matches.
    pub pattern: Option<String>,
    /// The failing test to search for, by its id or a regular expression on ids; each that newly fails by default.
    pub target: Option<String>,
    /// When the search runs the failing tests only.
    pub only_failing: OnlyFailing,
    /// Whether the commit is searched that fixed it: `bad` is the older, failing one.
    pub find_fix: bool,
    /// Whether to stop at the commit, before its edits are looked at.
    pub no_narrow: bool,
    /// Whether to watch what the command reads and executes at bad.
    pub trace: bool,
    /// How probable the answer has to be when the test is flaky: above 0.5, below 1; 0.99 by default.
    pub confidence: Option<f64>,
    /// Whether every trial runs, also those whose outcome is recorded.
    pub fresh: bool,
    /// Where trials run: `grpc://HOST:PORT` or `grpcs://HOST:PORT` of a Remote Execution API cluster, `slurm`, or `local`; what
    /// the configuration says by default, else this machine.
    pub executor: Option<String>,
    /// The environments of trials.
    pub environment: EnvironmentOptions,
    /// The isolation of trials.
    pub isolation: IsolationOptions,
    /// Whether no configuration is read, neither the repository's nor the user's.
    pub no_config: bool,
    /// Whether the tests that failed in the last run of pytest are added to the command.
    pub lf: bool,
    /// JUnit reports whose failed tests are added to the command.
    pub junit: Vec<PathBuf>,
    /// Shell script to run in the place of `command`.
    pub shell: Option<String>,
    /// The command under test: a program and its arguments.
    pub command: Vec<OsString>,
    /// Which command runs, where the request names none.
    pub(crate) runs: Runs,
    /// The commit whose configuration counts; otherwise the checkout's does.
    #[serde(skip)]
    pub(crate) config_of: Option<CommitId>,
    /// The words that a user typed, so that mistakes in them are told before anything runs, put right to copy.
    #[serde(skip)]
    pub(crate) typed: Option<CorrectedCommand>,
}

/// Which command runs, where a request names none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runs {
    /// The configuration's, and there has to be one.
    #[default]
    Configured,
    /// The configuration's, if there is one.
    IfConfigured,
    /// None, whatever is configured.
    Nothing,
}

//! What a check of a branch is asked.

use std::path::PathBuf;

use super::type_checker::CheckerKind;
use crate::model::Severity;
use crate::setup::Request;

/// What is to be checked, and how.
///
/// ```
/// let mut request = pybisect::CheckRequest::default();
/// request.what = Some("origin/main..feature".to_owned());
/// request.run.repo = Some("/srv/shop".into());
/// request.run.command = ["python", "-m", "pytest", "-q", "tests/smoke"].map(Into::into).to_vec();
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CheckRequest {
    /// `BASE..HEAD` for the merge of both, `BASE...HEAD` or `BASE` for what came since they parted. By default `HEAD`, with
    /// what is uncommitted, against the commit at which it left the default branch.
    pub what: Option<String>,
    /// The type checker; `None` for none.
    pub types: Option<CheckerKind>,
    /// What the tests executed: a file of coverage.py's JSON, Cobertura XML or lcov, of the merge result or the head.
    pub coverage: Option<PathBuf>,
    /// How much a changed call weighs that no test executes; by default a warning with `coverage`, else nothing.
    pub require_tested: Option<Weight>,
    /// How much a changed call weighs whose failure would reach the user who made the request; by default nothing.
    pub require_guarded: Option<Weight>,
    /// Whether no command runs, though one is named or configured.
    pub no_smoke: bool,
    /// How the smoke command runs on both sides, and in which repository. The range that it names is not used.
    pub run: Request,
}

impl Default for CheckRequest {
    fn default() -> Self {
        Self {
            what: None,
            types: Some(CheckerKind::Ty),
            coverage: None,
            require_tested: None,
            require_guarded: None,
            no_smoke: false,
            run: Request::default(),
        }
    }
}

/// How much something weighs that is found only where it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// It is no finding.
    Off,
    /// A warning.
    Warn,
    /// An error.
    Error,
}

impl Weight {
    /// The severity of such a finding; `None` where it is none.
    pub(super) const fn severity(self) -> Option<Severity> {
        match self {
            Self::Off => None,
            Self::Warn => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }
}

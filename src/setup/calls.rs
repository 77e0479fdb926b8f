//! What changes did to calls, remembered in the cache folder.

use super::cache_dir;
use super::error::Error;
use crate::call_changes::{CallsRequest, ChangesError, call_changes};
use crate::git::disable_hash_verification;
use crate::model::CallReport;
use crate::store::CallCache;

/// What changes did to the calls of Python programs: between two trees, commit by commit, in the work tree or in a patch.
///
/// ```no_run
/// let mut request = pybisect::CallsRequest::default();
/// request.what = vec!["v1.4..main".to_owned()];
/// for changed in &pybisect::calls(&request)?.changes {
///     println!("{}: {:?}", changed.path, changed.change.kind);
/// }
/// # Ok::<(), pybisect::Error>(())
/// ```
///
/// # Errors
/// When what is named is not there or cannot be read.
pub fn calls(request: &CallsRequest) -> Result<CallReport, Error> {
    disable_hash_verification();
    call_changes(request, || {
        if request.no_cache { Ok(None) } else { Ok(Some(CallCache::open(&cache_dir::cache()?)?)) }
    })
}

impl From<ChangesError> for Error {
    fn from(error: ChangesError) -> Self {
        match error {
            ChangesError::Git(error) => error.into(),
            ChangesError::Store(error) => error.into(),
            ChangesError::Bare => Self::usage_of(error).hinted("name a commit or a range"),
            other => Self::usage_of(other),
        }
    }
}

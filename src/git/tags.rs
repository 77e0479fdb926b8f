//! The nearest tag before a commit, as `git describe --tags` finds it.

use git2::DescribeOptions;

use super::ids::ToOid as _;
use super::{GitError, Repository};
use crate::model::CommitId;

impl Repository {
    /// The nearest tag that a commit has among its ancestors, and how many commits it is after that; `None` without one.
    ///
    /// # Errors
    /// When a commit is missing or broken.
    pub fn nearest_tag(&self, commit: CommitId) -> Result<Option<(String, usize)>, GitError> {
        let object = self.inner.find_object(commit.oid()?, None)?;
        let mut options = DescribeOptions::new();
        options.describe_tags();
        let described = match object.describe(&options) {
            Ok(described) => described,
            // Where there is no tag at all, and where none is an ancestor.
            Err(error)
                if error.code() == git2::ErrorCode::NotFound
                    || error.class() == git2::ErrorClass::Describe =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let mut format = git2::DescribeFormatOptions::new();
        format.always_use_long_format(true);
        let text = described.format(Some(&format))?;
        // tag-distance-gid
        let mut parts = text.rsplitn(3, '-');
        let (_id, distance, tag) = (parts.next(), parts.next(), parts.next());
        Ok(tag
            .zip(distance.and_then(|distance| distance.parse().ok()))
            .map(|(tag, far)| (tag.to_owned(), far)))
    }
}

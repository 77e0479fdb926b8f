//! libgit2's ids ↔ the model's.

use git2::Oid;

use super::GitError;
use crate::model::{BlobId, CommitId, TreeId};

fn bytes(oid: Oid) -> [u8; 20] {
    // Repositories with longer ids are refused when they are opened.
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&oid.as_bytes()[..20]);
    bytes
}

pub(super) fn commit_id(oid: Oid) -> CommitId {
    CommitId::from_bytes(bytes(oid))
}

pub(crate) fn tree_id(oid: Oid) -> TreeId {
    TreeId::from_bytes(bytes(oid))
}

pub(crate) fn blob_id(oid: Oid) -> BlobId {
    BlobId::from_bytes(bytes(oid))
}

/// Any id of the model as libgit2's.
pub(crate) trait ToOid {
    fn oid(&self) -> Result<Oid, GitError>;
}

macro_rules! to_oid {
    ($($name:ident)*) => {
        $(impl ToOid for $name {
            fn oid(&self) -> Result<Oid, GitError> {
                Ok(Oid::from_bytes(self.as_bytes())?)
            }
        })*
    };
}

to_oid!(CommitId TreeId BlobId);

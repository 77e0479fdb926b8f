//! What all connections of a proxy share.

use std::sync::atomic::AtomicUsize;

use super::admission::Admission;
use super::upstream::Upstreams;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) admission: Admission,
    pub(super) upstreams: Upstreams,
    /// What has to stand in a request, for the word.
    pub(super) authorization: String,
    pub(super) open: AtomicUsize,
}

//! Times of source files, derived from their content.

use std::time::{Duration, SystemTime};

use crate::model::BlobId;

/// 2001-01-01: no tool takes a file for one from before the time of zip archives.
pub(super) const FIRST_TIME: u64 = 978_307_200;

/// Twenty years of seconds.
pub(super) const TIME_SPAN: u64 = 631_152_000;

/// A time that is the same for the same content and, but for chance, for no other.
pub(super) fn time_of(id: BlobId) -> SystemTime {
    let mut first = [0; 8];
    first.copy_from_slice(&id.as_bytes()[..8]);
    SystemTime::UNIX_EPOCH + Duration::from_secs(FIRST_TIME + u64::from_be_bytes(first) % TIME_SPAN)
}

//! Remarks for reviewers' tools, one file a format.

mod github;
mod gitlab;
mod rdjson;
mod sarif;

use std::io;

use crate::model::Annotation;

pub use github::Github;
pub use gitlab::Gitlab;
pub use rdjson::Rdjson;
pub use sarif::Sarif;

/// Turns remarks into one format.
pub trait AnnotationRenderer {
    /// Write the remarks.
    ///
    /// # Errors
    /// When they cannot be written.
    fn render(&self, annotations: &[Annotation], out: &mut dyn io::Write) -> io::Result<()>;
}

#[cfg(test)]
mod tests;

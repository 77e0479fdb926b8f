//! What several tests need.

pub(crate) mod repo_builder;
pub(crate) mod run;

pub(crate) use repo_builder::TestRepo;
pub(crate) use run::{User, culprit};

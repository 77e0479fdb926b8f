//! What several tests need.

pub(crate) mod repo_builder;

pub(crate) use repo_builder::TestRepo;

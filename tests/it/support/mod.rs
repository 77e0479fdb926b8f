//! What several tests need.

#[cfg(feature = "remote")]
pub(crate) mod fake_cluster;
#[cfg(feature = "remote")]
mod fake_services;
pub(crate) mod fake_slurm;
pub(crate) mod log;
pub(crate) mod registry;
pub(crate) mod repo_builder;
pub(crate) mod sandbox;
pub(crate) mod screen;
pub(crate) mod scripted;
pub(crate) mod trials;

pub(crate) use log::log_options;
pub(crate) use repo_builder::{TestRepo, broken_total};
pub(crate) use trials::Bench;
pub(crate) mod run;

pub(crate) use run::{User, culprit, report_of};

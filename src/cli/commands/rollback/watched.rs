//! `--health` and what belongs to it: how a service is asked, and when its answers are believed.

use std::path::Path;

use crate::cli::CliError;
use crate::cli::commands::duration::parse_duration;
use crate::respond::{Health, Terms};

/// The options.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Health")]
pub(crate) struct WatchArgs {
    /// Address that is asked, or a shell command that is run, to know whether the service is well
    #[arg(long, value_name = "URL|CMD")]
    pub(crate) health: Option<String>,
    /// Where its answer tells the version: a header (X-Version), a path in JSON ($.version), or a regular expression
    #[arg(long, value_name = "WHERE", requires = "health")]
    pub(crate) health_version: Option<String>,
    /// Answers in a row that it takes, from the wanted version and no other
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) health_count: u32,
    /// The time that these have to span: longer than a reload takes
    #[arg(long, value_name = "DUR", default_value = "20s")]
    pub(crate) health_window: String,
    /// The time until it has to be well
    #[arg(long, value_name = "DUR", default_value = "60s")]
    pub(crate) health_limit: String,
    /// Longest wait for one answer: longer than the service takes to start
    #[arg(long, value_name = "DUR", default_value = "10s")]
    pub(crate) health_timeout: String,
}

impl WatchArgs {
    /// How the service is asked.
    pub(super) fn health(&self, here: &Path) -> Result<Option<Health>, CliError> {
        let Some(probe) = &self.health else { return Ok(None) };
        let limit = parse_duration(&self.health_timeout)?;
        let health = Health::new(probe, self.health_version.as_deref(), limit, here.to_owned());
        health.map(Some).map_err(CliError::usage_of)
    }

    /// When its answers are believed.
    pub(super) fn terms(&self) -> Result<Terms, CliError> {
        Ok(Terms {
            count: self.health_count,
            window: parse_duration(&self.health_window)?,
            limit: parse_duration(&self.health_limit)?,
        })
    }
}

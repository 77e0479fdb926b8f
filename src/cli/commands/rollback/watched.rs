//! `--health` and what belongs to it: how a service is asked, and when its answers are believed.

use std::path::Path;
use std::time::Duration;

use crate::cli::Error;
use crate::respond::{Health, Terms};
use crate::setup::config;
use crate::setup::parse_duration;

/// The options.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Health")]
pub(crate) struct WatchArgs {
    /// URL to request, or shell command to run, to check that the service is healthy
    #[arg(long, value_name = "URL|CMD")]
    pub(crate) health: Option<String>,
    /// Where its answer tells the version: a header (X-Version), a path in JSON ($.version), or a regular expression
    #[arg(long, value_name = "WHERE")]
    pub(crate) health_version: Option<String>,
    /// Consecutive healthy answers required, all from the wanted version [default: 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) health_count: Option<u32>,
    /// Time that these answers must span: longer than a reload takes [default: 20s]
    #[arg(long, value_name = "DUR")]
    pub(crate) health_window: Option<String>,
    /// Time within which the service must become healthy [default: 60s]
    #[arg(long, value_name = "DUR")]
    pub(crate) health_limit: Option<String>,
    /// Timeout of one health check: longer than the service takes to start [default: 10s]
    #[arg(long, value_name = "DUR")]
    pub(crate) health_timeout: Option<String>,
}

impl WatchArgs {
    /// How the service is asked.
    pub(in crate::cli::commands) fn health(&self, here: &Path) -> Result<Option<Health>, Error> {
        let Some(probe) = &self.health else {
            return match &self.health_version {
                Some(_) => Err(Error::usage("--health-version has no --health to look at")
                    .hinted("name what is asked: --health https://shop.example.com/health")),
                None => Ok(None),
            };
        };
        let limit = duration("health-timeout", self.health_timeout.as_ref(), 10)?;
        let health = Health::new(probe, self.health_version.as_deref(), limit, here.to_owned());
        health.map(Some).map_err(Error::usage_of)
    }

    /// When the version's answers are believed.
    pub(in crate::cli::commands) fn terms(&self) -> Result<Terms, Error> {
        Ok(Terms {
            count: self.health_count.unwrap_or(20).max(1),
            window: duration("health-window", self.health_window.as_ref(), 20)?,
            limit: duration("health-limit", self.health_limit.as_ref(), 60)?,
        })
    }

    /// Flags over configuration.
    pub(super) fn over(&self, config: &config::RollbackConfig) -> Self {
        let or = |flag: &Option<String>, other: &Option<String>| flag.clone().or_else(|| other.clone());
        Self {
            health: or(&self.health, &config.health),
            health_version: or(&self.health_version, &config.health_version),
            health_count: self.health_count.or(config.health_count),
            health_window: or(&self.health_window, &config.health_window),
            health_limit: or(&self.health_limit, &config.health_limit),
            health_timeout: or(&self.health_timeout, &config.health_timeout),
        }
    }
}

/// What the user says of a length of time, or so many seconds.
pub(in crate::cli::commands) fn duration(
    name: &str,
    text: Option<&String>,
    seconds: u64,
) -> Result<Duration, Error> {
    let Some(text) = text else { return Ok(Duration::from_secs(seconds)) };
    parse_duration(text).map_err(|_| {
        Error::usage(format!("{name}: '{text}' is not a duration")).hinted("such as 90s, 2m or 1m30s")
    })
}

//! `--env` and what belongs to it.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::setup::{EnvironmentKind, EnvironmentOptions};

/// The options.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Environment")]
pub(crate) struct EnvArgs {
    /// Environment of the trials [default: current when a virtual environment is active or nothing is declared, else auto]
    #[arg(long, value_enum, value_name = "WHICH", hide_possible_values = false)]
    pub(crate) env: Option<EnvironmentKind>,
    /// Package to install besides what the project declares, such as its test runner (can be repeated)
    #[arg(long, value_name = "PKG")]
    pub(crate) with: Vec<String>,
    /// Version of Python for all commits, or an interpreter [default: what each commit declares]
    #[arg(long, value_name = "X.Y|FILE")]
    pub(crate) python: Option<String>,
    /// Requirements file for all commits, instead of what they declare
    #[arg(long, value_name = "FILE")]
    pub(crate) requirements: Option<PathBuf>,
    /// Extra of the project to install (can be repeated) [default: those of its tests]
    #[arg(long, value_name = "NAME")]
    pub(crate) extra: Vec<String>,
    /// Dependency group to install (can be repeated) [default: those of its tests]
    #[arg(long, value_name = "NAME")]
    pub(crate) group: Vec<String>,
    /// Resolve packages as of today, not as of each commit's date
    #[arg(long, conflicts_with = "as_of")]
    pub(crate) no_time_travel: bool,
    /// Resolve packages as of this date for all commits
    #[arg(long, value_name = "DATE|REV")]
    pub(crate) as_of: Option<String>,
    /// Disk space for environments, such as 2G; the least recently used are removed [default: 5G]
    #[arg(long, value_name = "SIZE")]
    pub(crate) env_cache: Option<String>,
}

impl EnvArgs {
    /// What these options ask for.
    pub(crate) fn options(&self) -> EnvironmentOptions {
        let Self { env, with, python, requirements, extra, group, no_time_travel, as_of, env_cache } =
            self.clone();
        EnvironmentOptions {
            env,
            with,
            python,
            requirements,
            extra,
            group,
            no_time_travel,
            as_of,
            env_cache,
            ..Default::default()
        }
    }
}

impl ValueEnum for EnvironmentKind {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Current, Self::Auto, Self::Uv, Self::Pip]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Current => PossibleValue::new("current").help("The interpreter and packages you have"),
            Self::Auto => {
                PossibleValue::new("auto").help("For each version what it declares, as of its date")
            }
            Self::Uv => PossibleValue::new("uv").help("The same, made with uv"),
            Self::Pip => PossibleValue::new("pip").help("The same, installed with pip"),
        })
    }
}

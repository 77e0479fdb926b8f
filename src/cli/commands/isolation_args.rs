//! `--isolation` and what belongs to it.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::setup::{FilterDrivers, IsolationLevel, IsolationOptions, NetworkAccess};

/// The options.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Isolation")]
pub(crate) struct IsolationArgs {
    /// How trials are isolated from your files, from each other and from the network [default: auto]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) isolation: Option<IsolationLevel>,
    /// Network of a trial [default: loopback]
    #[arg(long, value_enum, value_name = "NETWORK")]
    pub(crate) network: Option<NetworkAccess>,
    /// Environment variable to pass to trials besides the usual ones, or NAME* for several (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub(crate) pass_env: Vec<String>,
    /// File or folder of yours that trials may read, such as a tool in your home or an ignored folder of the work tree
    /// (can be repeated)
    #[arg(long, value_name = "PATH")]
    pub(crate) see: Vec<PathBuf>,
    /// Filters of your git configuration (`filter.NAME.smudge`), where attributes of a tree ask for them [default: off]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) filters: Option<FilterDrivers>,
    /// Memory limit for each process of a trial, such as 2G, or none [default: the machine's memory]
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_memory: Option<String>,
    /// Limit on the processes of a trial, or none [default: 4096]
    #[arg(long, value_name = "N")]
    pub(crate) max_processes: Option<String>,
    /// Limit on the size of a file that a trial writes, or none [default: 8G]
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_file_size: Option<String>,
}

impl IsolationArgs {
    /// What these options ask for.
    pub(crate) fn options(&self) -> IsolationOptions {
        let Self { isolation, network, pass_env, see, filters, max_memory, max_processes, max_file_size } =
            self.clone();
        IsolationOptions {
            isolation,
            network,
            pass_env,
            see,
            filters,
            max_memory,
            max_processes,
            max_file_size,
        }
    }
}

impl ValueEnum for IsolationLevel {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Strict, Self::Off]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Auto => PossibleValue::new("auto").help("As much as this system offers"),
            Self::Strict => PossibleValue::new("strict").help("Everything, or no trial runs"),
            Self::Off => PossibleValue::new("off")
                .help("None: trials run as you, with a home and temporary folder of their own"),
        })
    }
}

impl ValueEnum for NetworkAccess {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Host, Self::None, Self::Loopback]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Host => PossibleValue::new("host").help("This machine's"),
            Self::None => PossibleValue::new("none").help("None"),
            Self::Loopback => PossibleValue::new("loopback").help("A loopback for each trial"),
        })
    }
}

impl ValueEnum for FilterDrivers {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Off, Self::Run]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Off => PossibleValue::new("off").help("Leave files as they are stored, and say so"),
            Self::Run => {
                PossibleValue::new("run").help("Run them as a checkout by git does: outside the sandbox")
            }
        })
    }
}

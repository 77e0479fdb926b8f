//! `--no-config`.

/// The option.
#[derive(Debug, Clone, Default, clap::Args, serde::Serialize, serde::Deserialize)]
#[serde(default)]
// It comes behind the options that have headings of their own, and what comes behind it has none.
#[command(next_help_heading = None)]
pub(crate) struct ConfigArgs {
    /// Ignore all configuration files, the repository's and yours
    #[arg(long)]
    pub(crate) no_config: bool,
}

//! `--no-config`.

/// The option.
#[derive(Debug, Clone, Default, clap::Args, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct ConfigArgs {
    /// Read no configuration: neither the repository's nor yours
    #[arg(long)]
    pub(crate) no_config: bool,
}

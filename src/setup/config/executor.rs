//! `[tool.pybisect.executor]`: where trials run, when not on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// A cluster, by the Remote Execution API or Slurm, and what it is to be told.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct ExecutorConfig {
    /// `grpc://HOST:PORT`, `grpcs://HOST:PORT` or `slurm`.
    pub(crate) endpoint: Option<String>,
    pub(crate) instance: Option<String>,
    /// Which workers are meant.
    pub(crate) properties: BTreeMap<String, String>,
    /// What is sent with each request.
    pub(crate) headers: BTreeMap<String, SecretSource>,
    /// Variables of the trials.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) tls_ca: Option<PathBuf>,
    pub(crate) tls_certificate: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) jobs: Option<usize>,
    /// Of Slurm: the folder that its nodes see, too.
    pub(crate) shared: Option<PathBuf>,
    pub(crate) partition: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) qos: Option<String>,
    pub(crate) constraint: Option<String>,
    /// Further arguments of `sbatch`.
    pub(crate) sbatch: Vec<String>,
}

/// Where a secret is; it does not stand in the configuration itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SecretSource {
    /// A variable that has it.
    pub(crate) env: Option<String>,
    /// A file that has it.
    pub(crate) file: Option<PathBuf>,
    /// What comes before it, such as `Bearer `.
    #[serde(default)]
    pub(crate) prefix: String,
}

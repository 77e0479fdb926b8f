//! What a request says of environments and isolation, and what holds where it says nothing.

use std::path::PathBuf;

/// Bytes that environments may take, where the user says nothing.
pub(crate) const MOST_BYTES: u64 = 5 << 30;
/// Processes of one trial at the same time, likewise.
pub(crate) const MOST_PROCESSES: u64 = 4096;
/// Bytes of one file that a trial writes, likewise.
pub(crate) const LARGEST_FILE: u64 = 8 << 30;

/// Which environment trials run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EnvironmentKind {
    /// The interpreter and packages of the user.
    Current,
    /// For each version what it declares, as of its date.
    Auto,
    /// As `Auto`, made with uv.
    Uv,
    /// As `Auto`, installed with pip.
    Pip,
}

/// How much isolation trials have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IsolationLevel {
    /// As much as the system offers.
    #[default]
    Auto,
    /// All of it, or no trial runs.
    Strict,
    /// Trials run as the user does, with a home and temporary folder of their own.
    Off,
}

/// Which network trials reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkAccess {
    /// The network of this machine.
    Host,
    /// No network.
    None,
    /// A loopback for each trial.
    Loopback,
}

/// What becomes of the filter drivers of the user's git configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FilterDrivers {
    /// Leave files as they are stored, and say so.
    Off,
    /// Run them as a checkout by git does: outside the sandbox.
    Run,
}

/// The environments that a request asks for. What is not said is as the configuration has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EnvironmentOptions {
    /// Environment of the trials; `None` for the user's own when one is active or nothing is declared, else `Auto`.
    pub env: Option<EnvironmentKind>,
    /// Packages beside what the project declares, as PEP 508 requirements.
    pub with: Vec<String>,
    /// Version of Python for all commits (`3.12`), or the path of an interpreter.
    pub python: Option<String>,
    /// Requirements file for all commits, instead of what they declare.
    pub requirements: Option<PathBuf>,
    /// Extras of the project to install; empty for those of its tests.
    pub extra: Vec<String>,
    /// Dependency groups to install; empty for those of its tests.
    pub group: Vec<String>,
    /// Whether packages are chosen as of now, not as of the commit's date.
    pub no_time_travel: bool,
    /// Date (`2022-06-01`) or revision as of which packages are chosen for all commits.
    pub as_of: Option<String>,
    /// Disk space that environments may take, such as `2G`.
    pub env_cache: Option<String>,
    /// Whether packages or requirements are a repository's configuration's: files that they name are not opened.
    #[serde(skip)]
    pub(crate) is_of_repository: bool,
}

impl EnvironmentOptions {
    /// The option that asks for environments of commits, where one does.
    pub(crate) fn asked_by(&self) -> Option<&'static str> {
        let is_own = self.env.is_some_and(|kind| kind != EnvironmentKind::Current);
        [
            (is_own, "--env"),
            (!self.with.is_empty(), "--with"),
            (self.python.is_some(), "--python"),
            (self.requirements.is_some(), "--requirements"),
            (!self.extra.is_empty(), "--extra"),
            (!self.group.is_empty(), "--group"),
            (self.as_of.is_some(), "--as-of"),
        ]
        .into_iter()
        .find_map(|(is_asked, option)| is_asked.then_some(option))
    }

    /// Whether something is asked for that only an environment for each commit heeds.
    pub(crate) const fn asks_for_own(&self) -> bool {
        !self.with.is_empty()
            || self.python.is_some()
            || self.requirements.is_some()
            || !self.extra.is_empty()
            || !self.group.is_empty()
            || self.no_time_travel
            || self.as_of.is_some()
    }
}

/// The isolation that a request asks for. What is not said is as the configuration has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct IsolationOptions {
    /// How trials are kept from the user's files, from each other and from the network; `Auto` by default.
    pub isolation: Option<IsolationLevel>,
    /// Network of a trial; a loopback by default.
    pub network: Option<NetworkAccess>,
    /// Variables that trials get beside those on the list, or `NAME*` for several.
    pub pass_env: Vec<String>,
    /// Files and folders of the user that trials can read.
    pub see: Vec<PathBuf>,
    /// What becomes of filter drivers; off by default.
    pub filters: Option<FilterDrivers>,
    /// Memory that a process of a trial may take, such as `2G`, or `none`; that of the machine by default.
    pub max_memory: Option<String>,
    /// Processes that a trial may have, or `none`; 4096 by default.
    pub max_processes: Option<String>,
    /// Size of a file that a trial may write, or `none`; `8G` by default.
    pub max_file_size: Option<String>,
}

impl IsolationOptions {
    /// These, and those of another run where these say nothing.
    #[must_use]
    pub(crate) fn or(&self, other: &Self) -> Self {
        let or = |flag: &Option<String>, other: &Option<String>| flag.clone().or_else(|| other.clone());
        Self {
            isolation: self.isolation.or(other.isolation),
            network: self.network.or(other.network),
            pass_env: [self.pass_env.clone(), other.pass_env.clone()].concat(),
            see: [self.see.clone(), other.see.clone()].concat(),
            filters: self.filters.or(other.filters),
            max_memory: or(&self.max_memory, &other.max_memory),
            max_processes: or(&self.max_processes, &other.max_processes),
            max_file_size: or(&self.max_file_size, &other.max_file_size),
        }
    }
}

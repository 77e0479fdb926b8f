//! `--isolation` and what belongs to it: what trials see, reach and take.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::environments::parse_size;
use super::machine::{memory_of_the_machine, services};
use crate::cli::{CliError, config};
use crate::model::event::{Isolation, TrialLimits};
use crate::process::sandbox::{
    FilesystemView, Limits, MissingCapability, Network, PROCESS_LIMIT, Sandbox, SandboxBackend,
    SandboxCapabilities, Variables, filter_environment,
};

/// Processes of one trial at the same time, where the user says nothing.
pub(crate) const MOST_PROCESSES: u64 = 4096;
/// Bytes of one file that a trial writes, likewise.
pub(crate) const LARGEST_FILE: u64 = 8 << 30;

/// How much isolation.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    /// As much as the system offers
    #[default]
    Auto,
    /// All of it, or none runs
    Strict,
    /// Trials run as you do, with a home and temporary folder of their own
    Off,
}

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NetworkArg {
    /// This machine's
    Host,
    /// None
    None,
    /// A loopback for each trial
    Loopback,
}

/// What becomes of filter drivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Filters {
    /// Files that they would change stay as they are stored, which is said
    Off,
    /// They run as in a checkout by git: outside of the sandbox
    Run,
}

/// The options.
#[derive(Debug, Clone, Default, clap::Args, serde::Serialize, serde::Deserialize)]
#[serde(default)]
#[command(next_help_heading = "Isolation")]
pub(crate) struct IsolationArgs {
    /// How trials are kept from your files, from each other and from the network [default: auto]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) isolation: Option<Level>,
    /// The network of a trial [default: loopback]
    #[arg(long, value_enum, value_name = "NETWORK")]
    pub(crate) network: Option<NetworkArg>,
    /// Variable that trials get beside those on the list, or NAME* for several (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub(crate) pass_env: Vec<String>,
    /// File or folder of yours that trials can read, such as a tool in your home or an ignored folder of the work tree
    /// (can be repeated)
    #[arg(long, value_name = "PATH")]
    pub(crate) see: Vec<PathBuf>,
    /// Filters of your git configuration (`filter.NAME.smudge`), where attributes of a tree ask for them [default: off]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) filters: Option<Filters>,
    /// Memory that a process of a trial may take, such as 2G, or none for no limit [default: that of the machine]
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_memory: Option<String>,
    /// Processes that a trial may have, or none [default: 4096]
    #[arg(long, value_name = "N")]
    pub(crate) max_processes: Option<String>,
    /// Size of a file that a trial may write, or none [default: 8G]
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_file_size: Option<String>,
}

impl IsolationArgs {
    /// Flags over configuration.
    pub(super) fn over(&self, config: &config::Config) -> Self {
        // A list on the command line takes the place of the configuration's.
        let configured = config.pass_env.clone().filter(|_| self.pass_env.is_empty());
        self.or(&Self {
            isolation: config.isolation,
            network: config.network,
            pass_env: configured.unwrap_or_default(),
            // Not for a file of the checkout to decide.
            see: Vec::new(),
            filters: None,
            max_memory: config.max_memory.clone(),
            max_processes: config.max_processes.clone(),
            max_file_size: config.max_file_size.clone(),
        })
    }

    /// These, and those of another run where these say nothing.
    pub(super) fn or(&self, other: &Self) -> Self {
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

    /// What these flags and the configuration ask for, where trials run at all.
    pub(super) fn wanted_by(
        &self,
        config: &config::Config,
        runs_trials: bool,
    ) -> Result<IsolationRequest, CliError> {
        let mut merged = self.over(config);
        if !runs_trials && merged.isolation == Some(Level::Strict) {
            // No trial will run that could need all of it.
            merged.isolation = Some(Level::Auto);
        }
        merged.wanted()
    }

    /// Read what is written in them.
    fn wanted(&self) -> Result<IsolationRequest, CliError> {
        let network = match self.network {
            Some(NetworkArg::Host) => Network::Host,
            Some(NetworkArg::None) => Network::None,
            Some(NetworkArg::Loopback) | None => Network::Loopback,
        };
        let limits = Limits {
            memory: limit(self.max_memory.as_deref(), memory_of_the_machine(), parse_size)?,
            processes: limit(self.max_processes.as_deref(), Some(MOST_PROCESSES), parse_number)?,
            file_size: limit(self.max_file_size.as_deref(), Some(LARGEST_FILE), parse_size)?,
        };
        let level = self.isolation.unwrap_or_default();
        Ok(IsolationRequest { level, network, limits, passed: self.pass_env.clone() })
    }
}

/// What is wanted.
pub(super) struct IsolationRequest {
    level: Level,
    network: Network,
    limits: Limits,
    passed: Vec<String>,
}

impl IsolationRequest {
    /// Names of variables that the user passes.
    pub(super) fn passed(&self) -> &[String] {
        &self.passed
    }

    /// The variables that trials get.
    pub(super) fn variables(&self, all: impl IntoIterator<Item = (OsString, OsString)>) -> Variables {
        if self.level == Level::Off {
            return Variables { kept: all.into_iter().collect(), withheld: Vec::new() };
        }
        filter_environment(all, &self.passed, self.network == Network::Host)
    }

    /// Whether trials run as the user does.
    pub(super) fn is_off(&self) -> bool {
        self.level == Level::Off
    }

    /// Try what this system has for a sandbox; `None` when none is wanted. `refuses` tells of programs that are not to be
    /// started.
    ///
    /// # Errors
    /// When there is no folder for temporary files.
    pub(super) fn offered(&self, refuses: &dyn Fn(&Path) -> bool) -> Result<Option<SandboxProbe>, CliError> {
        if self.level == Level::Off {
            return Ok(None);
        }
        offered_here(refuses).map(Some)
    }

    /// The sandbox, as far as it can be had, and what the report says of it.
    ///
    /// # Errors
    /// When a part is missing and all of it is wanted.
    pub(super) fn sandbox(
        &self,
        offered: Option<SandboxProbe>,
        view: FilesystemView,
        withheld: Vec<String>,
    ) -> Result<(Option<Sandbox>, Isolation), CliError> {
        let always = ["process-group", "private-home", "private-tmp", "private-git"];
        let mut isolation = Isolation {
            in_force: always.map(str::to_owned).to_vec(),
            network: "host".to_owned(),
            ..Isolation::default()
        };
        let Some(SandboxProbe { launcher, scratch, mut parts }) = offered else {
            "process-groups".clone_into(&mut isolation.by);
            isolation
                .missing
                .push("files, network, processes and environment are yours: --isolation off".to_owned());
            return Ok((None, isolation));
        };
        if self.limits.processes.is_none() {
            parts.missing.retain(|missing| missing.part != PROCESS_LIMIT);
        }
        way_of(&parts).clone_into(&mut isolation.by);
        isolation.in_force.push("clean-environment".to_owned());
        isolation.services = services();
        isolation.withheld = withheld;
        if parts.mount || parts.fence {
            let how = if parts.mount { "read-only-files" } else { "landlock" };
            isolation.in_force.push(how.to_owned());
            let (hidden, open) = view.hidden_folders();
            isolation.hidden = hidden.iter().map(|path| path.to_string_lossy().into_owned()).collect();
            isolation
                .missing
                .extend(open.iter().map(|path| format!("hiding {}: the system lies there", path.display())));
        }
        if parts.filter {
            isolation.in_force.extend(["system-call-filter", "session-keyring"].map(str::to_owned));
        }
        if parts.process {
            isolation.in_force.push("process-namespace".to_owned());
        }
        let mut network = self.network;
        if network == Network::None
            && parts.network
            && let Err(why) = parts.try_out(&launcher, scratch.path(), network)
        {
            network = Network::Loopback;
            isolation.missing.push(format!("a network without a loopback: {why}"));
        }
        if network != Network::Host && parts.network {
            let kind = if network == Network::None { "none" } else { "loopback" };
            isolation.in_force.push("network-namespace".to_owned());
            kind.clone_into(&mut isolation.network);
        }
        if parts.is_any() {
            isolation.in_force.push("limits".to_owned());
            let Limits { memory, processes, file_size } = self.limits;
            let processes = processes.filter(|_| parts.limits_processes);
            isolation.limits = TrialLimits { memory, processes, file_size };
        }
        let is_wanted = |part: &str| self.network != Network::Host || !part.contains("network");
        let missing: Vec<_> = parts.missing.iter().filter(|missing| is_wanted(missing.part)).collect();
        isolation.missing.extend(missing.iter().map(|missing| format!("{}: {}", missing.part, missing.why)));
        let remedy = missing.iter().find_map(|missing| missing.remedy.clone());
        self.must_be_complete(&isolation, remedy)?;
        let sandbox = parts.is_any().then(|| Sandbox::new(launcher, parts, network, self.limits, view));
        Ok((sandbox, isolation))
    }

    fn must_be_complete(&self, isolation: &Isolation, remedy: Option<String>) -> Result<(), CliError> {
        if self.level != Level::Strict || isolation.missing.is_empty() {
            return Ok(());
        }
        let what = format!("isolation is not complete here; missing: {}", isolation.missing.join("; "));
        let error = remedy.into_iter().fold(CliError::usage(what), CliError::hinted);
        Err(error.hinted("or do with what there is: --isolation auto"))
    }

    /// Tell of something else that is missing.
    ///
    /// # Errors
    /// When all of it is wanted.
    pub(super) fn note_missing(
        &self,
        isolation: &mut Isolation,
        missing: Option<String>,
    ) -> Result<(), CliError> {
        isolation.missing.extend(missing);
        self.must_be_complete(isolation, None)
    }

    /// What the user is told at once where files are not kept from trials by a view of their own.
    pub(super) fn warning(&self, isolation: &Isolation) -> Option<String> {
        let what = match isolation.by.as_str() {
            "landlock" => {
                "only files are kept from trials (Landlock): they reach this machine's network, services \
                           and processes"
            }
            "process-groups" if self.level != Level::Off => {
                "files, network and processes are not kept from trials"
            }
            _ => return None,
        };
        Some(format!("{what}; --isolation strict refuses to run like this"))
    }

    /// Part of what makes an outcome the same.
    pub(super) fn key(&self, isolation: &Isolation) -> String {
        format!("isolation {:?} {} {:?}", isolation.in_force, isolation.network, self.limits)
    }
}

impl SandboxProbe {
    /// A sandbox for interpreters that say what they are: nothing can be written, no network is reached, the user's
    /// packages are seen wherever they lie. `None` where the system has none.
    pub(super) fn for_questions(&self, top: Option<&Path>) -> Option<Sandbox> {
        let visible = top.map(Path::to_owned).into_iter().collect();
        let view = FilesystemView { home: None, hidden: Vec::new(), visible, writable: Vec::new() };
        let (launcher, parts) = (self.launcher.clone(), self.parts.clone());
        parts.is_any().then(|| Sandbox::new(launcher, parts, Network::Loopback, Limits::default(), view))
    }

    /// What it is made of.
    pub(super) fn way(&self) -> &'static str {
        way_of(&self.parts)
    }

    /// What of it is not there.
    pub(super) fn missing(&self) -> &[MissingCapability] {
        &self.parts.missing
    }

    /// Whether trials are kept from the user's files.
    pub(super) const fn hides_files(&self) -> bool {
        self.parts.mount || self.parts.fence
    }
}

/// What this system has for a sandbox, where the user asks for nothing special.
///
/// # Errors
/// When there is no folder for temporary files.
pub(super) fn offered_here(refuses: &dyn Fn(&Path) -> bool) -> Result<SandboxProbe, CliError> {
    let scratch = tempfile::tempdir().map_err(CliError::internal)?;
    let launcher = Sandbox::own_launcher();
    let parts = SandboxCapabilities::detect(&launcher, scratch.path(), only_way()?, refuses);
    Ok(SandboxProbe { launcher, scratch, parts })
}

/// What this system has for a sandbox.
pub(super) struct SandboxProbe {
    launcher: PathBuf,
    scratch: TempDir,
    parts: SandboxCapabilities,
}

/// The variable that names one way to isolate and rules out the others: to see what that way does.
const ONLY_WAY: &str = "PYBISECT_ISOLATION_BY";

const WAYS: [(&str, SandboxBackend); 4] = [
    ("namespaces", SandboxBackend::Namespaces),
    ("bubblewrap", SandboxBackend::Bubblewrap),
    ("landlock", SandboxBackend::Landlock),
    ("process-groups", SandboxBackend::Groups),
];

fn only_way() -> Result<Option<SandboxBackend>, CliError> {
    let Some(text) = std::env::var(ONLY_WAY).ok().filter(|text| !text.is_empty()) else { return Ok(None) };
    let found = WAYS.iter().find(|(name, _)| *name == text).map(|(_, way)| *way);
    found.map(Some).ok_or_else(|| {
        let names = WAYS.map(|(name, _)| name).join(", ");
        CliError::usage(format!("{ONLY_WAY}={text} is no way to isolate")).hinted(format!("one of {names}"))
    })
}

fn way_of(parts: &SandboxCapabilities) -> &'static str {
    WAYS.iter().find(|(_, way)| *way == parts.way).map_or("", |(name, _)| *name)
}

fn limit(
    text: Option<&str>,
    default: Option<u64>,
    parse: impl Fn(&str) -> Result<u64, CliError>,
) -> Result<Option<u64>, CliError> {
    match text {
        None => Ok(default),
        Some("none") => Ok(None),
        Some(text) => parse(text).map(Some),
    }
}

fn parse_number(text: &str) -> Result<u64, CliError> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
        CliError::usage(format!("'{text}' is not a number of processes"))
            .hinted("like this: --max-processes 500")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_can_be_set_and_taken_away() {
        let args = IsolationArgs {
            max_memory: Some("2G".to_owned()),
            max_file_size: Some("none".to_owned()),
            ..IsolationArgs::default()
        };
        let limits = args.wanted().unwrap().limits;
        assert_eq!((limits.memory, limits.processes, limits.file_size), (Some(2 << 30), Some(4096), None));
        let wrong = IsolationArgs { max_processes: Some("many".to_owned()), ..IsolationArgs::default() };
        assert!(wrong.wanted().is_err());
    }
}

//! `--isolation` and what belongs to it: what trials see, reach and take.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::config;
use super::error::Error;
use super::machine::{memory_of_the_machine, services};
use super::options::{IsolationLevel, IsolationOptions, LARGEST_FILE, MOST_PROCESSES, NetworkAccess};
use super::units::{parse_number, parse_size};
use crate::model::event::{Isolation, TrialLimits};
use crate::process::sandbox::{
    FilesystemView, Limits, MissingCapability, Network, PROCESS_LIMIT, Sandbox, SandboxBackend,
    SandboxCapabilities, Variables, filter_environment,
};

impl IsolationOptions {
    /// Flags over configuration.
    pub(crate) fn over(&self, config: &config::Config) -> Self {
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

    /// What these flags and the configuration ask for, where trials run at all.
    pub(crate) fn wanted_by(
        &self,
        config: &config::Config,
        runs_trials: bool,
    ) -> Result<IsolationRequest, Error> {
        let mut merged = self.over(config);
        if !runs_trials && merged.isolation == Some(IsolationLevel::Strict) {
            // No trial will run that could need all of it.
            merged.isolation = Some(IsolationLevel::Auto);
        }
        merged.wanted()
    }

    /// Read what is written in them.
    fn wanted(&self) -> Result<IsolationRequest, Error> {
        let network = match self.network {
            Some(NetworkAccess::Host) => Network::Host,
            Some(NetworkAccess::None) => Network::None,
            Some(NetworkAccess::Loopback) | None => Network::Loopback,
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
pub(crate) struct IsolationRequest {
    level: IsolationLevel,
    network: Network,
    limits: Limits,
    passed: Vec<String>,
}

impl IsolationRequest {
    /// Names of variables that the user passes.
    pub(crate) fn passed(&self) -> &[String] {
        &self.passed
    }

    /// The variables that trials get.
    pub(crate) fn variables(&self, all: impl IntoIterator<Item = (OsString, OsString)>) -> Variables {
        if self.level == IsolationLevel::Off {
            return Variables { kept: all.into_iter().collect(), withheld: Vec::new() };
        }
        filter_environment(all, &self.passed, self.network == Network::Host)
    }

    /// Whether trials run as the user does.
    pub(crate) fn is_off(&self) -> bool {
        self.level == IsolationLevel::Off
    }

    /// Try what this system has for a sandbox; `None` when none is wanted. `refuses` tells of programs that are not to be
    /// started.
    ///
    /// # Errors
    /// When there is no folder for temporary files.
    pub(crate) fn offered(&self, refuses: &dyn Fn(&Path) -> bool) -> Result<Option<SandboxProbe>, Error> {
        if self.level == IsolationLevel::Off {
            return Ok(None);
        }
        offered_here(refuses).map(Some)
    }

    /// The sandbox, as far as it can be had, and what the report says of it.
    ///
    /// # Errors
    /// When a part is missing and all of it is wanted.
    pub(crate) fn sandbox(
        &self,
        offered: Option<SandboxProbe>,
        view: FilesystemView,
        withheld: Vec<String>,
    ) -> Result<(Option<Sandbox>, Isolation), Error> {
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

    fn must_be_complete(&self, isolation: &Isolation, remedy: Option<String>) -> Result<(), Error> {
        if self.level != IsolationLevel::Strict || isolation.missing.is_empty() {
            return Ok(());
        }
        let what = format!("isolation is not complete here; missing: {}", isolation.missing.join("; "));
        let error = remedy.into_iter().fold(Error::usage(what), Error::hinted);
        Err(error.hinted("or do with what there is: --isolation auto"))
    }

    /// Tell of something else that is missing.
    ///
    /// # Errors
    /// When all of it is wanted.
    pub(crate) fn note_missing(
        &self,
        isolation: &mut Isolation,
        missing: Option<String>,
    ) -> Result<(), Error> {
        isolation.missing.extend(missing);
        self.must_be_complete(isolation, None)
    }

    /// What the user is told at once where files are not kept from trials by a view of their own.
    pub(crate) fn warning(&self, isolation: &Isolation) -> Option<String> {
        let what = match isolation.by.as_str() {
            "landlock" => {
                "only files are kept from trials (Landlock): they reach this machine's network, services \
                           and processes"
            }
            "process-groups" if self.level != IsolationLevel::Off => {
                "files, network and processes are not kept from trials"
            }
            _ => return None,
        };
        Some(format!("{what}; --isolation strict refuses to run like this"))
    }

    /// Part of what makes an outcome the same.
    pub(crate) fn key(&self, isolation: &Isolation) -> String {
        format!("isolation {:?} {} {:?}", isolation.in_force, isolation.network, self.limits)
    }
}

impl SandboxProbe {
    /// A sandbox for interpreters that say what they are: nothing can be written, no network is reached, the user's
    /// packages are seen wherever they lie. `None` where the system has none.
    pub(crate) fn for_questions(&self, top: Option<&Path>) -> Option<Sandbox> {
        let visible = top.map(Path::to_owned).into_iter().collect();
        let view = FilesystemView { home: None, hidden: Vec::new(), visible, writable: Vec::new() };
        let (launcher, parts) = (self.launcher.clone(), self.parts.clone());
        parts.is_any().then(|| Sandbox::new(launcher, parts, Network::Loopback, Limits::default(), view))
    }

    /// What it is made of.
    pub(crate) fn way(&self) -> &'static str {
        way_of(&self.parts)
    }

    /// What of it is not there.
    pub(crate) fn missing(&self) -> &[MissingCapability] {
        &self.parts.missing
    }

    /// Whether trials are kept from the user's files.
    pub(crate) const fn hides_files(&self) -> bool {
        self.parts.mount || self.parts.fence
    }
}

/// What this system has for a sandbox, where the user asks for nothing special.
///
/// # Errors
/// When there is no folder for temporary files.
pub(crate) fn offered_here(refuses: &dyn Fn(&Path) -> bool) -> Result<SandboxProbe, Error> {
    let scratch = tempfile::tempdir().map_err(Error::internal)?;
    let launcher = Sandbox::own_launcher();
    let parts = SandboxCapabilities::detect(&launcher, scratch.path(), only_way()?, refuses);
    Ok(SandboxProbe { launcher, scratch, parts })
}

/// What this system has for a sandbox.
pub(crate) struct SandboxProbe {
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

fn only_way() -> Result<Option<SandboxBackend>, Error> {
    let Some(text) = std::env::var(ONLY_WAY).ok().filter(|text| !text.is_empty()) else { return Ok(None) };
    let found = WAYS.iter().find(|(name, _)| *name == text).map(|(_, way)| *way);
    found.map(Some).ok_or_else(|| {
        let names = WAYS.map(|(name, _)| name).join(", ");
        Error::usage(format!("{ONLY_WAY}={text} is no way to isolate")).hinted(format!("one of {names}"))
    })
}

fn way_of(parts: &SandboxCapabilities) -> &'static str {
    WAYS.iter().find(|(_, way)| *way == parts.way).map_or("", |(name, _)| *name)
}

fn limit(
    text: Option<&str>,
    default: Option<u64>,
    parse: impl Fn(&str) -> Result<u64, Error>,
) -> Result<Option<u64>, Error> {
    match text {
        None => Ok(default),
        Some("none") => Ok(None),
        Some(text) => parse(text).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_can_be_set_and_taken_away() {
        let args = IsolationOptions {
            max_memory: Some("2G".to_owned()),
            max_file_size: Some("none".to_owned()),
            ..IsolationOptions::default()
        };
        let limits = args.wanted().unwrap().limits;
        assert_eq!((limits.memory, limits.processes, limits.file_size), (Some(2 << 30), Some(4096), None));
        let wrong =
            IsolationOptions { max_processes: Some("many".to_owned()), ..IsolationOptions::default() };
        assert!(wrong.wanted().is_err());
    }
}

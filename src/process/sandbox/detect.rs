//! Which parts of a sandbox the system offers: each is tried once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::landlock::has_sockets;
use super::{
    Confinement, Fence, FilesystemView, Limits, NOTHING, Namespaces, Network, Place, SlotDirs, bubblewrap,
};
use crate::model::{CancelToken, Termination, TrialActivity};
use crate::process::{ChildSpec, run};

/// What sandboxes are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SandboxBackend {
    /// Namespaces that this program makes.
    Namespaces,
    /// Namespaces that bubblewrap makes.
    Bubblewrap,
    /// A fence around files.
    Landlock,
    /// Nothing but process groups.
    #[default]
    Groups,
}

/// The parts that are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SandboxCapabilities {
    /// What they are made of.
    pub way: SandboxBackend,
    /// The program that makes the namespaces, when this one may not.
    pub bubblewrap: Option<PathBuf>,
    /// User namespaces, which the others rest on.
    pub user: bool,
    /// The file system read only, with the user's things hidden.
    pub mount: bool,
    /// Processes that see only each other, and end together.
    pub process: bool,
    /// A network of its own.
    pub network: bool,
    /// Sockets in the file system are out of reach; it rests on `mount`.
    pub seal: bool,
    /// A fence around files, in the place of `mount`.
    pub fence: bool,
    /// System calls that reach past the rest are refused, and the user's keys are left behind.
    pub filter: bool,
    /// The limit of processes holds; that of the others always does, where there is any of it.
    pub limits_processes: bool,
    /// What is not there.
    pub missing: Vec<MissingCapability>,
}

/// A part that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingCapability {
    /// What the missing part would be.
    pub part: &'static str,
    /// Why it is not.
    pub why: String,
    /// What would bring it.
    pub remedy: Option<String>,
}

const NETWORK: &str = "a network of its own";
const FILES: &str = "files kept from trials";
const SOCKETS: &str = "sockets in the file system kept from trials";
const PROCESSES: &str = "processes kept from trials";
const SHARED: &str = "temporary files, terminals and shared memory of their own";
const FILTER: &str = "a filter of system calls";

/// The part that is missing where the limit of processes does not hold.
pub const PROCESS_LIMIT: &str = "a limit of processes";

impl SandboxCapabilities {
    /// Try what the system offers, with commands that `launcher` starts and that do nothing. `scratch` is a folder to
    /// write in. With `only`, nothing else is tried. `refuses` tells of programs that are not to be started.
    #[must_use]
    pub fn detect(
        launcher: &Path,
        scratch: &Path,
        only: Option<SandboxBackend>,
        refuses: &dyn Fn(&Path) -> bool,
    ) -> Self {
        let may = |way| only.is_none_or(|only| only == way);
        let mut probe = Probe { launcher, scratch, filter: true };
        let complete = may(SandboxBackend::Namespaces).then(|| probe.complete()).transpose();
        let mut no_filter = None;
        if !matches!(complete, Ok(Some(_)))
            && let Err(why) = probe.loopback(&Self { filter: true, ..Self::default() })
        {
            probe.filter = false;
            no_filter = Some(MissingCapability { part: FILTER, why, remedy: None });
        }
        let mut found = match complete {
            Ok(Some(complete)) => complete,
            Ok(None) => Self {
                missing: vec![MissingCapability::all("they are not to be used".to_owned())],
                ..probe.nothing()
            },
            Err(_) => probe.namespaces(),
        };
        if !found.is_complete() && may(SandboxBackend::Bubblewrap) {
            found = probe.bubblewrap(found, refuses);
        }
        if !found.mount && may(SandboxBackend::Landlock) {
            let fenced = Self { fence: true, ..found.clone() };
            if let Ok(limits_processes) = probe.loopback(&fenced) {
                let way = if found.user { found.way } else { SandboxBackend::Landlock };
                found = Self { way, limits_processes, ..fenced };
            }
        }
        found.missing.extend(no_filter);
        found.missing.extend(found.left_open());
        if found.is_any() && !found.limits_processes {
            found.missing.push(MissingCapability {
                part: PROCESS_LIMIT,
                why: "root is not bound by one before Linux 6.14, nor anybody outside of a user namespace"
                    .to_owned(),
                remedy: Some("run it as another user than root, or with --max-processes none".to_owned()),
            });
        }
        found
    }

    /// Whether these parts can be had with this network, and otherwise why not.
    ///
    /// # Errors
    /// When a command in them cannot be started.
    pub fn try_out(&self, launcher: &Path, scratch: &Path, network: Network) -> Result<(), String> {
        Probe { launcher, scratch, filter: self.filter }.try_out(self, network).map(drop)
    }

    /// Whether there is any of it.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.user || self.fence || self.filter
    }

    /// What a command reaches where there are no namespaces, in particular.
    fn left_open(&self) -> Vec<MissingCapability> {
        let missing = |part, why: &str| MissingCapability { part, why: why.to_owned(), remedy: None };
        let mut open = Vec::new();
        if !self.mount && !self.fence {
            open.push(missing(FILES, "they can be read and written as you can"));
        }
        if !self.mount {
            let why = "this machine's /tmp, /dev/shm, terminals and System V memory are there beside a private TMPDIR, and what \
                       is left in them stays";
            open.push(missing(SHARED, why));
        }
        if !(self.mount || self.fence && has_sockets()) {
            let why = "those of services are reached, such as the session bus and container engines, whatever of files \
                       is hidden";
            open.push(missing(SOCKETS, why));
        }
        if !self.network && self.missing.iter().all(|missing| missing.part != NETWORK) {
            open.push(missing(
                NETWORK,
                "this machine's is reached, with the services that listen on its loopback",
            ));
        }
        if !self.process {
            open.push(missing(
                PROCESSES,
                "all of this machine are seen, and what outlives its command may be missed",
            ));
        }
        open
    }

    const fn is_complete(&self) -> bool {
        self.user && self.mount && self.process && self.network
    }

    /// The namespaces, without the network's when it is not wanted.
    pub(super) const fn namespaces(&self, own_network: bool) -> Namespaces {
        let Self { user, mount, process, network, .. } = *self;
        Namespaces { user, mount, process, network: network && own_network }
    }
}

impl MissingCapability {
    fn all(why: String) -> Self {
        Self { part: "user namespaces, and with them all other parts", why, remedy: remedy() }
    }
}

/// One of the parts.
type PartOf = fn(&mut SandboxCapabilities) -> &mut bool;

struct Probe<'a> {
    launcher: &'a Path,
    scratch: &'a Path,
    /// Whether calls can be refused.
    filter: bool,
}

impl Probe<'_> {
    fn nothing(&self) -> SandboxCapabilities {
        SandboxCapabilities { filter: self.filter, ..SandboxCapabilities::default() }
    }

    /// All namespaces of our own at once, as on most systems.
    fn complete(&self) -> Result<SandboxCapabilities, String> {
        let some = SandboxCapabilities { way: SandboxBackend::Namespaces, user: true, ..self.nothing() };
        let all = SandboxCapabilities { mount: true, process: true, network: true, seal: true, ..some };
        self.loopback(&all).map(|limits_processes| SandboxCapabilities { limits_processes, ..all })
    }

    /// Those namespaces of our own that are to be had.
    fn namespaces(&self) -> SandboxCapabilities {
        let none = SandboxCapabilities { way: SandboxBackend::Namespaces, user: true, ..self.nothing() };
        if let Err(why) = self.loopback(&none) {
            return SandboxCapabilities { missing: vec![MissingCapability::all(why)], ..self.nothing() };
        }
        let mut working = none.clone();
        // One after the other, each beside those that work.
        let parts: [(&'static str, PartOf); 4] = [
            (NETWORK, |parts| &mut parts.network),
            ("a view of the file system of its own", |parts| &mut parts.mount),
            (SOCKETS, |parts| &mut parts.seal),
            ("a process namespace", |parts| &mut parts.process),
        ];
        for (part, of) in parts {
            if part == SOCKETS && !working.mount {
                continue; // That is told of by itself.
            }
            let mut more = working.clone();
            *of(&mut more) = true;
            match self.loopback(&more) {
                Ok(limits_processes) => working = SandboxCapabilities { limits_processes, ..more },
                Err(why) => working.missing.push(MissingCapability { part, why, remedy: remedy() }),
            }
        }
        // By itself it is of no use.
        let is_alone = !(working.network || working.mount || working.process);
        if is_alone { SandboxCapabilities { missing: working.missing, ..self.nothing() } } else { working }
    }

    /// Those of bubblewrap, when they are more than these.
    fn bubblewrap(
        &self,
        mut own: SandboxCapabilities,
        refuses: &dyn Fn(&Path) -> bool,
    ) -> SandboxCapabilities {
        let Some(program) = bubblewrap::find(refuses) else {
            own.missing.iter_mut().for_each(|missing| missing.why.push_str("; bubblewrap is not installed"));
            return own;
        };
        let all = SandboxCapabilities {
            way: SandboxBackend::Bubblewrap,
            bubblewrap: Some(program),
            user: true,
            mount: true,
            process: true,
            network: true,
            seal: true,
            ..self.nothing()
        };
        let why = match self.loopback(&all) {
            Ok(limits_processes) => return SandboxCapabilities { limits_processes, ..all },
            Err(why) => why,
        };
        let open = SandboxCapabilities { seal: false, ..all.clone() };
        if let Ok(limits_processes) = self.loopback(&open) {
            let missing = vec![MissingCapability { part: SOCKETS, why, remedy: None }];
            return SandboxCapabilities { limits_processes, missing, ..open };
        }
        let less = SandboxCapabilities { network: false, ..all };
        if !(own.mount && own.process)
            && let Ok(limits_processes) = self.loopback(&less)
        {
            let missing = vec![MissingCapability { part: NETWORK, why, remedy: remedy() }];
            return SandboxCapabilities { limits_processes, missing, ..less };
        }
        for missing in &mut own.missing {
            missing.why = format!("{}; bubblewrap: {why}", missing.why);
        }
        own
    }

    fn loopback(&self, parts: &SandboxCapabilities) -> Result<bool, String> {
        self.try_out(parts, Network::Loopback)
    }

    /// Start a command in these parts that does nothing but find out whether the limit of processes holds.
    fn try_out(&self, parts: &SandboxCapabilities, network: Network) -> Result<bool, String> {
        let scratch = self.scratch;
        let room = SlotDirs { slot: scratch, home: scratch, tmp: scratch, own: &[] };
        let confinement = Confinement {
            launcher: self.launcher.to_owned(),
            bubblewrap: parts.bubblewrap.clone().map(Place),
            namespaces: parts.namespaces(true),
            network,
            mounts: FilesystemView::default().mounts(room, false),
            fence: parts.fence.then(|| Fence::around(&FilesystemView::default(), room)),
            only_port: None,
            seal: parts.seal,
            no_abstract_sockets: false,
            filter: parts.filter,
            limits: Limits { processes: Some(FEW), ..Limits::default() },
            folder: Place("/".into()),
        };
        let spec = ChildSpec {
            program: "/proc/self/exe".into(),
            arguments: vec![NOTHING.into()],
            folder: PathBuf::from("/"),
            environment: BTreeMap::new(),
            timeout: Some(std::time::Duration::from_secs(60)),
            marker: format!("sandbox-{}", std::process::id()),
            confinement: Some(confinement),
            activity: TrialActivity::default(),
        };
        match run(&spec, &CancelToken::new()) {
            Ok(outcome) => match outcome.ending {
                Termination::Exited { code: 0 } => Ok(true),
                Termination::Exited { code } if code == i32::from(UNLIMITED) => Ok(false),
                ending => Err(format!("a trial of it ended with {ending:?}")),
            },
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Processes and threads that the probe may have.
const FEW: u64 = 4;
/// Its exit status when it had more.
const UNLIMITED: u8 = 3;

/// What the probe does: have more threads than it may.
pub(super) fn probe() -> ExitCode {
    let mut threads = Vec::new();
    for _ in 0..FEW {
        // With the first thread it would be one too many.
        let (keep, kept) = std::sync::mpsc::channel::<()>();
        match std::thread::Builder::new().spawn(move || kept.recv()) {
            Ok(_thread) => threads.push(keep),
            Err(_) => return ExitCode::SUCCESS,
        }
    }
    ExitCode::from(UNLIMITED)
}

/// What a system that forbids namespaces has to be told.
fn remedy() -> Option<String> {
    let setting = |name: &str| fs::read_to_string(Path::new("/proc/sys").join(name)).unwrap_or_default();
    let is = |name: &str, value: &str| setting(name).trim() == value;
    let sysctl = |setting: &str| Some(format!("sudo sysctl -w {setting}"));
    if is("kernel/apparmor_restrict_unprivileged_userns", "1") {
        return sysctl("kernel.apparmor_restrict_unprivileged_userns=0");
    }
    if is("kernel/unprivileged_userns_clone", "0") {
        return sysctl("kernel.unprivileged_userns_clone=1");
    }
    if is("user/max_user_namespaces", "0") {
        return sysctl("user.max_user_namespaces=15000");
    }
    let is_container = ["/.dockerenv", "/run/.containerenv"].iter().any(|file| Path::new(file).exists());
    is_container.then(|| {
        "docker run --security-opt seccomp=unconfined --security-opt systempaths=unconfined …".to_owned()
    })
}

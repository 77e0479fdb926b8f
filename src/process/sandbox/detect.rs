//! Which parts of a sandbox the system offers: each is tried once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Confinement, Fence, Limits, NOTHING, Namespaces, Network, Place, Room, View};
use crate::model::{CancelToken, Ending};
use crate::process::{ChildSpec, run};

/// The parts that are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// User namespaces, which the others rest on.
    pub user: bool,
    /// The file system read only, with the user's things hidden.
    pub mount: bool,
    /// Processes that see only each other, and end together.
    pub process: bool,
    /// A network of its own.
    pub network: bool,
    /// A fence around files, in the place of `mount`.
    pub fence: bool,
    /// What is not there.
    pub missing: Vec<Missing>,
}

/// A part that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What it would be.
    pub part: &'static str,
    /// Why it is not.
    pub why: String,
    /// What would bring it.
    pub remedy: Option<String>,
}

impl Parts {
    /// Try what the system offers, with commands that `launcher` starts and that do nothing. `scratch` is a folder to
    /// write in.
    #[must_use]
    pub fn detect(launcher: &Path, scratch: &Path) -> Self {
        let tried = |namespaces, fence| try_out(launcher, scratch, namespaces, fence);
        let all = Namespaces { user: true, mount: true, process: true, network: true };
        if tried(all, false).is_ok() {
            return Self::of(all, false, Vec::new());
        }
        let user = Namespaces { user: true, ..Namespaces::default() };
        let mut working = user;
        let mut missing = Vec::new();
        if let Err(why) = tried(user, false) {
            missing.push(Missing {
                part: "user namespaces, and with them all other parts",
                why,
                remedy: remedy(),
            });
            working = Namespaces::default();
        } else {
            let parts: [(&'static str, Namespaces); 3] = [
                ("a network of its own", Namespaces { network: true, ..user }),
                ("a view of the file system of its own", Namespaces { mount: true, ..user }),
                ("a process namespace", Namespaces { process: true, ..user }),
            ];
            // One after the other, each beside those that work.
            for (part, with) in parts {
                match tried(working.and(with), false) {
                    Ok(()) => working = working.and(with),
                    Err(why) => missing.push(Missing { part, why, remedy: remedy() }),
                }
            }
            // By itself it is of no use.
            if working == user {
                working = Namespaces::default();
            }
        }
        let fence = !working.mount && tried(working, true).is_ok();
        Self::of(working, fence, missing)
    }

    const fn of(namespaces: Namespaces, fence: bool, missing: Vec<Missing>) -> Self {
        let Namespaces { user, mount, process, network } = namespaces;
        Self { user, mount, process, network, fence, missing }
    }

    /// Whether these parts can be had, and otherwise why not.
    ///
    /// # Errors
    /// When a command in them cannot be started.
    pub fn try_out(&self, launcher: &Path, scratch: &Path) -> Result<(), String> {
        let Self { user, mount, process, network, fence, .. } = *self;
        try_out(launcher, scratch, Namespaces { user, mount, process, network }, fence)
    }

    /// Whether there is any of it.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.user || self.fence
    }
}

/// Start a command that does nothing in these namespaces.
fn try_out(launcher: &Path, scratch: &Path, namespaces: Namespaces, fence: bool) -> Result<(), String> {
    let room = Room { slot: scratch, home: scratch, tmp: scratch };
    let confinement = Confinement {
        launcher: launcher.to_owned(),
        namespaces,
        network: Network::Loopback,
        mounts: View::default().mounts(room, false),
        fence: fence.then(|| Fence::around(&View::default(), room)),
        limits: Limits::default(),
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
    };
    match run(&spec, &CancelToken::new()) {
        Ok(outcome) if outcome.ending == (Ending::Exited { code: 0 }) => Ok(()),
        Ok(outcome) => Err(format!("a trial of it ended with {:?}", outcome.ending)),
        Err(error) => Err(error.to_string()),
    }
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

//! The sandbox: what keeps a command from the user's things, from other commands, and from the network.
//!
//! On Linux it is made of namespaces: this program starts itself once more as a *launcher* ([`launch()`]), which
//! makes them and starts the command inside. Where only bubblewrap may make them, the launcher becomes bubblewrap; it comes
//! second, as it takes a program more to start. Each part is looked for by itself ([`SandboxCapabilities::detect`]) and left out
//! where the system does not offer it.
//!
//! | file | what it does |
//! |---|---|
//! | `detect` | which parts the system offers, and what would mend the others |
//! | `bubblewrap` | namespaces by way of bubblewrap |
//! | `filter` | which system calls are refused |
//! | `landlock` | in the place of `mounts`, where there is only Landlock |
//! | `filesystem_view` | what of the file system a command sees, as a list of steps |
//! | `mounts` | carries out the steps |
//! | `sockets` | sockets in the file system: out of reach |
//! | `network` | brings up a private loopback |
//! | `limits` | capabilities and limits |
//! | `launcher` | the launcher: namespaces, then the command or its init |
//! | `init` | the first process of a process namespace |
//! | `protocol` | messages between pybisect and the launcher |
//! | `launcher_client` | pybisect's end of it |
//! | `env_filter` | which variables a command gets |
//! | `handover` | what is handed to the first process inside |

mod bubblewrap;
mod detect;
mod env_filter;
mod filesystem_view;
mod filter;
mod handover;
mod init;
mod landlock;
mod launcher;
mod launcher_client;
mod limits;
mod mounts;
mod network;
mod protocol;
mod sockets;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use detect::{MissingCapability, PROCESS_LIMIT, SandboxBackend, SandboxCapabilities};
pub use env_filter::{Variables, filter_environment};
pub use filesystem_view::{FilesystemView, OwnFolder, SlotDirs};
pub use launcher::launch;
pub(super) use launcher_client::{Confined, LaunchResult};
pub use limits::Limits;
#[cfg(feature = "internals")]
pub use protocol::messages_in;

use landlock::{Fence, Leaves};
use mounts::{Mount, Place};

/// The first argument that makes this program an init.
const INIT: &str = "__sandbox-init";
/// The first argument that makes this program try out where it is, and do nothing.
const NOTHING: &str = "__sandbox-nothing";

/// Which network a command has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// The machine's own
    Host,
    /// None at all
    None,
    /// A loopback of its own, so that servers on the same port run side by side
    #[default]
    Loopback,
    /// The same, with a socket on this port that pybisect listens on: all that is reached goes through that. Where no
    /// network of its own is to be had, no other port can be connected to, as far as the kernel has a say in that.
    Proxy(u16),
}

/// Namespaces to enter. The others need `user`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Namespaces {
    user: bool,
    mount: bool,
    process: bool,
    network: bool,
}

/// How commands of a session are confined.
#[derive(Debug, Clone)]
pub struct Sandbox {
    launcher: PathBuf,
    parts: SandboxCapabilities,
    network: Network,
    limits: Limits,
    view: FilesystemView,
    no_abstract_sockets: bool,
}

impl Sandbox {
    /// Commands see this, have this network and these limits, as far as the system offers it.
    #[must_use]
    pub const fn new(
        launcher: PathBuf,
        parts: SandboxCapabilities,
        network: Network,
        limits: Limits,
        view: FilesystemView,
    ) -> Self {
        Self { launcher, parts, network, limits, view, no_abstract_sockets: false }
    }

    /// The program that launches commands: this one, wherever its file is by now.
    #[must_use]
    pub fn own_launcher() -> PathBuf {
        PathBuf::from("/proc/self/exe")
    }

    /// Whether commands can write nothing that is not their own.
    #[must_use]
    pub const fn keeps_files(&self) -> bool {
        self.parts.mount || self.parts.fence
    }

    /// Whether what is hidden can be seen by nobody, wherever it lies: a fence leaves folders that all share.
    #[must_use]
    pub const fn hides_all(&self) -> bool {
        self.parts.mount
    }

    /// Whether commands can have a network of their own.
    #[must_use]
    pub const fn has_network(&self) -> bool {
        self.parts.network
    }

    /// Whether the ports that commands connect to by TCP can be held, where their network is the machine's.
    #[must_use]
    pub fn has_ports(&self) -> bool {
        (self.parts.fence || self.parts.mount) && landlock::has_ports()
    }

    /// This sandbox with another network.
    #[must_use]
    pub const fn with_network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// This sandbox without limits.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        self.limits = Limits::default();
        self
    }

    /// This sandbox without the sockets of services, though with the machine's network: neither those in `/run` nor abstract
    /// ones, as far as the kernel has a say in these.
    #[must_use]
    pub fn without_services(mut self) -> Self {
        self.view.hidden.push("/run".into());
        self.no_abstract_sockets = true;
        self
    }

    /// Let further paths be read, or written.
    #[must_use]
    pub fn allow_paths(mut self, visible: &[PathBuf], writable: &[PathBuf]) -> Self {
        self.view.visible.extend_from_slice(visible);
        self.view.writable.extend_from_slice(writable);
        self
    }

    /// The confinement of one command that runs in `folder`, with further paths that it may read or write.
    #[must_use]
    pub fn confine(
        &self,
        room: SlotDirs<'_>,
        folder: &Path,
        visible: &[PathBuf],
        writable: &[PathBuf],
    ) -> Confinement {
        let view = self.clone().allow_paths(visible, writable).view;
        let is_private = self.network != Network::Host;
        let namespaces = self.parts.namespaces(is_private);
        Confinement {
            launcher: self.launcher.clone(),
            bubblewrap: self.parts.bubblewrap.clone().map(Place),
            namespaces,
            network: self.network,
            mounts: if namespaces.mount { view.mounts(room, !namespaces.network) } else { Vec::new() },
            fence: self.parts.fence.then(|| Fence::around(&view, room)),
            only_port: match self.network {
                Network::Proxy(port) if !namespaces.network && self.keeps_files() => Some(port),
                _ => None,
            },
            seal: self.parts.seal && (is_private || self.no_abstract_sockets),
            no_abstract_sockets: self.no_abstract_sockets,
            filter: self.parts.filter,
            limits: self.limits,
            folder: Place(folder.to_owned()),
        }
    }
}

impl Confinement {
    /// The port of the proxy, where it is in the command's own network.
    fn listens(&self) -> Option<u16> {
        match self.network {
            Network::Proxy(port) if self.namespaces.network => Some(port),
            _ => None,
        }
    }

    /// What of the machine's network is out of reach. A fence has that outside already; and a second one in it would forbid
    /// to move files between folders.
    const fn leaves(&self) -> Leaves {
        if self.fence.is_some() {
            return Leaves { abstract_sockets: false, other_ports_than: None };
        }
        Leaves { abstract_sockets: self.no_abstract_sockets, other_ports_than: self.only_port }
    }
}

/// How one command is confined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    #[serde(skip)]
    launcher: PathBuf,
    /// The program, where it makes the namespaces.
    bubblewrap: Option<Place>,
    namespaces: Namespaces,
    network: Network,
    mounts: Vec<Mount>,
    fence: Option<Fence>,
    /// The one port that can be connected to, where the network is the machine's.
    only_port: Option<u16>,
    /// Whether sockets in the file system are out of reach: where the network is the machine's, those of its services
    /// are wanted too.
    seal: bool,
    /// Whether abstract sockets are out of reach where the network is the machine's.
    no_abstract_sockets: bool,
    /// Whether system calls are refused, and the user's keys left behind.
    filter: bool,
    limits: Limits,
    folder: Place,
}

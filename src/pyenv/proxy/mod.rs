//! The way from a build to package registries, and to nothing else.
//!
//! Packages are built by code of their own, which has no network but a loopback with one socket on it: this proxy, as
//! programs know it from `HTTPS_PROXY`. It connects to hosts that are [admitted](Admission), by way of the proxy that the
//! user has where there is one.
//!
//! | file | what it does |
//! |---|---|
//! | `addresses` | the hosts and ports that a text names |
//! | `admission` | which of them are connected to |
//! | `request` | what is asked of it: the head of a request |
//! | `upstream` | the user's own proxies |
//! | `relay` | one connection |
//! | `shared` | what all connections of a proxy share |

mod addresses;
mod admission;
mod relay;
mod request;
mod shared;
mod upstream;

use self::shared::Shared;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rustix::net::{Shutdown, shutdown};

pub(super) use addresses::{Address, address, addresses_in, without_keys_for_others};
pub(super) use admission::Admission;
use upstream::Upstreams;

/// Where it listens in a network that is the command's own.
const PORT: u16 = 3128;
/// Connections at the same time; uv makes fifty.
const MOST_CONNECTIONS: usize = 200;
/// Variables that tell programs of it, in the writings that they know.
const VARIABLES: [&str; 7] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "PIP_PROXY"];
/// Variables that would have them pass it by.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy of a session.
#[derive(Debug)]
pub(super) struct Proxy {
    /// A word that programs of other users of this machine do not know.
    word: String,
    shared: Arc<Shared>,
}

/// As long as it lives, a command is served.
#[derive(Debug, Default)]
pub(super) struct Service {
    socket: Mutex<Option<OwnedFd>>,
    accepting: Mutex<Option<JoinHandle<()>>>,
    refused: Arc<Mutex<BTreeSet<String>>>,
}

impl Proxy {
    /// One that goes by what the user's variables and settings (of pip, by name) say of proxies.
    ///
    /// # Errors
    /// When they ask for a kind of proxy that is not known here.
    pub(super) fn new(
        admission: Admission,
        variables: &BTreeMap<OsString, OsString>,
        of_pip: Option<&str>,
    ) -> io::Result<Self> {
        let upstreams = Upstreams::read(variables, of_pip)?;
        let mut random = [0_u8; 16];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let word: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let authorization = request::basic("pybisect", &word);
        let shared = Shared { admission, upstreams, authorization, open: AtomicUsize::new(0) };
        Ok(Self { word, shared: Arc::new(shared) })
    }

    /// Which hosts are connected to.
    pub(super) fn admission(&self) -> &Admission {
        &self.shared.admission
    }

    /// The port for a command, and what serves it: where the command has a network of its own, nothing yet.
    ///
    /// # Errors
    /// When no port is to be had.
    pub(super) fn port(&self, has_own_network: bool, learns: bool) -> io::Result<(u16, Service)> {
        let service = Service::default();
        if has_own_network {
            return Ok((PORT, service));
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        self.serve(listener, learns, &service);
        Ok((port, service))
    }

    /// Serve those who connect to a socket. `learns`: no code of packages runs there, so that the hosts it asks for are those
    /// that packages come from.
    pub(super) fn serve(&self, listener: TcpListener, learns: bool, service: &Service) {
        let Ok(socket) = listener.try_clone() else { return };
        let (shared, refused) = (Arc::clone(&self.shared), Arc::clone(&service.refused));
        let accepting = std::thread::spawn(move || {
            // It ends when the socket is shut down.
            while let Ok((client, _)) = listener.accept() {
                if shared.open.fetch_add(1, Ordering::Relaxed) >= MOST_CONNECTIONS {
                    shared.open.fetch_sub(1, Ordering::Relaxed);
                    continue;
                }
                let (shared, refused) = (Arc::clone(&shared), Arc::clone(&refused));
                std::thread::spawn(move || {
                    if let Err(relay::Refused(place)) = relay::serve(client, &shared, learns) {
                        refused.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
                    }
                    shared.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        *service.socket.lock().unwrap_or_else(PoisonError::into_inner) = Some(socket.into());
        *service.accepting.lock().unwrap_or_else(PoisonError::into_inner) = Some(accepting);
    }

    /// Tell a program of it, by its variables.
    pub(super) fn tell(&self, port: u16, variables: &mut BTreeMap<OsString, OsString>) {
        variables.retain(|name, _| !EXCEPTIONS.iter().any(|exception| name == OsStr::new(exception)));
        let address = format!("http://pybisect:{}@127.0.0.1:{port}", self.word);
        for name in VARIABLES {
            variables.insert(name.into(), address.clone().into());
        }
    }
}

impl Service {
    /// What was asked for and not connected to.
    pub(super) fn refused(&self) -> Vec<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            // Who waits for a connection is told that none will come.
            let _down = shutdown(&socket, Shutdown::Both);
        }
        if let Some(accepting) = self.accepting.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            drop(accepting.join());
        }
    }
}

#[cfg(test)]
mod tests;

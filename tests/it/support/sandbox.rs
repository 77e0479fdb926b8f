//! The sandbox as tests start it, where the system offers it.

use std::path::PathBuf;

use pybisect::process::sandbox::{
    FilesystemView, Limits, Network, PROCESS_LIMIT, Sandbox, SandboxBackend, SandboxCapabilities,
};

/// The program that launches confined commands.
pub(crate) fn launcher() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("pybisect").to_owned()
}

/// All parts but for the limit of processes, made in one way, or `None` with the reason printed.
#[expect(clippy::print_stdout, reason = "a test that passes by says why")]
fn made_of(way: SandboxBackend) -> Option<SandboxCapabilities> {
    let scratch = tempfile::tempdir().unwrap();
    let parts = SandboxCapabilities::detect(&launcher(), scratch.path(), Some(way), &|_| false);
    if parts.missing.iter().all(|missing| missing.part == PROCESS_LIMIT) {
        assert_eq!(parts.way, way);
        return Some(parts);
    }
    println!("not tested with {way:?}: this system does not offer all parts of it: {:?}", parts.missing);
    None
}

/// All parts, made in whatever way, or `None` with the reason printed.
#[expect(clippy::print_stdout, reason = "a test that passes by says why")]
pub(crate) fn parts() -> Option<SandboxCapabilities> {
    let scratch = tempfile::tempdir().unwrap();
    let parts = SandboxCapabilities::detect(&launcher(), scratch.path(), None, &|_| false);
    if parts.missing.is_empty() {
        return Some(parts);
    }
    println!("not tested: this system does not offer all parts of the sandbox: {:?}", parts.missing);
    None
}

/// Only a fence around files, or `None` with the reason printed.
#[expect(clippy::print_stdout, reason = "a test that passes by says why")]
pub(crate) fn fence_only(view: FilesystemView) -> Option<Sandbox> {
    let parts = SandboxCapabilities { fence: true, filter: true, ..SandboxCapabilities::default() };
    let scratch = tempfile::tempdir().unwrap();
    match parts.try_out(&launcher(), scratch.path(), Network::Loopback) {
        Ok(()) => Some(Sandbox::new(launcher(), parts, Network::Loopback, Limits::default(), view)),
        Err(why) => {
            println!("not tested: there is no Landlock here: {why}");
            None
        }
    }
}

/// Sandboxes of all kinds with nothing hidden, by name, the least of which has only a filter of system calls.
pub(crate) fn sandboxes_of_all_kinds() -> Vec<(&'static str, Sandbox)> {
    let new = |parts| {
        Sandbox::new(launcher(), parts, Network::Loopback, Limits::default(), FilesystemView::default())
    };
    let full = ways().into_iter().map(|(name, parts)| (name, new(parts)));
    let fence = fence_only(FilesystemView::default()).map(|fence| ("landlock", fence));
    let filter = SandboxCapabilities { filter: true, ..SandboxCapabilities::default() };
    full.chain(fence).chain([("process-groups", new(filter))]).collect()
}

/// Sandboxes with this view: one of namespaces that the launcher makes, one of those that bubblewrap makes, as far as
/// they are to be had.
pub(crate) fn sandboxes(network: Network, limits: Limits, view: &FilesystemView) -> Vec<Sandbox> {
    let parts = ways().into_iter().map(|(_, parts)| parts);
    parts.map(|parts| Sandbox::new(launcher(), parts, network, limits, view.clone())).collect()
}

/// The ways in which all parts are to be had, by name.
pub(crate) fn ways() -> Vec<(&'static str, SandboxCapabilities)> {
    let both = [("namespaces", SandboxBackend::Namespaces), ("bubblewrap", SandboxBackend::Bubblewrap)];
    both.into_iter().filter_map(|(name, way)| Some((name, made_of(way)?))).collect()
}

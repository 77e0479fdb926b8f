//! The sandbox as tests start it, where the system offers it.

use std::path::PathBuf;

use pybisect::process::sandbox::{Limits, Network, Parts, Sandbox, View};

/// The program that launches confined commands.
pub(crate) fn launcher() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("pybisect").to_owned()
}

/// All parts, or `None` with the reason printed.
#[expect(clippy::print_stdout, reason = "a test that passes by says why")]
pub(crate) fn parts() -> Option<Parts> {
    let scratch = tempfile::tempdir().unwrap();
    let parts = Parts::detect(&launcher(), scratch.path());
    if parts.missing.is_empty() {
        return Some(parts);
    }
    println!("not tested: this system does not offer all parts of the sandbox: {:?}", parts.missing);
    None
}

/// Only a fence around files, or `None` with the reason printed.
#[expect(clippy::print_stdout, reason = "a test that passes by says why")]
pub(crate) fn fence_only(view: View) -> Option<Sandbox> {
    let parts = Parts { fence: true, ..Parts::default() };
    let scratch = tempfile::tempdir().unwrap();
    match parts.try_out(&launcher(), scratch.path()) {
        Ok(()) => Some(Sandbox::new(launcher(), parts, Network::Loopback, Limits::default(), view)),
        Err(why) => {
            println!("not tested: there is no Landlock here: {why}");
            None
        }
    }
}

/// A sandbox with this view.
pub(crate) fn sandbox(network: Network, limits: Limits, view: View) -> Option<Sandbox> {
    Some(Sandbox::new(launcher(), parts()?, network, limits, view))
}

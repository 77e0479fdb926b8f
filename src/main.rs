//! The command `pybisect`.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    pybisect::process::keep_descriptors();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // Trials are started by this program itself, from inside their sandbox.
    if let Some(ended) = pybisect::process::sandbox::launch(&arguments) {
        return ended;
    }
    pybisect::cli::run(arguments).into()
}

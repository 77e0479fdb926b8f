//! The command `pybisect`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pybisect::cli::run(std::env::args_os()).into()
}

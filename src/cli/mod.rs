//! The door: arguments, configuration, errors with hints, exit codes.
//!
//! One file a subcommand in [`commands`]; each parses its own arguments and returns an [`ExitStatus`].

mod args;
mod commands;
mod error;
mod exit;
mod format;
mod print;
mod terminal;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::process;

pub use args::Cli;
pub use error::Error;
pub use exit::ExitStatus;
pub(crate) use format::Format;

/// Start the program with these arguments, the first of which is its name: as what the user knows, or as the launcher of a
/// trial, which it starts from inside the trial's sandbox.
#[must_use]
pub fn start(arguments: Vec<OsString>) -> ExitCode {
    process::keep_descriptors();
    if let Some(ended) = process::sandbox::launch(&arguments) {
        return ended;
    }
    run(arguments).into()
}

/// Run the program with these arguments, the first of which is its name.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitStatus {
    let args: Vec<OsString> = args.into_iter().collect();
    if asks_for_long_version(&args) {
        return commands::print_version();
    }
    let mut command = Cli::command();
    if is_of_git(&args) {
        command = command.bin_name("git pybisect");
    }
    let parsed = command.try_get_matches_from(&args).and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let exit = match args.get(1) {
                _ if !error.use_stderr() => ExitStatus::Success,
                // Anything less would be taken for a bad commit.
                Some(word) if word == "judge" => ExitStatus::StopBisect,
                _ => ExitStatus::Usage,
            };
            match error::where_the_command_goes(&error) {
                Some(told) => error::print(&told),
                // Nowhere to say that nobody can read it.
                None => drop(error.print()),
            }
            return exit;
        }
    };
    match commands::run(cli) {
        Ok(exit) => exit,
        Err(error) => {
            error::print(&error);
            error::exit_status(&error)
        }
    }
}

/// `git pybisect` starts a program of this name.
fn is_of_git(args: &[OsString]) -> bool {
    let name = args.first().and_then(|program| Path::new(program).file_stem());
    name.is_some_and(|name| name == "git-pybisect")
}

/// `--version --verbose`, in either order, or `-vV`.
fn asks_for_long_version(args: &[OsString]) -> bool {
    let words: Vec<_> = args.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(|word| &**word).collect();
    match words.as_slice() {
        ["-vV" | "-Vv"] => true,
        [one, other] => {
            let is = |word: &str, names: [&str; 2]| names.contains(&word);
            let (version, verbose) = (["--version", "-V"], ["--verbose", "-v"]);
            is(one, version) && is(other, verbose) || is(one, verbose) && is(other, version)
        }
        _ => false,
    }
}

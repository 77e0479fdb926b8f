//! The door: arguments, configuration, errors with hints, exit codes.
//!
//! One file a subcommand in [`commands`]; each parses its own arguments and returns an [`Exit`].

mod args;
mod commands;
mod config;
mod error;
mod exit;
mod folders;
mod format;
mod terminal;

use std::ffi::OsString;

use clap::Parser;

pub use args::Cli;
pub use error::{CliError, ErrorKind};
pub use exit::Exit;
pub(crate) use format::Format;

/// Run the program with these arguments, the first of which is its name.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Found };
            // Nowhere to say that nobody can read it.
            drop(error.print());
            if error.kind() == clap::error::ErrorKind::UnknownArgument {
                error::say_where_the_command_goes();
            }
            return exit;
        }
    };
    match commands::run(cli) {
        Ok(exit) => exit,
        Err(error) => {
            error.print();
            error.exit()
        }
    }
}

//! `pybisect self`: about the program itself.

use std::path::{Path, PathBuf};

use super::doctor;
use crate::cli::{Error, ExitStatus};

/// About pybisect itself: what this machine has for it, its manual pages
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Check that this machine has what pybisect uses, and how to install the rest
    Doctor(doctor::Args),
    /// Write the manual pages, one for each command, into a folder
    Man {
        /// The folder, such as ~/.local/share/man/man1
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Run it; `program` is what the manual is of.
pub(crate) fn run(args: &Args, program: clap::Command) -> Result<ExitStatus, Error> {
    match &args.what {
        What::Doctor(args) => doctor::run(args),
        What::Man { folder } => man(program, folder),
    }
}

fn man(program: clap::Command, folder: &Path) -> Result<ExitStatus, Error> {
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(program, folder));
    written.map_err(|error| {
        Error::usage(format!("failed to write manual pages into {}: {error}", folder.display()))
    })?;
    // `git pybisect --help` asks for this one.
    let alias = folder.join("git-pybisect.1");
    std::fs::write(&alias, ".so man1/pybisect.1\n").map_err(Error::internal)?;
    Ok(ExitStatus::Success)
}

/// What `--version --verbose` tells.
pub(in crate::cli) fn version() -> String {
    let (major, minor, revision) = git2::Version::get().libgit2_version();
    format!(
        "pybisect {}\nsystem: {} {}\nlibgit2: {major}.{minor}.{revision}\nsqlite: {}\nlicence: {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS,
        rusqlite::version(),
        env!("CARGO_PKG_LICENSE"),
    )
}

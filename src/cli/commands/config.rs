//! `pybisect config`: what the configuration says here.

use std::path::PathBuf;

use crate::cli::{Error, ExitStatus, print};
use crate::git::Repository;
use crate::report::one_line;
use crate::setup::config;
use crate::setup::{Location, named_or_current};

/// Show what is configured here, and in which file
///
/// Options of the command line come before all of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let place = named_or_current(args.repo.as_deref())?;
    let repository = Repository::open(&place)?;
    let standing = Location::new(&repository, &place);
    let settings = config::in_force(&standing.config(&repository, None))?;
    let mut text = String::new();
    for setting in &settings {
        let ignored = setting.ignored.map(|why| format!(", ignored: {why}")).unwrap_or_default();
        let (key, value) = (one_line(&setting.key), one_line(&setting.value));
        text.extend([&*key, " = ", &*value, "  # ", &*one_line(&setting.file), &ignored, "\n"]);
    }
    if settings.is_empty() {
        text.push_str(
            "nothing is configured here\n  pybisect.toml, or [tool.pybisect] in pyproject.toml, here or above\n  \
             ~/.config/pybisect/config.toml, your own\n",
        );
    }
    print::print_text(text.as_bytes())
}

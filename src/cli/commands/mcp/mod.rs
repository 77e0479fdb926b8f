//! `pybisect mcp`: the commands as tools of the Model Context Protocol, for agents.
//!
//! | file | what it does |
//! |---|---|
//! | `tools` | each tool: its parameters, and the command line that a call of it is |
//! | `child` | that command line as a process: its progress, its end |
//! | `server` | the protocol |

#[cfg(feature = "mcp")]
mod child;
#[cfg(feature = "mcp")]
mod server;
#[cfg(feature = "mcp")]
mod tools;

use std::path::PathBuf;

use crate::cli::{Error, ExitStatus};

/// Serve find, suspects, calls, check, logs, fix and report to agents (Model Context Protocol, stdio)
///
/// Commands of an agent run as in find: on private work trees, isolated, and your repository stays as it is. No tool
/// loosens the isolation.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Let the tool fix commit on new branches; without it, the repository is only read
    #[arg(long)]
    allow_branches: bool,
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
}

/// Run it until the client goes.
#[cfg(feature = "mcp")]
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let place = crate::setup::named_or_current(args.repo.as_deref())?;
    crate::git::Repository::open(&place)?;
    server::serve(server::Server { folder: place, allows_branches: args.allow_branches })
        .map_err(Error::internal)?;
    Ok(ExitStatus::Success)
}

/// This one was built without it.
#[cfg(not(feature = "mcp"))]
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let Args { allow_branches: _, repo: _ } = args;
    Err(Error::usage("this pybisect was built without the Model Context Protocol")
        .hinted("install the wheel, or: cargo install --locked --features mcp --path ."))
}

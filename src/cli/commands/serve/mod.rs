//! `pybisect serve`.
//!
//! | file | what it does |
//! |---|---|
//! | `settings` | what is configured, as the server takes it |
//! | `shown` | pages |

#[cfg(feature = "serve")]
mod settings;
#[cfg(feature = "serve")]
mod shown;

use std::path::PathBuf;

use crate::cli::{CliError, ExitStatus};

/// Wait for alarms over HTTP, and respond to them; a live page for people
///
/// Alarms of Alertmanager, Datadog, Sentry, PagerDuty, Grafana, GitHub, or of anything that can send JSON come in under
/// /hooks, each shown to be from whom it says. They are stored, answered, and then responded to as `pybisect respond` does,
/// one response at a time. People watch it on a page, and give leave to what waits for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect serve --check
  pybisect serve --listen 127.0.0.1:8710

Exit status: 0 stopped, 2 usage or configuration, 1 the address cannot be listened at")]
pub(crate) struct Args {
    /// Address and port to listen at [default: 127.0.0.1:8710]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Look at the configuration, send a test alarm to each door, show what a response would do, and do nothing
    #[arg(long)]
    check: bool,
    /// Repository [default: the one you stand in]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
}

/// Serve until it is stopped.
#[cfg(feature = "serve")]
pub(crate) fn run(args: &Args) -> Result<ExitStatus, CliError> {
    use crate::model::CancelToken;
    use crate::session::SignalListener;

    let settings::Ready { parts, address, token_file, warnings } = settings::ready(args)?;
    warnings.iter().for_each(|warning| super::find::warn(warning));
    if args.check {
        return check(args, parts);
    }
    let cancel = CancelToken::new();
    let _listener = SignalListener::new(&cancel).map_err(CliError::internal)?;
    let scheme = if parts.tls.is_some() { "https" } else { "http" };
    let ready = |address: std::net::SocketAddr| {
        super::say(&format!("listening at {scheme}://{address}/"));
        if let Some(file) = &token_file {
            super::say(&format!("the token for its page is in {}", file.display()));
        }
    };
    crate::serve::serve(parts, address, &cancel, &ready)
        .map_err(|error| CliError::internal(error).hinted("another place: --listen 127.0.0.1:PORT"))?;
    Ok(ExitStatus::Success)
}

/// The server asks itself, and a response is shown that is not carried out.
#[cfg(feature = "serve")]
fn check(args: &Args, parts: crate::serve::Parts) -> Result<ExitStatus, CliError> {
    let responses = parts.responses.clone();
    let asked = crate::serve::ask_itself(parts).map_err(CliError::internal)?;
    for one in &asked {
        let word = if one.is_right { "ok   " } else { "WRONG" };
        super::say(&format!("{word} {}: answered {}", one.what, one.status));
    }
    let mut command = responses.command();
    if let Some(repo) = &args.repo {
        command.current_dir(std::path::absolute(repo).unwrap_or_else(|_| repo.clone()));
    }
    let status = command
        .args(["--dry-run", "--alarm", "a test of pybisect serve"])
        .stdin(std::process::Stdio::null())
        .status()
        .map_err(CliError::internal)?;
    let is_right = asked.iter().all(|one| one.is_right) && status.success();
    Ok(if is_right { ExitStatus::Success } else { ExitStatus::Usage })
}

/// This one was built without it.
#[cfg(not(feature = "serve"))]
pub(crate) fn run(args: &Args) -> Result<ExitStatus, CliError> {
    let Args { listen: _, check: _, repo: _ } = args;
    Err(CliError::usage("this pybisect was built without the server")
        .hinted("install the wheel, or: cargo install --locked --features serve --path ."))
}

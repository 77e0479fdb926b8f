//! `pybisect serve`.
//!
//! | file | what it does |
//! |---|---|
//! | `settings` | what is configured, as the server takes it |
//! | `shown` | pages |

mod args;
#[cfg(feature = "serve")]
mod settings;
#[cfg(feature = "serve")]
mod shown;

pub(crate) use self::args::Args;
#[cfg(feature = "serve")]
use crate::cli::print;
use crate::cli::{Error, ExitStatus};

/// Serve until it is stopped.
#[cfg(feature = "serve")]
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    use crate::model::CancelToken;
    use crate::session::SignalListener;

    let settings::Ready { parts, address, token_file, warnings } = settings::ready(args)?;
    warnings.iter().for_each(|warning| print::warn(warning));
    if args.check {
        return check(args, parts);
    }
    let cancel = CancelToken::new();
    let _listener = SignalListener::new(&cancel).map_err(Error::internal)?;
    let scheme = if parts.tls.is_some() { "https" } else { "http" };
    let ready = |address: std::net::SocketAddr| {
        print::say(&format!("listening at {scheme}://{address}/"));
        if let Some(file) = &token_file {
            print::say(&format!("the token for its page is in {}", file.display()));
        }
    };
    crate::serve::serve(parts, address, &cancel, &ready)
        .map_err(|error| Error::internal(error).hinted("another place: --listen 127.0.0.1:PORT"))?;
    Ok(ExitStatus::Success)
}

/// The server asks itself, and a response is shown that is not carried out.
#[cfg(feature = "serve")]
fn check(args: &Args, parts: crate::serve::Parts) -> Result<ExitStatus, Error> {
    let responses = parts.responses.clone();
    // What it refuses of itself is no news.
    let parts = crate::serve::Parts { log: Box::new(|_| ()), ..parts };
    let asked = crate::serve::ask_itself(parts).map_err(Error::internal)?;
    for one in &asked {
        let word = if one.is_right { "ok   " } else { "WRONG" };
        print::say(&format!("{word} {}: answered {}", one.what, one.status));
    }
    let mut command = responses.command();
    if let Some(repo) = &args.repo {
        command.current_dir(std::path::absolute(repo).unwrap_or_else(|_| repo.clone()));
    }
    let status = command
        .args(["--dry-run", "--alarm", "a test of pybisect serve"])
        .stdin(std::process::Stdio::null())
        .status()
        .map_err(Error::internal)?;
    let is_right = asked.iter().all(|one| one.is_right) && status.success();
    Ok(if is_right { ExitStatus::Success } else { ExitStatus::Usage })
}

/// This one was built without it.
#[cfg(not(feature = "serve"))]
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let Args { listen: _, check: _, repo: _ } = args;
    Err(Error::usage("this pybisect was built without the server")
        .hinted("install the wheel, or: cargo install --locked --features serve --path ."))
}

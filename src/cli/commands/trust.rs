//! `pybisect trust`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cli::{Error, ExitStatus, print};
use crate::git::Repository;
use crate::report::one_line;
use crate::setup::config::{self, Found, Trust};
use crate::setup::{Location, named_or_current};

/// Let this repository's configuration set everything, until it changes
///
/// What came with a repository may not run anything outside of the sandbox, nor lessen isolation: such keys are ignored,
/// with a warning. This accepts the configuration as it is now, for you on this machine. Read it first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pybisect trust
  pybisect trust --list
  pybisect trust --revoke

Exit status: 0 done, 2 there is no configuration")]
pub(crate) struct Args {
    /// Repository [default: the current one]
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Stop trusting this repository
    #[arg(long, conflicts_with = "list")]
    revoke: bool,
    /// List what is trusted, here and elsewhere
    #[arg(long)]
    list: bool,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let trust = Trust::of_user()
        .ok_or_else(|| Error::usage("there is no home to keep it in").hinted("set HOME, or XDG_DATA_HOME"))?;
    if args.list {
        return list(&trust);
    }
    let place = named_or_current(args.repo.as_deref())?;
    let repository = Repository::open(&place)?;
    let standing = Location::new(&repository, &place);
    if args.revoke {
        return match trust.remove_all(&repository).map_err(failed)? {
            0 => print::print(b"nothing of this repository was accepted\n"),
            _ => print::print(b"no longer accepted\n"),
        };
    }
    let found = config::of_checkout(&standing.folder, standing.top.as_deref().unwrap_or(&standing.folder))?;
    let found = found.ok_or_else(|| {
        Error::usage("there is no configuration here to accept")
            .hinted("it is pybisect.toml, or [tool.pybisect] in pyproject.toml, here or above")
    })?;
    trust.add(&repository, &found, Timestamp::now().as_second()).map_err(failed)?;
    print::print_text(accepted(&found).as_bytes())
}

fn accepted(found: &Found) -> String {
    let name = one_line(&found.name);
    let keys = config::restricted(found);
    let mut text = format!("accepted, until it changes: {name}\n");
    for (key, value) in &found.table {
        let mark = if keys.contains(key) { "  (not without this)" } else { "" };
        text.extend(["  ", &one_line(key), " = ", &one_line(&value.to_string()), mark, "\n"]);
    }
    text.push_str("to take it back: pybisect trust --revoke\n");
    text
}

fn list(trust: &Trust) -> Result<ExitStatus, Error> {
    let mut text = String::new();
    for entry in trust.entries().map_err(failed)? {
        let state = match Repository::open(&entry.repository) {
            Err(_) => "the repository is gone",
            Ok(repository) => match now(&repository, &entry.file) {
                Some(found) if Trust::is_of(&entry, &repository, &found) => "accepted",
                Some(_) => "changed since: not accepted",
                None => "gone",
            },
        };
        let at = Timestamp::from_second(entry.at).map(|at| at.strftime("%F").to_string()).unwrap_or_default();
        let [repository, file] = [&entry.repository, &entry.file].map(|path| path.display().to_string());
        text.extend([&at, "  ", &one_line(&repository), "  ", &one_line(&file), "  ", state, "\n"]);
    }
    if text.is_empty() {
        text.push_str("nothing is accepted\n");
    }
    print::print_text(text.as_bytes())
}

/// The configuration as it is now in the folder of a file.
fn now(repository: &Repository, file: &Path) -> Option<Found> {
    let top = repository.workdir()?.canonicalize().ok()?;
    let folder = top.join(file.parent()?);
    config::of_checkout(&folder, &top).ok()?.filter(|found| found.inside == *file)
}

fn failed(error: std::io::Error) -> Error {
    Error::usage(format!("what you accept cannot be kept: {error}"))
        .hinted("it lies in pybisect/trust of your folder for data ($XDG_DATA_HOME, ~/.local/share)")
}

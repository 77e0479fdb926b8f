//! What a repository's configuration may lead to, where the user did not accept it.

use std::path::{Path, PathBuf};

use super::config::Config;
use super::error::Error;
use super::location::Location;
use super::request::{Request, Runs};

const ACCEPT: &str = "to let this configuration do so: pybisect trust";

/// The key by which a repository decides what runs, when the user did not.
pub(crate) fn unasked(config: &Config, request: &Request) -> Option<&'static str> {
    if request.runs == Runs::Nothing {
        return None;
    }
    let runs = request.command.is_empty() && request.shell.is_none() && config.is_of_repository("command");
    let prepares = request.setup.is_none() && config.is_of_repository("setup");
    if runs { Some("command") } else { prepares.then_some("setup") }
}

/// A repository's command runs in a sandbox only.
pub(crate) fn not_without_isolation(key: &str, why: &str) -> Error {
    Error::usage(format!("the '{key}' of the repository's configuration is not run {why}"))
        .hinted(ACCEPT)
        .hinted("or give the command here: pybisect find ... -- COMMAND")
}

/// Files that a repository names lie in its work tree, and not among git's own.
pub(crate) fn stay_inside(
    config: &Config,
    request: &Request,
    here: &Path,
    standing: &Location,
) -> Result<(), Error> {
    let mut named: Vec<(&str, PathBuf)> = Vec::new();
    if request.with_file.is_empty() && config.is_of_repository("with-file") {
        for item in config.with_file.iter().flatten() {
            let source = match item.rsplit_once(':') {
                Some((source, _)) if !here.join(item).exists() => source,
                _ => item,
            };
            named.push(("with-file", here.join(source)));
        }
    }
    if request.environment.requirements.is_none() && config.is_of_repository("requirements") {
        named.extend(config.requirements.iter().map(|path| ("requirements", here.join(path))));
    }
    for (key, path) in named {
        // What is not there is told of by whoever reads it.
        let Ok(real) = path.canonicalize() else { continue };
        let inside = standing.top.as_deref().and_then(|top| real.strip_prefix(top).ok());
        if inside.is_none_or(|inside| inside.components().any(|part| part.as_os_str() == ".git")) {
            let name = path.display();
            return Err(Error::usage(format!(
                "'{key}' of the repository's configuration names {name}, which is not in the work tree"
            ))
            .hinted(ACCEPT));
        }
    }
    Ok(())
}

//! `--with-file`: files that are laid over every tree.

use std::path::{Component, Path, PathBuf};

use super::error::Error;
use crate::session::OverlayFile;

/// The files to lay over every tree.
pub(crate) fn overlay(list: &[String], here: &Path, top: Option<&Path>) -> Result<Vec<OverlayFile>, Error> {
    list.iter().map(|item| overlay_file(item, here, top)).collect()
}

fn overlay_file(item: &str, here: &Path, top: Option<&Path>) -> Result<OverlayFile, Error> {
    // A name with a colon in it is meant as it is, if there is such a file.
    let (source, destination) = match item.rsplit_once(':') {
        Some((source, destination)) if !here.join(item).exists() => (source, Some(destination)),
        _ => (item, None),
    };
    let file = here.join(source);
    let content = std::fs::read(&file).map_err(|error| {
        Error::usage(format!("failed to read {} for --with-file: {error}", file.display()))
            .hinted("--with-file SRC[:DEST]: SRC is a file here, DEST its place in the tree")
    })?;
    let path = match destination {
        Some(destination) => PathBuf::from(destination),
        None => place_in_tree(&file, top)?,
    };
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside || path.as_os_str().is_empty() {
        return Err(Error::usage(format!("'{}' is not a path inside the tree", path.display()))
            .hinted("--with-file SRC:DEST, with DEST relative to the top of the repository"));
    }
    let path: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    let executable = {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(&file).is_ok_and(|facts| facts.permissions().mode() & 0o111 != 0)
    };
    let path = path.to_str().ok_or_else(|| Error::usage("the place of a --with-file has to be UTF-8"))?;
    Ok(OverlayFile { path: path.to_owned(), content, executable })
}

/// Without a destination, a file of the work tree goes where it lies there, another to the top.
fn place_in_tree(file: &Path, top: Option<&Path>) -> Result<PathBuf, Error> {
    let real = file.canonicalize().map_err(Error::internal)?;
    match top.and_then(|top| real.strip_prefix(top).ok()) {
        Some(inside) => Ok(inside.to_owned()),
        None => Ok(real.file_name().map(PathBuf::from).unwrap_or_default()),
    }
}

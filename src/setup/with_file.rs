//! `--with-file`: what is laid over every tree, and what goes into the home of trials.

use std::path::{Component, Path};

use super::error::Error;
use crate::model::trial::HomeFile;

/// The files that go into the home of every trial (`SRC:~/DEST`), and the other ones of the list.
pub(crate) fn home_files(list: &[String], here: &Path) -> Result<(Vec<HomeFile>, Vec<String>), Error> {
    let (mut in_home, mut others) = (Vec::new(), Vec::new());
    for item in list {
        let Some((source, path)) = item.rsplit_once(":~/") else {
            others.push(item.clone());
            continue;
        };
        if !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) || path.is_empty() {
            return Err(Error::usage(format!("'~/{path}' is not a path inside the home"))
                .hinted("--with-file SRC:~/DEST, with DEST relative to the home"));
        }
        let file = here.join(source);
        let content = std::fs::read(&file).map_err(|error| {
            Error::usage(format!("failed to read {} for --with-file: {error}", file.display()))
                .hinted("--with-file SRC:~/DEST: SRC is a file here, DEST its place in the home of trials")
        })?;
        in_home.push(HomeFile { path: path.to_owned(), content });
    }
    Ok((in_home, others))
}

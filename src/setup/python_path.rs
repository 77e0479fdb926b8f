//! `PYTHONPATH` of the user's, with paths into the work tree led into the tree under test.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::location::Location;
use crate::pyenv::Interpreter;

/// What would lead imports into the user's work tree (an editable install of the project, a path set
/// by hand) has to lead into the tree under test instead. The whole of PYTHONPATH then, folders of the
/// tree relative to its top, in front; empty when nothing leads there, and the variable stays as it is.
pub(crate) fn own_paths<'a>(
    environment: &mut BTreeMap<OsString, OsString>,
    standing: &Location,
    top: &Path,
    pythons: impl IntoIterator<Item = &'a Interpreter>,
) -> Vec<PathBuf> {
    let name = OsStr::new("PYTHONPATH");
    let value = environment.get(name).cloned().unwrap_or_default();
    let mut own: Vec<PathBuf> = Vec::new();
    let mut others: Vec<PathBuf> = Vec::new();
    for folder in std::env::split_paths(&value).filter(|folder| !folder.as_os_str().is_empty()) {
        match folder.strip_prefix(top) {
            Ok(inside) => own.push(inside.to_owned()),
            // A relative folder is meant from where the command runs.
            Err(_) if folder.is_relative() => others.push(standing.subdir.join(folder)),
            Err(_) => others.push(folder),
        }
    }
    for folder in pythons.into_iter().flat_map(|python| python.folders_inside(top)) {
        if !own.contains(&folder) {
            own.push(folder);
        }
    }
    if !own.is_empty() {
        environment.remove(name);
        own.extend(others);
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_into_the_users_tree_lead_into_the_tree_under_test_and_the_others_stay() {
        let name = OsString::from("PYTHONPATH");
        let own = |value: &str| {
            let mut environment = BTreeMap::from([(name.clone(), OsString::from(value))]);
            let standing = Location { folder: "/r/sub".into(), top: Some("/r".into()), subdir: "sub".into() };
            let own = own_paths(&mut environment, &standing, Path::new("/r"), None);
            (own, environment.remove(&name))
        };
        let (paths, left) = own("/opt/lib:/r/src:lib");
        assert_eq!(paths, ["src", "/opt/lib", "sub/lib"].map(PathBuf::from));
        assert_eq!(left, None);
        assert_eq!(own(".:/opt/lib"), (vec![], Some(OsString::from(".:/opt/lib"))));
    }
}

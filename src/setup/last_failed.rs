//! `--lf`: the tests that failed in the user's last run of pytest.

use std::ffi::OsString;
use std::path::Path;

use super::error::Error;
use super::location::Location;

/// More tests are not searched for at once.
pub(crate) const MOST: usize = 20;

/// Add them to a command; without one, to pytest. What to say of it.
pub(crate) fn add(command: &mut Vec<OsString>, standing: &Location) -> Result<String, Error> {
    let top = standing.top.as_deref().unwrap_or(&standing.folder);
    let folders = standing.folder.ancestors().take_while(|folder| folder.starts_with(top));
    let found = folders
        .map(|folder| (folder, folder.join(".pytest_cache/v/cache/lastfailed")))
        .find(|(_, file)| file.is_file());
    let none = || {
        Error::usage("no test failed in the last run of pytest here").hinted(
            "run pytest once, or name the test: pybisect find --good REV -- python -m pytest -q FILE::TEST",
        )
    };
    let (root, file) = found.ok_or_else(none)?;
    let text = std::fs::read_to_string(&file).map_err(Error::internal)?;
    let failed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).map_err(|_| {
        Error::usage(format!("{} is not what pytest writes", file.display())).hinted("run pytest once more")
    })?;
    let ids: Vec<String> = failed.keys().filter_map(|id| from_here(id, root, &standing.folder)).collect();
    if ids.is_empty() {
        return Err(none());
    }
    if command.is_empty() {
        command.extend(["python", "-m", "pytest", "-q"].map(OsString::from));
    }
    command.extend(ids.iter().take(MOST).map(OsString::from));
    let more = ids.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more, which are left out") } else { String::new() };
    let shown: Vec<&str> = ids.iter().take(3).map(String::as_str).collect();
    Ok(format!(
        "{} failed in your last run of pytest{more}: {}{}",
        crate::report::plural(ids.len(), "test"),
        shown.join(", "),
        if ids.len() > shown.len() { " …" } else { "" }
    ))
}

/// An id, which begins with a path from pytest's folder, from where the command runs.
pub(crate) fn from_here(id: &str, root: &Path, folder: &Path) -> Option<String> {
    let (path, rest) =
        id.split_once("::").map_or((id, String::new()), |(path, rest)| (path, format!("::{rest}")));
    let whole = root.join(path);
    if let Ok(inside) = whole.strip_prefix(folder) {
        return Some(format!("{}{rest}", inside.display()));
    }
    let up = folder.strip_prefix(root).ok()?.components().map(|_| "../").collect::<String>();
    Some(format!("{up}{path}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_turned_to_where_the_user_stands() {
        let of =
            |folder: &str| from_here("tests/test_a.py::test_b[x::y]", Path::new("/r"), Path::new(folder));
        assert_eq!(of("/r").unwrap(), "tests/test_a.py::test_b[x::y]");
        assert_eq!(of("/r/tests").unwrap(), "test_a.py::test_b[x::y]");
        assert_eq!(of("/r/src/x").unwrap(), "../../tests/test_a.py::test_b[x::y]");
    }

    #[test]
    fn a_command_gets_the_tests_that_failed() {
        let top = tempfile::tempdir().unwrap();
        let standing =
            Location { folder: top.path().into(), top: Some(top.path().into()), subdir: "".into() };
        let mut command = Vec::new();
        assert!(add(&mut command, &standing).is_err());
        let cache = top.path().join(".pytest_cache/v/cache");
        std::fs::create_dir_all(&cache).unwrap();
        std::fs::write(cache.join("lastfailed"), "{\"test_a.py::test_b\": true}").unwrap();
        let said = add(&mut command, &standing).unwrap();
        assert_eq!(command, ["python", "-m", "pytest", "-q", "test_a.py::test_b"].map(OsString::from));
        assert!(said.starts_with("1 test failed"), "{said}");
    }
}

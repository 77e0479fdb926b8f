//! The programs that pybisect itself starts by name, outside of the sandbox.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// Where a program is on `PATH`: in the first folder in which it is none that is refused, such as one that came with a
/// repository. Folders that are relative (`.`, `bin`) are passed over: what lies there depends on where one stands.
///
/// # Errors
/// When it is in none.
pub fn program(name: &str, refuses: &dyn Fn(&Path) -> bool) -> io::Result<PathBuf> {
    on_path(name, &std::env::var_os("PATH").unwrap_or_default(), refuses)
}

fn on_path(name: &str, path: &OsStr, refuses: &dyn Fn(&Path) -> bool) -> io::Result<PathBuf> {
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let folders = std::env::join_paths(folders).map_err(io::Error::other)?;
    let found = which::which_in_all(name, Some(folders), "/").ok();
    let first = found.and_then(|mut programs| programs.find(|program| !refuses(program)));
    first.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{name} is not on PATH")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn relative_folders_and_what_is_refused_are_passed_over() {
        let top = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|folder| {
            let program = top.path().join(folder).join("tool");
            fs::create_dir(top.path().join(folder)).unwrap();
            fs::write(&program, "").unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            program
        });
        let folders = [Path::new("."), one.parent().unwrap(), two.parent().unwrap()];
        let path = std::env::join_paths(folders).unwrap();
        assert_eq!(on_path("tool", &path, &|_| false).unwrap(), one);
        assert_eq!(on_path("tool", &path, &|program| program == one).unwrap(), two);
        assert!(on_path("tool", &path, &|_| true).is_err());
        // From where there is a program of this name.
        let here = std::env::current_dir().unwrap();
        let up: PathBuf = here.components().skip(1).map(|_| Path::new("..")).collect();
        let relative = up.join(one.parent().unwrap().strip_prefix("/").unwrap());
        assert!(relative.join("tool").is_file());
        assert!(on_path("tool", relative.as_os_str(), &|_| false).is_err());
    }
}

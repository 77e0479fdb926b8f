//! The project's name, version and entry points in an environment that does not hold the project.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

use super::declared::{DeclaredDependencies, normalised};
use crate::model::component;

/// The metadata and programs of the project, and of the others of its tree that it depends on. Where two have a program of
/// the same name, it is the first one's.
pub(super) fn project_metadata(environment: &Path, wanted: &DeclaredDependencies) -> io::Result<()> {
    if wanted.name.is_none() && wanted.beside.iter().all(|other| other.name.is_none()) {
        return Ok(());
    }
    let folder = Folder::open(environment)?;
    let place = folder.make("project")?;
    let mut names = BTreeSet::new();
    for wanted in std::iter::once(wanted).chain(all_beside(wanted)) {
        if let Some(name) = wanted.name.as_deref().filter(|name| names.insert(normalised(name))) {
            metadata_of(&folder, &place, name, wanted)?;
        }
    }
    Ok(())
}

fn all_beside(wanted: &DeclaredDependencies) -> Vec<&DeclaredDependencies> {
    wanted.beside.iter().flat_map(|other| std::iter::once(other).chain(all_beside(other))).collect()
}

/// The project's own metadata and programs, in an environment that does not hold the project itself: its source is
/// on the path, in the tree under test.
///
/// Packages that the environment was built from may have left anything in it. Everything is made anew, beneath it, and no
/// link is followed.
fn metadata_of(
    environment: &Folder,
    place: &Folder,
    name: &str,
    wanted: &DeclaredDependencies,
) -> io::Result<()> {
    let version = wanted.version.as_deref().unwrap_or("0.0.0");
    let plain = name.replace(['-', '.'], "_");
    let place = place.make(&format!("{plain}-{version}.dist-info"))?;
    place.write("METADATA", &format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"), false)?;
    let mut lines = Vec::new();
    let mut group = "";
    for point in &wanted.entry_points {
        if point.group != group {
            group = &point.group;
            lines.push(format!("[{group}]\n"));
        }
        lines.push(format!("{}\n", point.line()));
    }
    place.write("entry_points.txt", &lines.concat(), false)?;
    let programs = environment.folder("bin")?;
    let scripts = wanted.entry_points.iter().filter(|point| point.group == "console_scripts");
    for script in scripts.filter(|script| !script.attribute.is_empty()) {
        let python = programs.path.join("python");
        let first = script.attribute.split('.').next().unwrap_or(&script.attribute);
        let text = format!(
            "#!{}\nimport sys\nfrom {} import {first}\nif __name__ == '__main__':\n    sys.exit({}())\n",
            python.display(),
            script.module,
            script.attribute
        );
        match programs.write(&script.name, &text, true) {
            // What a package brought stays, and is never written to.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            written => written?,
        }
    }
    Ok(())
}

/// An open folder, in which things are made by name.
struct Folder {
    handle: OwnedFd,
    path: std::path::PathBuf,
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Folder {
    fn open(path: &Path) -> io::Result<Self> {
        let handle = openat(CWD, path, FOLDER, Mode::empty())?;
        Ok(Self { handle, path: path.to_owned() })
    }

    /// A folder in it that is there.
    fn folder(&self, name: &str) -> io::Result<Self> {
        let handle = openat(&self.handle, name_in_folder(name)?, FOLDER, Mode::empty())?;
        Ok(Self { handle, path: self.path.join(name) })
    }

    /// A new folder in it.
    fn make(&self, name: &str) -> io::Result<Self> {
        mkdirat(&self.handle, name_in_folder(name)?, Mode::from_raw_mode(0o755))?;
        self.folder(name)
    }

    /// A new file in it.
    fn write(&self, name: &str, text: &str, is_program: bool) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(if is_program { 0o755 } else { 0o644 });
        let mut file = File::from(openat(&self.handle, name_in_folder(name)?, flags, mode)?);
        file.write_all(text.as_bytes())
    }
}

fn name_in_folder(name: &str) -> io::Result<&Path> {
    component(name)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("{name:?} is no name of a file")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn environment() -> (tempfile::TempDir, std::path::PathBuf) {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("a/b/environment");
        fs::create_dir_all(folder.join("bin")).unwrap();
        (top, folder)
    }

    fn wanted(version: &str) -> DeclaredDependencies {
        let mut wanted = DeclaredDependencies::default();
        wanted.identify("pyproject.toml", Some("My.Demo"), Some(version));
        let line = |line: &str| ("console_scripts".to_owned(), line.to_owned());
        wanted.add_entry_points([
            line("demo = demo.cli:main"),
            line("kept = demo:main"),
            line("../out = demo:main"),
        ]);
        wanted
    }

    #[test]
    fn metadata_and_programs_are_made() {
        let (_top, folder) = environment();
        fs::write(folder.join("bin/kept"), "a package's").unwrap();
        project_metadata(&folder, &wanted("1.0")).unwrap();
        let read =
            |path: &str| fs::read_to_string(folder.join("project/My_Demo-1.0.dist-info").join(path)).unwrap();
        assert!(read("METADATA").contains("Name: My.Demo\nVersion: 1.0\n"));
        assert_eq!(read("entry_points.txt"), "[console_scripts]\ndemo = demo.cli:main\nkept = demo:main\n");
        let program = folder.join("bin/demo");
        assert!(fs::read_to_string(&program).unwrap().contains("from demo.cli import main\n"));
        assert_eq!(fs::metadata(&program).unwrap().permissions().mode() & 0o111, 0o111);
        assert_eq!(fs::read_to_string(folder.join("bin/kept")).unwrap(), "a package's");
    }

    #[test]
    fn a_version_that_leads_elsewhere_is_dropped_with_a_note() {
        let (top, folder) = environment();
        let mut made = wanted("1/../../../../../out/x");
        assert_eq!(made.version, None);
        assert_eq!(made.notes.len(), 2, "{:?}", made.notes);
        assert!(made.notes[0].contains("0.0.0"), "{:?}", made.notes);
        project_metadata(&folder, &made).unwrap();
        assert!(folder.join("project/My_Demo-0.0.0.dist-info/METADATA").is_file());
        let entries: Vec<_> =
            fs::read_dir(top.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(entries, ["a"], "only what was there");

        // The second guard alone: were such a version to come through, it would not be written.
        made.version = Some("1/../../../../../out/x".to_owned());
        fs::remove_dir_all(folder.join("project")).unwrap();
        assert_eq!(project_metadata(&folder, &made).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_that_a_build_left_is_not_followed() {
        let (top, folder) = environment();
        let outside = top.path().join("outside");
        fs::create_dir(&outside).unwrap();
        symlink(outside.join("demo"), folder.join("bin/demo")).unwrap();
        project_metadata(&folder, &wanted("1.0")).unwrap();
        for name in ["project", "bin"] {
            fs::remove_dir_all(folder.join(name)).unwrap();
            symlink(&outside, folder.join(name)).unwrap();
            project_metadata(&folder, &wanted("1.0")).unwrap_err();
            fs::remove_file(folder.join(name)).unwrap();
            fs::create_dir(folder.join("bin")).ok();
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }
}

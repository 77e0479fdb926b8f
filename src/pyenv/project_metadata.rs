//! The project's name, version and entry points, beside an environment that does not hold the project.
//!
//! They lie in a folder of their own: versions that differ in nothing else share the environment.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

use super::declared::{DeclaredDependencies, normalised};
use crate::model::component;

/// Whether there is something to tell of a project, or of the others of its tree that it depends on.
pub(super) fn has_metadata(wanted: &DeclaredDependencies) -> bool {
    wanted.name.is_some() || wanted.beside.iter().any(|other| other.name.is_some())
}

/// The metadata and programs of the project, and of the others of its tree that it depends on, in a new folder: the programs
/// run in this environment. Where two have a program of the same name, it is the first one's.
pub(super) fn project_metadata(
    place: &Path,
    environment: &Path,
    wanted: &DeclaredDependencies,
) -> io::Result<()> {
    std::fs::create_dir_all(place)?;
    let folder = Folder::open(place)?;
    let place = folder.make("project")?;
    let programs = Programs { folder: folder.make("bin")?, of_packages: environment.join("bin") };
    let mut names = BTreeSet::new();
    for wanted in std::iter::once(wanted).chain(all_beside(wanted)) {
        if let Some(name) = wanted.name.as_deref().filter(|name| names.insert(normalised(name))) {
            metadata_of(&programs, &place, name, wanted)?;
        }
    }
    Ok(())
}

fn all_beside(wanted: &DeclaredDependencies) -> Vec<&DeclaredDependencies> {
    wanted.beside.iter().flat_map(|other| std::iter::once(other).chain(all_beside(other))).collect()
}

/// The project's own metadata and programs; its source is on the path, in the tree under test. Everything is made anew,
/// beneath the folder, and no link is followed.
fn metadata_of(
    programs: &Programs,
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
    let scripts = wanted.entry_points.iter().filter(|point| point.group == "console_scripts");
    for script in scripts.filter(|script| !script.attribute.is_empty()) {
        // What a package brought counts.
        if programs.of_packages.join(&script.name).symlink_metadata().is_ok() {
            continue;
        }
        let python = programs.of_packages.join("python");
        let first = script.attribute.split('.').next().unwrap_or(&script.attribute);
        let text = format!(
            "#!{}\nimport sys\nfrom {} import {first}\nif __name__ == '__main__':\n    sys.exit({}())\n",
            python.display(),
            script.module,
            script.attribute
        );
        match programs.folder.write(&script.name, &text, true) {
            // Another project's, which comes first.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            written => written?,
        }
    }
    Ok(())
}

/// Where programs of projects are made.
struct Programs {
    folder: Folder,
    /// Where the environment has those of its packages, and the interpreter.
    of_packages: PathBuf,
}

/// An open folder, in which things are made by name.
struct Folder(OwnedFd);

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Folder {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(openat(CWD, path, FOLDER, Mode::empty())?))
    }

    /// A new folder in it.
    fn make(&self, name: &str) -> io::Result<Self> {
        mkdirat(&self.0, name_in_folder(name)?, Mode::from_raw_mode(0o755))?;
        Ok(Self(openat(&self.0, name_in_folder(name)?, FOLDER, Mode::empty())?))
    }

    /// A new file in it.
    fn write(&self, name: &str, text: &str, is_program: bool) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(if is_program { 0o755 } else { 0o644 });
        let mut file = File::from(openat(&self.0, name_in_folder(name)?, flags, mode)?);
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

    /// An environment with a program, and a place for what is made.
    fn environment() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("a/b/environment");
        fs::create_dir_all(folder.join("bin")).unwrap();
        let place = top.path().join("a/b/project");
        (top, folder, place)
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
    fn metadata_and_programs_are_made_beside_the_environment() {
        let (top, folder, place) = environment();
        fs::write(folder.join("bin/kept"), "a package's").unwrap();
        project_metadata(&place, &folder, &wanted("1.0")).unwrap();
        let read =
            |path: &str| fs::read_to_string(place.join("project/My_Demo-1.0.dist-info").join(path)).unwrap();
        assert!(read("METADATA").contains("Name: My.Demo\nVersion: 1.0\n"));
        assert_eq!(read("entry_points.txt"), "[console_scripts]\ndemo = demo.cli:main\nkept = demo:main\n");
        let program = place.join("bin/demo");
        let text = fs::read_to_string(&program).unwrap();
        assert!(text.contains("from demo.cli import main\n"));
        assert!(text.starts_with(&format!("#!{}\n", folder.join("bin/python").display())));
        assert_eq!(fs::metadata(&program).unwrap().permissions().mode() & 0o111, 0o111);
        assert!(!place.join("bin/kept").exists(), "a package's program counts");
        assert_eq!(fs::read_dir(folder.join("bin")).unwrap().count(), 1, "the environment stays as it is");
        assert_eq!(fs::read_dir(top.path().join("a/b")).unwrap().count(), 2);
    }

    #[test]
    fn a_version_that_leads_elsewhere_is_dropped_with_a_note() {
        let (top, folder, place) = environment();
        let mut made = wanted("1/../../../../../out/x");
        assert_eq!(made.version, None);
        assert_eq!(made.notes.len(), 2, "{:?}", made.notes);
        assert!(made.notes[0].contains("0.0.0"), "{:?}", made.notes);
        project_metadata(&place, &folder, &made).unwrap();
        assert!(place.join("project/My_Demo-0.0.0.dist-info/METADATA").is_file());
        let entries: Vec<_> =
            fs::read_dir(top.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(entries, ["a"], "only what was there");

        // The second guard alone: were such a version to come through, it would not be written.
        made.version = Some("1/../../../../../out/x".to_owned());
        fs::remove_dir_all(&place).unwrap();
        let refused = project_metadata(&place, &folder, &made).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_that_a_build_left_is_not_followed() {
        let (top, folder, place) = environment();
        let outside = top.path().join("outside");
        fs::create_dir(&outside).unwrap();
        symlink(outside.join("demo"), folder.join("bin/demo")).unwrap();
        project_metadata(&place, &folder, &wanted("1.0")).unwrap();
        for name in ["project", "bin"] {
            fs::remove_dir_all(place.join(name)).unwrap();
            symlink(&outside, place.join(name)).unwrap();
            project_metadata(&place, &folder, &wanted("1.0")).unwrap_err();
            fs::remove_file(place.join(name)).unwrap();
            fs::remove_dir_all(&place).unwrap();
            project_metadata(&place, &folder, &wanted("1.0")).unwrap();
        }
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }
}

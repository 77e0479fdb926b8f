//! What a trial finds beside its tree, and the folders there in which it may write.
//!
//! What lies in those is a trial's: it may hold links, pipes, and folders in folders without end.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::dirfd::{Folder, Scratch};
use crate::model::{OutputFile, TrialSpec};

/// What a trial writes is read up to this many bytes: more is of a program that does far more than it should.
const LARGEST: u64 = 256 << 20;
/// Files of it that are read.
const MOST_FILES: usize = 10_000;
const PATH: &str = "PYTHONPATH";

/// A folder with the inputs of one trial, and its output folders.
#[derive(Debug)]
pub(super) struct InputFolder {
    top: Scratch,
    outputs: Vec<(PathBuf, Folder)>,
}

impl InputFolder {
    /// The folder for a trial of this recipe; `None` where it has neither inputs nor outputs.
    pub(super) fn new(recipe: &TrialSpec) -> io::Result<Option<Self>> {
        if recipe.inputs.is_empty() && recipe.outputs.is_empty() {
            return Ok(None);
        }
        let top = Scratch::new("pybisect-inputs-")?;
        for file in &recipe.inputs {
            let path = top.path().join(&file.path);
            std::fs::create_dir_all(path.parent().unwrap_or_else(|| top.path()))?;
            std::fs::write(path, &file.content)?;
        }
        let outputs: io::Result<Vec<_>> = recipe
            .outputs
            .iter()
            .map(|name| Ok((name.clone(), top.folder().new_folder(&name.to_string_lossy())?)))
            .collect();
        Ok(Some(Self { outputs: outputs?, top }))
    }

    /// A recipe that is shown the folder, and whose variables name it.
    pub(super) fn shown(&self, recipe: &TrialSpec) -> TrialSpec {
        let mut recipe = recipe.clone();
        let top = self.top.path();
        recipe.visible.push(top.to_owned());
        recipe.writable.extend(self.outputs.iter().map(|(name, _)| top.join(name)));
        for (name, place) in std::mem::take(&mut recipe.input_paths) {
            let place: PathBuf = top.join(place).components().collect();
            match recipe.tree_paths.get_mut(PATH) {
                _ if name != PATH => drop(recipe.environment.insert(name.into(), place.into_os_string())),
                Some(paths) => paths.insert(0, place),
                None => {
                    let known = recipe.environment.get(&OsString::from(PATH));
                    let mut all = place.into_os_string();
                    if let Some(known) = known.filter(|known| !known.is_empty()) {
                        all.push(":");
                        all.push(known);
                    }
                    recipe.environment.insert(PATH.into(), all);
                }
            }
        }
        recipe
    }

    /// What was written, in the order of the names. Nothing when it is too much.
    pub(super) fn written(&self) -> Vec<OutputFile> {
        let mut files = Vec::new();
        for (name, folder) in &self.outputs {
            let Some(more) = written(name, folder) else { return Vec::new() };
            files.extend(more);
        }
        files
    }
}

fn written(folder_name: &Path, folder: &Folder) -> Option<Vec<OutputFile>> {
    let mut names: Vec<OsString> = folder.entries().ok()?.into_iter().map(|entry| entry.name).collect();
    names.sort();
    if names.len() > MOST_FILES {
        return None;
    }
    let (mut files, mut left) = (Vec::new(), LARGEST);
    for name in names {
        // What is no regular file is nobody's output.
        let Ok(content) = folder.read(Path::new(&name), left) else { continue };
        left = left.checked_sub(u64::try_from(content.len()).ok()?).filter(|&left| left > 0)?;
        files.push(OutputFile { path: folder_name.join(&name), content });
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> InputFolder {
        let recipe = TrialSpec { outputs: vec!["out".into()], ..TrialSpec::default() };
        InputFolder::new(&recipe).unwrap().unwrap()
    }

    fn texts(folder: &InputFolder) -> Vec<String> {
        folder.written().iter().map(|file| String::from_utf8_lossy(&file.content).into_owned()).collect()
    }

    #[test]
    fn what_is_no_regular_file_is_not_read() {
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(elsewhere.path(), "mine").unwrap();
        let folder = folder();
        let out = folder.top.path().join("out");
        std::fs::write(out.join("1"), "first").unwrap();
        std::fs::write(out.join("3"), "last").unwrap();
        symlink(elsewhere.path(), out.join("2")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            out.join("4"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        std::fs::create_dir(out.join("5")).unwrap();
        assert_eq!(texts(&folder), ["first", "last"]);
    }

    #[test]
    fn the_folder_is_read_that_was_made_and_no_other_in_its_place() {
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("1"), "mine").unwrap();
        let folder = folder();
        let top = folder.top.path().to_owned();
        std::fs::rename(top.join("out"), top.join("old")).unwrap();
        symlink(elsewhere.path(), top.join("out")).unwrap();
        assert_eq!(texts(&folder), [""; 0]);
        drop(folder);
        assert!(elsewhere.path().join("1").exists() && !top.exists());
    }

    #[test]
    fn what_a_trial_nested_deeply_is_removed() {
        let folder = folder();
        let top = folder.top.path().to_owned();
        let mut here = folder.outputs[0].1.new_folder("a").unwrap();
        for _ in 0..3_000 {
            here = here.new_folder("a").unwrap();
        }
        drop((here, folder));
        assert!(!top.exists());
    }
}

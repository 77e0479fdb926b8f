//! A command in an environment that lies on this machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::model::{TrialEnvironment, TrialSpec};

/// A recipe whose command runs in an environment, on the tree's own source.
pub(super) fn inside(recipe: &TrialSpec, environment: &TrialEnvironment) -> TrialSpec {
    let mut recipe = recipe.clone();
    // The project's programs are those that its packages have not.
    let programs = environment.project.iter().chain(std::iter::once(&environment.folder));
    let programs: Vec<PathBuf> = programs.map(|folder| folder.join("bin")).collect();
    if let Some(program) = recipe.command.first_mut() {
        // An interpreter or a tool named by its path is meant as that of the environment, where it has one.
        let path = Path::new(program.as_os_str());
        let own = path.file_name().and_then(|name| {
            programs.iter().map(|folder| folder.join(name)).find(|own| path.is_absolute() && own.is_file())
        });
        if let Some(own) = own {
            *program = own.into_os_string();
        }
    }
    let path = recipe.environment.get(OsString::from("PATH").as_os_str()).cloned().unwrap_or_default();
    let path = programs.into_iter().chain(std::env::split_paths(&path));
    if let Ok(path) = std::env::join_paths(path) {
        recipe.environment.insert("PATH".into(), path);
    }
    recipe.environment.insert("VIRTUAL_ENV".into(), environment.folder.clone().into());
    recipe.environment.insert("PYTHONNOUSERSITE".into(), "1".into());
    for name in ["PYTHONHOME", "PYTHONUSERBASE"] {
        recipe.environment.remove(OsString::from(name).as_os_str());
    }
    recipe.visible.extend(environment.visible.iter().cloned());
    let name = "PYTHONPATH";
    let given = recipe.environment.remove(OsString::from(name).as_os_str()).unwrap_or_default();
    let mut folders = recipe.tree_paths.remove(name).unwrap_or_default();
    let given = std::env::split_paths(&given).filter(|folder| !folder.as_os_str().is_empty());
    // A relative folder is meant from where the command runs.
    let subdir = &recipe.subdir;
    folders.extend(given.map(|folder| if folder.is_relative() { subdir.join(folder) } else { folder }));
    folders.extend(environment.source_folders.iter().map(PathBuf::from));
    folders.extend(environment.project.iter().map(|folder| folder.join("project")));
    let mut seen = Vec::new();
    folders.retain(|folder| {
        let folder: PathBuf = folder.components().filter(|part| part.as_os_str() != ".").collect();
        !seen.contains(&folder) && {
            seen.push(folder);
            true
        }
    });
    recipe.tree_paths.insert(name.to_owned(), folders);
    recipe
}

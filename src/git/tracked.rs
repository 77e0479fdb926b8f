//! Whether a program came with the repository.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use super::Repository;

/// Longest chain of symbolic links that is followed.
const MOST_LINKS: usize = 40;

impl Repository {
    /// Whether git tracks a program of the work tree, a link on the way to it, or any file of the installation that it
    /// lies in: whoever writes the commits then decides what it does. Also when that cannot be told.
    #[must_use]
    pub fn brings(&self, program: &Path) -> bool {
        let Some(top) = self.workdir().and_then(|top| top.canonicalize().ok()) else { return false };
        let Ok(program) = std::path::absolute(program) else { return true };
        let Some(places) = on_the_way(&program) else { return true };
        let mut inside = places.iter().filter_map(|place| place.strip_prefix(&top).ok()).peekable();
        if inside.peek().is_none() {
            return false;
        }
        let Ok(index) = self.inner.index() else { return true };
        inside.any(|place| {
            let installation = place.parent().filter(|bin| bin.ends_with("bin")).and_then(Path::parent);
            let beneath = installation.filter(|top| !top.as_os_str().is_empty()).map(|top| {
                let mut prefix = top.as_os_str().as_bytes().to_vec();
                prefix.push(b'/');
                index.iter().any(|entry| entry.path.starts_with(&prefix))
            });
            let is_entry = |path: &Path| {
                let wanted = path.as_os_str().as_bytes();
                !wanted.is_empty() && index.iter().any(|entry| entry.path == wanted)
            };
            beneath == Some(true) || is_entry(place)
        })
    }
}

/// Every file, folder and link that a path leads over, each by its real folder. `None` when links go in circles.
fn on_the_way(path: &Path) -> Option<Vec<PathBuf>> {
    let parts = |path: &Path| -> Vec<OsString> {
        let part = |part: Component<'_>| match part {
            Component::Normal(_) | Component::ParentDir => Some(part.as_os_str().to_owned()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        };
        path.components().rev().filter_map(part).collect()
    };
    let (mut here, mut waiting, mut links) = (PathBuf::from("/"), parts(path), 0);
    let mut places = Vec::new();
    while let Some(part) = waiting.pop() {
        if part == ".." {
            here.pop();
            continue;
        }
        let next = here.join(&part);
        places.push(next.clone());
        match std::fs::read_link(&next) {
            Ok(target) => {
                links += 1;
                if links > MOST_LINKS {
                    return None;
                }
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                waiting.extend(parts(&target));
            }
            Err(_) => here = next,
        }
    }
    Some(places)
}

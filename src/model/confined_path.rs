//! Where a name that somebody else chose may lead: into its folder, and nowhere else.

use std::path::{Component, Path, PathBuf};

/// Longer names are refused by file systems.
const LONGEST: usize = 255;

/// A foreign name as the name of one file or folder; `None` when it would lead anywhere else, or cannot be one.
///
/// Whatever a commit declares, a server answers or a log says becomes part of a path only through this function and
/// [`beneath`].
#[must_use]
pub fn component(name: &str) -> Option<&Path> {
    let is_one = !matches!(name, "" | "." | "..") && name.len() <= LONGEST;
    (is_one && !name.chars().any(|c| c == '/' || c == '\\' || c.is_control())).then(|| Path::new(name))
}

/// A foreign path as one relative to some folder, which it does not leave; empty for the folder itself. Like
/// [`component`], only with several parts, of which `.` is none.
#[must_use]
pub fn beneath(path: &str) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => inside.push(component(part.to_str()?)?),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder_or_is_refused() {
        let long = "x".repeat(256);
        for name in
            ["", ".", "..", "a/b", "/", "/etc", "../x", "a/../b", "a\0b", "a\nb", "a\\b", "\u{85}", &long]
        {
            assert_eq!(component(name), None, "{name:?}");
        }
        for name in ["demo-1.0.dist-info", "...", "a b", "ä", "-x", "1!2+local"] {
            assert_eq!(component(name), Some(Path::new(name)), "{name:?}");
        }
    }

    #[test]
    fn a_path_stays_beneath_its_folder_or_is_refused() {
        for path in ["..", "/", "/etc", "src/../..", "a/../b", "src/\n", "a\0"] {
            assert_eq!(beneath(path), None, "{path:?}");
        }
        for (path, expected) in [("", ""), (".", ""), ("./src/", "src"), ("a//b/./c", "a/b/c")] {
            assert_eq!(beneath(path), Some(PathBuf::from(expected)), "{path:?}");
        }
    }
}

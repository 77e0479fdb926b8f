//! Git LFS: pointers, and the store in the repository's folder that keeps what they point to.

use std::path::{Path, PathBuf};

use super::super::Repository;

/// A pointer is short, and begins like this.
const BEGINNING: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";
const LONGEST: usize = 1024;

/// What a pointer points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointer {
    /// 64 hexadecimal digits.
    oid: String,
    pub(super) size: u64,
}

impl Pointer {
    /// Read a pointer; `None` for any other content, and for one that programs beside Git LFS have changed.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let rest = (text.len() <= LONGEST).then(|| text.strip_prefix(BEGINNING))??;
        let mut oid = None;
        let mut size = None;
        for line in std::str::from_utf8(rest).ok()?.lines() {
            match line.split_once(' ')? {
                ("oid", value) => oid = value.strip_prefix("sha256:"),
                ("size", value) => size = value.parse().ok(),
                _ => return None,
            }
        }
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let oid = oid.filter(|oid| oid.len() == 64 && oid.bytes().all(is_digit))?;
        Some(Self { oid: oid.to_owned(), size: size? })
    }
}

/// Whether a content is meant as a pointer, also one that cannot be followed.
pub(super) fn looks_like_pointer(text: &[u8]) -> bool {
    text.len() <= LONGEST && text.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// A folder that keeps contents by their ids.
#[derive(Debug)]
pub(super) struct Store {
    objects: PathBuf,
    has_any: bool,
}

impl Store {
    fn at(folder: &Path) -> Self {
        let objects = folder.join("objects");
        let mut entries = std::fs::read_dir(&objects).into_iter().flatten().flatten();
        let has_any = entries.any(|entry| entry.file_name().len() == 2);
        Self { objects, has_any }
    }

    /// Whether it keeps anything.
    pub(super) const fn has_any(&self) -> bool {
        self.has_any
    }

    /// The file with what a pointer points to, when it is here and whole.
    pub(super) fn find(&self, pointer: &Pointer) -> Option<PathBuf> {
        let (first, rest) = (&pointer.oid[..2], &pointer.oid[2..4]);
        let file = self.objects.join(first).join(rest).join(&pointer.oid);
        let is_whole = file.metadata().is_ok_and(|facts| facts.is_file() && facts.len() == pointer.size);
        is_whole.then_some(file)
    }
}

/// The stores of a repository: its own, or the one that its configuration names, and those of the repositories that it
/// borrows objects from or that are its submodules'.
pub(super) fn stores(user: &Repository, config: &git2::Config, objects: &[PathBuf]) -> Vec<Store> {
    let named = config.get_path("lfs.storage").ok().filter(|path| !path.as_os_str().is_empty());
    let own = user.folder().join(named.unwrap_or_else(|| "lfs".into()));
    let others = objects.iter().filter_map(|objects| objects.parent()).map(|folder| folder.join("lfs"));
    let mut folders = vec![own];
    folders.extend(others);
    folders.dedup();
    folders.iter().map(|folder| Store::at(folder)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_and_plain_pointer_is_one() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let pointer = |middle: &str| {
            Pointer::parse(format!("version https://git-lfs.github.com/spec/v1\n{middle}").as_bytes())
        };
        let read = pointer(&format!("oid sha256:{oid}\nsize 12\n")).unwrap();
        assert_eq!((read.oid.as_str(), read.size), (oid, 12));
        for wrong in [
            format!("oid sha256:{oid}\n"),
            format!("oid sha256:../../{}\nsize 12\n", &oid[6..]),
            format!("oid sha256:{}\nsize 12\n", oid.to_uppercase()),
            format!("ext-0-x sha256:{oid}\noid sha256:{oid}\nsize 12\n"),
            "oid sha256:\nsize 12\n".to_owned(),
            String::new(),
        ] {
            assert_eq!(pointer(&wrong), None, "{wrong}");
        }
        assert_eq!(Pointer::parse(b"x"), None);
    }
}

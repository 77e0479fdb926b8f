//! The paths that a commit has otherwise than its parents: the walk that libgit2 has no quick form of.
//!
//! libgit2's own comparison of trees goes through every name beside a changed one, and knows one parent only. This
//! one enters a folder only when it differs from that of every parent, as `git log --cc` does.

use std::cmp::Ordering;

use git2::{Error, ObjectType, Oid, Tree, TreeEntry};

/// A path whose content or mode differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathChange {
    pub(super) path: Vec<u8>,
    /// The path in the first parent, when that is known to be another.
    pub(super) old_path: Option<Vec<u8>>,
    /// The blob (or the submodule's commit) in the first parent; zero when there is none.
    pub(super) old: Oid,
    /// The blob (or the submodule's commit) in the commit; zero when there is none.
    pub(super) new: Oid,
}

/// The paths of files that differ between the trees of a commit's first parent and its own, but for those that are as
/// in one of the other parents; in git's order of paths.
pub(super) fn path_changes(
    repository: &git2::Repository,
    old: Option<&Tree<'_>>,
    new: &Tree<'_>,
    others: &[Tree<'_>],
) -> Result<Vec<PathChange>, Error> {
    let mut walk = Walk { repository, found: Vec::new() };
    let others: Vec<Option<Tree<'_>>> = others.iter().cloned().map(Some).collect();
    walk.compare(b"", old, Some(new), &others)?;
    Ok(walk.found)
}

struct Walk<'r> {
    repository: &'r git2::Repository,
    found: Vec<PathChange>,
}

/// What a name stands for in a tree. A file and a folder of the same name are two things.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Named {
    id: Oid,
    mode: i32,
}

impl Named {
    fn of(entry: &TreeEntry<'_>) -> Self {
        Self { id: entry.id(), mode: entry.filemode() }
    }
}

/// A name that stands for something else in two trees.
struct Difference {
    name: Vec<u8>,
    is_folder: bool,
    old: Option<Named>,
    new: Option<Named>,
}

impl<'r> Walk<'r> {
    /// Compare one folder, which may be missing in each of the trees.
    fn compare(
        &mut self,
        folder: &[u8],
        old: Option<&Tree<'_>>,
        new: Option<&Tree<'_>>,
        others: &[Option<Tree<'_>>],
    ) -> Result<(), Error> {
        for Difference { name, is_folder, old, new } in differences(old, new) {
            let elsewhere: Vec<Option<Oid>> =
                others.iter().map(|tree| id_of(tree.as_ref(), &name, is_folder)).collect();
            let id = new.map(|new| new.id);
            if elsewhere.contains(&id) {
                continue;
            }
            let path = if folder.is_empty() { name } else { [folder, b"/", &name].concat() };
            if is_folder {
                let others =
                    elsewhere.into_iter().map(|id| self.folder(id)).collect::<Result<Vec<_>, _>>()?;
                let (old, new) = (self.folder(old.map(|old| old.id))?, self.folder(id)?);
                self.compare(&path, old.as_ref(), new.as_ref(), &others)?;
            } else {
                let [old, new] = [old, new].map(|side| side.map_or(Oid::ZERO_SHA1, |side| side.id));
                self.found.push(PathChange { path, old_path: None, old, new });
            }
        }
        Ok(())
    }

    fn folder(&self, id: Option<Oid>) -> Result<Option<Tree<'r>>, Error> {
        id.map(|id| self.repository.find_tree(id)).transpose()
    }
}

/// The differences between two trees, in git's order.
fn differences(old: Option<&Tree<'_>>, new: Option<&Tree<'_>>) -> Vec<Difference> {
    let mut found = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    loop {
        let before = old.and_then(|tree| tree.get(at_old));
        let after = new.and_then(|tree| tree.get(at_new));
        let order = match (&before, &after) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => in_order(before, after),
        };
        let before = before.filter(|_| order.is_le());
        let after = after.filter(|_| order.is_ge());
        at_old += usize::from(before.is_some());
        at_new += usize::from(after.is_some());
        let [old, new] = [&before, &after].map(|side| side.as_ref().map(Named::of));
        if let Some(entry) = before.or(after)
            && old != new
        {
            let (name, is_folder) = (entry.name_bytes().to_vec(), is_folder(&entry));
            found.push(Difference { name, is_folder, old, new });
        }
    }
}

fn is_folder(entry: &TreeEntry<'_>) -> bool {
    entry.kind() == Some(ObjectType::Tree)
}

/// Folders stand where their names with a slash at the end would.
fn in_order(a: &TreeEntry<'_>, b: &TreeEntry<'_>) -> Ordering {
    let bytes = |entry: &TreeEntry<'_>| is_folder(entry).then_some(b'/');
    let (end_of_a, end_of_b) = (bytes(a), bytes(b));
    a.name_bytes().iter().copied().chain(end_of_a).cmp(b.name_bytes().iter().copied().chain(end_of_b))
}

fn id_of(tree: Option<&Tree<'_>>, name: &[u8], is_folder_wanted: bool) -> Option<Oid> {
    let entry = tree?.get_name_bytes(name)?;
    (is_folder(&entry) == is_folder_wanted).then(|| entry.id())
}

//! The repository: history, blobs and differences through libgit2, and a shadow of it for trials.
//!
//! Nothing here writes into the user's repository.
//!
//! | file | what it does |
//! |---|---|
//! | `repository` | [`Repository`]: opening, refusals, commits, blobs |
//! | `revision` | names → commits, the nearest known names, release tags |
//! | `history` | a range → [`History`]: the commit graph and who is who in it |
//! | `pathspec` | `--path`: which commits touch a path, and the graph without the others |
//! | `changes` | two trees → [`FileChange`]s, changed lines, unified text |
//! | `line_changes` | the lines that commits of a range change |
//! | `path_changes` | the paths that a commit has otherwise than all of its parents |
//! | [`checkout`] | a tree's files as git would write them |
//! | `tree_delta` | [`TreeDelta`]: from one checked-out tree to another |
//! | `shadow` | [`Shadow`]: a private object store on top of the user's |
//! | `listing` | the files near the top of a tree |
//! | `merge` | [`Merged`]: merges in memory, and the work tree as a tree |
//! | `mirror` | [`Mirror`]: files of trees kept in a folder from run to run |
//! | `entry_pairs` | [`EntryPair`]s: two trees entry by entry |
//! | `overlay` | trees with files laid over them, and with other entries |
//! | `partial` | what a partial clone lacks is fetched into the shadow |
//! | `publish` | a tree as a [`Patch`], a commit on a branch, a pushed branch |
//! | `tracked` | whether a program came with the repository |
//! | `private` | [`PrivateGit`]: the `.git` that a trial sees |
//! | `library` | libgit2's global settings |
//! | `ids` | libgit2's ids ↔ the model's |
//! | `python_changes` | Python files that differ, over whole histories |
//! | `error` | [`GitError`] |

mod changes;
mod checkout;
mod entry_pairs;

mod error;
mod export;
mod history;
mod ids;
mod library;
mod line_changes;
mod listing;
mod merge;
mod mirror;
mod overlay;
mod partial;
mod path_changes;
mod pathspec;
mod private;
mod publish;
mod python_changes;
mod repository;
mod revision;
mod shadow;
mod tags;
mod tracked;
mod tree_delta;
mod under_way;
mod work_tree;

pub use changes::{ChangeStatus, ChangedLines, FileChange};
pub use checkout::{Checkout, Content, Flaw, Form, TreeAttributes, holds_attributes};
pub use entry_pairs::EntryPair;
pub use error::GitError;
pub use history::{History, RangeOptions};
pub use line_changes::{ChangedLine, FileLines};
pub use merge::Merged;
pub use mirror::Mirror;
pub use overlay::Placed;
pub use partial::OTHER_REPOSITORY;
pub use private::{Drafts, IndexedFile, PrivateGit};
pub use publish::Patch;
pub use python_changes::{CommitTrees, Listing, WorkTreeChange, is_python, read_without_checking_hashes};
pub use repository::Repository;
pub use revision::Tag;
pub use shadow::{Borrowed, Link, Shadow};
pub use tree_delta::{SUBMODULE, SYMLINK, TreeDelta, TreeFile};
pub use under_way::UnderWay;
pub use work_tree::WorkState;

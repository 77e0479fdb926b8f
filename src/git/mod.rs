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
//! | `changed_lines` | the lines that commits of a range change |
//! | `combined_diff` | the paths that a commit has otherwise than all of its parents |
//! | [`checkout`] | a tree's files as git would write them |
//! | `checkout_delta` | [`CheckoutDelta`]: from one checked-out tree to another |
//! | `shadow` | [`Shadow`]: a private object store on top of the user's |
//! | `top_level_files` | the files near the top of a tree |
//! | `merge` | [`MergeOutcome`]: merges in memory, and the work tree as a tree |
//! | `exported_tree` | [`ExportedTrees`]: files of trees kept in a folder from run to run |
//! | `raw_diff` | [`EntryPair`]s: two trees entry by entry |
//! | `tree_builder` | trees with files laid over them, and with other entries |
//! | `tree_listing` | [`TreeEntry`]s: the direct entries of a tree |
//! | `partial_clone` | what a partial clone lacks is fetched into the shadow |
//! | `publish` | a tree as a [`Patch`], a commit on a branch, a pushed branch |
//! | `tracked` | whether a program came with the repository |
//! | `trial_repository` | [`PrivateGit`]: the `.git` that a trial sees |
//! | `libgit2_settings` | libgit2's global settings |
//! | `ids` | libgit2's ids ↔ the model's |
//! | `changed_python_files` | Python files that differ, over whole histories |
//! | `error` | [`GitError`] |
//! | `repository_variables` | variables that lead git to another repository |

mod changes;
mod checkout;
mod raw_diff;
mod repository_variables;

mod bisect_in_progress;
mod changed_lines;
mod changed_python_files;
mod checkout_delta;
mod combined_diff;
mod error;
mod export;
mod exported_tree;
mod history;
mod ids;
mod libgit2_settings;
mod merge;
mod partial_clone;
mod pathspec;
mod publish;
mod repository;
mod revision;
mod shadow;
mod tags;
mod top_level_files;
mod tracked;
mod tree_builder;
mod tree_listing;
mod tree_modes;
mod trial_repository;
mod work_tree;

pub use bisect_in_progress::UnderWay;
pub use changed_lines::{ChangedLine, FileLines};
pub use changed_python_files::{
    CommitFilter, CommitTrees, WorkTreeChange, disable_hash_verification, is_python,
};
pub use changes::{ChangeStatus, ChangedLines, FileChange};
pub use checkout::{AttributeForm, Checkout, CheckoutGap, Content, TreeAttributes, holds_attributes};
pub use checkout_delta::{CheckoutDelta, TreeFile};
pub use error::GitError;
pub use exported_tree::ExportedTrees;
pub use history::{History, RangeOptions};
pub use merge::MergeOutcome;
pub use publish::Patch;
pub use raw_diff::EntryPair;
pub use repository::Repository;
pub use repository_variables::OTHER_REPOSITORY;
pub use revision::Tag;
pub use shadow::{Link, RepositoryTemplate, Shadow};
pub use tree_builder::TreeEdit;
pub use tree_listing::{EntryTarget, TreeEntry};
pub use tree_modes::{SUBMODULE, SYMLINK};
pub use trial_repository::{Drafts, IndexedFile, PrivateGit};
pub use work_tree::WorkState;

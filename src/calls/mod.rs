//! Python calls: where they are, what they call, and what a change did to them. Pure: text in, data out.
//!
//! [`diff_files`] is the way in. It goes through these steps, one file each:
//!
//! | step | file |
//! |---|---|
//! | cut both versions into statements, without parsing | `statements` |
//! | set aside what is equal; decide what to parse | `plan` |
//! | parse those parts, with limits (tree-sitter) | `parse`, `grammar` |
//! | a flat tree with hashes that are blind to formatting | `syntax`, `literals` |
//! | scopes, call sites, what names are bound to | `extract`, `bindings` |
//! | match functions and classes, across renames and moves | `scopes` |
//! | see through renamed local variables | `renames` |
//! | qualify callees | `resolve`, `module_name` |
//! | match call sites | `version`, `pairing` |
//! | say what happened to each | `classify`, `wraps` |
//! | read a patch instead of two files | `patch` |
//! | definitions that changed, and calls that no longer fit | `definitions`, `signature`, `stale` |
//! | versions that nobody wrote: is it Python, where do statements begin | `well_formed` |

mod bindings;
mod classify;
mod definitions;
mod diff;
mod extract;
mod grammar;
mod literals;
mod module_name;
mod pairing;
mod parse;
mod patch;
mod plan;
mod renames;
mod resolve;
mod scopes;
mod signature;
mod stale;
mod statements;
mod syntax;
mod version;
mod well_formed;
mod wraps;

pub use diff::{Parsing, Paths, diff_files, diff_files_parsing};
pub use patch::{FilePatch, parse_patch};
pub use stale::StaleFinder;
pub use well_formed::{is_well_formed, statement_starts};

//! Files beneath an open folder: reached by its descriptor, whatever its path leads to by now.
//!
//! What runs the code of a commit may rearrange the folders that it can write, and put links in their place. Whoever
//! works there by path afterwards is led wherever a link leads. A [`Folder`] is opened once; what is done in it stays
//! beneath it, follows no link, and crosses no mount point.
//!
//! | file | what it is |
//! |---|---|
//! | `attributes` | [`FolderAttributes`]: what a folder has beside its entries |
//! | `facts` | [`FileFacts`]: what tells that a file was touched; [`Identity`]: which folder this is |
//! | `folder` | [`Folder`]: looking, making, opening |
//! | `remove` | removing, in bounded time, memory and descriptors |
//! | `resolve` | from a path to a descriptor |
//! | `scratch` | [`Scratch`]: a temporary folder for a program that is not trusted |
//! | `entries` | what lies in an open folder, and the folder that a path lies in |

mod attributes;
mod entries;
mod facts;
mod folder;
mod remove;
mod resolve;
mod scratch;
#[cfg(test)]
mod tests;

pub use attributes::FolderAttributes;
pub use entries::Entry;
pub use facts::{FileFacts, Identity, Kind};
pub use folder::Folder;
pub use remove::remove_tree;
pub use scratch::Scratch;

//! Trials on this machine: a pool of slots, each with a work tree that moves from tree to tree.
//!
//! A slot is a folder with `tree/` (the work tree, with a private `.git`), `home/` and `tmp/`. Reuse has three
//! hazards, with fixed answers:
//!
//! - **Stale bytecode.** CPython trusts a `.pyc` when the source's time (whole seconds) and size agree. Python
//!   sources therefore get a time that is derived from their content ([`WorkTree`](worktree::WorkTree)), and
//!   bytecode goes to a prefix of the run ([`pycache`]). So bytecode fits wherever its source is, in other slots too.
//! - **Leftovers.** After each trial the slot is put back: what git does not know is removed, what was changed
//!   is written again.
//! - **Live processes.** The `process` room leaves none.
//!
//! A trial may rearrange what it can write. Slots are therefore reached by descriptor alone ([`slot_dir`]), beneath what
//! was opened when they were made; see [`dirfd`](crate::dirfd).
//!
//! | file | what it does |
//! |---|---|
//! | `run_dir` | [`RunFolder`]: one folder a run, and removing those of dead runs |
//! | `pool` | [`LocalExecutor`]: hands out slots |
//! | `slot` | one trial: check out, set up, run, put back |
//! | `slot_dir` | the folders of a slot, by descriptor |
//! | `worktree` | checking out, writing only what differs |
//! | `clean` | putting a work tree back to what was checked out |
//! | `manifest` | what is in a work tree, and what cannot be |
//! | `command_env` | the variables of a command |
//! | `checkout_forms` | how files are to be written, and what submodules bring |
//! | `user_links` | what is linked into a tree |
//! | `pycache` | bytecode: the prefix, its seeds, and what may stay |
//! | `bytecode_prefix` | the prefix of one slot, put in order after each trial |
//! | `bytecode_cache` | bytecode that one slot made and others need |
//! | `bytecode_path` | which bytecode belongs to which source, by its path |
//! | `input_folder` | what a trial finds beside its tree, and may write there |
//! | `file_forms` | the form in which each file of a tree is written |
//! | `source_time` | times of source files, derived from their content |

mod bytecode_cache;
mod bytecode_path;
mod bytecode_prefix;
mod checkout_forms;
mod clean;
mod command_env;
mod file_forms;
mod input_folder;
mod manifest;
mod pool;
mod pycache;
mod run_dir;
mod slot;
mod slot_dir;
mod source_time;
mod user_links;
mod worktree;

pub use pool::LocalExecutor;
pub use run_dir::{RunFolder, Sweep, alive, sweep, sweep_with};

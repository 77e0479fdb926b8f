//! `pybisect cache`: where it is, what it takes, and making it smaller, also while searches run.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::{Error, ExitStatus, print};
use crate::dirfd::remove_tree;
use crate::executor::local::{alive, sweep};
use crate::git::ExportedTrees;
use crate::pyenv::evict_environments;
use crate::report::{plural, size};
use crate::setup::cache_dir;
use crate::setup::{MOST_BYTES, parse_size};
use crate::store::{CallCache, Store};

/// Show what pybisect keeps, and remove it
///
/// Everything in it is made again when it is wanted. What a running search uses stays.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the folder: $PYBISECT_CACHE_DIR, or pybisect in your cache folder
    Dir,
    /// Show how much space it takes, by kind
    Size {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Remove what was not used for a month, what exceeds the limit, and what dead runs left
    Prune {
        /// Disk space for environments, such as 2G; the least recently used are removed [default: 5G]
        #[arg(long, value_name = "SIZE")]
        env_cache: Option<String>,
    },
    /// Remove all that no running search uses: sessions and their outcomes, too
    Clean,
}

/// Run it.
pub(crate) fn run(args: &Args) -> Result<ExitStatus, Error> {
    let cache = cache_dir::cache()?;
    match &args.what {
        What::Dir => print::print(format!("{}\n", cache.display()).as_bytes()),
        What::Size { json } => show(&cache, *json),
        What::Prune { env_cache } => {
            let limit = env_cache.as_deref().map(parse_size).transpose()?.unwrap_or(MOST_BYTES);
            removed(&cache, || prune(&cache, limit))
        }
        What::Clean => removed(&cache, || clean(&cache)),
    }
}

/// What lies in the cache, and what for.
const PARTS: [(&str, &str); 9] = [
    ("sessions-1.sqlite", "sessions, outcomes of trials and what they printed"),
    ("calls-1.sqlite", "calls of Python files"),
    ("digests-1.sqlite", "digests of files, for clusters"),
    ("environments", "environments of commits, and the packages in them"),
    ("types", "sources for the type checker"),
    ("tools", "uv and ty, where you have none"),
    ("fixes", "patches that `pybisect fix` wrote"),
    ("runs", "work trees of searches that run"),
    ("slurm", "trees of searches that run on Slurm"),
];

fn show(cache: &Path, as_json: bool) -> Result<ExitStatus, Error> {
    let parts = PARTS.map(|(name, what)| (name, what, bytes_of_part(cache, name)));
    let total = bytes(cache);
    if as_json {
        let parts: Vec<_> = parts
            .iter()
            .map(|(name, what, bytes)| json!({ "name": name, "what": what, "bytes": bytes }))
            .collect();
        let folder = cache.display().to_string();
        let object =
            json!({ "schema": "pybisect-cache/1", "folder": folder, "bytes": total, "parts": parts });
        return print::print(format!("{object:#}\n").as_bytes());
    }
    let lines = parts.iter().filter(|(.., bytes)| *bytes > 0);
    let mut text: Vec<String> =
        lines.map(|(_, what, bytes)| format!("{:>9}  {what}\n", size(*bytes))).collect();
    text.push(format!("{:>9}  in {}\n", size(total), cache.display()));
    print::print_text(text.concat().as_bytes())
}

/// A file of the store with what SQLite keeps beside it.
fn bytes_of_part(cache: &Path, name: &str) -> u64 {
    ["", "-wal", "-shm"].iter().map(|ending| bytes(&cache.join(format!("{name}{ending}")))).sum()
}

/// Bytes on the disk; a file with several names counts once.
pub(super) fn bytes(place: &Path) -> u64 {
    let mut seen = HashSet::new();
    let entries = walkdir::WalkDir::new(place).into_iter().flatten();
    let facts = entries.filter_map(|entry| entry.metadata().ok());
    facts.filter(|facts| seen.insert((facts.dev(), facts.ino()))).map(|facts| facts.blocks() * 512).sum()
}

/// Say what it brought.
fn removed(cache: &Path, remove: impl FnOnce() -> Result<Vec<String>, Error>) -> Result<ExitStatus, Error> {
    if !cache.is_dir() {
        return print::print_text(format!("there is nothing in {}\n", cache.display()).as_bytes());
    }
    let before = bytes(cache);
    let notes = remove()?;
    let after = bytes(cache);
    let mut text = format!(
        "{} freed, {} left in {}\n",
        size(before.saturating_sub(after)),
        size(after),
        cache.display()
    );
    for note in notes {
        text.push_str(&note);
        text.push('\n');
    }
    print::print_text(text.as_bytes())
}

/// Remove what is old and what is too much.
fn prune(cache: &Path, limit: u64) -> Result<Vec<String>, Error> {
    let mut notes = sweep_runs(cache)?;
    let store = Store::open(cache)?;
    store.evict()?;
    store.shrink();
    notes.extend(evict(cache, limit)?);
    ExportedTrees::forget(&cache.join("types"), false);
    Ok(notes)
}

/// Remove what no run uses.
fn clean(cache: &Path) -> Result<Vec<String>, Error> {
    let mut notes = sweep_runs(cache)?;
    let running = alive(cache).map_err(Error::internal)?;
    Store::open(cache)?.clear(running > 0)?;
    CallCache::open(cache)?.clear()?;
    notes.extend(evict(cache, 0)?);
    ExportedTrees::forget(&cache.join("types"), true);
    if running > 0 {
        let who = if running == 1 { "a search runs".to_owned() } else { format!("{running} searches run") };
        notes.push(format!("{who}: what may be in use stays"));
        return Ok(notes);
    }
    let environments = ["resolved", "uv", "tools"].map(|name| cache.join("environments").join(name));
    let set_aside = fs::read_dir(cache).into_iter().flatten().flatten().map(|entry| entry.path());
    let set_aside: Vec<PathBuf> =
        set_aside.filter(|path| path.to_string_lossy().contains(".sqlite.damaged-")).collect();
    for place in environments
        .into_iter()
        .chain(
            ["tools", "fixes", "digests-1.sqlite", "digests-1.sqlite-wal", "digests-1.sqlite-shm"]
                .map(|name| cache.join(name)),
        )
        .chain(set_aside)
    {
        remove_tree(&place).map_err(|error| {
            Error::internal(
                anyhow::Error::new(error).context(format!("failed to remove {}", place.display())),
            )
        })?;
    }
    Ok(notes)
}

fn sweep_runs(cache: &Path) -> Result<Vec<String>, Error> {
    let swept = sweep(cache).map_err(Error::internal)?;
    let count = swept.count();
    swept.finish();
    Ok(if count > 0 { vec![format!("removed what {} left", plural(count, "dead run"))] } else { Vec::new() })
}

fn evict(cache: &Path, limit: u64) -> Result<Vec<String>, Error> {
    let count = evict_environments(cache, limit).map_err(Error::internal)?;
    Ok(if count > 0 { vec![format!("removed {}", plural(count, "environment"))] } else { Vec::new() })
}

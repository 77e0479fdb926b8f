//! Splits commits of real histories into edits and composes partial trees of them.
//!
//! ```text
//! cargo run --release --features internals --example partial_trees -- [--commits 300] [--rare 10] [--show] REPOSITORY [COMMIT…]
//! ```
//!
//! For each commit and its first parent: all edits applied have to give the commit's tree, none its parent's, byte
//! for byte, and so has taking up again what half of them left. With `--rare`, older commits are looked at as well,
//! until each kind of change (see [`kinds`]) was seen in so many. With `--show`, the edits are listed. Exit status 1
//! when a tree differs.
#![expect(clippy::print_stdout, reason = "it is a program for people")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use pybisect::git::{EntryPair, Repository, SUBMODULE, SYMLINK, Shadow};
use pybisect::minimize::{EditList, EditSet};
use pybisect::model::{CommitId, TreeId};
use pybisect::session::{difference_between, partial_tree};

/// Partial trees of real commits
#[derive(Debug, Parser)]
struct Args {
    /// Commits with a parent, newest first along first parents, when none are named
    #[arg(long, default_value_t = 300)]
    commits: usize,
    /// Beside those, commits with a kind of change that was seen in fewer than this
    #[arg(long, default_value_t = 0)]
    rare: usize,
    /// List the edits
    #[arg(long)]
    show: bool,
    /// The repository
    repository: PathBuf,
    /// These commits only
    commit: Vec<String>,
}

#[derive(Debug, Default)]
struct Tally {
    pairs: usize,
    wrong: usize,
    edits: usize,
    most: usize,
    slowest: Duration,
    time: Duration,
    kinds: BTreeMap<&'static str, usize>,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let repository = Repository::open(&args.repository)?;
    let scratch = tempfile::tempdir()?;
    let shadow = Shadow::create(&scratch.path().join("shadow"), &repository)?;
    let mut tally = Tally::default();
    let commits = if args.commit.is_empty() {
        repository.first_parent_chain(repository.resolve("HEAD")?.id, usize::MAX)?
    } else {
        args.commit.iter().map(|rev| Ok(repository.resolve(rev)?.id)).collect::<Result<_>>()?
    };
    for commit in commits {
        let info = repository.info(commit)?;
        let Some(&parent) = info.parents.first() else { continue };
        let trees = (repository.tree_of(parent)?, info.tree);
        let is_new = tally.pairs < args.commits || !args.commit.is_empty();
        if is_new || has_rare(&repository, trees, &args, &tally)? {
            one(&shadow, trees, commit, &args, &mut tally)?;
        }
    }
    println!("{tally:?}");
    Ok(if tally.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn one(
    shadow: &Shadow,
    (old, new): (TreeId, TreeId),
    commit: CommitId,
    args: &Args,
    tally: &mut Tally,
) -> Result<()> {
    let began = Instant::now();
    let difference = difference_between(shadow, old, new)?;
    let took = began.elapsed();
    let count = difference.edits.len();
    let all = EditSet::all(count);
    let half: EditSet = (0..count).step_by(2).collect();
    let halfway = partial_tree(shadow, &difference, old, &half)?;
    let rest = difference_between(shadow, halfway, new)?;
    let exact = partial_tree(shadow, &difference, old, &all)? == new
        && partial_tree(shadow, &difference, old, &EditSet::default())? == old
        && partial_tree(shadow, &rest, halfway, &EditSet::all(rest.edits.len()))? == new;
    tally.pairs += 1;
    tally.wrong += usize::from(!exact);
    tally.edits += count;
    tally.most = tally.most.max(count);
    tally.slowest = tally.slowest.max(took);
    tally.time += took;
    let repository = shadow.repository();
    let pairs = repository.entry_pairs(old, new)?;
    for kind in pairs.iter().flat_map(|pair| kinds(repository, pair)).collect::<BTreeSet<_>>() {
        *tally.kinds.entry(kind).or_default() += 1;
    }
    if !exact {
        println!("{commit}: not exact");
    }
    if args.show {
        show(&difference, commit, took);
    }
    Ok(())
}

fn show(difference: &EditList, commit: CommitId, took: Duration) {
    println!("{commit}: {} edits, {took:.0?}", difference.edits.len());
    for (at, edit) in difference.edits.iter().enumerate() {
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).trim().replace('\n', "⏎").chars().take(100).collect::<String>()
        };
        let (name, call) = (difference.files[edit.file].name(), if edit.is_call { " call" } else { "" });
        println!("  {at:>3} {name}:{}{call} needs {:?}", edit.lines.start, difference.needs(at));
        println!("      - {}\n      + {}", text(&edit.old), text(&edit.new));
    }
}

/// Whether something in a difference is of a kind that was seen in few commits.
fn has_rare(
    repository: &Repository,
    (old, new): (TreeId, TreeId),
    args: &Args,
    tally: &Tally,
) -> Result<bool> {
    let is_rare = |kind: &str| tally.kinds.get(kind).copied().unwrap_or_default() < args.rare;
    if args.rare == 0 {
        return Ok(false);
    }
    let pairs = repository.entry_pairs(old, new)?;
    Ok(pairs.iter().flat_map(|pair| kinds(repository, pair)).any(is_rare))
}

/// What can go wrong with a file.
fn kinds(repository: &Repository, pair: &EntryPair) -> Vec<&'static str> {
    let mut kinds = vec![match (&pair.old, &pair.new) {
        (None, _) => "added",
        (_, None) => "removed",
        (Some(old), Some(new)) if old.path != new.path => "moved",
        (Some(old), Some(new)) if old.mode != new.mode => "mode",
        (Some(_), Some(_)) => "changed",
    }];
    for file in [&pair.old, &pair.new].into_iter().flatten() {
        match file.mode {
            SYMLINK => kinds.push("link"),
            SUBMODULE => kinds.push("submodule"),
            _ => {}
        }
        let Ok(text) = repository.blob(file.id) else { continue };
        let has = |bytes: &[u8]| text.windows(bytes.len()).any(|window| window == bytes);
        let facts = [
            (text.contains(&0), "binary"),
            (!text.contains(&0) && std::str::from_utf8(&text).is_err(), "not UTF-8"),
            (has(b"\r\n"), "CRLF"),
            (text.last().is_some_and(|&last| last != b'\n'), "no final newline"),
            (text.is_empty(), "empty"),
        ];
        kinds.extend(facts.into_iter().filter(|(holds, _)| *holds).map(|(_, kind)| kind));
    }
    kinds
}

//! Splits commits of real histories into edits and composes partial trees of them.
//!
//! ```text
//! cargo run --release --example partial_trees -- [--commits 300] [--show] REPOSITORY [COMMIT…]
//! ```
//!
//! For each commit and its first parent: all edits applied have to give the commit's tree, none its parent's, byte
//! for byte, and so has taking up again what half of them left. With `--show`, the edits are listed. Exit status 1 when
//! a tree differs.
#![expect(clippy::print_stdout, reason = "it is a program for people")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use pybisect::git::{Repository, Shadow, TreeFile};
use pybisect::minimize::{Difference, EditSet, FilePair, Side, Stored};
use pybisect::model::{CommitId, TreeId};

/// Partial trees of real commits
#[derive(Debug, Parser)]
struct Args {
    /// Commits with a parent, newest first along first parents, when none are named
    #[arg(long, default_value_t = 300)]
    commits: usize,
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
    let commits = if args.commit.is_empty() {
        let head = repository.resolve("HEAD")?.id;
        repository.first_parent_chain(head, args.commits + 1)?
    } else {
        args.commit.iter().map(|rev| Ok(repository.resolve(rev)?.id)).collect::<Result<_>>()?
    };
    let mut tally = Tally::default();
    for commit in commits {
        let info = repository.info(commit)?;
        let Some(&parent) = info.parents.first() else { continue };
        one(&shadow, (repository.tree_of(parent)?, info.tree), commit, &args, &mut tally)?;
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
    let difference = Difference::new(file_pairs(shadow, old, new)?);
    let took = began.elapsed();
    let count = difference.edits.len();
    let all = EditSet::all(count);
    let half: EditSet = (0..count).step_by(2).collect();
    let halfway = compose(shadow, &difference, old, &half)?;
    let rest = Difference::new(file_pairs(shadow, halfway, new)?);
    let exact = compose(shadow, &difference, old, &all)? == new
        && compose(shadow, &difference, old, &EditSet::default())? == old
        && compose(shadow, &rest, halfway, &EditSet::all(rest.edits.len()))? == new;
    tally.pairs += 1;
    tally.wrong += usize::from(!exact);
    tally.edits += count;
    tally.most = tally.most.max(count);
    tally.slowest = tally.slowest.max(took);
    tally.time += took;
    for pair in &difference.files {
        *tally.kinds.entry(kind(pair)).or_default() += 1;
    }
    if !exact {
        println!("{commit}: not exact");
    }
    if args.show {
        show(&difference, commit, took);
    }
    Ok(())
}

fn show(difference: &Difference, commit: CommitId, took: Duration) {
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

fn kind(pair: &FilePair) -> &'static str {
    match (&pair.old, &pair.new) {
        (None, _) => "added",
        (_, None) => "removed",
        (Some(old), Some(new)) if old.path != new.path => "moved",
        (Some(old), Some(new)) if old.mode != new.mode => "mode",
        (Some(old), Some(new)) if old.text.is_none() || new.text.is_none() => "binary",
        (Some(old), _) if old.mode == 0o120_000 => "link",
        (Some(_), Some(_)) => "text",
    }
}

fn file_pairs(shadow: &Shadow, old: TreeId, new: TreeId) -> Result<Vec<FilePair>> {
    let repository = shadow.repository();
    let side = |file: Option<TreeFile>| -> Option<Side> {
        let TreeFile { path, id, mode } = file?;
        let text = repository.blob(id).ok().filter(|text| !text.contains(&0));
        Some(Side { path, mode, id, text })
    };
    let pairs = repository.entry_pairs(old, new)?;
    Ok(pairs.into_iter().map(|pair| FilePair { old: side(pair.old), new: side(pair.new) }).collect())
}

fn compose(shadow: &Shadow, difference: &Difference, old: TreeId, applied: &EditSet) -> Result<TreeId> {
    let mut entries = Vec::new();
    for written in difference.partial(applied) {
        let entry = match written.entry {
            Some((mode, Stored::As(id))) => Some((mode, id)),
            Some((mode, Stored::Text(text))) => Some((mode, shadow.write_blob(&text)?)),
            None => None,
        };
        entries.push((written.path, entry));
    }
    Ok(shadow.with_entries(old, &entries)?)
}

//! Runs the call diff over a whole history and says where the time goes.
//!
//! ```text
//! cargo run --release --features internals --example call_history -- REPOSITORY [COMMITS]
//! cargo run --release --features internals --example call_history -- cases CASES HISTORIES
//! ```
//!
//! With `cases`: for each regression described in the folder CASES whose culprit changed a call, whether the
//! call diff of the culprit has the change that the description names; HISTORIES holds the repositories.
//!
//! For every changed Python file of the last commits (500 without a number): no panic, the same result
//! from parsing what changed and from parsing all, the mirrored result from the exchanged versions, and
//! nothing from a version against itself.
#![expect(clippy::print_stdout, reason = "it is a program for the terminal")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use pybisect::calls::{Parsing, Paths, diff_files, diff_files_parsing};
use pybisect::git::{CommitFilter, Repository};
use pybisect::model::{CallChange, CallSite, CommitId, FileCalls};
use rayon::prelude::*;
use serde::Deserialize;

#[derive(Default)]
struct Counts {
    commits: usize,
    files: usize,
    changes: usize,
    partly: usize,
    other_when_whole: usize,
    not_mirrored: usize,
    not_empty: usize,
    panics: usize,
    changed: Duration,
    whole: Duration,
}

impl Counts {
    fn add(mut self, other: Self) -> Self {
        self.commits += other.commits;
        self.files += other.files;
        self.changes += other.changes;
        self.partly += other.partly;
        self.other_when_whole += other.other_when_whole;
        self.not_mirrored += other.not_mirrored;
        self.not_empty += other.not_empty;
        self.panics += other.panics;
        self.changed += other.changed;
        self.whole += other.whole;
        self
    }
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, cases, histories] = &arguments[..]
        && word == "cases"
    {
        let missed = described(Path::new(cases), Path::new(histories))?;
        return Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    history(&arguments).map(|()| ExitCode::SUCCESS)
}

#[derive(Deserialize)]
struct Case {
    name: String,
    repo: String,
    culprit: String,
    culprit_change: String,
    traits: Vec<String>,
}

/// How many descriptions name a change that is not found.
fn described(cases: &Path, histories: &Path) -> Result<usize> {
    let mut files: Vec<_> = std::fs::read_dir(cases)?.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
    files.sort();
    let mut missed = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "toml")) {
        let case: Case = toml::from_str(&std::fs::read_to_string(file)?)?;
        if !case.traits.iter().any(|word| word == "call-change") {
            continue;
        }
        let repository = Repository::open(&histories.join(case.repo.replace('/', "+")).join("repo"))?;
        let commit = repository.commit_trees(repository.resolve(&case.culprit)?.id)?;
        let told: String = case.culprit_change.split_whitespace().collect();
        let mut found = Vec::new();
        for file in repository.changed_python_files(commit.parents.first().copied(), commit.tree)? {
            let old = file.old.map(|blob| repository.blob(blob)).transpose()?;
            let new = file.new.map(|blob| repository.blob(blob)).transpose()?;
            let paths = Paths::same(file.path.to_str().context("a path that is no UTF-8")?);
            let calls = diff_files(old.as_deref(), new.as_deref(), paths);
            found.extend(calls.changes.into_iter().filter(|change| is_told(change, &told)));
        }
        println!("{}: {} of the changes are told", case.name, found.len());
        for change in found.iter().take(3) {
            let side =
                |site: &Option<CallSite>| site.as_ref().map_or("", |site| &site.text).replace('\n', " ");
            println!("    {}: {} -> {}", change.kind.word(), side(&change.before), side(&change.after));
        }
        missed += usize::from(found.is_empty());
    }
    println!("descriptions without their change: {missed}");
    Ok(missed)
}

/// Whether a description (without blanks) has both sides of a change, at least from the called name on.
fn is_told(change: &CallChange, told: &str) -> bool {
    let side = |site: &CallSite| {
        let text: String = site.text.split_whitespace().collect();
        let text = text.replace(",)", ")");
        let head = text.find('(').map_or(text.len(), |open| text[..open].rfind('.').map_or(0, |dot| dot + 1));
        told.contains(&text) || (head > 0 && head < text.len() && told.contains(&text[head..]))
    };
    [&change.before, &change.after].into_iter().flatten().all(side)
}

fn history(arguments: &[String]) -> Result<()> {
    let path = Path::new(arguments.first().context("which repository?")?);
    let most = arguments.get(1).map_or(Ok(500), |text| text.parse())?;
    let repository = Repository::open(path)?;
    let head = repository.resolve("HEAD")?.id;
    let listing = CommitFilter { most: Some(most), no_merges: true, ..CommitFilter::default() };
    let commits: Vec<CommitId> =
        repository.commits(head, &listing)?.into_iter().map(|commit| commit.id).collect();
    let counts = commits
        .par_iter()
        .with_max_len(4)
        .map_init(
            || Repository::open(path),
            |repository, &id| -> Result<Counts> {
                let repository = repository.as_ref().ok().context("the repository went away")?;
                commit(repository, id)
            },
        )
        .try_reduce(Counts::default, |a, b| Ok(a.add(b)))?;
    let Counts {
        commits,
        files,
        changes,
        partly,
        other_when_whole,
        not_mirrored,
        not_empty,
        panics,
        changed,
        whole,
    } = counts;
    println!("commits {commits}, files {files}, changes {changes}, partly parsed {partly}");
    println!("panics {panics}, other when parsed whole {other_when_whole}");
    println!("not mirrored {not_mirrored}, changes against itself {not_empty}");
    println!("parsing what changed {changed:?}, parsing whole files {whole:?}");
    Ok(())
}

fn commit(repository: &Repository, id: CommitId) -> Result<Counts> {
    let commit = repository.commit_trees(id)?;
    let mut counts = Counts { commits: 1, ..Counts::default() };
    for file in repository.changed_python_files(commit.parents.first().copied(), commit.tree)? {
        let old = file.old.map(|blob| repository.blob(blob)).transpose()?;
        let new = file.new.map(|blob| repository.blob(blob)).transpose()?;
        let path = file.path.to_string_lossy();
        let (old, new) = (old.as_deref(), new.as_deref());
        let checked = std::panic::catch_unwind(|| check(old, new, &path, &id.short()));
        counts = counts.add(checked.unwrap_or_else(|_| Counts { files: 1, panics: 1, ..Counts::default() }));
    }
    Ok(counts)
}

fn check(old: Option<&[u8]>, new: Option<&[u8]>, path: &str, commit: &str) -> Counts {
    let paths = Paths::same(path);
    let start = Instant::now();
    let calls = diff_files(old, new, paths);
    let changed = start.elapsed();
    let start = Instant::now();
    let whole_calls = diff_files_parsing(old, new, paths, Parsing::Whole);
    let whole = start.elapsed();
    let is_other = calls != whole_calls;
    if is_other {
        println!(
            "{commit} {path}: {} changes, {} parsed whole",
            calls.changes.len(),
            whole_calls.changes.len()
        );
    }
    let back = sorted(diff_files(new, old, paths));
    let forth = sorted(FileCalls {
        changes: calls.changes.iter().cloned().map(CallChange::mirrored).collect(),
        ..FileCalls::default()
    });
    if back != forth {
        println!("{commit} {path}: not mirrored");
    }
    Counts {
        commits: 0,
        files: 1,
        changes: calls.changes.len(),
        partly: usize::from(calls.partly_parsed()),
        other_when_whole: usize::from(is_other),
        not_mirrored: usize::from(back != forth),
        not_empty: usize::from(!diff_files(new, new, paths).changes.is_empty()),
        panics: 0,
        changed,
        whole,
    }
}

fn sorted(calls: FileCalls) -> Vec<String> {
    let mut changes: Vec<String> = calls.changes.iter().map(|change| format!("{change:?}")).collect();
    changes.sort();
    changes
}

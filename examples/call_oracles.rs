//! Compares what `pybisect::calls` finds with independent judges.
//!
//! ```text
//! cargo run --release --features internals --example call_oracles -- ast FOLDER        CPython's own ast
//! cargo run --release --features internals --example call_oracles -- same OLD NEW      two folders, one a reformatting of the other
//! ```
#![expect(clippy::print_stdout, reason = "it is a program for the terminal")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use pybisect::calls::{Paths, diff_files};
use rayon::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Judged {
    path: PathBuf,
    calls: Option<Vec<(u32, u32)>>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["ast", folder] => compare_with_ast(Path::new(folder)),
        ["same", old, new] => compare_folders(Path::new(old), Path::new(new)),
        _ => bail!("ast FOLDER, or same OLD NEW"),
    }
}

fn python_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_map(|entry| entry.ok().map(walkdir::DirEntry::into_path))
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .filter(|path| !path.components().any(|part| part.as_os_str() == "site-packages"))
        .collect();
    files.sort();
    files
}

fn compare_with_ast(folder: &Path) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/call_pairs/ast_calls.py");
    let mut python = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start python3")?;
    let mut stdin = python.stdin.take().context("no standard input")?;
    let list: Vec<String> =
        python_files(folder).iter().map(|path| path.to_string_lossy().into_owned() + "\n").collect();
    let writer = std::thread::spawn(move || stdin.write_all(list.concat().as_bytes()));
    let output = python.wait_with_output()?;
    writer.join().ok().context("the writer ended badly")??;
    let judged: Vec<Judged> =
        std::str::from_utf8(&output.stdout)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    type Counts = (usize, usize, usize);
    let results: Vec<(PathBuf, Option<Counts>, bool)> = judged
        .into_par_iter()
        .map(|judged| {
            let source = std::fs::read(&judged.path).unwrap_or_default();
            let is_utf8 = std::str::from_utf8(&source).is_ok();
            let found = diff_files(None, Some(&source), Paths::same("x.py"));
            let mut ours: Vec<(u32, u32)> = found
                .changes
                .iter()
                .filter_map(|change| change.after.as_ref())
                .map(|site| (site.span.end_line, if is_utf8 { site.span.end_column } else { 0 }))
                .collect();
            ours.sort_unstable();
            let counts = judged.calls.map(|theirs| {
                let missing = difference(&theirs, &ours);
                let extra = difference(&ours, &theirs);
                if !missing.is_empty() || !extra.is_empty() {
                    let first = |list: &[(u32, u32)]| list.iter().take(5).copied().collect::<Vec<_>>();
                    println!(
                        "{}: missing {:?} extra {:?}",
                        judged.path.display(),
                        first(&missing),
                        first(&extra)
                    );
                }
                (theirs.len(), missing.len(), extra.len())
            });
            (judged.path, counts, found.partly_parsed())
        })
        .collect();
    let sum = |of: fn(&(usize, usize, usize)) -> usize| -> usize {
        results.iter().filter_map(|(_, counts, _)| counts.as_ref()).map(of).sum()
    };
    println!("files: {}", results.len());
    println!("not parsed by ast: {}", results.iter().filter(|(_, counts, _)| counts.is_none()).count());
    println!("calls by ast: {}", sum(|counts| counts.0));
    println!("missing: {}, extra: {}", sum(|counts| counts.1), sum(|counts| counts.2));
    for (path, counts, partly) in &results {
        if *partly && counts.is_some() {
            println!("partly parsed, though ast parses it: {}", path.display());
        }
    }
    Ok(())
}

/// What one list has more often than the other.
fn difference(of: &[(u32, u32)], without: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut counts: BTreeMap<(u32, u32), i32> = BTreeMap::new();
    of.iter().for_each(|place| *counts.entry(*place).or_default() += 1);
    without.iter().for_each(|place| *counts.entry(*place).or_default() -= 1);
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(place, _)| place).collect()
}

fn compare_folders(old: &Path, new: &Path) -> Result<()> {
    let counts: Vec<(bool, usize)> = python_files(new)
        .into_par_iter()
        .map(|path| -> Result<(bool, usize)> {
            let relative = path.strip_prefix(new)?;
            let before = std::fs::read(old.join(relative))?;
            let after = std::fs::read(&path)?;
            let found = diff_files(Some(&before), Some(&after), Paths::same("x.py"));
            for change in found.changes.iter().take(3) {
                println!("{}: {:?} {:?}", relative.display(), change.kind, change.also);
                for site in [&change.before, &change.after].into_iter().flatten() {
                    println!("    {}: {}", site.span.line, site.text.replace('\n', " "));
                }
            }
            Ok((before != after, found.changes.len()))
        })
        .collect::<Result<_>>()?;
    println!(
        "files: {}, with another text: {}",
        counts.len(),
        counts.iter().filter(|(other, _)| *other).count()
    );
    println!(
        "with changes: {}, changes: {}",
        counts.iter().filter(|(_, changes)| *changes > 0).count(),
        counts.iter().map(|(_, changes)| changes).sum::<usize>()
    );
    Ok(())
}

//! How often `pybisect check` raises an alarm on commits that were merged.
//!
//! ```text
//! cargo run --release --features internals --example check_alarms -- [--commits N] [--python PATH] REPOSITORY…
//! ```
//!
//! Each of the last commits (300 without a number) of each repository that are no merges and change Python files
//! is checked against its parent, without a smoke command, by the `pybisect` beside this program.
#![expect(clippy::print_stdout, reason = "it is a program for the terminal")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use pybisect::git::{CommitFilter, Repository};
use rayon::prelude::*;
use serde_json::Value;

struct Options {
    commits: usize,
    python: Option<String>,
    repositories: Vec<PathBuf>,
}

fn main() -> Result<()> {
    let mut options = Options { commits: 300, python: None, repositories: Vec::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--commits" => options.commits = words.next().context("how many commits?")?.parse()?,
            "--python" => options.python = words.next(),
            _ => options.repositories.push(word.into()),
        }
    }
    if options.repositories.is_empty() {
        bail!("[--commits N] [--python PATH] REPOSITORY…");
    }
    // target/release/examples/check_alarms → target/release/pybisect
    let own = std::env::current_exe()?;
    let pybisect = own.ancestors().nth(2).context("this program has no place")?.join("pybisect");
    options.repositories.iter().try_for_each(|repository| look_at(&pybisect, repository, &options))
}

fn look_at(pybisect: &Path, path: &Path, options: &Options) -> Result<()> {
    let repository = Repository::open(path)?;
    let head = repository.resolve("HEAD")?.id;
    let listing = CommitFilter { no_merges: true, ..CommitFilter::default() };
    let mut ranges = Vec::new();
    for commit in repository.commits(head, &listing)? {
        if ranges.len() == options.commits {
            break;
        }
        let Some(&parent) = commit.parents.first() else { continue };
        if !repository.changed_python_files(Some(parent), commit.tree)?.is_empty() {
            ranges.push(format!("{0}~1..{0}", commit.id));
        }
    }
    let reports: Vec<(String, Value)> = ranges
        .par_iter()
        .map(|range| {
            let mut command = Command::new(pybisect);
            command.args(["check", range, "--no-smoke", "--format", "json", "--repo"]).arg(path);
            if let Some(python) = &options.python {
                command.args(["--python", python]);
            }
            let output = command.output()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let report =
                serde_json::from_slice(&output.stdout).with_context(|| format!("{range}: {said}"))?;
            Ok((range.clone(), report))
        })
        .collect::<Result<_>>()?;
    let mut with_errors = 0;
    let mut with_warnings = 0;
    for (range, report) in &reports {
        let of = |severity: &str| -> Vec<&Value> {
            let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
            findings.iter().filter(|finding| finding["severity"] == severity).collect()
        };
        with_errors += usize::from(!of("error").is_empty());
        with_warnings += usize::from(of("error").is_empty() && !of("warning").is_empty());
        let (_, commit) = range.split_once("..").unwrap_or_default();
        for finding in of("error").into_iter().chain(of("warning")) {
            println!(
                "{} {} {} {}:{} {} {}",
                commit.get(..9).unwrap_or_default(),
                finding["severity"].as_str().unwrap_or_default(),
                finding["rule"].as_str().unwrap_or_default(),
                finding["path"].as_str().unwrap_or_default(),
                finding["line"],
                finding["message"].as_str().unwrap_or_default(),
                finding["evidence"]
            );
        }
    }
    println!(
        "{}: {} commits, {with_errors} with errors, {with_warnings} more with warnings",
        path.display(),
        reports.len()
    );
    Ok(())
}

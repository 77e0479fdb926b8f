//! Histories mined from public repositories: `git bisect run` and pybisect side by side, beside the truth.
//!
//! ```text
//! cargo run --features internals --example mined -- REPOSITORY --programs VENV/bin --out FILE [--runner pytest] [--most 10]
//! ```
//!
//! Two kinds of histories are taken from a local repository:
//!
//! - `mended`: a commit changed code and a test file together. Its test file is laid over the past. What fails up to
//!   the commit's parent and passes at an older commit broke in between.
//! - `changed`: a commit changed code and what a test file expects. The test file as it was before is laid over what
//!   came before and after. What passes at an older commit and fails at a later one broke in between.
//!
//! Of each, one test is searched for, with the file laid over every commit: by `git bisect run`, as a careful user
//! would call it, and by pybisect with `--with-file`. Where the range is short, every commit of it runs: that is the
//! truth. The commit that is looked for is the one since which the command never passes again until bad.
//!
//! One JSON line is written for each commit that was looked at, so that the next call goes on where this one stopped;
//! what ran once is not run again. `--judge FILE…` prints the table and the totals of such files. `--again` runs
//! pybisect anew on the histories that are in the file.
//!
//! The code of the repositories runs on this machine without a sandbox: mine only what you trust. Needed on PATH: git
//! and timeout. Nothing of the repositories is kept but the ids of commits, the names of tests and what they showed.
#![expect(clippy::print_stdout, reason = "it is a program for people")]

#[path = "../shared/git_bisect.rs"]
mod git_bisect;
mod history;
mod lab;
mod mine;
mod runner;
mod sides;
mod table;
mod truth;

use std::collections::HashSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use history::{Record, Side};
use lab::Lab;
use runner::Runner;

/// `git bisect run` beside pybisect on histories mined from a repository
#[derive(Debug, Parser)]
struct Args {
    /// The repository, bare or not; it is only read
    repository: Option<PathBuf>,
    /// Folder of programs with the Python that has the repository's requirements
    #[arg(long)]
    programs: Option<PathBuf>,
    /// JSON lines: what was mined is added here
    #[arg(long)]
    out: Option<PathBuf>,
    /// How its tests are run and named
    #[arg(long, value_enum, default_value_t = Runner::Pytest)]
    runner: Runner,
    /// The command to which test ids are added, in place of the runner's own
    #[arg(long)]
    command: Option<String>,
    /// Import path, relative to the work tree
    #[arg(long, default_value = ".")]
    pythonpath: String,
    /// Folder that is no part of the names of test modules, such as `src`
    #[arg(long, default_value = "")]
    top: String,
    /// Histories to mine with this call
    #[arg(long, default_value_t = 10)]
    most: usize,
    /// Commits to look at with this call
    #[arg(long, default_value_t = 200)]
    look: usize,
    /// Look at every so many commits
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Leave out the latest commits
    #[arg(long, default_value_t = 0)]
    skip: usize,
    /// Largest number of commits in a range
    #[arg(long, default_value_t = 60)]
    range: usize,
    /// Run every commit of ranges up to this size
    #[arg(long, default_value_t = 60)]
    brute: usize,
    /// Run every commit only where git and pybisect do not name the same one; else what both say is taken for true
    #[arg(long)]
    disputed: bool,
    /// Only one kind of history
    #[arg(long, value_enum)]
    kind: Option<history::Kind>,
    /// pybisect [default: the one that was built beside this program]
    #[arg(long)]
    pybisect: Option<PathBuf>,
    /// Trials at the same time
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Folder for pybisect's reports
    #[arg(long)]
    reports: Option<PathBuf>,
    /// Run pybisect anew on the histories of the file; nothing is mined
    #[arg(long)]
    again: bool,
    /// With --again: only histories whose name contains this
    #[arg(long)]
    only: Vec<String>,
    /// Print the table and the totals of these files
    #[arg(long, num_args = 1.., conflicts_with = "repository")]
    judge: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether pybisect was right wherever git was.
fn run(args: &Args) -> Result<bool> {
    if !args.judge.is_empty() {
        let mut records = Vec::new();
        for file in &args.judge {
            records.extend(history::read(file)?);
        }
        return Ok(table::print(&records));
    }
    let repository = args.repository.as_ref().context("name a repository, or --judge FILE")?;
    let programs = args.programs.as_ref().context("--programs is missing")?;
    let out = args.out.as_ref().context("--out is missing")?;
    let lab = Lab::new(repository, programs, &args.pythonpath)?;
    let known = if out.exists() { history::read(out)? } else { Vec::new() };
    if args.again {
        return again(args, &lab, known);
    }
    let seen: HashSet<String> = known.iter().map(|record| record.name.clone()).collect();
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(out)?;
    let miner = mine::Miner::new(args, &lab);
    let (mut looked, mut mined) = (0, 0);
    let mut all = Vec::new();
    table::print_head();
    for change in miner.changes()? {
        if looked >= args.look || mined >= args.most {
            break;
        }
        if seen.contains(&change.name()) {
            continue;
        }
        let mut record = miner.look(&change)?;
        // What a look at the difference alone rules out cost nothing.
        looked += usize::from(record.why_not != mine::NO_EXPECTATION);
        if let Some(history) = record.history.clone() {
            mined += 1;
            record.git = Some(sides::git(&lab, &history)?);
            record.pybisect = Some(ours(args, &lab, &record.name, &history)?);
            if !(args.disputed && record.agreed().is_some()) {
                record.truth = truth::of(&lab, &history, args.brute)?;
            }
            table::print_row(&record);
        }
        writeln!(file, "{}", serde_json::to_string(&record)?)?;
        all.push(record);
    }
    println!("{looked} commits looked at, {mined} histories");
    Ok(table::print_totals(&all))
}

fn again(args: &Args, lab: &Lab, records: Vec<Record>) -> Result<bool> {
    let out = args.out.as_ref().context("--out is missing")?;
    let mut all = Vec::new();
    table::print_head();
    for mut record in records {
        let wanted = args.only.is_empty() || args.only.iter().any(|part| record.name.contains(part));
        if let Some(history) = record.history.clone().filter(|_| wanted) {
            if record.git.is_none() {
                record.git = Some(sides::git(lab, &history)?);
            }
            record.pybisect = Some(ours(args, lab, &record.name, &history)?);
            if record.truth.is_none() && record.agreed().is_none() {
                record.truth = truth::of(lab, &history, args.brute)?;
            }
            table::print_row(&record);
        }
        all.push(record);
    }
    let mut text = String::new();
    for record in &all {
        text.push_str(&serde_json::to_string(record)?);
        text.push('\n');
    }
    std::fs::write(out, text)?;
    Ok(table::print_totals(&all))
}

fn ours(args: &Args, lab: &Lab, name: &str, history: &history::History) -> Result<Side> {
    let program = match &args.pybisect {
        Some(program) => program.canonicalize()?,
        None => {
            let own = std::env::current_exe()?;
            let folder = own.parent().and_then(std::path::Path::parent).context("no folder")?;
            folder.join("pybisect")
        }
    };
    let keep = args.reports.as_ref().map(|folder| folder.join(format!("{name}.json")));
    sides::pybisect(lab, history, &program, args.jobs, keep.as_deref())
}

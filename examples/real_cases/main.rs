//! Runs pybisect and `git bisect run` on real regressions of public projects, side by side.
//!
//! ```text
//! cargo run --release --features internals --example real_cases -- --cases CASES [--histories DIR] [--jobs 2] [--only NAME]
//! ```
//!
//! With `--suspects`, nothing is searched: each range is ranked from one run of its failing command, the
//! culprit's place is printed beside what a search in memory makes of it, and the weights are fitted anew.
//!
//! `CASES` is a folder with one TOML file a case (see [`case`]). Histories are taken from
//! `DIR/owner+name/repo` when they are there, and cloned from their public host otherwise.
//! Environments are made by uv, which has to be on PATH, and kept in the cache folder. Both tools get
//! the same environment, the same overlay and the same command, after one run of it to warm the caches. The ratio
//! compares the times until the commit is known; what pybisect then spends on the breaking edit stands beside it.
//! Cases with an environment for each commit are judged, but not timed: they wait for the registry.
#![expect(clippy::print_stdout, reason = "it is a program for people")]

mod case;
mod fit;
#[path = "../shared/git_bisect.rs"]
mod git_bisect;
mod git_side;
mod our_side;
mod suspects_side;
mod workplace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use case::Case;
use pybisect::suspects::Weights;
use workplace::Workplace;

/// First argument that makes this program behave as pybisect itself, so that one binary serves both.
const AS_PYBISECT: &str = "__pybisect";

/// pybisect beside `git bisect run` on real regressions
#[derive(Debug, Parser)]
struct Args {
    /// Folder with the cases
    #[arg(long)]
    cases: PathBuf,
    /// Folder with histories, as owner+name/repo
    #[arg(long)]
    histories: Option<PathBuf>,
    /// Where environments and clones are kept [default: a folder in the user's cache]
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Trials at the same time
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Only cases whose name contains this (can be repeated)
    #[arg(long)]
    only: Vec<String>,
    /// Leave `git bisect run` out
    #[arg(long)]
    no_git: bool,
    /// Rank the range of each case instead, with nothing run but the failing command: the bits that are left
    /// open (beside those of a flat prior), the culprit's rank and reasons, and the weights that fit
    #[arg(long)]
    suspects: bool,
    /// Search with --trace
    #[arg(long)]
    trace: bool,
    /// With --suspects: do not watch what the command executes
    #[arg(long, requires = "suspects")]
    no_trace: bool,
    /// Let pybisect make its own environments (--env auto), without the requirements that the cases list
    #[arg(long)]
    auto: bool,
    /// Keep pybisect's reports, one JSON file a case, in this folder
    #[arg(long)]
    reports: Option<PathBuf>,
}

/// One side's result on one case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// What it blames: nothing, one commit, or several.
    pub(crate) blamed: Vec<String>,
    /// Trials that ran until the commit was verified.
    pub(crate) trials: usize,
    /// Trials that then narrowed it to the breaking edit.
    pub(crate) narrowing_trials: usize,
    /// Rounds of trials, one after the other.
    pub(crate) rounds: usize,
    /// Wall time until the commit was verified, in seconds.
    pub(crate) seconds: f64,
    /// Wall time of the narrowing, in seconds.
    pub(crate) narrowing_seconds: f64,
    /// Median overhead of a trial beyond the command, milliseconds.
    pub(crate) overhead_ms: f64,
}

impl Outcome {
    fn word(&self, culprit: &str) -> &'static str {
        match self.blamed.as_slice() {
            [] => "none",
            [one] if one == culprit => "right",
            [_] => "WRONG",
            several if several.iter().any(|one| one == culprit) => "in set",
            _ => "WRONG SET",
        }
    }
}

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(ended) = pybisect::process::sandbox::launch(&args) {
        return ended;
    }
    if args.get(1).is_some_and(|word| word == AS_PYBISECT) {
        let name = OsString::from("pybisect");
        return pybisect::cli::run(std::iter::once(name).chain(args.into_iter().skip(2))).into();
    }
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether pybisect was right in every case.
fn run(args: &Args) -> Result<bool> {
    let cases = case::read_all(&args.cases)?;
    let workplace = Workplace::new(args.cache.as_deref(), args.histories.as_deref())?;
    if let Some(folder) = &args.reports {
        std::fs::create_dir_all(folder)?;
    }
    if args.suspects {
        return rank(args, &cases, &workplace);
    }
    println!(
        "{:<30} {:>7}  {:<9} {:>6} {:>6} {:>8} {:>7} {:>8} {:>8}   {:<9} {:>6} {:>8}   {:>5}",
        "case",
        "commits",
        "pybisect",
        "trials",
        "rounds",
        "seconds",
        "+edits",
        "seconds",
        "over ms",
        "git",
        "trials",
        "seconds",
        "ratio"
    );
    let mut ours = Totals::default();
    let mut gits = Totals::default();
    for case in cases.iter().filter(|case| wanted(args, case)) {
        let prepared = workplace.prepare(case, args.auto).with_context(|| format!("case {}", case.name))?;
        if !case.has_environments() && !args.auto {
            prepared.warm_up(case)?;
        }
        let report = args.reports.as_ref().map(|folder| folder.join(format!("{}.json", case.name)));
        let our = our_side::run(case, &prepared, args, report.as_deref())?;
        let git = if args.no_git { Outcome::default() } else { git_side::run(case, &prepared)? };
        print_row(case, &our, &git);
        ours.add(&our, case);
        gits.add(&git, case);
    }
    println!(
        "{:<30} {:>7}  {:<9} {:>6} {:>6} {:>8.1} {:>7} {:>8.1} {:>8.1}   {:<9} {:>6} {:>8.1}   {:>5.2}",
        "total",
        "",
        format!("{}/{}", ours.right, ours.cases),
        ours.trials,
        ours.rounds,
        ours.seconds,
        ours.narrowing_trials,
        ours.narrowing_seconds,
        median(&mut ours.overheads),
        format!("{}/{}", gits.right, gits.cases),
        gits.trials,
        gits.seconds,
        ours.seconds / gits.seconds
    );
    Ok(ours.right == ours.cases)
}

/// Rank the range of each case.
fn rank(args: &Args, cases: &[Case], workplace: &Workplace) -> Result<bool> {
    let extra: &[&str] = if args.no_trace { &["--no-trace"] } else { &[] };
    println!(
        "{:<30} {:>7} {:>6} {:>6} {:>6} {:>8} {:>7} {:>13} {:>13}",
        "case", "commits", "flat", "bits", "rank", "culprit", "seconds", "trials", "time"
    );
    let mut all = Vec::new();
    for case in cases.iter().filter(|case| wanted(args, case) && !case.has_environments()) {
        let prepared = workplace.prepare(case, false).with_context(|| format!("case {}", case.name))?;
        let said = suspects_side::ask(case, &prepared, extra, args.reports.as_deref())
            .with_context(|| format!("case {}", case.name))?;
        suspects_side::print_row(&said);
        all.push(said);
    }
    let weights = if args.no_trace { Weights::FROM_TEXT } else { Weights::TRACED };
    suspects_side::print_summary(&all, &weights);
    Ok(true)
}

fn wanted(args: &Args, case: &Case) -> bool {
    args.only.is_empty() || args.only.iter().any(|name| case.name.contains(name.as_str()))
}

fn print_row(case: &Case, our: &Outcome, git: &Outcome) {
    println!(
        "{:<30} {:>7}  {:<9} {:>6} {:>6} {:>8.1} {:>7} {:>8.1} {:>8.1}   {:<9} {:>6} {:>8.1}   {:>5.2}",
        case.name,
        case.commits_in_range,
        our.word(&case.culprit),
        our.trials,
        our.rounds,
        our.seconds,
        our.narrowing_trials,
        our.narrowing_seconds,
        our.overhead_ms,
        git.word(&case.culprit),
        git.trials,
        git.seconds,
        our.seconds / git.seconds
    );
}

#[derive(Default)]
struct Totals {
    cases: usize,
    right: usize,
    trials: usize,
    rounds: usize,
    seconds: f64,
    narrowing_trials: usize,
    narrowing_seconds: f64,
    overheads: Vec<f64>,
}

impl Totals {
    fn add(&mut self, outcome: &Outcome, case: &Case) {
        self.cases += 1;
        self.right += usize::from(outcome.word(&case.culprit) == "right");
        // Where environments are made for each commit, the time is that of the registry.
        if case.has_environments() {
            return;
        }
        self.trials += outcome.trials;
        self.rounds += outcome.rounds;
        self.seconds += outcome.seconds;
        self.narrowing_trials += outcome.narrowing_trials;
        self.narrowing_seconds += outcome.narrowing_seconds;
        self.overheads.push(outcome.overhead_ms);
    }
}

/// The middle value; 0 of none.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

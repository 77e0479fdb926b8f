//! Where the time of `pybisect check` goes, beside that of the type checker alone.
//!
//! ```text
//! cargo run --release --features internals --example check_time -- REPOSITORY BASE..HEAD…
//! ```
//!
//! Each range is checked without a smoke command by the `pybisect` beside this program: once to fill the cache, then
//! three times; and `ty` (which has to be on `PATH`) looks at the same changed files of both trees, written to a folder
//! before. What is printed is CPU time, user and system, with that of all children, and the time on the clock.
#![expect(clippy::print_stdout, reason = "it is a program for the terminal")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use pybisect::git::{ExportedTrees, Repository, is_python};

const RUNS: u32 = 3;

/// Milliseconds.
#[derive(Clone, Copy)]
struct Spent {
    cpu: i64,
    wall: u128,
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let path = words.next().context("REPOSITORY BASE..HEAD…")?;
    let own = std::env::current_exe()?;
    // target/release/examples/check_time → target/release/pybisect
    let pybisect = own.ancestors().nth(2).context("this program has no place")?.join("pybisect");
    let repository = Repository::open(Path::new(&path))?;
    for range in words {
        let check = || {
            let mut command = Command::new(&pybisect);
            command.args(["check", &range, "--no-smoke", "--repo", &path]);
            command
        };
        let cold = spent(&mut check())?;
        let warm: Vec<Spent> = (0..RUNS).map(|_| spent(&mut check())).collect::<Result<_>>()?;
        let warm = warm.into_iter().min_by_key(|spent| spent.cpu).context("no run")?;
        let (files, ty) = alone(&repository, &range)?;
        println!(
            "{range}: {files} files; cold {} ms CPU, warm {} ms CPU ({} ms on the clock); ty alone {ty} ms CPU; ours {} ms",
            cold.cpu,
            warm.cpu,
            warm.wall,
            warm.cpu - ty
        );
    }
    Ok(())
}

fn spent(command: &mut Command) -> Result<Spent> {
    let cpu = || -> Result<i64> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        Ok(usage.user_time().num_milliseconds() + usage.system_time().num_milliseconds())
    };
    let (before, began) = (cpu()?, Instant::now());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if !matches!(status.code(), Some(0 | 1 | 10)) {
        bail!("{command:?}: {status}");
    }
    Ok(Spent { cpu: cpu()? - before, wall: began.elapsed().as_millis() })
}

/// How many files changed, and what the type checker takes for them on both sides: the least of several runs.
fn alone(repository: &Repository, range: &str) -> Result<(usize, i64)> {
    let (base, head) = range.split_once("..").context("a range has two dots")?;
    let [base, head] = [base, head].map(|name| repository.tree_of(repository.resolve(name)?.id));
    let (base, head) = (base?, head?);
    let changed = repository.changed_python_files(Some(base), head)?;
    let folder = tempfile::tempdir()?;
    let mut mirror = ExportedTrees::temporary(folder.path().to_owned());
    let mut all = 0;
    for (name, tree) in [("base", base), ("head", head)] {
        let top = mirror.sync_tree(repository, name, tree, is_python)?;
        let there: Vec<_> =
            changed.iter().map(|file| &file.path).filter(|path| top.join(path).is_file()).collect();
        let run = |_| {
            let mut command = Command::new("ty");
            command.args(["check", "--output-format", "concise", "--project"]).arg(&top);
            spent(command.args(&there).current_dir(&top)).map(|spent| spent.cpu)
        };
        let runs: Vec<i64> = (0..RUNS).map(run).collect::<Result<_>>()?;
        all += runs.into_iter().min().unwrap_or_default();
    }
    Ok((changed.len(), all))
}

//! `git bisect run` and pybisect on a history.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use super::git_bisect::blamed;
use super::history::{History, Side};
use super::lab::Lab;

/// git, as a careful user would call it: the files are copied in before the command and taken out after it.
pub(crate) fn git(lab: &Lab, history: &History) -> Result<Side> {
    let name = format!("git-{}", &history.bad[..10]);
    let tree = lab.work_tree(&name)?;
    let log = lab.scratch.path().join("git-trials");
    let script = lab.scratch.path().join("trial.sh");
    let quoted = |text: &str| shell_words::quote(text).into_owned();
    let mut text = String::new();
    writeln!(text, "echo trial >> {}", quoted(&log.to_string_lossy()))?;
    for (from, to) in lab.overlay(&history.tests_of, &history.overlay)? {
        let to = quoted(&to);
        writeln!(text, "mkdir -p \"$(dirname {to})\" && cp {} {to}", quoted(&from.to_string_lossy()))?;
    }
    writeln!(text, "timeout --kill-after=5 60 {}\ncode=$?", shell_words::join(&history.command))?;
    writeln!(text, "git reset --quiet --hard\ngit clean --quiet -ffdx\nexit $code")?;
    std::fs::write(&script, text)?;
    drop(std::fs::remove_file(&log));
    let run = |args: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(&tree).args(args);
        lab.dress(&mut command).output()
    };
    run(&["checkout", "--quiet", "--force", "--detach", &history.bad])?;
    let began = Instant::now();
    run(&["bisect", "start", &history.bad, &history.good])?;
    let output = run(&["bisect", "run", "sh", &script.to_string_lossy()])?;
    let seconds = began.elapsed().as_secs_f64();
    let trials = std::fs::read_to_string(&log).unwrap_or_default().lines().count();
    std::fs::remove_dir_all(&tree)?;
    let blamed = blamed(&String::from_utf8_lossy(&output.stdout));
    Ok(Side { blamed, trials, seconds, status: output.status.code().unwrap_or(-1), ..Side::default() })
}

/// pybisect, with a store of its own.
pub(crate) fn pybisect(
    lab: &Lab,
    history: &History,
    program: &Path,
    jobs: usize,
    keep: Option<&Path>,
) -> Result<Side> {
    let scratch = tempfile::tempdir_in(lab.scratch.path())?;
    let report = scratch.path().join("report.json");
    let mut command = Command::new(program);
    command
        .args(["find", "--quiet", "--good", &history.good, "--bad", &history.bad])
        .args(["--jobs", &jobs.to_string(), "--repo"])
        .arg(&lab.repository)
        .arg("--json")
        .arg(&report)
        .env("PYBISECT_CACHE_DIR", scratch.path().join("cache"));
    for (from, to) in lab.overlay(&history.tests_of, &history.overlay)? {
        command.arg("--with-file").arg(format!("{}:{to}", from.display()));
    }
    command.arg("--").args(&history.command);
    let began = Instant::now();
    let output =
        lab.dress(&mut command).output().with_context(|| format!("failed to start {}", program.display()))?;
    let seconds = began.elapsed().as_secs_f64();
    let text = std::fs::read_to_string(&report).unwrap_or_default();
    if let Some(keep) = keep {
        std::fs::create_dir_all(keep.parent().context("a report is in a folder")?)?;
        std::fs::write(keep, &text)?;
    }
    let value: Value = serde_json::from_str(&text)
        .with_context(|| format!("no report: {}", String::from_utf8_lossy(&output.stderr).trim()))?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let count =
        |value: &Value| value.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    let commit = |value: &Value| value["commit"].as_str().map(str::to_owned);
    let suspects = list(&value["suspects"]);
    let narrowing_seconds = value["narrowing"]["seconds"].as_f64().unwrap_or_default();
    Ok(Side {
        blamed: list(&value["culprits"]).iter().filter_map(commit).collect(),
        verified: value["verified"].as_bool().unwrap_or_default(),
        trials: count(&value["trials"]["run"]),
        narrowing: count(&value["trials"]["narrowing"]),
        seconds: seconds - narrowing_seconds,
        status: output.status.code().unwrap_or(-1),
        suspects: suspects
            .iter()
            .filter_map(|one| Some((commit(one)?, one["probability"].as_f64()?)))
            .collect(),
    })
}

//! pybisect on a case.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;

use super::case::Case;
use super::workplace::Prepared;
use super::{AS_PYBISECT, Args, Outcome, median};

/// Run it, with a store of its own.
pub(crate) fn run(case: &Case, prepared: &Prepared, args: &Args, keep: Option<&Path>) -> Result<Outcome> {
    let report = prepared.scratch.path().join("report.json");
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([AS_PYBISECT, "find", "--quiet", "--good", &case.good, "--bad", &case.bad])
        .args(["--jobs", &args.jobs.to_string()])
        .arg("--repo")
        .arg(&prepared.history)
        .arg("--json")
        .arg(&report)
        .env("PYBISECT_CACHE_DIR", prepared.scratch.path().join("cache"));
    for (from, to) in &prepared.overlay {
        command.arg("--with-file").arg(format!("{}:{to}", from.display()));
    }
    if args.auto || case.has_environments() {
        prepared.share_downloads()?;
        command.args(["--env", "auto"]);
    }
    if args.trace {
        command.arg("--trace");
    }
    command.arg("--").args(&case.command);
    prepared.dress(&mut command, case);
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let seconds = began.elapsed().as_secs_f64();
    let text = std::fs::read_to_string(&report)?;
    let value: Value = serde_json::from_str(&text)
        .with_context(|| format!("no report: {}", String::from_utf8_lossy(&output.stderr).trim()))?;
    if let Some(keep) = keep {
        std::fs::write(keep, &text)?;
    }
    Ok(read(&value, seconds))
}

fn read(report: &Value, seconds: f64) -> Outcome {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let count =
        |value: &Value| value.as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    let blamed = list(&report["culprits"])
        .iter()
        .filter_map(|culprit| culprit["commit"].as_str().map(str::to_owned))
        .collect();
    let mut overheads: Vec<f64> = list(&report["trial_log"])
        .iter()
        .map(|trial| {
            let of = |key: &str| trial[key].as_f64().unwrap_or_default();
            of("checkout_ms") + of("clean_ms")
        })
        .collect();
    let narrowing_seconds = report["narrowing"]["seconds"].as_f64().unwrap_or_default();
    Outcome {
        blamed,
        trials: count(&report["trials"]["run"]),
        rounds: count(&report["rounds"]),
        seconds: seconds - narrowing_seconds,
        narrowing_trials: count(&report["trials"]["narrowing"]),
        narrowing_seconds,
        overhead_ms: median(&mut overheads),
    }
}

//! `pybisect suspects` on the cases: how much its probabilities tell, and the weights that fit best.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use pybisect::suspects::{Signals, Weights};
use serde_json::Value;

use super::AS_PYBISECT;
use super::case::Case;
use super::fit::{Example, fitted};
use super::workplace::Prepared;

/// What was said of a case.
pub(crate) struct Said {
    name: String,
    group: String,
    /// Of every commit, and where the culprit is.
    example: Example,
    probabilities: Vec<f64>,
    reasons: Vec<String>,
    seconds: f64,
}

/// Rank a case's range.
pub(crate) fn ask(case: &Case, prepared: &Prepared, extra: &[&str]) -> Result<Said> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([AS_PYBISECT, "suspects", "--top", "0", "--format", "json"])
        .args(extra)
        .arg("--repo")
        .arg(&prepared.history)
        .arg(format!("{}..{}", case.good, case.bad))
        .env("PYBISECT_CACHE_DIR", prepared.scratch.path().join("cache"));
    for (from, to) in &prepared.overlay {
        command.arg("--with-file").arg(format!("{}:{to}", from.display()));
    }
    command.arg("--").args(&case.command);
    prepared.dress(&mut command, case);
    let began = Instant::now();
    let output = command.stdin(Stdio::null()).output()?;
    let seconds = began.elapsed().as_secs_f64();
    let value: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("no answer: {}", String::from_utf8_lossy(&output.stderr).trim()))?;
    let list = value["suspects"].as_array().context("no suspects")?;
    let is_culprit = |one: &&Value| one["commit"]["id"] == case.culprit.as_str();
    let found = list.iter().find(is_culprit).context("the culprit is not in the range")?;
    let signals = |one: &Value| Signals::NAMES.map(|name| one["signals"][name].as_f64().unwrap_or_default());
    let reasons = found["reasons"].as_array().into_iter().flatten();
    Ok(Said {
        name: case.name.clone(),
        // Cases with one culprit tell of one kind of commit.
        group: format!(
            "{} {}",
            case.repo,
            if case.repo.contains("Problem-Solving") { "" } else { &case.culprit }
        ),
        example: Example {
            commits: list.iter().map(signals).collect(),
            culprit: list.iter().position(|one| is_culprit(&one)).unwrap_or_default(),
        },
        probabilities: list.iter().map(|one| one["probability"].as_f64().unwrap_or_default()).collect(),
        reasons: reasons.filter_map(|reason| reason.as_str().map(str::to_owned)).collect(),
        seconds,
    })
}

/// Print a case with its reasons.
pub(crate) fn print_row(said: &Said) {
    println!(
        "{:<30} {:>7} {:>6.1} {:>6.2} {:>6} {:>6.0} % {:>7.2}",
        said.name,
        said.probabilities.len(),
        flat_bits(said),
        bits(said),
        rank(said),
        100.0 * said.probabilities[said.example.culprit],
        said.seconds,
    );
    for reason in &said.reasons {
        println!("      {reason}");
    }
}

fn flat_bits(said: &Said) -> f64 {
    count(said.probabilities.len()).log2()
}

fn bits(said: &Said) -> f64 {
    -said.probabilities[said.example.culprit].log2()
}

fn rank(said: &Said) -> usize {
    let own = said.probabilities[said.example.culprit];
    1 + said.probabilities.iter().filter(|&&other| other > own).count()
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

/// Print the means, how well the probabilities are calibrated, and the weights that fit these cases.
pub(crate) fn print_summary(all: &[Said], weights: &Weights) {
    let mean = |of: &dyn Fn(&Said) -> f64| all.iter().map(of).sum::<f64>() / count(all.len().max(1));
    let within = |most: usize| all.iter().filter(|said| rank(said) <= most).count();
    println!(
        "mean of {} cases: flat {:.2} bits, ours {:.2} bits; first {}, top five {}, top ten {}",
        all.len(),
        mean(&flat_bits),
        mean(&bits),
        within(1),
        within(5),
        within(10)
    );
    println!("what is said to have … is right:");
    for (least, most) in [(0.0, 0.02), (0.02, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.01)] {
        let mut said_so = (0, 0.0, 0);
        for said in all {
            for (at, &p) in said.probabilities.iter().enumerate().filter(|(_, p)| (least..most).contains(*p))
            {
                said_so = (said_so.0 + 1, said_so.1 + p, said_so.2 + usize::from(at == said.example.culprit));
            }
        }
        let (commits, sum, right) = said_so;
        println!(
            "  {:>3.0} to {:>3.0} %: {commits} commits, {sum:.1} expected, {right} right",
            least * 100.0,
            most * 100.0
        );
    }
    let examples = |wanted: &dyn Fn(&Said) -> bool| -> Vec<(f64, &Example)> {
        let chosen: Vec<&Said> = all.iter().filter(|said| wanted(said)).collect();
        let alike = |one: &Said| count(chosen.iter().filter(|other| other.group == one.group).count());
        chosen.iter().map(|said| (1.0 / alike(said), &said.example)).collect()
    };
    let left_out = mean(&|said: &Said| {
        let fit = fitted(&examples(&|other| other.group != said.group));
        -said.example.probabilities(&Weights(fit))[said.example.culprit].log2()
    });
    let whole = fitted(&examples(&|_| true));
    let in_sample =
        mean(&|said: &Said| -said.example.probabilities(&Weights(whole))[said.example.culprit].log2());
    println!("fitted to these cases {in_sample:.2} bits, each left out in turn {left_out:.2} bits:");
    for ((name, fit), now) in Signals::NAMES.iter().zip(whole).zip(weights.0) {
        println!("  {name:<10} {fit:>6.2}   (in use {now:.2})");
    }
}

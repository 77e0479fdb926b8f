//! `pybisect suspects` on the cases: how much its probabilities tell, and the weights that fit best.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use pybisect::git::{RangeOptions, Repository};
use pybisect::model::CommitId;
use pybisect::search::simulate::{Truth, World};
use pybisect::search::{Doubt, InformationGain, SearchState};
use pybisect::suspects::{Features, Weights};
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
    /// A search in memory from a flat prior, and from what was said.
    searches: [Search; 2],
}

/// How a search would go.
#[derive(Clone, Copy, Default)]
struct Search {
    trials: usize,
    /// In units of one trial.
    time: f64,
}

/// Rank a case's range.
pub(crate) fn ask(case: &Case, prepared: &Prepared, extra: &[&str], reports: Option<&Path>) -> Result<Said> {
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
    if let Some(folder) = reports {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(format!("{}.json", case.name)), &output.stdout)?;
    }
    let list = value["suspects"].as_array().context("no suspects")?;
    let is_culprit = |one: &&Value| one["commit"]["id"] == case.culprit.as_str();
    let found = list.iter().find(is_culprit).context("the culprit is not in the range")?;
    let signals = |one: &Value| Features::NAMES.map(|name| one["signals"][name].as_f64().unwrap_or_default());
    let reasons = found["reasons"].as_array().into_iter().flatten();
    let probability = |one: &Value| one["probability"].as_f64().unwrap_or_default();
    let prior: HashMap<String, f64> = list
        .iter()
        .filter_map(|one| Some((one["commit"]["id"].as_str()?.to_owned(), probability(one))))
        .collect();
    Ok(Said {
        searches: [search(case, prepared, None)?, search(case, prepared, Some(&prior))?],
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
        probabilities: list.iter().map(probability).collect(),
        reasons: reasons.filter_map(|reason| reason.as_str().map(str::to_owned)).collect(),
        seconds,
    })
}

/// Play the search with two workers, where every commit with the culprit fails and every other passes.
fn search(case: &Case, prepared: &Prepared, prior: Option<&HashMap<String, f64>>) -> Result<Search> {
    /// As the session doubts a test whose failure tells much of itself.
    const DOUBT: f64 = 0.012;
    let repository = Repository::open(&prepared.history)?;
    let commit = |id: &str| -> Result<CommitId> { Ok(repository.resolve(id)?.id) };
    let history = repository.range(commit(&case.bad)?, &[commit(&case.good)?], &RangeOptions::default())?;
    let culprit = *history.index.get(&commit(&case.culprit)?).context("the culprit is not in the range")?;
    let failing = history.graph.descendants([culprit]);
    let truth =
        history.graph.nodes().map(|node| if failing.contains(node) { Truth::Bad } else { Truth::Good });
    let mut state = SearchState::new(&history.graph, history.bad, history.goods.clone());
    state.candidates = history.candidates.clone();
    state.twin.clone_from(&history.twin);
    if let Some(prior) = prior {
        for node in history.candidates.iter() {
            let id = history.ids[node.index()].to_string();
            state.prior[node.index()] = prior.get(&id).copied().unwrap_or_default();
        }
    }
    let truth = truth.collect();
    let world = World { graph: history.graph, truth, false_failures: 0.0, false_passes: 0.0, seed: 1 };
    let play = world.play(&InformationGain::new(0.99, Doubt::new(DOUBT)), state, 2, 1000);
    Ok(Search { trials: play.trials, time: play.makespan + 1.0 })
}

/// Print a case with its reasons.
pub(crate) fn print_row(said: &Said) {
    println!(
        "{:<30} {:>7} {:>6.1} {:>6.2} {:>6} {:>6.0} % {:>7.2} {:>7} {:>5} {:>7.1} {:>5.1}",
        said.name,
        said.probabilities.len(),
        flat_bits(said),
        bits(said),
        rank(said),
        100.0 * said.probabilities[said.example.culprit],
        said.seconds,
        said.searches[0].trials,
        said.searches[1].trials,
        said.searches[0].time,
        said.searches[1].time,
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
    let searched = |at: usize| {
        let trials = mean(&|said: &Said| count(said.searches[at].trials));
        format!("{trials:.1} trials in the time of {:.1}", mean(&|said: &Said| said.searches[at].time))
    };
    println!("searched by two workers: flat {}, ours {}", searched(0), searched(1));
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
    for ((name, fit), now) in Features::NAMES.iter().zip(whole).zip(weights.0) {
        println!("  {name:<10} {fit:>6.2}   (in use {now:.2})");
    }
}

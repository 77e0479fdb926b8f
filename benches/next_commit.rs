//! Choosing the next commit on a merge-heavy range of 60,000 commits, beside `git rev-list --bisect` on
//! the same graph.
//!
//! `cargo bench --features internals --bench next_commit` prints both; compare the CPU time that it prints last.
#![expect(clippy::print_stdout, reason = "it is a benchmark for people")]

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use pybisect::graph::{CommitGraph, Node};
use pybisect::search::simulate::Random;
use pybisect::search::{Doubt, InformationGain, Observation, SearchState, Strategy};

const COMMITS: usize = 60_000;

/// A history in which every third commit is a merge of a branch of some commits.
fn parents() -> Vec<Vec<usize>> {
    let mut random = Random::new(7);
    let mut parents: Vec<Vec<usize>> = vec![vec![]];
    // The heads of branches that are not merged yet, the first of them the main line.
    let mut heads = vec![0];
    while parents.len() < COMMITS {
        let commit = parents.len();
        match random.below(6) {
            0 | 1 if heads.len() > 1 => {
                let branch = heads.swap_remove(1 + random.below(heads.len() - 1));
                parents.push(vec![heads[0], branch]);
                heads[0] = commit;
            }
            2 | 3 => {
                parents.push(vec![heads[0]]);
                heads.push(commit);
            }
            _ => {
                let at = random.below(heads.len());
                parents.push(vec![heads[at]]);
                heads[at] = commit;
            }
        }
    }
    // One head in the end: all branches are merged.
    for branch in heads.split_off(1) {
        parents.push(vec![heads[0], branch]);
        heads[0] = parents.len() - 1;
    }
    parents
}

fn main() {
    divan::main();
    let ours = cpu_of_self(|| {
        let (graph, state) = flat();
        divan::black_box(InformationGain::new(0.99, Doubt::new(0.02)).next(&graph, &state, 1));
    });
    let git = cpu_of_git();
    println!(
        "\nCPU seconds: pybisect {ours:.3} (graph included), git rev-list --bisect {git:.3}, ratio {:.2}",
        git / ours
    );
}

fn flat() -> (CommitGraph, SearchState) {
    let graph = CommitGraph::from_parents(&parents()).expect("parents come first");
    let bad = Node::new(graph.len() - 1);
    let state = SearchState::new(&graph, bad, vec![Node::new(0)]);
    (graph, state)
}

#[divan::bench(args = [1, 2], sample_count = 5)]
fn flat_prior(bencher: divan::Bencher<'_, '_>, slots: usize) {
    let (graph, state) = flat();
    let strategy = InformationGain::new(0.99, Doubt::new(0.02));
    bencher.bench_local(|| strategy.next(&graph, &state, slots));
}

#[divan::bench(args = [1, 2], sample_count = 5)]
fn skewed_prior_after_some_trials(bencher: divan::Bencher<'_, '_>, slots: usize) {
    let (graph, mut state) = flat();
    let mut random = Random::new(11);
    state.prior.iter_mut().for_each(|weight| *weight = random.unit().powi(8));
    state.record(state.bad, Observation { bad: 1, ..Observation::default() });
    for at in [COMMITS / 9, COMMITS / 4] {
        state.record(Node::new(at), Observation { good: 1, ..Observation::default() });
    }
    let strategy = InformationGain::new(0.99, Doubt::new(0.02));
    bencher.bench_local(|| strategy.next(&graph, &state, slots));
}

/// CPU seconds that this process spends on something.
fn cpu_of_self(work: impl FnOnce()) -> f64 {
    let before = cpu(nix::sys::resource::UsageWho::RUSAGE_SELF);
    work();
    cpu(nix::sys::resource::UsageWho::RUSAGE_SELF) - before
}

fn cpu(who: nix::sys::resource::UsageWho) -> f64 {
    let usage = nix::sys::resource::getrusage(who).expect("the system counts CPU time");
    let seconds = |time: nix::sys::time::TimeVal| {
        let micros = i32::try_from(time.tv_usec()).unwrap_or(0);
        f64::from(i32::try_from(time.tv_sec()).unwrap_or(i32::MAX)) + f64::from(micros) / 1e6
    };
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// CPU seconds of `git rev-list --bisect` on a repository with this graph.
fn cpu_of_git() -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(folder.path())
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        command
    };
    assert!(git(&["init", "--quiet", "--bare"]).status().expect("git starts").success());
    let mut import = git(&["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().expect("git starts");
    let mut stream = std::io::BufWriter::new(import.stdin.take().expect("a pipe"));
    for (at, list) in parents().iter().enumerate() {
        let name = if at == 0 { "refs/tags/first" } else { "refs/heads/main" };
        write!(
            stream,
            "commit {name}\nmark :{}\ncommitter A <a@b.c> {} +0000\ndata 1\nx\n",
            at + 1,
            1_000_000_000 + at
        )
        .expect("git reads");
        for (number, parent) in list.iter().enumerate() {
            writeln!(stream, "{} :{}", if number == 0 { "from" } else { "merge" }, parent + 1)
                .expect("git reads");
        }
    }
    drop(stream);
    assert!(import.wait().expect("git ends").success());
    let before = cpu(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
    let began = Instant::now();
    let listed = git(&["rev-list", "--bisect", "main", "^first"]).output().expect("git starts");
    assert!(listed.status.success() && listed.stdout.len() > 39);
    println!("git rev-list --bisect: {:.2} s", began.elapsed().as_secs_f64());
    cpu(nix::sys::resource::UsageWho::RUSAGE_CHILDREN) - before
}

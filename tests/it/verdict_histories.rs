//! Searches over random histories whose commits show what real runs of test runners showed: a commit that did not run
//! is never the proof of a culprit, neither as the one that fails nor as a parent that passes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use pybisect::graph::{CommitGraph, Node};
use pybisect::model::{Captured, Termination, Timing, TrialOutput, Verdict};
use pybisect::search::simulate::{Random, Truth, World};
use pybisect::search::{Doubt, InformationGain, SearchOutcome, SearchState};
use pybisect::triage::{CommandFacts, Oracle as _, Target, TargetOracle};

use crate::support::{TestRepo, User, culprit};

/// The verdicts on a runner's runs, by situation, where the search is for what `fails` shows.
fn verdicts(file: &Path) -> BTreeMap<String, Verdict> {
    let text = std::fs::read_to_string(file).unwrap();
    let (command, rest) = text.split_once('\n').unwrap();
    let words = command[2..].split(' ').skip_while(|word| word.contains("PATH="));
    let words: Vec<OsString> = if command.contains(['|', ';', '>', '&']) {
        ["sh", "-c", &command[2..]].map(OsString::from).to_vec()
    } else {
        words.map(OsString::from).collect()
    };
    let command = CommandFacts::of(&words);
    let mut runs = BTreeMap::new();
    for run in format!("\n{rest}").split("\n@@ ").skip(1).collect::<Vec<_>>().chunks(2) {
        let (head, stdout) = run[0].split_once('\n').unwrap();
        let (situation, status) = head.split_once(' ').unwrap();
        let code: i32 = status.parse().unwrap();
        let ending =
            if code < 0 { Termination::Signalled { signal: -code } } else { Termination::Exited { code } };
        let captured = |text: &str| Captured { text: text.to_owned(), bytes: 0 };
        let stderr = captured(run[1].strip_prefix("stderr").unwrap());
        let (stdout, timing) = (captured(stdout), Timing::default());
        let output = TrialOutput {
            ending,
            stdout,
            stderr,
            timing,
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        };
        runs.insert(situation.to_owned(), output);
    }
    let target = TargetOracle::target_of(&runs["fails"], command).unwrap();
    let mut oracle = TargetOracle::new(Target::Signature(target), command);
    oracle.learn(&oracle.read(&runs["fails"]));
    runs.into_iter().map(|(situation, output)| (situation, oracle.judge(&output))).collect()
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/runners");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A random history with merges; the first commit is good, the last one bad.
fn history(random: &mut Random) -> CommitGraph {
    let len = 4 + random.below(40);
    let mut parents: Vec<Vec<usize>> = vec![vec![]];
    for at in 1..len {
        let near = |random: &mut Random| at - 1 - random.below(at.min(5));
        let first = near(random);
        let second = near(random);
        let is_merge = random.below(4) == 0 && first != second;
        parents.push(if is_merge { vec![first, second] } else { vec![first] });
    }
    CommitGraph::from_parents(&parents).unwrap()
}

#[test]
fn a_commit_that_did_not_run_is_never_the_proof() {
    let runners: Vec<BTreeMap<String, Verdict>> = files().iter().map(|file| verdicts(file)).collect();
    let (mut found, mut open) = (0, 0);
    for seed in 0..1500 {
        let mut random = Random::new(seed);
        let graph = history(&mut random);
        let runs = &runners[random.below(runners.len())];
        let others: Vec<&str> =
            runs.keys().map(String::as_str).filter(|name| !["passes", "fails"].contains(name)).collect();
        let (good, bad) = (Node::new(0), Node::new(graph.len() - 1));
        let state = SearchState::new(&graph, bad, vec![good]);
        if state.candidates.is_empty() {
            continue;
        }
        let culprit = state.candidates.iter().nth(random.below(state.candidates.count())).unwrap();
        let broken = graph.descendants([culprit]);
        // One in so many does not run.
        let part = random.below(6);
        let situation = |node: Node, random: &mut Random| match broken.contains(node) {
            _ if node != good && node != bad && random.below(10) < part => others[random.below(others.len())],
            true => "fails",
            false => "passes",
        };
        let situations: Vec<&str> = graph.nodes().map(|node| situation(node, &mut random)).collect();
        let truth = situations.iter().map(|situation| match &runs[*situation] {
            Verdict::Good => Truth::Good,
            Verdict::Bad => Truth::Bad,
            Verdict::Skip(_) | Verdict::Abort(_) => Truth::Untestable,
        });
        let truth = truth.collect();
        let world = World { graph, truth, false_failures: 0.0, false_passes: 0.0, seed };
        let play =
            world.play(&InformationGain::new(0.99, Doubt::new(0.01)), state, 1 + random.below(3), 1000);
        match play.outcome {
            Some(SearchOutcome::Found { culprit: answer, .. }) => {
                found += 1;
                assert_eq!(answer, culprit, "seed {seed}");
                assert_eq!(situations[answer.index()], "fails", "seed {seed}");
                for parent in world.graph.parents(answer) {
                    assert_eq!(situations[parent.index()], "passes", "seed {seed}");
                }
            }
            Some(SearchOutcome::Ambiguous { set }) => {
                open += 1;
                assert!(set.iter().any(|(node, _)| *node == culprit), "seed {seed}");
            }
            None => panic!("seed {seed} did not end"),
        }
    }
    assert!(found > 500 && open > 50, "{found} found, {open} open");
}

/// `find` from the first of so many commits to the last, one trial after the other, with a command that does for commit
/// `$n` what the cases of a `case` say; the commits, and the report.
fn find_cases(len: usize, cases: &str) -> (Vec<String>, Option<i32>, serde_json::Value) {
    let mut repo = TestRepo::new();
    let ids: Vec<String> =
        (0..len).map(|n| repo.write("n.txt", format!("{n}\n")).commit("c").to_string()).collect();
    let script = format!("read n < n.txt; case $n in {cases} esac");
    let options = ["--jobs", "1", "--no-narrow", "--good", &ids[0], "--shell", &script];
    let (code, report) = User::new().find(repo.path(), &options);
    (ids, code, report)
}

/// The last verdict on each trial of a commit.
fn verdicts_on(report: &serde_json::Value, commit: &str) -> Vec<String> {
    let trials = report["trial_log"].as_array().unwrap().iter().filter(|trial| trial["commit"] == commit);
    trials.map(|trial| trial["verdict"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_pass_without_counts_is_taken_back_when_a_later_trial_prints_them() {
    // Of what crashes at bad, nobody can tell whether a runner prints counts.
    let cases =
        "[0-5]) exit 0;; [67]) echo '.  [100%]'; echo '1 passed in 0.01s'; exit 0;; *) kill -ABRT $$;;";
    let (ids, code, report) = find_cases(10, cases);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[8]);
    assert_eq!(verdicts_on(&report, &ids[7]), ["good"], "{report:#}");
    let silent: Vec<String> = ids[..6].iter().flat_map(|id| verdicts_on(&report, id)).collect();
    assert!(!silent.is_empty() && silent.iter().all(|verdict| verdict == "skip"), "{report:#}");
}

#[test]
fn a_pass_without_counts_is_no_proof_where_others_print_them() {
    let cases = "5) exit 0;; [0-4]) echo '.  [100%]'; echo '1 passed in 0.01s'; exit 0;; *) kill -ABRT $$;;";
    let (ids, code, report) = find_cases(8, cases);
    assert_eq!(code, Some(3), "{report:#}");
    let named: Vec<&str> =
        report["culprits"].as_array().unwrap().iter().filter_map(|one| one["commit"].as_str()).collect();
    assert!(named.contains(&ids[5].as_str()) && named.contains(&ids[6].as_str()), "{report:#}");
}

#[test]
fn a_commit_is_good_where_the_test_searched_for_passes_beside_a_red_one() {
    let summary = "=== short test summary info ===";
    let cases = format!(
        "[0-1]) echo 'PASSED t.py::test_old'; echo 'PASSED t.py::test_total'; echo '2 passed in 0.01s';; \
         [2-5]) echo '{summary}'; echo 'PASSED t.py::test_total'; echo 'FAILED t.py::test_old - KeyError: 1'; \
         echo '1 failed, 1 passed in 0.01s'; exit 1;; \
         *) echo '{summary}'; echo 'PASSED t.py::test_old'; echo 'FAILED t.py::test_total - assert 1 == 2'; \
         echo '1 failed, 1 passed in 0.01s'; exit 1;;"
    );
    let (ids, code, report) = find_cases(10, &cases);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprit(&report), ids[6]);
    let verdicts = verdicts_on(&report, &ids[5]);
    assert!(!verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == "good"), "{report:#}");
    // Where the runner does not tell what passed, nobody knows whether the test was there.
    let (_, code, report) =
        find_cases(10, &cases.replace("echo 'PASSED t.py::test_total'; echo 'FAILED", "echo 'FAILED"));
    assert_eq!(code, Some(3), "{report:#}");
}

/// Commands of everyday use around one test of unittest: the verdict on a commit between a good and a bad one that does
/// not import, or has no test.
#[test]
fn what_stands_around_a_runner_does_not_hide_what_it_ran() {
    const TEST: &str = "import app, unittest\nclass T(unittest.TestCase):\n    def test_total(self):\n        \
                        self.assertEqual(app.total([1, 2]), 3)\n";
    let right = "def total(xs):\n    return sum(xs)\n";
    let wrong = "def total(xs):\n    return sum(xs) - 1\n";
    let (import, nothing) = (format!("import no_such_module\n{right}"), "import app\n");
    for (command, app, test, expected) in [
        // The filter lets failures through alone, so that a pass is silent.
        (
            "python3 -m unittest -q 2>&1 | awk '/FAILED|Error/ { print; bad = 1 } END { exit bad }'",
            right,
            TEST,
            "good",
        ),
        (
            "python3 -m unittest -q 2>&1 | awk '/FAILED|Error/ { print; bad = 1 } END { exit bad }'",
            &import,
            TEST,
            "skip",
        ),
        ("ls test_*.py | xargs python3 -m unittest -q", right, TEST, "good"),
        ("ls test_*.py | xargs python3 -m unittest -q", &import, TEST, "skip"),
        ("ls test_*.py 2>/dev/null | xargs -r python3 -m unittest -q", right, "", "skip"),
        ("timeout 60 python3 -m unittest -q; rc=$?; echo ended with $rc; exit $rc", &import, TEST, "skip"),
        ("for n in 1 2; do python3 -m unittest -q && exit 0; done; exit 1", right, nothing, "skip"),
        ("python3 -m compileall -q . && python3 -m unittest -q", right, nothing, "skip"),
    ] {
        let mut repo = TestRepo::new();
        let good = repo.write("app.py", right).write("test_app.py", TEST).commit("good").to_string();
        if test.is_empty() {
            repo.remove("test_app.py");
        } else {
            repo.write("test_app.py", test);
        }
        let between = repo.write("app.py", app).write("notes.txt", "1\n").commit("between").to_string();
        repo.write("app.py", wrong).write("test_app.py", TEST).commit("bad");
        let options = ["--no-narrow", "--jobs", "1", "--good", &good, "--shell", command];
        let (_, report) = User::new().find(repo.path(), &options);
        let of_it = report["trial_log"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|trial| trial["commit"] == between.as_str());
        let verdicts: Vec<&str> = of_it.map(|trial| trial["verdict"].as_str().unwrap()).collect();
        assert!(
            !verdicts.is_empty() && verdicts.iter().all(|verdict| *verdict == expected),
            "{command}: {report:#}"
        );
    }
}

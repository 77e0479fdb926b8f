//! What is read, and judged, of real runs: `fixtures/runners` holds the output of each runner where the test passes,
//! fails, cannot be imported, is not there, is skipped, crashes, exits, and fails in another way.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::*;
use crate::model::{Captured, Termination, Timing, TrialOutput, Verdict};
use crate::triage::{Oracle as _, Target, TargetOracle};

/// The runs of a file, by situation, and the command.
fn runs(file: &Path) -> (CommandFacts, BTreeMap<String, TrialOutput>) {
    let text = std::fs::read_to_string(file).unwrap();
    let (command, rest) = text.split_once('\n').unwrap();
    let words: Vec<OsString> = if command.contains(['|', ';', '>', '&']) {
        ["sh", "-c", &command[2..]].map(OsString::from).to_vec()
    } else {
        let words = command[2..].split(' ').skip_while(|word| word.contains("PATH="));
        words.map(OsString::from).collect()
    };
    let mut runs = BTreeMap::new();
    for run in format!("\n{rest}").split("\n@@ ").skip(1).collect::<Vec<_>>().chunks(2) {
        let (head, stdout) = run[0].split_once('\n').unwrap();
        let (situation, status) = head.split_once(' ').unwrap();
        let stderr = run[1].strip_prefix("stderr").unwrap();
        let code: i32 = status.parse().unwrap();
        let ending =
            if code < 0 { Termination::Signalled { signal: -code } } else { Termination::Exited { code } };
        let captured = |text: &str| Captured { text: text.to_owned(), bytes: 0 };
        let output = TrialOutput {
            ending,
            stdout: captured(stdout),
            stderr: captured(stderr),
            timing: Timing::default(),
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        };
        runs.insert(situation.to_owned(), output);
    }
    (CommandFacts::of(&words), runs)
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/runners");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 30);
    files
}

#[test]
fn only_what_passes_is_good_and_only_the_same_failure_is_bad() {
    let mut wrong = Vec::new();
    for file in files() {
        let (command, runs) = runs(&file);
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let target =
            TargetOracle::target_of(&runs["fails"], command).unwrap_or_else(|no| panic!("{name}: {no:?}"));
        let mut oracle = TargetOracle::new(Target::Signature(target), command);
        oracle.learn(&oracle.read(&runs["fails"]));
        for (situation, output) in &runs {
            let verdict = oracle.judge(output);
            let expected = match situation.as_str() {
                "passes" => "good",
                "fails" => "bad",
                _ => "skip",
            };
            if verdict.word() != expected {
                wrong.push(format!("{name}, {situation}: {verdict}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn any_failure_is_bad_but_not_where_no_test_ran() {
    let mut wrong = Vec::new();
    for file in files() {
        let (command, runs) = runs(&file);
        let oracle = TargetOracle::new(Target::AnyFailure, command);
        for (situation, output) in &runs {
            let verdict = oracle.judge(output);
            let is_right = match situation.as_str() {
                "passes" => verdict == Verdict::Good,
                "fails" | "another-failure" => verdict == Verdict::Bad,
                // A feature file that a test module names is missing where that module is imported.
                "nothing-there" if verdict == Verdict::Bad => {
                    oracle.read(output).summary.is_some_and(|run| run.only_collection_failed())
                }
                "nothing-there" | "all-skipped" => verdict.word() == "skip",
                _ => verdict != Verdict::Good,
            };
            if !is_right {
                wrong.push(format!("{}, {situation}: {verdict}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn counts_are_those_that_the_runner_prints() {
    for file in files() {
        let (command, runs) = runs(&file);
        let name = file.display();
        let read = |situation: &str| {
            let output = runs.get(situation)?;
            read(&format!("{}\n{}", output.stdout.text, output.stderr.text), &command)
        };
        let passes = read("passes").unwrap_or_else(|| panic!("{name}: no counts where the test passes"));
        assert!(passes.passed > 0 && !passes.anything_failed() && passes.is_closed, "{name}: {passes:?}");
        if let Some(skipped) = read("all-skipped") {
            assert!(skipped.nothing_passed(), "{name}: {skipped:?}");
        }
        if let Some(nothing) = read("nothing-there") {
            assert!(nothing.nothing_passed(), "{name}: {nothing:?}");
        }
    }
}

#[test]
fn the_test_anything_protocol_is_read() {
    let text =
        "1..3\nok 1 t.py::test_a\nnot ok 2 t.py::test_b\n# assert 1 == 2\nok 3 t.py::test_c # SKIP not now\n";
    let run = read(text, &CommandFacts::default()).unwrap();
    assert_eq!((run.passed, run.failed, run.skipped), (1, 1, 1));
    assert_eq!(run.failed_tests, ["t.py::test_b"]);
    assert_eq!(read("ok 1\n", &CommandFacts::default()), None);
}

#[test]
fn every_reader_names_its_versions_and_no_runner_of_a_name_has_two() {
    let mut seen = Vec::new();
    for reader in READERS {
        assert!(!reader.versions().is_empty());
        assert!(reader.runner() == Runner::Other || !seen.contains(&reader.runner()), "{}", reader.runner());
        seen.push(reader.runner());
    }
}

#[test]
fn lines_of_other_programs_are_no_counts() {
    for text in [
        "Processed 3 files in 0.12s\n",
        "compiled 3 modules, 0 errors\n",
        "12 packages are looking for funding\nfound 0 vulnerabilities\n",
        "All checks passed!\n",
        "Success: no issues found in 3 source files\n",
        "listening on port 8000\n",
    ] {
        assert_eq!(read(text, &CommandFacts::default()), None, "{text}");
    }
}

/// What Django 5.2 prints with `--parallel` and without tblib, where a worker's own words arrive and where they do not.
#[test]
fn a_failure_that_a_worker_of_django_cannot_hand_over_is_read_from_what_arrives() {
    let words = "\n{marks}test_total (sums.tests.Totals.test_total) failed:\n\n    AssertionError('5 != 6')\n\n\
                 {marks}Unfortunately, tracebacks cannot be pickled, making it impossible for the\n";
    let remote = "{marks}multiprocessing.pool.RemoteTraceback: \n\"\"\"\nTraceback (most recent call last):\n  \
                  File \"/x/sums/tests.py\", line 8, in test_total\n    self.assertEqual(total(), 6)\n\
                  AssertionError: 5 != 6\n\nDuring handling of the above exception, another exception occurred:\n\n\
                  Traceback (most recent call last):\n  \
                  File \"/x/django/test/runner.py\", line 215, in check_picklable\n    \
                  self._confirm_picklable(err)\nTypeError: cannot pickle 'traceback' object\n\"\"\"\n\n\
                  The above exception was the direct cause of the following exception:\n\n\
                  Traceback (most recent call last):\n  \
                  File \"/x/manage.py\", line 9, in <module>\n    main()\n\
                  TypeError: cannot pickle 'traceback' object\n";
    for marks in ["", ".", "..F", "sE."] {
        for (words, test) in [(words, "sums.tests.Totals.test_total"), ("", "")] {
            let text = [words, remote].concat().replace("{marks}", marks);
            let run = read(&text, &CommandFacts::default()).unwrap();
            assert_eq!(run.runner, Runner::Django);
            assert!(run.interrupted && run.anything_failed());
            let failures: Vec<_> =
                run.failures.iter().map(|one| [&*one.test, &*one.kind, &*one.message]).collect();
            assert_eq!(failures, [[test, "AssertionError", "5 != 6"]], "{text}");
        }
    }
}

/// unittest's adapters of document tests name a test by the path of its file.
#[test]
fn a_test_that_is_a_path_is_the_repositorys() {
    let path = "/root/.cache/pybisect/runs/run-5Xlrfr5R/slots/1/tree/doc.txt";
    let text = format!(
        "======\nFAIL: {path}\n------\nAssertionError: \n------\nRan 1 test in 0.004s\n\nFAILED (failures=1)\n"
    );
    assert_eq!(read(&text, &CommandFacts::default()).unwrap().failed_tests, ["doc.txt"]);
}

/// pytest-tldr 0.2, html-testRunner 1.2.
#[test]
fn a_run_may_close_in_another_runners_words() {
    let pytest = CommandFacts::of(&["pytest"].map(OsString::from));
    let run = read(".\n------\nRan 1 tests in 0.01s\n\nOK\n", &pytest).unwrap();
    assert_eq!((run.passed, run.is_closed), (1, true));
    // What a test prints before pytest is ended is not pytest's.
    let cut = read("..\n------\nRan 1 test in 0.01s\n\nOK\n..F\nsold 1\nsold 2\nsold 3\n", &pytest).unwrap();
    assert!(!cut.is_closed);
    let skipped = read(
        "Ran 1 test in 0:00:00\n\nOK\n (Skipped=1)\n\nGenerating HTML reports...\n",
        &CommandFacts::default(),
    );
    assert_eq!(skipped.map(|run| (run.passed, run.skipped)), Some((0, 1)));
}

/// behave 1.3 with `-f plain --no-summary`.
#[test]
fn behave_may_print_steps_only() {
    let text = "USING RUNNER: behave.runner:Runner\nFeature: Sums\n\n  Scenario: A sum\n    When added ... passed in 0.000s\n    Then it is 6 \
                ... passed in 0.000s\n";
    let run = read(text, &CommandFacts::default()).unwrap();
    assert_eq!((run.runner, run.passed, run.failed, run.is_closed), (Runner::Behave, 2, 0, true));
}

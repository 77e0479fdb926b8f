//! What is read of each text in `fixtures/tracebacks`, as real programs printed it.

use std::fmt::Write as _;
use std::path::Path;

use pybisect::triage::traceback;
use pybisect::triage::traceback::parsed::{ChainLink, ParsedTraceback};
use pybisect::triage::{CommandFacts, runners};

fn describe(read: &ParsedTraceback, indent: &str, out: &mut String) {
    let mut marks: Vec<String> = read.test.iter().map(|test| format!("test {test}")).collect();
    marks.extend(read.captured.then(|| "captured".to_owned()));
    marks.extend(read.truncated.then(|| "cut off".to_owned()));
    let marks = if marks.is_empty() { String::new() } else { format!("  [{}]", marks.join("; ")) };
    let kind = read.kind.as_deref().unwrap_or("(unknown)");
    let message = read.message.replace('\n', "\n    | ");
    writeln!(out, "{indent}{kind}: {message}{marks}").unwrap();
    for frame in &read.frames {
        let function = frame.function.as_deref().unwrap_or("?");
        let code = frame.code.as_deref().unwrap_or("?");
        writeln!(out, "{indent}  {}:{} in {function}: {code}", frame.path, frame.line).unwrap();
    }
    for note in &read.notes {
        writeln!(out, "{indent}  note: {note}").unwrap();
    }
    for child in &read.children {
        writeln!(out, "{indent}  member").unwrap();
        describe(child, &format!("{indent}    "), out);
    }
    if let Some((link, cause)) = read.cause.as_deref() {
        let link = match link {
            ChainLink::DirectCause => "caused by",
            ChainLink::DuringHandling => "while handling",
        };
        writeln!(out, "{indent}  {link}").unwrap();
        describe(cause, &format!("{indent}    "), out);
    }
}

/// Counts and ids; what else is read of a run has tests of its own.
fn describe_run(run: &runners::RunSummary) -> String {
    /// As it stands in the files.
    #[derive(Debug)]
    #[expect(dead_code, reason = "printed")]
    struct RunSummary<'a> {
        runner: runners::Runner,
        passed: u32,
        failed: u32,
        errors: u32,
        skipped: u32,
        deselected: u32,
        xfailed: u32,
        xpassed: u32,
        reruns: u32,
        failed_tests: &'a [String],
        error_tests: &'a [String],
        collection_errors: &'a [String],
        interrupted: bool,
    }
    let shown = RunSummary {
        runner: run.runner,
        passed: run.passed,
        failed: run.failed,
        errors: run.errors,
        skipped: run.skipped,
        deselected: run.deselected,
        xfailed: run.xfailed,
        xpassed: run.xpassed,
        reruns: run.reruns,
        failed_tests: &run.failed_tests,
        error_tests: &run.error_tests,
        collection_errors: &run.collection_errors,
        interrupted: run.interrupted,
    };
    format!("{shown:#?}\n")
}

/// Everything that is read of a text, for people to check.
fn what_is_read(text: &str) -> String {
    let mut out = String::new();
    for read in traceback::parse(text) {
        describe(&read, "", &mut out);
    }
    if let Some(run) = runners::read(text, &CommandFacts::default()) {
        out.push_str(&describe_run(&run));
    }
    out
}

fn check(folder: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tracebacks");
    let mut files: Vec<_> =
        std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = format!("{folder}-{}", file.file_stem().unwrap().to_str().unwrap());
        insta::with_settings!({
            snapshot_path => root.join("read"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, what_is_read(&text));
        });
    }
}

#[test]
fn the_interpreters_own() {
    check("native");
}

#[test]
fn pytest() {
    check("pytest");
}

#[test]
fn unittest() {
    check("unittest");
}

#[test]
fn servers() {
    check("servers");
}

proptest::proptest! {
    /// Pieces of real outputs in any order are read without a panic, and each traceback lies in the text.
    #[test]
    fn any_text_is_read(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40), noise in ".{0,80}") {
        let mut text = pieces.join("\n");
        text.push_str(&noise);
        let lines = text.lines().count();
        for read in traceback::parse(&text) {
            proptest::prop_assert!(read.at + read.lines <= lines);
        }
        drop(runners::read(&text, &CommandFacts::default()));
    }
}

const PIECES: &[&str] = &[
    "Traceback (most recent call last):",
    "  + Exception Group Traceback (most recent call last):",
    "  | ExceptionGroup: g (2 sub-exceptions)",
    "  +-+---------------- 1 ----------------",
    "    | ValueError: 1",
    "    +------------------------------------",
    "  File \"a.py\", line 3, in f",
    "  File \"a.py\", line 99999999999999999999",
    "    code",
    "    ^^^^",
    "ValueError: é",
    "",
    "The above exception was the direct cause of the following exception:",
    "=================================== FAILURES ===================================",
    "_____ test_a _____",
    "    def test_a():",
    ">       f()",
    "E       ValueError: é",
    "E",
    "a.py:3: ValueError",
    "a.py:3: in f",
    "_ _ _ _ _ _ _ _ _ _",
    "----- Captured stdout call -----",
    "FAILED a.py::test_a[é - b] - ValueError: é",
    "ERROR a.py",
    "======================================================================",
    "FAIL: test_a (m.C)",
    "Ran 3 tests in 0.1s",
    "FAILED (failures=1)",
    "99999999999 passed in 0.1s",
    "é Traceback (most recent call last):\\n  File \\\"a.py\\\", line 3, in f\\nE: x",
    "é   File \"a.py\", line 3, in f",
];

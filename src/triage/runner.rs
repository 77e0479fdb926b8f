//! What a test runner says of its run: how many tests passed, failed, were skipped, and which failed.
//!
//! Read are the last lines of pytest (3.x to 8.x and later, with `-q`, without counts under `-qq`,
//! with colours) and of unittest (also Django's and Twisted's runners, which print alike). Of several
//! runs in one output the last one counts: what a test of a pytest plugin prints stands above the
//! outer run's own line.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::ansi;

/// Which runner printed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runner {
    /// pytest.
    Pytest,
    /// unittest and what prints like it.
    Unittest,
}

/// What a run's last lines say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Who printed it.
    pub runner: Runner,
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed.
    pub failed: u32,
    /// Errors outside the tests' own code: set-up, collection; for unittest also unexpected exceptions.
    pub errors: u32,
    /// Tests that were skipped.
    pub skipped: u32,
    /// Tests that a selection left out.
    pub deselected: u32,
    /// Tests that failed as expected.
    pub xfailed: u32,
    /// Tests that passed although expected to fail.
    pub xpassed: u32,
    /// Repetitions of failing tests by a plugin.
    pub reruns: u32,
    /// Ids of the tests that failed, sorted: `path::Class::test` or `module.Class.test`.
    pub failed_tests: Vec<String>,
    /// Ids of tests with an error outside their own code, sorted.
    pub error_tests: Vec<String>,
    /// Files or modules that could not be imported for collecting, and `conftest.py` files that could
    /// not be loaded, sorted.
    pub collection_errors: Vec<String>,
    /// The runner stopped before the end: an interrupted or failed collection, `-x`, an internal error.
    pub interrupted: bool,
}

impl RunSummary {
    fn new(runner: Runner) -> Self {
        Self {
            runner,
            passed: 0,
            failed: 0,
            errors: 0,
            skipped: 0,
            deselected: 0,
            xfailed: 0,
            xpassed: 0,
            reruns: 0,
            failed_tests: Vec::new(),
            error_tests: Vec::new(),
            collection_errors: Vec::new(),
            interrupted: false,
        }
    }

    /// Whether no test passed: all skipped, deselected, expected to fail, or none there. With exit
    /// status 0, that says nothing about a commit.
    #[must_use]
    pub const fn nothing_passed(&self) -> bool {
        self.passed == 0 && self.xpassed == 0
    }

    /// Every failing test and every file that could not be collected, sorted.
    #[must_use]
    pub fn failing(&self) -> Vec<String> {
        let parts = [&self.failed_tests, &self.error_tests, &self.collection_errors];
        let mut all: Vec<String> = parts.into_iter().flatten().cloned().collect();
        all.sort();
        all.dedup();
        all
    }

    fn add(&mut self, count: u32, word: &str) {
        let field = match word {
            "passed" => &mut self.passed,
            "failed" => &mut self.failed,
            "error" | "errors" => &mut self.errors,
            "skipped" => &mut self.skipped,
            "deselected" => &mut self.deselected,
            "xfailed" => &mut self.xfailed,
            "xpassed" => &mut self.xpassed,
            "rerun" | "reruns" => &mut self.reruns,
            _ => return,
        };
        *field = field.saturating_add(count);
    }
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

/// `3 passed, 1 skipped in 0.12s (0:01:02)`, with or without the ruler around it.
static COUNTS: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"(?:failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|reruns?|subtests? \w+|pytest-warnings?|[a-z]+)";
    pattern(&format!(
        r"^(?:={{1,}} )?((?:no tests ran|\d+ {word})(?:, \d+ {word})*) in (?:\d+\.\d+ ?s(?:econds)?|\d+:\d\d:\d\d|[\d.]+ seconds)(?: \([\d:, a-z]+\))?(?: ={{1,}})?$"
    ))
});
static COUNT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d+) ([a-z]+)"));
/// Progress of `-qq`, which prints no counts: `..F.s  [100%]`.
static PROGRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([.FEsxXR]+)(?: +\[ *\d+%\])?$"));
static RAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Ran (\d+) tests? in "));
static VERDICT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:OK|FAILED|PASSED|NO TESTS RAN)(?: \((.*)\))?$"));
static KEYED: LazyLock<Regex> = LazyLock::new(|| pattern(r"([a-zA-Z ]+)=(\d+)"));
static SUMMARY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(FAILED|ERROR) (\S[^\[]*?(?:\[.*?\])?)(?: - .*)?$"));
static VERBOSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:\[gw\d+\] \[ *\d+%\] )?(?:(FAILED|ERROR) (\S+::\S.*)|(\S+::\S.*?) (FAILED|ERROR)(?: +\[ *\d+%\])?)$",
    )
});
static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^_{3,} (.+?) _{3,}$"));
static LOCATION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([^\s:]+\.py):\d+(?:: |$)"));
static UNITTEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(FAIL|ERROR): (\S+)(?: \(([^)]*)\))?"));
static COLLECTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:_{3,} ERROR collecting (.+?) _{3,}|(?:E +)?(?:ImportError while importing test module|ImportError while loading conftest|ConftestImportFailure:?.*?) '([^']+\.py)'.*)$",
    )
});

/// What the last run in the output says of itself; `None` when no runner is recognised.
#[must_use]
pub fn read(text: &str) -> Option<RunSummary> {
    let clean = ansi::strip(text);
    let lines: Vec<&str> = clean.lines().map(str::trim_end).collect();
    let pytest = lines.iter().rposition(|line| is_pytest_end(line));
    let unittest = lines.iter().rposition(|line| RAN.is_match(line));
    let mut run = match (pytest, unittest) {
        (Some(pytest), unittest) if unittest.is_none_or(|unittest| unittest < pytest) => {
            pytest_counts(&lines, pytest)
        }
        (_, Some(unittest)) => unittest_counts(&lines[unittest..]),
        _ => without_counts(&lines)?,
    };
    match run.runner {
        Runner::Pytest => pytest_ids(&mut run, &lines),
        Runner::Unittest => unittest_ids(&mut run, &lines),
    }
    for ids in [&mut run.failed_tests, &mut run.error_tests, &mut run.collection_errors] {
        ids.sort();
        ids.dedup();
    }
    Some(run)
}

fn is_pytest_end(line: &str) -> bool {
    line.contains(" in ") && COUNTS.is_match(line)
}

fn pytest_counts(lines: &[&str], at: usize) -> RunSummary {
    let mut run = RunSummary::new(Runner::Pytest);
    if let Some(counts) = COUNTS.captures(lines[at]).and_then(|found| found.get(1)) {
        for count in COUNT.captures_iter(counts.as_str()) {
            run.add(count[1].parse().unwrap_or(u32::MAX), &count[2]);
        }
    }
    run
}

/// pytest under `-qq`, or ended before its last line.
fn without_counts(lines: &[&str]) -> Option<RunSummary> {
    let mut run = RunSummary::new(Runner::Pytest);
    let collected = |line: &str| line.starts_with("collected ") || line.starts_with("collecting ");
    let named = lines.iter().any(|line| {
        collected(line)
            || COLLECTION.is_match(line)
            || line.starts_with("INTERNALERROR>")
            || line.contains(" test session starts ")
    });
    let percent = lines.iter().any(|line| line.ends_with("%]") && PROGRESS.is_match(line));
    if !named && !percent {
        return None;
    }
    for progress in lines.iter().filter_map(|line| PROGRESS.captures(line)) {
        for mark in progress[1].chars() {
            let word = match mark {
                '.' => "passed",
                'F' => "failed",
                'E' => "errors",
                's' => "skipped",
                'x' => "xfailed",
                'X' => "xpassed",
                _ => "rerun",
            };
            run.add(1, word);
        }
    }
    Some(run)
}

fn pytest_ids(run: &mut RunSummary, lines: &[&str]) {
    let summary = lines.iter().rposition(|line| line.contains(" short test summary info "));
    let listed = summary.map_or(&[][..], |at| &lines[at..]);
    for found in listed.iter().filter_map(|line| SUMMARY.captures(line)) {
        add_id(run, &found[1], &found[2]);
    }
    if listed.is_empty() {
        for found in lines.iter().filter_map(|line| VERBOSE.captures(line)) {
            let part = |a, b| found.get(a).or(found.get(b)).map_or("", |text| text.as_str());
            add_id(run, part(1, 4), part(2, 3));
        }
    }
    if run.failed_tests.is_empty() && run.error_tests.is_empty() {
        ids_from_headings(run, lines);
    }
    for found in lines.iter().filter_map(|line| COLLECTION.captures(line)) {
        let name = found.get(1).or(found.get(2)).map_or("", |name| name.as_str());
        // The message names the same file again, as an absolute path.
        if !run.collection_errors.iter().any(|known| name.ends_with(&format!("/{known}"))) {
            run.collection_errors.push(name.to_owned());
        }
    }
    run.interrupted = lines.iter().any(|line| {
        line.starts_with("INTERNALERROR>")
            || line.starts_with("!!!!!")
                && (line.contains(" Interrupted: ")
                    || line.contains(" stopping after ")
                    || line.contains("KeyboardInterrupt"))
    });
}

fn add_id(run: &mut RunSummary, word: &str, id: &str) {
    let list = match (word, id.contains("::")) {
        ("FAILED", _) => &mut run.failed_tests,
        (_, true) => &mut run.error_tests,
        _ => &mut run.collection_errors,
    };
    list.push(id.trim_end().to_owned());
}

/// Versions before 5.4 print no summary: the heading gives the test, its first frame the file (which
/// the native style gives with no more than the name).
fn ids_from_headings(run: &mut RunSummary, lines: &[&str]) {
    let mut heading: Option<(&str, bool)> = None;
    let mut add = |path: Option<&str>, heading: Option<(&str, bool)>| {
        let Some((test, error)) = heading else { return };
        let name = dots_to_colons(test);
        let id = path.map_or_else(|| name.clone(), |path| format!("{path}::{name}"));
        let list = if error { &mut run.error_tests } else { &mut run.failed_tests };
        list.push(id);
    };
    for line in lines {
        if let Some(found) = HEADING.captures(line).and_then(|found| found.get(1)) {
            add(None, heading.take());
            let at = ["ERROR at setup of ", "ERROR at teardown of "];
            let test = at.iter().find_map(|start| found.as_str().strip_prefix(start));
            let collecting = found.as_str().starts_with("ERROR collecting ");
            heading = (!collecting).then(|| (test.unwrap_or(found.as_str()), test.is_some()));
        } else if line.starts_with("==") {
            add(None, heading.take());
        } else if heading.is_some()
            && let Some(found) = LOCATION.captures(line)
        {
            add(found.get(1).map(|path| path.as_str()), heading.take());
        }
    }
    add(None, heading);
}

/// `Class.test[a.b]` → `Class::test[a.b]`.
fn dots_to_colons(heading: &str) -> String {
    let (name, parameters) = heading.split_at(heading.find('[').unwrap_or(heading.len()));
    name.replace('.', "::") + parameters
}

fn unittest_counts(lines: &[&str]) -> RunSummary {
    let mut run = RunSummary::new(Runner::Unittest);
    let ran: u32 = lines.first().and_then(|line| RAN.captures(line)).map_or(0, |n| n[1].parse().unwrap_or(0));
    let verdict = lines.iter().skip(1).find_map(|line| VERDICT.captures(line));
    let details = verdict.as_ref().and_then(|found| found.get(1)).map_or("", |text| text.as_str());
    for found in KEYED.captures_iter(details) {
        let count = found[2].parse().unwrap_or(0);
        match found[1].trim() {
            "failures" => run.failed = count,
            "errors" => run.errors = count,
            "skipped" | "skips" => run.skipped = count,
            "expected failures" | "expectedFailures" => run.xfailed = count,
            "unexpected successes" | "unexpectedSuccesses" => run.xpassed = count,
            _ => {}
        }
    }
    run.interrupted = verdict.is_none();
    let others = run.failed + run.errors + run.skipped + run.xfailed + run.xpassed;
    run.passed = ran.saturating_sub(others);
    run
}

fn unittest_ids(run: &mut RunSummary, lines: &[&str]) {
    let rulers = lines.windows(2).filter(|pair| pair[0].starts_with("====="));
    for found in rulers.filter_map(|pair| UNITTEST.captures(pair[1])) {
        let (name, class) = (&found[2], found.get(3).map_or("", |class| class.as_str()));
        if class.contains("_FailedTest") || class.contains("ModuleImportFailure") {
            run.collection_errors.push(name.to_owned());
        } else {
            let id = if class.is_empty() || class.ends_with(&format!(".{name}")) {
                if class.is_empty() { name.to_owned() } else { class.to_owned() }
            } else {
                format!("{class}.{name}")
            };
            let failed = &found[1] == "FAIL";
            let list = if failed { &mut run.failed_tests } else { &mut run.error_tests };
            list.push(id);
        }
    }
}

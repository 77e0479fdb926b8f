//! pytest, with its plugins.
//!
//! Read are the last lines (3.x to 9.x, with `-q`, without counts under `-qq`, with colours; also pytest-sugar's), the
//! short summary, the lines of `-v` and of pytest-xdist, and what a run prints that does not come to its end.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex::Regex;

use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner, parts};
use crate::triage::traceback::pytest_heading;

/// pytest.
pub(super) struct Pytest;

impl ReadRunner for Pytest {
    fn runner(&self) -> Runner {
        Runner::Pytest
    }

    fn versions(&self) -> &'static str {
        "3.0 to 9.2; pytest-xdist 3, -cov 7, -timeout 2, -forked 1, -rerunfailures 16, -sugar 1"
    }

    fn read(&self, lines: &[&str], named: bool) -> Option<RunSummary> {
        let spans = Some(named).filter(|named| !named).and_then(|_| spans(lines)).unwrap_or_default();
        let mut run = if spans.len() > 1 {
            in_turn(lines, &spans)?
        } else {
            let end = lines.iter().rposition(|line| is_end(line));
            let mut run = match end {
                Some(end) => counts(lines, end),
                None => without_counts(lines, named)?,
            };
            ids(&mut run, lines);
            run
        };
        // A test that is not found in a file that does not import: the import is the reason.
        let is_of_import = |why: &String| why.starts_with("not found: ") && !run.collection_errors.is_empty();
        run.not_started = not_started(lines).filter(|why| !is_of_import(why));
        hanging(&mut run, lines);
        died(&mut run, lines);
        Some(run)
    }
}

/// `3 passed, 1 skipped in 0.12s (0:01:02)`, with or without the ruler around it.
static COUNTS: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"(?:failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|reruns?|subtests? \w+|pytest-warnings?|[a-z]+)";
    pattern(&format!(
        r"^(?:={{1,}} )?((?:no tests ran|\d+ {word})(?:, \d+ {word})*) in (?:\d+\.\d+ ?s(?:econds)?|\d+:\d\d:\d\d|[\d.]+ seconds)(?: \([\d:, a-z]+\))?(?: ={{1,}})?$"
    ))
});
/// One of these is among the counts of every run; `3 files in 0.12s` is not pytest's.
static COUNTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"no tests ran|\b(?:passed|failed|skipped|deselected|xfailed|xpassed|errors?|reruns?)\b")
});
static COUNT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d+) ([a-z]+)"));
/// Progress of `-qq`, which prints no counts: `..F.s  [100%]`.
static PROGRESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([.FEsxXR]+)(?: +\[ *\d+%\])?$"));
static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(FAILED|ERROR|SUBFAIL(?:ED)?)(?:[\[(][^\])]*[\])])* (\S[^\[]*?(?:\[.*?\])?)(?: - .*)?$")
});
static VERBOSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:\[gw\d+\] \[ *\d+%\] )?(?:(FAILED|ERROR|PASSED) (\S+::\S.*)|(\S+::\S.*?) (FAILED|ERROR|PASSED)(?: +\[ *\d+%\])?)$",
    )
});
static LOCATION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([^\s:]+\.py):\d+(?:: |$)"));
static COLLECTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:_+ ERROR collecting (.+?) _+|(?:E +)?(?:ImportError while importing test module|ImportError while loading conftest|ConftestImportFailure:?.*?) '([^']+\.py)'.*)$",
    )
});

/// pytest-sugar's closing lines: `Results (0.05s):`, and a line for each count.
static SUGAR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^Results \([\d.]+s\):$"));
/// What `--collect-only` closes with.
static LISTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:={1,} )?(?:(\d+)(?:/\d+)?|no) tests? collected(?: \(\d+ deselected\))?(?:, (\d+) errors?)? in .*$",
    )
});
/// What it says of a command line, or of files, with which it cannot begin.
static REFUSED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:ERROR: ((?:file|file or directory|path|module or package) (?:or package )?(?:argument )?(?:is )?not found.*|not found: .*|found no collectors for .*|usage: .*)|\S*(?:py\.?test|__main__\.py)\S*: (?:error: )?((?:unrecognized arguments?|no such option|argument |ambiguous option).*)|UsageError: (.*)|(?:\S*python\S*: )(No module named '?(?:pytest|_pytest)\b.*)|(INTERNALERROR> \w[\w.]*(?:Error|Exception|Exit|Interrupt)\b.*))$",
    )
});

fn is_end(line: &str) -> bool {
    let is_counted = || COUNTS.captures(line).is_some_and(|found| COUNTED.is_match(&found[1]));
    line.contains(" in ") && (is_counted() || LISTED.is_match(line))
        || line.starts_with("Results (") && SUGAR.is_match(line)
}

/// Where the runs of a command stand.
pub(super) fn spans(lines: &[&str]) -> Option<Vec<RangeInclusive<usize>>> {
    parts::spans(lines, is_end)
}

/// The sum of several runs, each with what stands above its end.
fn in_turn(lines: &[&str], spans: &[RangeInclusive<usize>]) -> Option<RunSummary> {
    let mut from = 0;
    let runs = spans.iter().enumerate().map(|(at, span)| {
        // pytest-sugar's counts stand below its end.
        let next = spans.get(at + 1).map_or(lines.len(), |next| *next.start());
        let own = &lines[from..next];
        let mut run = counts(own, span.end() - from);
        ids(&mut run, own);
        run.at = *span.end();
        from = next;
        run
    });
    parts::sum(runs.collect())
}

/// The sum of runs that were made at a time: what they print stands in each other, so that only their ends can be told
/// apart. `None` where there is one.
pub(super) fn side_by_side(lines: &[&str]) -> Option<RunSummary> {
    let ends: Vec<usize> = (0..lines.len()).filter(|&at| is_end(lines[at])).collect();
    if ends.len() < 2 {
        return None;
    }
    let mut run = parts::sum(ends.into_iter().map(|end| counts(lines, end)).collect())?;
    ids(&mut run, lines);
    run.not_started = not_started(lines);
    died(&mut run, lines);
    Some(run)
}

fn counts(lines: &[&str], at: usize) -> RunSummary {
    let mut run = RunSummary::new(Runner::Pytest, at);
    if let Some(counts) = COUNTS.captures(lines[at]).and_then(|found| found.get(1)) {
        add_counts(&mut run, counts.as_str());
    } else if let Some(found) = LISTED.captures(lines[at]) {
        run.add(found.get(1).map_or(0, |count| number(count.as_str())), Count::Listed);
        run.add(found.get(2).map_or(0, |count| number(count.as_str())), Count::Error);
    } else {
        let rest = lines[at + 1..].iter().take_while(|line| line.is_empty() || line.starts_with(' '));
        rest.for_each(|line| add_counts(&mut run, line));
    }
    run
}

fn add_counts(run: &mut RunSummary, counts: &str) {
    for count in COUNT.captures_iter(counts) {
        let what = match &count[2] {
            "passed" => Count::Passed,
            "failed" => Count::Failed,
            "error" | "errors" => Count::Error,
            "skipped" => Count::Skipped,
            "deselected" => Count::Deselected,
            "xfailed" => Count::ExpectedFailure,
            "xpassed" => Count::UnexpectedPass,
            "rerun" | "reruns" => Count::Rerun,
            _ => continue,
        };
        run.add(number(&count[1]), what);
    }
}

/// pytest under `-qq`, or ended before its last line.
fn without_counts(lines: &[&str], named: bool) -> Option<RunSummary> {
    let collected = |line: &str| line.starts_with("collected ") || line.starts_with("collecting ");
    let named_at = lines.iter().rposition(|line| {
        collected(line)
            || COLLECTION.is_match(line)
            || line.starts_with("INTERNALERROR>")
            || line.contains(" test session starts ")
            || REFUSED.is_match(line)
            || TIMEOUT.is_match(line)
    });
    let is_percent = |line: &&str| line.ends_with("%]") && PROGRESS.is_match(line);
    let percent = lines.iter().rposition(is_percent);
    if named_at.is_none() && percent.is_none() && !(named && lines.iter().any(|line| PROGRESS.is_match(line)))
    {
        return None;
    }
    let mut run = RunSummary::new(Runner::Pytest, percent.max(named_at).unwrap_or_default());
    run.is_closed = lines.iter().any(|line| line.ends_with("[100%]") && PROGRESS.is_match(line));
    for progress in lines.iter().filter_map(|line| PROGRESS.captures(line)) {
        for mark in progress[1].chars() {
            let what = match mark {
                '.' => Count::Passed,
                'F' => Count::Failed,
                'E' => Count::Error,
                's' => Count::Skipped,
                'x' => Count::ExpectedFailure,
                'X' => Count::UnexpectedPass,
                _ => Count::Rerun,
            };
            run.add(1, what);
        }
    }
    Some(run)
}

/// Tests that ended their process: pytest-forked and pytest-xdist tell of it in a line, without a traceback.
fn died(run: &mut RunSummary, lines: &[&str]) {
    static FORKED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^\S+:\d+: running the test (CRASHED|EXITED) (with .*)$"));
    static WORKER: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^worker '\w+' crashed while running '(\S.*)'$"));
    let mut heading = String::new();
    for line in lines {
        if let Some(found) = pytest_heading(line) {
            heading = dots_to_colons(found);
        } else if let Some(found) = FORKED.captures(line) {
            let test = run.failed_tests.iter().find(|id| id.ends_with(&format!("::{heading}")));
            let test = test.cloned().unwrap_or_else(|| heading.clone());
            run.fail(&test, &found[1], &found[2]);
        } else if let Some(found) = WORKER.captures(line) {
            run.fail(&found[1], "CRASHED", "a worker crashed while running it");
        }
    }
}

/// Why it did not begin.
fn not_started(lines: &[&str]) -> Option<String> {
    let found = lines.iter().find_map(|line| REFUSED.captures(line))?;
    let said = found.iter().skip(1).flatten().next()?.as_str().trim();
    let said = if said.starts_with("usage: ") {
        // The error stands in the next lines.
        lines.iter().find_map(|line| line.split_once(": error: ")).map_or(said, |(_, error)| error)
    } else {
        said.strip_prefix("INTERNALERROR> ").unwrap_or(said)
    };
    Some(said.to_owned())
}

/// The ruler with which pytest-timeout's thread method begins and ends what it prints before it ends the process.
static TIMEOUT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\+{5,} ?Timeout ?\+{5,}$"));

/// A test that pytest-timeout ended together with the whole process: the last own function on the main thread's stack.
fn hanging(run: &mut RunSummary, lines: &[&str]) {
    static FRAME: LazyLock<Regex> = LazyLock::new(|| pattern(r#"^  File "([^"]+)", line \d+, in (\S+)$"#));
    if run.is_closed {
        return;
    }
    let Some(at) = lines.iter().position(|line| TIMEOUT.is_match(line)) else { return };
    let frames = lines[at..].iter().filter_map(|line| FRAME.captures(line));
    let tests: Vec<String> = frames
        .filter(|frame| frame[2].starts_with("test") && !frame[1].contains("site-packages"))
        .map(|frame| frame[2].to_owned())
        .collect();
    run.add(1, Count::Failed);
    run.interrupted = true;
    run.fail(
        tests.first().map_or("", String::as_str),
        "Timeout",
        "the test took longer than pytest-timeout allows",
    );
}

fn ids(run: &mut RunSummary, lines: &[&str]) {
    let summary = lines.iter().rposition(|line| line.contains(" short test summary info "));
    let listed = summary.map_or(&[][..], |at| &lines[at..]);
    for found in listed.iter().filter_map(|line| SUMMARY.captures(line)) {
        add_id(run, &found[1], &found[2]);
    }
    for found in lines.iter().filter_map(|line| VERBOSE.captures(line)) {
        let part = |a, b| found.get(a).or(found.get(b)).map_or("", |text| text.as_str());
        match part(1, 4) {
            "PASSED" => run.passed_tests.push(part(2, 3).to_owned()),
            _ if !listed.is_empty() => {}
            word => add_id(run, word, part(2, 3)),
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
        ("FAILED" | "SUBFAIL" | "SUBFAILED", _) => &mut run.failed_tests,
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
        let found = pytest_heading(line);
        // pytest-cov's table stands under such a ruler, too.
        if let Some(found) = found.filter(|found| !found.starts_with("coverage: ")) {
            add(None, heading.take());
            let at = ["ERROR at setup of ", "ERROR at teardown of "];
            let test = at.iter().find_map(|start| found.strip_prefix(start));
            let collecting = found.starts_with("ERROR collecting ");
            heading = (!collecting).then(|| (test.unwrap_or(found), test.is_some()));
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

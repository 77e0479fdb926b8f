//! Linters, type checkers and formatters: each thing that they complain of is a failure with a place, a rule and a message.
//!
//! What fails at good as well is known then, and another rule in the same file is another failure, though both runs close
//! with `Found 1 error.` Lines move, so the number of the line is none of the identity.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{exception, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// Any checker of Python files.
pub(super) struct Checkers;

/// `app.py:1:8: F401 [*] 'os' imported but unused`, `app.py:5: error: Name "x" is not defined  [name-defined]`,
/// `  /srv/app.py:5:22 - error: "x" is not defined (reportUndefinedVariable)`.
static IN_A_LINE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*(\S+\.(?:pyi?|ipynb)):\d+(?::\d+)?(?:: | - )(?:(error|warning)(?:\[([\w-]+)\])?: (.*?)(?: +[\[(]([a-zA-Z][\w-]*)[\])])?|([A-Z]{1,5}\d{2,5}|invalid-syntax)\b:? ?(?:\[\*\] )?(.*))$",
    )
});
/// ruff, ty: the rule and its message, and below them the place.
static ABOVE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:(?:error|warning)\[([\w-]+)\]: |([A-Z]{1,5}\d{2,5}|[a-z]+(?:-[a-z]+)*)(?: \[\*\] |: | ))(.+)$",
    )
});
/// pyrefly: the message, and its rule behind it.
static RULE_BEHIND: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(ERROR|WARN) (.+) \[([a-z]+(?:-[a-z]+)*)\]$"));
static PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*--> (\S+\.(?:pyi?|ipynb)):\d+:\d+$"));
/// pyflakes, vulture, codespell: a place and words, where nothing else is printed.
static WORDS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(\S+\.(?:pyi?|ipynb)):\d+(?::\d+)?: (\S.*?)(?: \(\d+% confidence\))?$"));
/// black, `ruff format`, isort.
static FORMAT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:would reformat (\S+)|Would reformat: (\S+)|ERROR: (\S+\.pyi?) (Imports are incorrectly sorted).*)$",
    )
});

impl ReadRunner for Checkers {
    fn runner(&self) -> Runner {
        Runner::Checker
    }

    fn versions(&self) -> &'static str {
        "ruff 0.17, flake8 7, mypy 2, pylint 4, basedpyright 1, black 26, isort 9, pyrefly 1, pyflakes 4, vulture 2, codespell 2"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        let complaints: Vec<Complaint> =
            lines.iter().enumerate().filter_map(|it| complaint(lines, it)).collect();
        let complaints = if complaints.is_empty() { in_words(lines)? } else { complaints };
        let at = complaints.last()?.at;
        let mut run = RunSummary::new(Runner::Checker, at);
        // Warnings are what is left to fail for where there is no error.
        let is_grave = complaints.iter().any(|one| !one.is_warning);
        for one in complaints.iter().filter(|one| !(is_grave && one.is_warning)) {
            run.add(1, Count::Failed);
            let words = one.words();
            run.fail(&id(one.path, &one.rule, &words), &one.rule, &words);
        }
        // The check itself ran.
        run.add(1, Count::Passed);
        Some(run)
    }
}

/// The rule of a complaint that names none.
const RULELESS: &str = "complaint";

struct Complaint<'a> {
    at: usize,
    path: &'a str,
    rule: String,
    message: &'a str,
    is_warning: bool,
}

impl Complaint<'_> {
    /// Names in quotes are what the complaint is about, not data of one run.
    fn words(&self) -> String {
        self.message.replace(['`', '"', '\'', '“', '”'], "")
    }
}

/// Of what is complained of, a rule and the message, in letters that have no meaning in an id.
pub(super) fn id(of: &str, rule: &str, words: &str) -> String {
    let words = format!("{rule} {words}").replace(|letter: char| "()[].:".contains(letter), " ");
    let of = of.strip_prefix("./").unwrap_or(of);
    format!("{of}::{}", words.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Complaints without a rule. A line like them may be anything's, so nothing else may be there.
fn in_words<'a>(lines: &[&'a str]) -> Option<Vec<Complaint<'a>>> {
    let said = lines.iter().enumerate().filter(|(_, line)| !line.is_empty());
    said.map(|(at, line)| {
        let found = WORDS.captures(line)?;
        let (path, message) = (found.get(1)?.as_str(), found.get(2)?.as_str());
        let rule = RULELESS.to_owned();
        exception(message).is_none().then_some(Complaint { at, path, rule, message, is_warning: false })
    })
    .collect()
}

fn complaint<'a>(lines: &[&'a str], (at, line): (usize, &&'a str)) -> Option<Complaint<'a>> {
    let of = |path, rule: &str, message, is_warning| {
        Some(Complaint { at, path, rule: rule.to_owned(), message, is_warning })
    };
    // Cheap tests first: few lines of an output name a file.
    if line.contains(".py") || line.contains(".ipynb") {
        if let Some(found) = FORMAT.captures(line) {
            let path = found.get(1).or(found.get(2)).or(found.get(3))?.as_str();
            return of(
                path,
                "format",
                found.get(4).map_or("would be reformatted", |words| words.as_str()),
                false,
            );
        }
        if let Some(found) = PLACE.captures(line) {
            let above = lines[at.checked_sub(1)?];
            if let Some(said) = RULE_BEHIND.captures(above) {
                return of(found.get(1)?.as_str(), &said[3], said.get(2)?.as_str(), &said[1] == "WARN");
            }
            let said = ABOVE.captures(above)?;
            let rule = said.get(1).or(said.get(2))?.as_str();
            return of(found.get(1)?.as_str(), rule, said.get(3)?.as_str(), above.starts_with("warning"));
        }
        let found = IN_A_LINE.captures(line)?;
        let part = |number: usize| found.get(number).map(|part| part.as_str());
        let path = part(1)?;
        return match part(2) {
            Some(level) => of(path, part(3).or(part(5)).unwrap_or(level), part(4)?, level == "warning"),
            None => of(path, part(6)?, part(7)?, false),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{CommandFacts, read};
    use super::*;
    use crate::model::{Captured, Termination, Timing, TrialOutput};
    use crate::triage::{Baseline, Oracle as _, Target, TargetOracle};

    fn ids(text: &str) -> Vec<String> {
        let run = read(text, &CommandFacts::default()).unwrap();
        assert_eq!(run.runner, Runner::Checker);
        run.failures.iter().map(|one| format!("{} | {} | {}", one.test, one.kind, one.message)).collect()
    }

    /// ruff 0.17.6, both forms; flake8 7.5, mypy 2.4, pylint 4.1, basedpyright 1.40, black 26.10, isort 9.0, pyrefly 1.5,
    /// vulture 2.16, pyflakes 4.1.
    #[test]
    fn complaints_of_checkers() {
        let unused = "pkg/app.py::F401 os imported but unused | F401 | os imported but unused";
        for text in [
            "F401 [*] `os` imported but unused\n --> pkg/app.py:1:8\n  |\n1 | import os\n  |        ^^\nhelp: Remove\n\nFound 1 error.\n",
            "pkg/app.py:1:8: F401 [*] `os` imported but unused\nFound 1 error.\n[*] 1 fixable with `--fix`.\n",
            "./pkg/app.py:1:1: F401 'os' imported but unused\n",
        ] {
            assert_eq!(ids(text), [unused], "{text}");
        }
        for (text, expected) in [
            (
                "pkg/app.py:5: error: Name \"undefined\" is not defined  [name-defined]\npkg/app.py:5: note: See\nFound 1 error in 1 file (checked 1 source file)\n",
                "pkg/app.py::name-defined Name undefined is not defined | name-defined | Name undefined is not defined",
            ),
            (
                "************* Module app\npkg/app.py:5:21: E0602: Undefined variable 'undefined' (undefined-variable)\n",
                "pkg/app.py::E0602 Undefined variable undefined undefined-variable | E0602 | Undefined variable undefined (undefined-variable)",
            ),
            (
                "/srv/pkg/app.py\n  /srv/pkg/app.py:1:8 - warning: Import \"os\" is not accessed (reportUnusedImport)\n  /srv/pkg/app.py:5:22 - error: \"x\" is not defined (reportUndefinedVariable)\n1 error, 1 warning, 0 notes\n",
                "/srv/pkg/app.py::reportUndefinedVariable x is not defined | reportUndefinedVariable | x is not defined",
            ),
            (
                "would reformat /srv/pkg/app.py\n\nOh no!\n1 file would be reformatted.\n",
                "/srv/pkg/app.py::format would be reformatted | format | would be reformatted",
            ),
            (
                "ERROR: /srv/pkg/app.py Imports are incorrectly sorted and/or formatted.\n",
                "/srv/pkg/app.py::format Imports are incorrectly sorted | format | Imports are incorrectly sorted",
            ),
            (
                "invalid-syntax: unexpected EOF while parsing\n --> bad.py:1:10\n",
                "bad.py::invalid-syntax unexpected EOF while parsing | invalid-syntax | unexpected EOF while parsing",
            ),
            (
                "ERROR Could not find name `sums` [unknown-name]\n --> app.py:2:12\n  |\n2 |     return sums(xs)\n  |            ^^^^\n INFO 1 error\n",
                "app.py::unknown-name Could not find name sums | unknown-name | Could not find name sums",
            ),
            (
                "pkg/app.py:1: unused import 'os' (90% confidence)\n",
                "pkg/app.py::complaint unused import os | complaint | unused import os",
            ),
            (
                "app.py:1:1: 're' imported but unused\n",
                "app.py::complaint re imported but unused | complaint | re imported but unused",
            ),
        ] {
            assert_eq!(ids(text), [expected]);
        }
        for text in [
            "see app.py:5: for more",
            "app.py:5: AssertionError",
            "  --> src/main.rs:3:5",
            "E0602 in main.c:3:4",
            "app.py:3: UserWarning: old",
            "app.py:1:10: '(' was never closed\ndef total(xs:\n         ^",
            "starting\napp.py:10: 3 rows",
        ] {
            assert_eq!(read(text, &CommandFacts::default()), None, "{text}");
        }
        let run = read("1 passed in 0.1s\napp.py:1:8: F401 unused\n", &CommandFacts::default()).unwrap();
        assert_eq!(run.runner, Runner::Pytest);
    }

    fn ended(code: i32, stdout: &str) -> TrialOutput {
        let captured = |text: &str| Captured { text: text.to_owned(), bytes: 0 };
        TrialOutput {
            ending: Termination::Exited { code },
            stdout: captured(stdout),
            stderr: captured(""),
            timing: Timing::default(),
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn what_is_complained_of_at_good_is_known_and_another_complaint_is_another_failure() {
        let complain = |names: &[(&str, u32)]| {
            let lines = names
                .iter()
                .map(|(name, line)| format!("app.py:{line}:8: F401 `{name}` imported but unused\n"));
            ended(1, &format!("{}Found {} errors.\n", lines.collect::<String>(), names.len()))
        };
        let facts = CommandFacts::default();
        let reading = |output: &TrialOutput| crate::triage::read(output, &facts);
        let (good, bad) = (complain(&[("os", 1)]), complain(&[("os", 1), ("sys", 2)]));
        let (new, baseline) = Baseline::between(&reading(&good), &reading(&bad)).unwrap();
        assert_eq!(new[0].message, "sys imported but unused");
        let mut oracle = TargetOracle::new(Target::Signature(new[0].clone()), facts).with_baseline(baseline);
        oracle.learn(&reading(&bad));
        for (output, expected) in [
            (&good, "good"),
            (&bad, "bad"),
            (&complain(&[("os", 7)]), "good"),
            (&complain(&[("os", 1), ("sys", 30)]), "bad"),
            (&complain(&[("os", 1), ("re", 2)]), "skip"),
            (&ended(0, "All checks passed!\n"), "good"),
            (&ended(0, ""), "good"),
            // With `--exit-zero`, or warnings that do not count.
            (&ended(0, &complain(&[("os", 1)]).stdout.text), "good"),
        ] {
            assert_eq!(oracle.judge(output).word(), expected, "{}", output.stdout.text);
        }
    }
}

//! Runners that nobody here knows by name: counts in their closing lines.
//!
//! Most print how many passed, failed and were skipped, in one of a few forms: `3 passed, 1 failed`, `passed: 3`,
//! `Tests: 3`, `3 examples, 0 failures`. Read are the last lines alone, and only lines that are little else.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// Any other runner.
pub(super) struct Generic;

/// So many of the last lines that are not empty.
const LAST: usize = 12;

/// What is counted.
const NOUN: &str = r"tests?|test cases?|testcases?|examples?|specs?|scenarios?|contracts?";
const PASSED: &str = r"pass(?:ed|es|ing)?|success(?:es|ful|fully)?|succeeded";
const FAILED: &str = r"fail(?:ed|ures?|ing|s)?|broken";
const ERRED: &str = r"errors?|errored|crash(?:ed|es)?";
const SKIPPED: &str = r"skip(?:ped|s)?|pending|ignored|disabled|excluded|unsupported|not run|cancelled";

/// `3 passed`, `1 test failed`, `2 scenarios were skipped`.
static COUNTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b(?P<before>\d+) (?:(?:{NOUN}) )?(?:(?:were|was|are|have|has) )?(?:(?P<passed>{PASSED})|(?P<failed>{FAILED})|(?P<erred>{ERRED})|(?P<skipped>{SKIPPED}))\b"
    ))
});
/// `Passed: 3`, `failures=1`.
static KEYED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b(?:(?:{NOUN}) )?(?:(?P<passed>{PASSED})|(?P<failed>{FAILED})|(?P<erred>{ERRED})|(?P<skipped>{SKIPPED})) *[:=] *(?P<after>\d+)\b"
    ))
});
/// `tests 3 failures 0 errors 1`: nothing but words and their numbers.
static LISTED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)^\W*(?:(?:(?:{NOUN})(?: ran| run)?|{PASSED}|{FAILED}|{ERRED}|{SKIPPED}) +\d+[\s,;|/]*){{2,}}$"
    ))
});
static OF_LIST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)(?:(?P<ran>(?:{NOUN})(?: ran| run)?)|(?P<passed>{PASSED})|(?P<failed>{FAILED})|(?P<erred>{ERRED})|(?P<skipped>{SKIPPED})) +(?P<count>\d+)"
    ))
});
/// `Ran 3 tests`, `3 examples ran`.
static RAN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)\b(?:(?:ran|run|executed) (?P<a>\d+) (?:{NOUN})|(?P<b>\d+) (?:{NOUN}) (?:(?:were|was) )?(?:ran|run|executed))\b"
    ))
});
/// `Tests: 3`, `Total Discovered Tests: 3`, prove's `Files=1, Tests=3`: all of them, at a line's beginning.
static TOTAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)^\W*(?:files=\d+, )?(?:(?:total|number of|discovered|executed|collected) )*(?:{NOUN})(?: ran| run)? *[:=] *(?P<total>\d+)\b"
    ))
});
static NOUNS: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)\b(?P<total>\d+) (?:{NOUN})\b")));
static NOTHING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i)^\W*(?:error: )?(?:no (?:{NOUN}|features?)(?: or no \w+)?(?: (?:were|was|to))?(?: (?:found|ran|run|collected|executed|discovered|selected|specified)\b.*)?\W*|did not (?:discover|find|collect|run) any (?:{NOUN})\b.*)$"
    ))
});

/// `3 tests`, and below it how many of them failed in what: `1 failure in tests`, `0 failures in setup code`.
static ALONE: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)^\s*(\d+) (?:{NOUN})$")));
static OF_PART: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*(\d+) failures? in (\w.*)$"));

/// The closing lines, the last first.
fn last_lines<'l>(lines: &'l [&'l str]) -> impl Iterator<Item = (usize, &'l str)> {
    let lines = lines.iter().copied().enumerate().rev();
    lines.filter(|(_, line)| !line.is_empty()).take(LAST)
}

/// Counts that stand one below the other, as Sphinx 9 prints them of doctests.
fn by_part(lines: &[&str]) -> Option<RunSummary> {
    let (at, _) = last_lines(lines).find(|(_, line)| OF_PART.is_match(line))?;
    let parts: Vec<_> = lines[..=at].iter().rev().map_while(|line| OF_PART.captures(line)).collect();
    let total = number(&ALONE.captures(lines[..=at].iter().rev().nth(parts.len())?)?[1]);
    let mut run = RunSummary::new(Runner::Other, at);
    for part in &parts {
        run.add(number(&part[1]), if part[2].starts_with("tests") { Count::Failed } else { Count::Error });
    }
    run.add(total.saturating_sub(run.failed), Count::Passed);
    Some(run)
}

impl ReadRunner for Generic {
    fn runner(&self) -> Runner {
        Runner::Other
    }

    fn versions(&self) -> &'static str {
        "counts in a closing line, of any runner"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        if let Some(run) = by_part(lines) {
            return Some(run);
        }
        let mut counts = Counts::default();
        let mut at = None;
        for (line_at, line) in last_lines(lines) {
            if NOTHING.is_match(line) {
                return Some(RunSummary::new(Runner::Other, line_at));
            }
            // Above the closing line stand those of parts: features above scenarios, files above tests.
            let found = Counts::of(line);
            if found.is_any() {
                at = at.or(Some(line_at));
                counts = counts.or(found);
            }
        }
        // `3 examples, 0 failures`: what is not named passed. `0 errors` alone may be anybody's.
        let others =
            [counts.failed, counts.erred, counts.skipped].into_iter().flatten().fold(0, u32::saturating_add);
        let passed = counts.passed.or(counts.ran.map(|ran| ran.saturating_sub(others)))?;
        let mut run = RunSummary::new(Runner::Other, at?);
        run.add(passed, Count::Passed);
        run.add(counts.failed.unwrap_or_default(), Count::Failed);
        run.add(counts.erred.unwrap_or_default(), Count::Error);
        run.add(counts.skipped.unwrap_or_default(), Count::Skipped);
        Some(run)
    }
}

/// Whether a line counts tests: it tells how many failed, and not how.
pub(in crate::triage) fn counts_tests(line: &str) -> bool {
    Counts::of(line).is_any()
}

/// Counts that a line names.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    passed: Option<u32>,
    failed: Option<u32>,
    erred: Option<u32>,
    skipped: Option<u32>,
    ran: Option<u32>,
}

impl Counts {
    fn of(line: &str) -> Self {
        let mut counts = Self::default();
        let add =
            |field: &mut Option<u32>, count: u32| *field = Some(field.unwrap_or(0).saturating_add(count));
        if LISTED.is_match(line) {
            return Self::of_list(line);
        }
        let before = COUNTED.captures_iter(line);
        for found in before.chain(KEYED.captures_iter(line)) {
            let count =
                found.name("before").or(found.name("after")).map_or(0, |count| number(count.as_str()));
            if found.name("passed").is_some() {
                add(&mut counts.passed, count);
            } else if found.name("failed").is_some() {
                add(&mut counts.failed, count);
            } else if found.name("erred").is_some() {
                add(&mut counts.erred, count);
            } else if found.name("skipped").is_some() {
                add(&mut counts.skipped, count);
            }
        }
        if let Some(found) = RAN.captures(line) {
            counts.ran = found.name("a").or(found.name("b")).map(|count| number(count.as_str()));
        } else if let Some(found) = TOTAL.captures(line) {
            counts.ran = Some(number(&found["total"]));
        } else if counts.is_any() {
            counts.ran = NOUNS.captures(line).map(|found| number(&found["total"]));
        }
        counts
    }

    /// Words, each with its number behind it.
    fn of_list(line: &str) -> Self {
        let mut counts = Self::default();
        for found in OF_LIST.captures_iter(line) {
            let fields = [
                ("ran", &mut counts.ran),
                ("passed", &mut counts.passed),
                ("failed", &mut counts.failed),
                ("erred", &mut counts.erred),
                ("skipped", &mut counts.skipped),
            ];
            for (_, field) in fields.into_iter().filter(|(name, _)| found.name(name).is_some()) {
                *field = Some(field.unwrap_or(0).saturating_add(number(&found["count"])));
            }
        }
        counts
    }

    const fn is_any(self) -> bool {
        self.passed.is_some()
            || self.failed.is_some()
            || self.erred.is_some()
            || self.skipped.is_some()
            || self.ran.is_some()
    }

    fn or(self, above: Self) -> Self {
        Self {
            passed: self.passed.or(above.passed),
            failed: self.failed.or(above.failed),
            erred: self.erred.or(above.erred),
            skipped: self.skipped.or(above.skipped),
            ran: self.ran.or(above.ran),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Option<[u32; 4]> {
        let lines: Vec<&str> = text.lines().collect();
        let run = Generic.read(&lines, false)?;
        Some([run.passed, run.failed, run.errors, run.skipped])
    }

    /// A script's own words, LLVM's lit 22, prove 3.
    #[test]
    fn counts_in_any_order() {
        assert_eq!(counts("tests 3 failures 1 errors 0"), Some([2, 1, 0, 0]));
        assert_eq!(counts("tests 0 failures 0 errors 0"), Some([0, 0, 0, 0]));
        assert_eq!(counts("Total Discovered Tests: 2\n  Unsupported: 2 (100.00%)"), Some([0, 0, 0, 2]));
        assert_eq!(
            counts("Total Discovered Tests: 3\n  Passed: 2 (66.67%)\n  Failed: 1 (33.33%)"),
            Some([2, 1, 0, 0])
        );
        assert_eq!(
            counts("All tests successful.\nFiles=1, Tests=4,  0 wallclock secs\nResult: PASS"),
            Some([4, 0, 0, 0])
        );
        assert_eq!(counts("Files=1, Tests=0,  0 wallclock secs\nResult: NOTESTS"), Some([0, 0, 0, 0]));
        assert_eq!(counts("failed tests: 3"), None);
        // Scrapy 2.
        assert_eq!(counts("Ran 0 contracts in 0.000s\n\nOK"), Some([0, 0, 0, 0]));
        assert_eq!(counts("Ran 3 contracts in 0.010s\n\nOK"), Some([3, 0, 0, 0]));
    }

    /// Sphinx 9, `sphinx-build -M doctest`.
    #[test]
    fn counts_one_below_the_other() {
        let summary = |tests: u32, failed: u32, setup: u32| {
            counts(&format!(
                "Doctest summary\n===============\n    {tests} tests\n    {failed} failures in tests\n    {setup} failures in \
                 setup code\n    0 failures in cleanup code\nbuild succeeded.\n\nLook at the results in out/output.txt."
            ))
        };
        assert_eq!(summary(0, 0, 0), Some([0, 0, 0, 0]));
        assert_eq!(summary(3, 0, 0), Some([3, 0, 0, 0]));
        assert_eq!(summary(3, 1, 1), Some([2, 1, 1, 0]));
        assert_eq!(counts("0 failures in setup code\nbuild succeeded"), None);
        assert_eq!(counts("errors 3"), None);
    }
}

//! What runs other programs, and shows what they print only where they fail: pre-commit and prek, `tox --parallel`, Meson,
//! CTest. Where all passes, their own lines are all there is; where something fails, the runner inside tells more.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// All of them.
pub(super) struct Wrappers;

/// `tests......................Passed`, `mypy..........(no files to check)Skipped`.
static HOOK: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(\S.*?)\.{3,}(?:\([^()]*\))?(Passed|Failed|Skipped)$"));
/// tox tells of an environment that ran beside others, then of all.
static BESIDE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\S+: (?:OK ✔|FAIL ✖|SKIP ⚠) in [\d.]+ (?:seconds|minutes)"));
static ENVIRONMENT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^  (\S+): (OK|FAIL|SKIP)\b"));
/// `1/2 suite:name   FAIL   0.12s   exit status 1`
static OF_MESON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^ *\d+/\d+ (\S.*?) +(OK|EXPECTEDFAIL|UNEXPECTEDPASS|SKIP|FAIL|TIMEOUT|ERROR|INTERRUPT) +[\d.]+s(?: +(\S.*))?$",
    )
});
static TABLE_OF_MESON: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:Ok|Fail): +\d+ *$"));
/// `50% tests passed, 1 tests failed out of 2`; since CMake 4 without what is none.
static OF_CTEST: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\d+% tests passed(?:, (\d+) tests? failed)? out of (\d+)$"));
/// Below it, `  1 - name (Failed)`.
static FAILED_IN_CTEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s+\d+ - (\S.*?) \(([A-Z][\w ]*)\)"));

impl ReadRunner for Wrappers {
    fn runner(&self) -> Runner {
        Runner::Other
    }

    fn versions(&self) -> &'static str {
        "pre-commit 4.7, prek 0.5, tox 4.67, Meson 1.12, CTest 3 and 4.4"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        [hooks, environments, of_meson, of_ctest]
            .into_iter()
            .filter_map(|read| read(lines))
            .max_by_key(|run| run.at)
    }
}

fn hooks(lines: &[&str]) -> Option<RunSummary> {
    let at = lines.iter().rposition(|line| HOOK.is_match(line))?;
    let mut run = RunSummary::new(Runner::Other, at);
    for found in lines.iter().filter_map(|line| HOOK.captures(line)) {
        run.add(1, counted(&found[2]));
    }
    Some(run)
}

fn environments(lines: &[&str]) -> Option<RunSummary> {
    lines.iter().find(|line| BESIDE.is_match(line))?;
    let at = lines.iter().rposition(|line| ENVIRONMENT.is_match(line))?;
    let mut run = RunSummary::new(Runner::Other, at);
    for found in lines.iter().filter_map(|line| ENVIRONMENT.captures(line)) {
        run.add(1, counted(&found[2]));
    }
    Some(run)
}

fn of_meson(lines: &[&str]) -> Option<RunSummary> {
    let at = lines.iter().rposition(|line| TABLE_OF_MESON.is_match(line))?;
    let mut run = RunSummary::new(Runner::Other, at);
    for found in lines.iter().filter_map(|line| OF_MESON.captures(line)) {
        let (test, ended) = (&found[1], found.get(3).map_or("", |ended| ended.as_str()));
        match &found[2] {
            word @ ("FAIL" | "ERROR" | "TIMEOUT" | "INTERRUPT" | "UNEXPECTEDPASS") => {
                run.add(1, Count::Failed);
                run.fail(test, word, ended);
            }
            word => run.add(1, counted(word)),
        }
    }
    Some(run)
}

fn of_ctest(lines: &[&str]) -> Option<RunSummary> {
    let at = lines.iter().rposition(|line| OF_CTEST.is_match(line) || *line == "No tests were found!!!")?;
    let mut run = RunSummary::new(Runner::Other, at);
    let Some(found) = OF_CTEST.captures(lines[at]) else { return Some(run) };
    let failed = found.get(1).map_or(0, |failed| number(failed.as_str()));
    run.add(number(&found[2]).saturating_sub(failed), Count::Passed);
    for found in lines[at..].iter().filter_map(|line| FAILED_IN_CTEST.captures(line)) {
        // Its program was not built.
        if &found[2] == "Not Run" {
            run.not_started.get_or_insert_with(|| format!("{} was not run", &found[1]));
        } else {
            run.fail(&found[1], &found[2], "");
        }
    }
    run.add(failed, Count::Failed);
    Some(run)
}

fn counted(word: &str) -> Count {
    match word {
        "Passed" | "OK" => Count::Passed,
        "Skipped" | "SKIP" => Count::Skipped,
        "EXPECTEDFAIL" => Count::ExpectedFailure,
        _ => Count::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> [u32; 3] {
        let lines: Vec<&str> = text.lines().collect();
        let run = Wrappers.read(&lines, false).unwrap();
        [run.passed, run.failed, run.skipped]
    }

    /// pre-commit 4.7.0, tox 4.67.15, Meson 1.12.1, CTest 4.4.5, and before 4.
    #[test]
    fn what_passed_is_counted_by_its_wrapper() {
        let hooks = "mypy.........(no files to check)Skipped\ntests......................Passed\n";
        assert_eq!(counts(hooks), [1, 0, 1]);
        assert_eq!(
            counts("tests.......Failed\n- hook id: t\n- exit code: 1\n\n1 failed in 0.1s\n"),
            [0, 1, 0]
        );
        let tox = "b: OK ✔ in 0.8 seconds\n  a: OK (0.83=setup[0.24]+cmd[0.59] seconds)\n  b: OK (0.80 seconds)\n  \
                   congratulations :) (1.19 seconds)\n";
        assert_eq!(counts(tox), [2, 0, 0]);
        let meson = "1/2 p:t FAIL            2.19s   exit status 5\n2/2 p:u OK              0.01s\n\nOk:                1   \n\
                     Fail:              1   \n\nFull log written to /srv/b/meson-logs/testlog.txt\n";
        assert_eq!(counts(meson), [1, 1, 0]);
        let ctest = "100% tests passed out of 2\n\nTotal Test time (real) =   2.67 sec\n";
        assert_eq!(counts(ctest), [2, 0, 0]);
        let ctest =
            "50% tests passed, 1 tests failed out of 2\n\nThe following tests FAILED:\n\t  1 - t (Failed)\n";
        assert_eq!(counts(ctest), [1, 1, 0]);
        assert_eq!(counts("No tests were found!!!\n"), [0, 0, 0]);
    }

    #[test]
    fn other_lines_are_no_wrappers() {
        for text in ["py: OK (0.8=setup[0.2]+cmd[0.6] seconds)", "Passed", "it works...Passed on", "Ok: fine"]
        {
            let lines: Vec<&str> = text.lines().collect();
            assert!(Wrappers.read(&lines, false).is_none(), "{text}");
        }
    }

    #[test]
    fn how_it_ended_is_the_failure() {
        let run = |status: &str| {
            let text = format!("1/1 t FAIL   2.19s   {status}\nOk:    0\nFail:   1\n");
            let lines: Vec<&str> = text.lines().collect();
            Wrappers.read(&lines, false).unwrap().failures[0].message.clone()
        };
        assert_eq!(run("exit status 5"), "exit status 5");
        assert_eq!(run("killed by signal 6 SIGABRT"), "killed by signal 6 SIGABRT");
    }
}

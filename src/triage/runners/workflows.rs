//! Workflows whose steps are what is tested: cocotb's simulations, Ansible's plays, dbt's models and their tests, Snakemake's
//! rules. They end with status 0 where there was nothing to do.

use std::sync::LazyLock;

use regex::Regex;

use super::lines::{number, pattern};
use super::reader::ReadRunner;
use super::{Count, RunSummary, Runner};

/// All of them.
pub(super) struct Workflows;

static COCOTB: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\*\* TESTS=\d+ PASS=(\d+) FAIL=(\d+) SKIP=(\d+)(?: XFAIL=(\d+))?\s"));
static OF_COCOTB: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\*\* (\S+) +FAIL +[\d.]+ +[\d.]+ +\S+ +\*\*$"));
const NO_TESTS: &str = "RuntimeError: No tests were discovered in any module";
const RECAP: &str = "PLAY RECAP *****";
static HOST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\S+ +: ok=(\d+) +changed=\d+ +unreachable=(\d+) +failed=(\d+)(?: +skipped=(\d+) +rescued=\d+ +ignored=\d+)?$",
    )
});
/// The time may stand in front.
static DBT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^[\d: ]*(?:Done\. PASS=(\d+) WARN=(\d+) ERROR=(\d+) SKIP=(\d+) (?:NO-OP=(\d+) )?(?:REUSED=\d+ )?TOTAL=\d+|Nothing to do\. Try checking your model configs and model specification args)$",
    )
});
static OF_DBT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[\d: ]*(?:Failure|Error) in (\w+) (\S+) \((\S+)\)$"));
static SNAKEMAKE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:(\d+) of \d+ steps \(\d+%\) done|Nothing to be done \(all requested files are present and up to date\)\.)$",
    )
});

impl ReadRunner for Workflows {
    fn runner(&self) -> Runner {
        Runner::Other
    }

    fn versions(&self) -> &'static str {
        "cocotb 2.1, ansible-core 2.19, dbt 1.11, Snakemake 9.27"
    }

    fn read(&self, lines: &[&str], _named: bool) -> Option<RunSummary> {
        [of_cocotb, of_ansible, of_dbt, of_snakemake]
            .into_iter()
            .filter_map(|read| read(lines))
            .max_by_key(|run| run.at)
    }
}

/// The last line that counts, and the run with what stands in its groups.
fn counted(lines: &[&str], counts: &Regex, groups: &[Count]) -> Option<RunSummary> {
    let at = lines.iter().rposition(|line| counts.is_match(line))?;
    let found = counts.captures(lines[at])?;
    let mut run = RunSummary::new(Runner::Other, at);
    for (group, what) in groups.iter().enumerate() {
        run.add(found.get(group + 1).map_or(0, |count| number(count.as_str())), *what);
    }
    Some(run)
}

fn of_cocotb(lines: &[&str]) -> Option<RunSummary> {
    let groups = [Count::Passed, Count::Failed, Count::Skipped, Count::ExpectedFailure];
    if let Some(at) = lines.iter().rposition(|line| line.contains(NO_TESTS)) {
        let mut run = RunSummary::new(Runner::Other, at);
        run.not_started = lines[at].split_once(": ").map(|(_, said)| said.to_owned());
        return Some(run);
    }
    let mut run = counted(lines, &COCOTB, &groups)?;
    let failed = lines.iter().filter_map(|line| OF_COCOTB.captures(line));
    run.failed_tests.extend(failed.map(|found| found[1].to_owned()));
    Some(run)
}

fn of_ansible(lines: &[&str]) -> Option<RunSummary> {
    let at = lines.iter().rposition(|line| line.starts_with(RECAP))?;
    let mut run = RunSummary::new(Runner::Other, at);
    for found in lines[at + 1..].iter().map_while(|line| HOST.captures(line)) {
        for (group, what) in [(1, Count::Passed), (2, Count::Error), (3, Count::Failed), (4, Count::Skipped)]
        {
            run.add(found.get(group).map_or(0, |count| number(count.as_str())), what);
        }
    }
    Some(run)
}

fn of_dbt(lines: &[&str]) -> Option<RunSummary> {
    let groups = [Count::Passed, Count::Passed, Count::Failed, Count::Skipped, Count::Skipped];
    let mut run = counted(lines, &DBT, &groups)?;
    for (at, found) in
        lines[..run.at].iter().enumerate().filter_map(|(at, line)| Some((at, OF_DBT.captures(line)?)))
    {
        let below =
            lines[at + 1].trim_start_matches(|letter: char| letter.is_ascii_digit() || ": ".contains(letter));
        // Of a test it says the same whatever the test is.
        let said = if below.starts_with("Got ") { "" } else { below };
        run.fail(&format!("{}::{}", &found[3], &found[2]), &format!("Failure in {}", &found[1]), said);
    }
    Some(run)
}

fn of_snakemake(lines: &[&str]) -> Option<RunSummary> {
    counted(lines, &SNAKEMAKE, &[Count::Passed])
}

#[cfg(test)]
mod tests {
    use super::super::{CommandFacts, read};

    fn counts(text: &str) -> [u32; 4] {
        let run = read(text, &CommandFacts::default()).unwrap();
        [run.passed, run.failed, run.errors, run.skipped]
    }

    #[test]
    fn steps_are_counted() {
        let table = |row: &str, counts: &str| {
            format!(
                "     0.00ns INFO     cocotb.regression  ****\n     ** {row}    0.00           0.00          0.00  **\n     ** {counts}                  0.00           0.00          0.00  **\n"
            )
        };
        let failed = table("test_app.test_total            FAIL       ", "TESTS=2 PASS=1 FAIL=1 SKIP=0");
        assert_eq!(counts(&failed), [1, 1, 0, 0]);
        assert_eq!(read(&failed, &CommandFacts::default()).unwrap().failed_tests, ["test_app.test_total"]);
        assert_eq!(
            counts(&table("test_app.test_total            SKIP       ", "TESTS=1 PASS=0 FAIL=0 SKIP=1")),
            [0, 0, 0, 1]
        );
        let recap = "PLAY RECAP *********************************************************************\n";
        assert_eq!(counts(recap), [0; 4]);
        let host = |name: &str, counts: &str| {
            format!("{name}                  : {counts}    rescued=0    ignored=0   \n")
        };
        let ran = host("web-1", "ok=2    changed=1    unreachable=0    failed=0    skipped=1");
        let lost = host("web-2", "ok=0    changed=0    unreachable=1    failed=0    skipped=0");
        assert_eq!(counts(&format!("{recap}{ran}{lost}")), [2, 0, 1, 1]);
        assert_eq!(counts("Finished jobid: 0 (Rule: all)\n2 of 2 steps (100%) done\n"), [2, 0, 0, 0]);
        assert_eq!(counts("Nothing to be done (all requested files are present and up to date).\n"), [0; 4]);
        assert_eq!(
            counts("04:47:04  Nothing to do. Try checking your model configs and model specification args\n"),
            [0; 4]
        );
    }

    #[test]
    fn a_test_of_dbt_says_no_more_than_that_it_failed() {
        let text = "04:46:53  Failure in test total (tests/total.sql)\n04:46:53    Got 1 result, configured to fail if != 0\n04:46:53  \n\
                    04:46:53  Failure in model sums (models/sums.sql)\n04:46:53    Database Error in model sums (models/sums.sql)\n\
                    04:46:53  Done. PASS=2 WARN=0 ERROR=2 SKIP=1 NO-OP=0 TOTAL=5\n";
        let run = read(text, &CommandFacts::default()).unwrap();
        let told: Vec<_> = run.failures.iter().map(|one| [&*one.test, &*one.kind, &*one.message]).collect();
        assert_eq!(
            told,
            [
                ["tests/total.sql::total", "Failure in test", ""],
                [
                    "models/sums.sql::sums",
                    "Failure in model",
                    "Database Error in model sums (models/sums.sql)"
                ],
            ]
        );
        assert_eq!(counts(text), [2, 2, 0, 1]);
    }
}

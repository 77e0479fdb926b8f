//! A failure that looks otherwise at older commits, and failures that are not new.

use crate::support::{TestRepo, User, culprit};

/// A program: a rate that is lost, a check of it that raises earlier, another that raises by itself, a helper that fails.
#[derive(Debug, Default, Clone, Copy)]
struct Program {
    no_rate: bool,
    check: bool,
    own_check: bool,
    no_helper: bool,
    wrong: bool,
}

impl Program {
    fn text(self) -> String {
        let when = |is: bool, text: &str| if is { text.to_owned() } else { String::new() };
        format!(
            "def rate():\n    return {}\n\n\ndef helper(x):\n    return {}\n\n\ndef price(x):\n{}{}    return helper(x) * \
             rate(){}\n",
            if self.no_rate { "None" } else { "2" },
            if self.no_helper { "unknown(x)" } else { "x" },
            when(self.check, "    if rate() is None:\n        raise ValueError('no rate')\n"),
            when(self.own_check, "    if x == 3:\n        raise ValueError('three is too many')\n"),
            when(self.wrong, " + 1"),
        )
    }
}

/// A history of so many versions, and the report of a search through it with one worker; with or without narrowing.
fn find(
    count: usize,
    at: impl Fn(usize) -> Program,
    test: &str,
    command: &[&str],
    more: &[&str],
) -> (Vec<String>, serde_json::Value) {
    let mut repo = TestRepo::new();
    repo.write("test_app.py", test);
    let ids: Vec<String> = (0..count)
        .map(|n| repo.write("app.py", at(n).text()).write("n.txt", n.to_string()).commit("c").to_string())
        .collect();
    let mut arguments = vec!["--jobs", "1", "--good", &ids[0]];
    arguments.extend_from_slice(more);
    arguments.push("--");
    arguments.extend_from_slice(command);
    let (_, report) = User::new().find(repo.path(), &arguments);
    (ids, report)
}

const TEST: &str = "import unittest\n\nimport app\n\n\nclass T(unittest.TestCase):\n    def test_price(self):\n        \
                    self.assertEqual(app.price(3), 6)\n";
const UNITTEST: [&str; 3] = ["python3", "-m", "unittest"];

/// Trials of commits that the search took.
fn trials(report: &serde_json::Value) -> u64 {
    report["trials"]["run"].as_u64().unwrap()
}

fn assert_found(report: &serde_json::Value, id: &str, what: &str) {
    assert_eq!((report["status"].as_str(), culprit(report)), (Some("found"), id), "{what}: {report:#}");
    assert_eq!(report["culprits"][0]["verified"], true, "{what}: {report:#}");
}

#[test]
fn a_failure_that_changes_its_face_leads_to_the_commit_that_broke_it() {
    let at = |n: usize| Program { no_rate: n >= 15, check: n >= 28, ..Program::default() };
    for more in [&["--no-narrow"][..], &[]] {
        let (ids, report) = find(36, at, TEST, &UNITTEST, more);
        assert_found(&report, &ids[15], "face");
        // By halves, 36 versions take six.
        assert!(trials(&report) <= 6 + 3, "{report:#}");
        let history = &report["history"];
        assert_eq!((&history["since"], &history["shown"]["by"]), (&ids[15].clone().into(), &"undone".into()));
        let faces = history["faces"].as_array().unwrap();
        assert!(faces[0]["failure"].as_str().unwrap().starts_with("TypeError"), "{history:#}");
        assert!(faces[1]["failure"].as_str().unwrap().starts_with("ValueError"), "{history:#}");
        if more.is_empty() {
            let change = &report["breaking_changes"][0];
            assert_eq!(change["commit"], ids[15].as_str(), "{report:#}");
            assert!(change["after"].as_str().unwrap().contains("None"), "{change:#}");
        }
    }
}

#[test]
fn of_two_faults_the_one_that_shows_at_bad_is_named_and_the_older_one_told() {
    // The later check fails by itself; without it the first failure is back, and without the first it fails all the same.
    let at = |n: usize| Program { no_rate: n >= 6, own_check: n >= 14, ..Program::default() };
    let (ids, report) = find(20, at, TEST, &UNITTEST, &["--no-narrow"]);
    assert_found(&report, &ids[14], "two faults");
    assert_eq!(report["history"]["since"], ids[6].as_str(), "{report:#}");
    assert_eq!(report["history"]["shown"]["by"], "other-fault", "{report:#}");
    assert_eq!(report["culprits"][0]["proof"]["since"], ids[6].as_str(), "{report:#}");
}

#[test]
fn what_hides_a_fault_and_leaves_something_behind_does_not_hide_its_commit() {
    // From 6 on, a wrong rate is taken with a warning that is an error; 7 takes that out, 12 the import that it needs.
    let text = |n: usize| {
        let warns = if n == 6 { "    warnings.warn('no rate')\n" } else { "" };
        let comment = if n > 6 { "    # no warning for now\n" } else { "" };
        let (import, rate) = match n {
            0..6 => ("", "2"),
            6..12 => ("import warnings\n", "min(2, 1)"),
            _ => ("", "min(2, 1)"),
        };
        format!(
            "import os\n{import}import re\n\n\ndef price(x):\n    rate = {rate}\n{warns}{comment}    return x * rate\n"
        )
    };
    let mut repo = TestRepo::new();
    repo.write("test_app.py", TEST);
    let ids: Vec<String> = (0..20)
        .map(|n| repo.write("app.py", text(n)).write("n.txt", n.to_string()).commit("c").to_string())
        .collect();
    let command = ["python3", "-W", "error::UserWarning", "-m", "unittest"];
    let mut arguments = vec!["--jobs", "1", "--no-narrow", "--good", &ids[0], "--"];
    arguments.extend(command);
    let (_, report) = User::new().find(repo.path(), &arguments);
    assert_found(&report, &ids[6], "left behind");
    // By halves, 20 versions take five; bad runs twice, and a commit in between tells that nothing was mended.
    assert!(trials(&report) <= 5 + 4, "{report:#}");
}

#[test]
fn a_failure_that_was_mended_soon_is_not_the_one_at_bad() {
    const DOUBLED: &str = "    return double(find(x))\n";
    // Version 1 brings what fails at bad, with a fault of its own that 2 mends; 30 breaks what it calls.
    let text = |n: usize| {
        let found = if n < 30 { "x" } else { "None" };
        let (body, double) = match n {
            0 => ("    find(x)\n    return x * 2\n", ""),
            1 => (DOUBLED, "\n\ndef double(m):\n    keys = {}\n    return keys[m] * m.real * 2\n"),
            _ => (
                DOUBLED,
                "\n\ndef double(m):\n    keys = {}\n    keys[m] = 1\n    return keys[m] * m.real * 2\n",
            ),
        };
        format!("def find(x):\n    return {found}\n\n\ndef price(x):\n{body}{double}")
    };
    let mut repo = TestRepo::new();
    repo.write("test_app.py", TEST);
    let ids: Vec<String> = (0..36)
        .map(|n| repo.write("app.py", text(n)).write("n.txt", n.to_string()).commit("c").to_string())
        .collect();
    for more in [&["--no-narrow"][..], &[]] {
        let mut arguments = vec!["--jobs", "1", "--good", &ids[0]];
        arguments.extend_from_slice(more);
        arguments.push("--");
        arguments.extend(UNITTEST);
        let (_, report) = User::new().find(repo.path(), &arguments);
        assert_found(&report, &ids[30], "mended soon");
    }
}

#[test]
fn a_mask_that_was_mended_hides_another_culprit() {
    let at = |n: usize| Program { no_helper: (5..14).contains(&n), wrong: n >= 9, ..Program::default() };
    let (ids, report) = find(24, at, TEST, &UNITTEST, &[]);
    assert_found(&report, &ids[9], "mask");
}

#[test]
fn of_a_mask_whose_end_the_fault_hides_the_fault_is_named() {
    // What cannot be imported from 5 on is there again from 14 on; what 9 broke is met before that.
    let text = |n: usize| {
        let broken = if n >= 9 { "raise ValueError('bad state')\n" } else { "" };
        let module = if (5..14).contains(&n) { "import no_such_module\n" } else { "" };
        format!("{broken}{module}\n\ndef price(x):\n    return x * 2\n")
    };
    let mut repo = TestRepo::new();
    repo.write("test_app.py", TEST);
    let ids: Vec<String> = (0..24)
        .map(|n| repo.write("app.py", text(n)).write("n.txt", n.to_string()).commit("c").to_string())
        .collect();
    let (_, report) = User::new().find(
        repo.path(),
        &["--jobs", "1", "--no-narrow", "--good", &ids[0], "--", "python3", "-m", "unittest", "test_app"],
    );
    assert_found(&report, &ids[9], "mended behind it");
    assert_eq!(report["history"]["shown"]["by"], "mended", "{report:#}");
    assert_eq!(report["culprits"][0]["proof"]["by"], "undone", "{report:#}");
}

#[test]
fn what_fails_at_good_too_is_not_searched_for() {
    let known = "    def test_aaa_known(self):\n        self.assertEqual(1, 2)\n\n    def test_price";
    let script = "import sys, traceback\n\nimport app\n\n\ndef check_price():\n    if app.price(3) != 6:\n        raise \
                  ValueError('wrong price')\n\n\ndef check_known():\n    raise KeyError('known')\n\n\nfailed = \
                  0\nfor check in CHECKS:\n    try:\n        check()\n    except Exception:\n        \
                  traceback.print_exc()\n        failed = 1\nsys.exit(failed)\n";
    let suite = TEST.replacen("    def test_price", known, 1);
    let at = |n: usize| Program { wrong: n >= 15, ..Program::default() };
    for (what, text, command) in [
        ("unittest", suite, &UNITTEST[..]),
        ("known last", script.replace("CHECKS", "check_price, check_known"), &["python3", "test_app.py"]),
        ("known first", script.replace("CHECKS", "check_known, check_price"), &["python3", "test_app.py"]),
    ] {
        let (ids, report) = find(20, at, &text, command, &["--no-narrow"]);
        assert_found(&report, &ids[15], what);
        assert!(report["notes"].to_string().contains("at good, too"), "{what}: {report:#}");
    }
}

#[test]
fn a_rewrite_that_cannot_be_imported_for_long_is_named_first_and_soon() {
    const COMMITS: usize = 100;
    let mut repo = TestRepo::new();
    repo.write("test_app.py", TEST);
    let mut ids = Vec::new();
    for n in 0..COMMITS {
        // From the 31st on, it is another program; for 40 commits a part of it is missing.
        let text = if n < 30 { "def price(x):\n    return x * 2\n" } else { "from core import price\n" };
        repo.write("app.py", text).write("n.txt", n.to_string());
        if n >= 70 {
            repo.write("core.py", "def price(x):\n    return x * 2 + 1\n");
        }
        ids.push(repo.commit("c").to_string());
    }
    let mut arguments = vec!["--jobs", "1", "--no-narrow", "--good", &ids[0], "--"];
    arguments.extend(UNITTEST);
    let (_, report) = User::new().find(repo.path(), &arguments);
    assert_eq!(culprit(&report), ids[30], "{report:#}");
    assert_eq!(report["history"]["since"], ids[30].as_str(), "{report:#}");
    let faces = report["history"]["faces"].as_array().unwrap();
    assert!(faces[0]["failure"].as_str().unwrap().starts_with("ModuleNotFoundError"), "{report:#}");
    assert!(trials(&report) <= 7 + 7 + 3, "{report:#}");
}

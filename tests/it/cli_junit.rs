//! `find --junit`: the tests that failed in a report.

use super::support::{TestRepo, User, culprit};

const TEST: &str = "import unittest, app\n\n\nclass TestApp(unittest.TestCase):\n    def test_one(self):\n        \
                    self.assertEqual(app.one(), 1)\n\n    def test_two(self):\n        self.assertEqual(app.two(), 2)\n";

#[test]
fn the_failing_tests_of_a_report_are_searched_for() {
    let (user, mut repo) = (User::new(), TestRepo::new());
    repo.write("tests/__init__.py", "").write("tests/test_app.py", TEST);
    let app = |one: u8, two: u8| format!("def one(): return {one}\ndef two(): return {two}\n");
    let ids: Vec<_> = [(1, 2), (1, 3), (1, 4), (0, 4)]
        .iter()
        .enumerate()
        .map(|(n, (one, two))| repo.write("app.py", app(*one, *two)).commit(&format!("c{n}")))
        .collect();
    repo.check_out();
    let report = repo.path().join("report.xml");
    std::fs::write(
        &report,
        "<testsuites><testsuite><testcase classname='tests.test_app.TestApp' name='test_one'><failure/></testcase>\
         <testcase classname='tests.test_app.TestApp' name='test_two'/></testsuite></testsuites>",
    )
    .unwrap();
    let good = ids[0].to_string();
    let arguments = ["--good", &good, "--junit", "report.xml", "--", "python3", "-m", "unittest"];
    let (code, found) = user.find(repo.path(), &arguments);
    // The other test fails as well, for another reason, and is not in the report.
    assert_eq!((code, culprit(&found)), (Some(0), ids[3].to_string().as_str()));

    let other =
        user.run(repo.path(), &["find", "--good", &good, "--junit", "report.xml", "--", "make", "test"]);
    assert_eq!(other.code, Some(2));
    assert!(other.stderr.contains("pytest and unittest"), "{}", other.stderr);
    std::fs::write(&report, "<testsuite><testcase classname='a' name='b'/></testsuite>").unwrap();
    let green = user.run(repo.path(), &["find", "--good", &good, "--junit", "report.xml"]);
    assert!(green.stderr.contains("no test failed in report.xml"), "{}", green.stderr);
    std::fs::write(&report, "<html/>").unwrap();
    let wrong = user.run(repo.path(), &["find", "--good", &good, "--junit", "report.xml"]);
    assert!(wrong.stderr.contains("its root is <html>"), "{}", wrong.stderr);
}

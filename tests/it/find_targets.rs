//! Several tests that fail since several commits: one session, each with its own culprit.

use std::collections::BTreeMap;

use crate::support::{TestRepo, User, culprit};

/// Tests in a module.
const PER_MODULE: usize = 10;

/// A suite for unittest, one class a module: test `n` asks for what `app.m{n / 10}.f{n}` returns.
struct Suite {
    repo: TestRepo,
    /// Of each function, the commit that touched it last, and what it adds to the right result.
    functions: Vec<(usize, usize)>,
}

impl Suite {
    fn new(tests: usize) -> Self {
        let mut suite = Self { repo: TestRepo::new(), functions: vec![(0, 0); tests] };
        suite.repo.write("app/__init__.py", "").write("tests/__init__.py", "");
        for module in 0..tests.div_ceil(PER_MODULE) {
            suite.write(module);
            let tests = suite.of(module).map(|n| {
                format!(
                    "    def test_f{n}(self):\n        self.assertEqual(m{module}.f{n}(3), {})\n\n",
                    3 * n
                )
            });
            let text = format!(
                "import unittest\n\nfrom app import m{module}\n\n\nclass TestM{module}(unittest.TestCase):\n{}",
                tests.collect::<String>()
            );
            suite.repo.write(&format!("tests/test_m{module}.py"), &text);
        }
        suite
    }

    fn of(&self, module: usize) -> std::ops::Range<usize> {
        module * PER_MODULE..((module + 1) * PER_MODULE).min(self.functions.len())
    }

    fn write(&mut self, module: usize) {
        let functions = self.of(module).map(|n| {
            let (touched, off) = self.functions[n];
            format!("def f{n}(x):\n    # touched by {touched}\n    return x * {n} + {off}\n\n\n")
        });
        let text = functions.collect::<String>();
        self.repo.write(&format!("app/m{module}.py"), &text);
    }

    /// A commit that touches two functions, and breaks these.
    fn commit(&mut self, number: usize, breaks: &[usize]) -> String {
        let count = self.functions.len();
        let touched = [number * 7 % count, number * 11 % count];
        for n in touched.into_iter().chain(breaks.iter().copied()) {
            self.functions[n].0 = number;
            self.functions[n].1 += usize::from(breaks.contains(&n));
            self.write(n / PER_MODULE);
        }
        self.repo.commit(&format!("change {number}")).to_string()
    }
}

/// The commit of each failing test, by the test's name; all of them verified.
fn culprits(report: &serde_json::Value) -> BTreeMap<String, String> {
    let targets = report["targets"].as_array().unwrap().iter();
    let name =
        |target: &serde_json::Value| target["test"].as_str().unwrap().split(' ').next().unwrap().to_owned();
    let pairs = targets.map(|target| {
        assert_eq!((&target["status"], &target["verified"]), (&"found".into(), &true.into()), "{target:#}");
        assert!(target["proof"]["culprit"]["bad"].as_u64() > Some(0), "{target:#}");
        (name(target), target["culprit"].as_str().unwrap().to_owned())
    });
    pairs.collect()
}

#[test]
fn six_tests_that_five_commits_broke_are_found_in_one_session() {
    let mut suite = Suite::new(30);
    let plan: [(usize, &[usize]); 5] = [(8, &[23]), (21, &[4]), (22, &[17]), (40, &[9, 11]), (57, &[28])];
    let first = suite.commit(0, &[]);
    let mut expected = BTreeMap::new();
    for number in 1..60 {
        let breaks = plan.iter().find(|(at, _)| *at == number).map_or(&[][..], |(_, breaks)| breaks);
        let commit = suite.commit(number, breaks);
        expected.extend(breaks.iter().map(|n| (format!("test_f{n}"), commit.clone())));
    }
    let user = User::new();
    let command = ["--", "python3", "-m", "unittest", "discover"];
    let arguments = |more: &[&'static str]| {
        let own = ["--jobs", "1", "--no-narrow", "--good", first.as_str()];
        own.into_iter()
            .map(str::to_owned)
            .chain(more.iter().chain(&command).map(|&word| word.to_owned()))
            .collect()
    };
    let find = |more: &[&'static str]| {
        let arguments: Vec<String> = arguments(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        user.find(suite.repo.path(), &arguments)
    };
    let (code, report) = find(&[]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(culprits(&report), expected, "{report:#}");
    // The keys of a single search are the first test's.
    let first_test = report["failure"]["tests"][0].clone();
    assert_eq!(report["targets"][0]["test"], first_test);
    assert_eq!(report["targets"][0]["culprit"], culprit(&report));
    let all = report["trials"]["run"].as_u64().unwrap();
    for form in [&["show"][..], &["show", "--markdown"], &["show", "--slack"]] {
        let shown = user.run(suite.repo.path(), form).stdout;
        assert!(shown.contains("6 tests newly fail; 5 commits broke them"), "{form:?}: {shown}");
        for (test, commit) in &expected {
            let group = shown.rfind(&commit[..9]).unwrap();
            assert!(shown[group..].contains(test.as_str()), "{form:?}, {test}: {shown}");
        }
    }

    let (code, report) = find(&["--fresh", "--target", "test_f28"]);
    assert_eq!((code, culprits(&report).len()), (Some(0), 1), "{report:#}");
    assert_eq!(culprit(&report), expected["test_f28"]);
    // Good and bad, and of each of the five commits itself and its parent at least.
    assert!(all <= 22, "{all} trials for six tests");

    let (code, report) = find(&["--target", "test_f3$"]);
    assert_eq!(code, Some(4), "{report:#}");
    assert!(report["hint"].as_str().unwrap().contains("test_f23"), "{report:#}");
}

#[test]
fn without_a_good_commit_what_always_failed_is_told_from_what_is_new() {
    let mut suite = Suite::new(12);
    suite.functions[1].1 = 5;
    suite.write(0);
    suite.commit(0, &[]);
    let mut broke = String::new();
    for number in 1..12 {
        let commit = suite.commit(number, if number == 7 { &[10] } else { &[] });
        if number == 7 {
            broke = commit;
        }
    }
    let arguments = ["--jobs", "1", "--no-narrow", "--", "python3", "-m", "unittest", "discover"];
    let (code, report) = User::new().find(suite.repo.path(), &arguments);
    assert_eq!((code, culprit(&report)), (Some(0), broke.as_str()), "{report:#}");
    assert_eq!(culprits(&report).keys().collect::<Vec<_>>(), ["test_f10"]);
    assert!(report["notes"].to_string().contains("there at good, too"), "{report:#}");
}

#[test]
fn tests_of_one_name_in_two_folders_are_two() {
    let mut repo = TestRepo::new();
    let test = |module: &str| {
        format!(
            "import unittest\nimport app\n\n\nclass T(unittest.TestCase):\n    def test_it(self):\n        self.assertEqual(app.{module}(), 1)\n"
        )
    };
    let app = |a: u8, b: u8| format!("def a():\n    return {a}\n\n\ndef b():\n    return {b}\n");
    for folder in ["a", "b"] {
        repo.write(&format!("tests_{folder}/__init__.py"), "")
            .write(&format!("tests_{folder}/test_app.py"), test(folder));
    }
    let mut ids = Vec::new();
    for (number, text) in [app(1, 1), app(2, 1), app(2, 1), app(2, 3), app(2, 3)].iter().enumerate() {
        repo.write("app.py", text).write("n.txt", format!("{number}\n"));
        ids.push(repo.commit(&format!("commit {number}")).to_string());
    }
    let arguments =
        ["--jobs", "1", "--no-narrow", "--good", &ids[0], "--", "python3", "-m", "unittest", "discover"];
    let (code, report) = User::new().find(repo.path(), &arguments);
    assert_eq!(code, Some(0), "{report:#}");
    let found: Vec<&str> = report["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| target["culprit"].as_str().unwrap())
        .collect();
    assert_eq!(found, [ids[1].as_str(), ids[3].as_str()], "{report:#}");
}

/// An application of two functions, and tests of them: `n` of each is what it returns wrongly.
fn two_functions(repo: &mut TestRepo, a: usize, b: usize, tests: &[&str]) -> String {
    let tests = tests.iter().map(|test| {
        format!("    def test_{test}(self):\n        self.assertEqual(app.{}(3), 3)\n\n", &test[..1])
    });
    let tests = tests.collect::<String>();
    repo.write("app.py", format!("def a(x):\n    return x + {a}\n\n\ndef b(x):\n    return x + {b}\n"))
        .write("tests/__init__.py", "")
        .write(
            "tests/test_app.py",
            format!("import unittest\nimport app\n\n\nclass TestApp(unittest.TestCase):\n{tests}"),
        );
    repo.commit(&format!("a {a}, b {b}")).to_string()
}

/// The first commit that fails a test which was never there before is the one that added it; it broke nothing.
#[test]
fn a_test_that_is_newer_than_what_broke_it_has_the_culprit_of_the_others() {
    let mut repo = TestRepo::new();
    let mut ids = Vec::new();
    for (a, b, tests) in [
        (0, 0, &["a1", "b1"][..]),
        (0, 0, &["a1", "b1"]),
        (1, 0, &["a1", "b1"]),
        (1, 0, &["a1", "b1"]),
        (1, 0, &["a1", "a2", "b1"]),
        (1, 0, &["a1", "a2", "b1", "a3"]),
        (1, 0, &["a1", "a2", "b1", "a3"]),
    ] {
        repo.write("n.txt", format!("{}\n", ids.len()));
        ids.push(two_functions(&mut repo, a, b, tests));
    }
    let arguments =
        ["--jobs", "1", "--no-narrow", "--good", &ids[0], "--", "python3", "-m", "unittest", "discover"];
    let (code, report) = User::new().find(repo.path(), &arguments);
    assert_eq!(code, Some(0), "{report:#}");
    let expected = ["test_a1", "test_a2", "test_a3"].map(|test| (test.to_owned(), ids[2].clone()));
    assert_eq!(culprits(&report), BTreeMap::from(expected), "{report:#}");
    assert!(report["notes"].to_string().contains("2 tests are newer than"), "{report:#}");
    assert_eq!(report["culprits"][0]["adds_test"], false, "{report:#}");
    // What tests something newer as well cannot run at the culprit.
    let newer = "import unittest\nimport app\nfrom app import c\n\n\nclass TestApp(unittest.TestCase):\n    def test_a1(self):\n        self.assertEqual(app.a(3), 3)\n\n    def test_c1(self):\n        self.assertEqual(c(3), 3)\n";
    let app =
        "def a(x):\n    return x + 1\n\n\ndef b(x):\n    return x + 0\n\n\ndef c(x):\n    return a(x)\n";
    repo.write("app.py", app).write("tests/test_app.py", newer);
    repo.commit("a test of what is new");
    repo.write("n.txt", "later\n").commit("later");
    let (code, report) = User::new().find(repo.path(), &arguments);
    assert_eq!((code, culprit(&report)), (Some(0), ids[2].as_str()), "{report:#}");
    let found: Vec<&str> =
        report["targets"].as_array().unwrap().iter().map(|one| one["culprit"].as_str().unwrap()).collect();
    assert_eq!(found, [ids[2].as_str(); 2], "{report:#}");
    assert!(report["notes"].to_string().contains("1 test passes at bad without what"), "{report:#}");
}

#[test]
fn of_a_commit_that_added_the_failing_test_it_is_said_that_it_did() {
    let mut repo = TestRepo::new();
    let mut ids = Vec::new();
    for (b, tests) in
        [(0, &["a1"][..]), (0, &["a1"]), (1, &["a1"]), (1, &["a1"]), (1, &["a1", "b1"]), (1, &["a1", "b1"])]
    {
        repo.write("n.txt", format!("{}\n", ids.len()));
        ids.push(two_functions(&mut repo, 0, b, tests));
    }
    repo.check_out();
    let user = User::new();
    let find = |more: &[&str]| {
        let own = ["--jobs", "1", "--no-narrow", "--good", &ids[0]];
        let command = ["--", "python3", "-m", "unittest", "discover"];
        user.find(repo.path(), &[&own, more, &command].concat())
    };
    let (code, report) = find(&[]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[4].as_str()), "{report:#}");
    assert_eq!(report["culprits"][0]["adds_test"], true, "{report:#}");
    assert!(report["notes"].to_string().contains("--with-file tests/test_app.py"), "{report:#}");
    let shown = user.run(repo.path(), &["show", "--full"]).stdout;
    assert!(shown.contains("added the test, which has failed since"), "{shown}");
    // As the note says.
    let (code, report) = find(&["--with-file", "tests/test_app.py"]);
    assert_eq!((code, culprit(&report)), (Some(0), ids[2].as_str()), "{report:#}");
    assert_eq!(report["culprits"][0]["adds_test"], false, "{report:#}");
}

/// A test that has another name since the commit that broke it is not new.
#[test]
fn a_test_that_its_culprit_renamed_was_broken_by_it() {
    let mut repo = TestRepo::new();
    let mut ids = Vec::new();
    for (b, tests) in [(0, &["a1", "b1"][..]), (0, &["a1", "b1"]), (1, &["a1", "b2"]), (1, &["a1", "b2"])] {
        repo.write("n.txt", format!("{}\n", ids.len()));
        ids.push(two_functions(&mut repo, 0, b, tests));
    }
    let own = ["--jobs", "1", "--good", &ids[0], "--", "python3", "-m", "unittest", "discover"];
    let (code, report) = User::new().find(repo.path(), &own);
    assert_eq!((code, culprit(&report)), (Some(0), ids[2].as_str()), "{report:#}");
    assert_eq!(report["culprits"][0]["adds_test"], false, "{report:#}");
}

/// What a test says of its failure may be another thing at each commit: one trial of bad without the culprit's change tells.
#[test]
fn a_test_that_fails_in_other_words_at_each_commit_has_the_culprit_of_the_others() {
    let mut repo = TestRepo::new();
    let test = "import unittest\nimport app\n\n\nclass TestApp(unittest.TestCase):\n    def test_a(self):\n        \
                self.assertEqual({3: 3}[app.a(3)], 3)\n\n    def test_b(self):\n        self.assertEqual(app.b(3), 3)\n";
    let words = ["no crypto padding", "payload ends early", "header has no dot", "key is too short"];
    let mut ids = Vec::new();
    for n in 0..9 {
        let off = usize::from(n >= 3);
        let app = format!(
            "def a(x):\n    return x + {off}\n\n\ndef b(x):\n    if a(0):\n        raise ValueError('{}')\n    return x\n",
            words[n % words.len()]
        );
        repo.write("app.py", app).write("tests/__init__.py", "").write("tests/test_app.py", test);
        ids.push(repo.commit(&format!("change {n}")).to_string());
    }
    let arguments =
        ["--jobs", "1", "--no-narrow", "--good", &ids[0], "--", "python3", "-m", "unittest", "discover"];
    let (code, report) = User::new().find(repo.path(), &arguments);
    assert_eq!(code, Some(0), "{report:#}");
    let expected = ["test_a", "test_b"].map(|test| (test.to_owned(), ids[3].clone()));
    let found: BTreeMap<String, String> = report["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let name = one["test"].as_str().unwrap().split(' ').next().unwrap().to_owned();
            (name, one["culprit"].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    assert_eq!(found, BTreeMap::from(expected), "{report:#}");
    let by = report["targets"].as_array().unwrap().iter().map(|one| one["proof"]["by"].as_str().unwrap());
    assert!(by.collect::<Vec<_>>().contains(&"undone"), "{report:#}");
}

//! What a run says of itself, whichever runner it was.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of several runs in an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Who printed it.
    pub runner: Runner,
    /// Whether something passed in it.
    pub passed: bool,
    /// Whether something failed in it.
    pub failed: bool,
}

impl Part {
    pub(super) const fn of(run: &RunSummary) -> Self {
        Self { runner: run.runner, passed: !run.nothing_passed(), failed: run.anything_failed() }
    }
}

/// Which runner printed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runner {
    /// pytest.
    Pytest,
    /// unittest and what prints like it: nose, nose2, Django's serial runner.
    Unittest,
    /// Django's runner with `--parallel`, where it cannot hand a failure over.
    Django,
    /// green.
    Green,
    /// Twisted's trial.
    Trial,
    /// stestr.
    Stestr,
    /// zope.testrunner.
    Zope,
    /// behave.
    Behave,
    /// Robot Framework.
    Robot,
    /// ward.
    Ward,
    /// TestSlide.
    TestSlide,
    /// Testplan.
    Testplan,
    /// Avocado.
    Avocado,
    /// locust without its web interface.
    Locust,
    /// The standard library's doctest.
    Doctest,
    /// xdoctest's own program.
    Xdoctest,
    /// cram, prysk.
    Cram,
    /// One that writes the Test Anything Protocol.
    Tap,
    /// A linter, a type checker, a formatter.
    Checker,
    /// One that is known by nothing but its counts.
    Other,
}

impl fmt::Display for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pytest => "pytest",
            Self::Unittest => "unittest",
            Self::Django => "Django's test runner",
            Self::Green => "green",
            Self::Trial => "trial",
            Self::Stestr => "stestr",
            Self::Zope => "zope.testrunner",
            Self::Behave => "behave",
            Self::Robot => "Robot Framework",
            Self::Ward => "ward",
            Self::TestSlide => "TestSlide",
            Self::Testplan => "Testplan",
            Self::Avocado => "Avocado",
            Self::Locust => "locust",
            Self::Doctest => "doctest",
            Self::Xdoctest => "xdoctest",
            Self::Cram => "cram",
            Self::Tap => "the test runner (TAP)",
            Self::Checker => "the checker",
            Self::Other => "the test runner",
        })
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// An error outside of the test's own code; for unittest any unexpected exception.
    Error,
    /// It was skipped.
    Skipped,
    /// A selection left it out.
    Deselected,
    /// It failed as expected.
    ExpectedFailure,
    /// It passed although expected to fail.
    UnexpectedPass,
    /// A failing test was repeated.
    Rerun,
    /// It was only listed.
    Listed,
}

/// A failing test as its runner tells of it, where that is no traceback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFailure {
    /// The test's id; empty when it is not told.
    pub test: String,
    /// The exception's type, or the runner's word for a failure.
    pub kind: String,
    /// The message; empty when there is none.
    pub message: String,
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
    /// Tests that were collected by a command that only lists them.
    pub listed: u32,
    /// Ids of the tests that failed, sorted: `path::Class::test` or `module.Class.test`.
    pub failed_tests: Vec<String>,
    /// Ids of tests with an error outside their own code, sorted.
    pub error_tests: Vec<String>,
    /// Ids of the tests that are told to have passed, sorted; most runners tell only on request.
    pub passed_tests: Vec<String>,
    /// Files or modules that could not be imported for collecting, and `conftest.py` files that could
    /// not be loaded, sorted.
    pub collection_errors: Vec<String>,
    /// The runner stopped before the end: an interrupted or failed collection, `-x`, an internal error.
    pub interrupted: bool,
    /// What kept the run from starting, in the runner's words: a wrong option, a file that is not there.
    pub not_started: Option<String>,
    /// Failures that are told otherwise than by a traceback. When there are any, tracebacks are not the reason.
    pub failures: Vec<TestFailure>,
    /// Whether the run printed its closing lines; without them it was cut off, or its counts are guessed.
    pub is_closed: bool,
    /// Where the closing lines stand: index of the line, from 0.
    pub at: usize,
    /// The runs of which this is the sum; empty where there is one.
    #[serde(default)]
    pub parts: Vec<Part>,
}

impl RunSummary {
    /// A run of which nothing is counted yet.
    #[must_use]
    pub const fn new(runner: Runner, at: usize) -> Self {
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
            listed: 0,
            failed_tests: Vec::new(),
            error_tests: Vec::new(),
            passed_tests: Vec::new(),
            collection_errors: Vec::new(),
            interrupted: false,
            not_started: None,
            failures: Vec::new(),
            is_closed: true,
            at,
            parts: Vec::new(),
        }
    }

    /// Whether no test passed: all skipped, deselected, expected to fail, or none there. With exit
    /// status 0, that says nothing about a commit.
    #[must_use]
    pub const fn nothing_passed(&self) -> bool {
        self.passed == 0 && self.xpassed == 0 && self.listed == 0
    }

    /// The runs of which this is the sum, or this one.
    #[must_use]
    pub fn own_parts(&self) -> Vec<Part> {
        if self.parts.is_empty() { vec![Part::of(self)] } else { self.parts.clone() }
    }

    /// Whether the runner counted something that failed.
    #[must_use]
    pub const fn anything_failed(&self) -> bool {
        self.failed > 0 || self.errors > 0 || !self.collection_errors.is_empty()
    }

    /// Whether a runner that nobody knows, and that tells no more, counts failures, and whether errors.
    #[must_use]
    pub fn kinds_counted(&self) -> Option<(bool, bool)> {
        let counts = self.runner == Runner::Other && self.is_closed && self.anything_failed();
        counts.then_some((self.failed > 0, self.errors > 0))
    }

    /// Whether no test ran to an end of its own: nothing passed, nothing failed.
    #[must_use]
    pub const fn nothing_ran(&self) -> bool {
        self.nothing_passed() && !self.anything_failed() && self.xfailed == 0
    }

    /// Whether all that failed is the import of test files.
    #[must_use]
    pub fn only_collection_failed(&self) -> bool {
        !self.collection_errors.is_empty()
            && self.failed_tests.is_empty()
            && self.error_tests.is_empty()
            && self.nothing_passed()
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

    /// How many tests ran to an end.
    #[must_use]
    pub const fn ran(&self) -> u32 {
        let passed = self.passed.saturating_add(self.xpassed).saturating_add(self.xfailed);
        passed.saturating_add(self.failed).saturating_add(self.errors)
    }

    /// Add to a count.
    pub const fn add(&mut self, count: u32, what: Count) {
        let field = match what {
            Count::Passed => &mut self.passed,
            Count::Failed => &mut self.failed,
            Count::Error => &mut self.errors,
            Count::Skipped => &mut self.skipped,
            Count::Deselected => &mut self.deselected,
            Count::ExpectedFailure => &mut self.xfailed,
            Count::UnexpectedPass => &mut self.xpassed,
            Count::Rerun => &mut self.reruns,
            Count::Listed => &mut self.listed,
        };
        *field = field.saturating_add(count);
    }

    /// Add a failure that the runner tells of.
    pub(super) fn fail(&mut self, test: &str, kind: &str, message: &str) {
        let failure =
            TestFailure { test: test.to_owned(), kind: kind.to_owned(), message: message.trim().to_owned() };
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
        if !test.is_empty() {
            self.failed_tests.push(test.to_owned());
        }
    }

    pub(super) fn sorted(mut self) -> Self {
        let lists = [
            &mut self.failed_tests,
            &mut self.error_tests,
            &mut self.passed_tests,
            &mut self.collection_errors,
        ];
        for ids in lists {
            ids.sort();
            ids.dedup();
        }
        self
    }
}

//! How tests are run, and how runners name those that failed.

/// A test runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Runner {
    /// pytest
    Pytest,
    /// unittest, and what prints as it does: Django's runner, scripts around it
    Unittest,
    /// Twisted's trial
    Trial,
}

impl Runner {
    /// The command to which tests are added.
    pub(crate) fn command(self, own: Option<&str>) -> Vec<String> {
        let plain = match self {
            Self::Pytest => "python -m pytest -q -p no:cacheprovider",
            Self::Unittest => "python -m unittest",
            Self::Trial => "python -m twisted.trial",
        };
        own.unwrap_or(plain).split_whitespace().map(str::to_owned).collect()
    }

    /// The name of all tests in a file.
    pub(crate) fn of_file(self, path: &str, top: &str) -> String {
        match self {
            Self::Pytest => path.to_owned(),
            Self::Unittest | Self::Trial => {
                let inside = path.strip_prefix(top).unwrap_or(path).trim_start_matches('/');
                inside.trim_end_matches(".py").replace('/', ".")
            }
        }
    }

    /// Tests that an output says failed.
    pub(crate) fn failed(self, output: &str) -> Vec<String> {
        let found = output.lines().filter_map(|line| match self {
            Self::Pytest => {
                let rest = line.strip_prefix("FAILED ")?;
                let id = rest.split(" - ").next()?.trim();
                id.contains("::").then(|| id.to_owned())
            }
            Self::Unittest => {
                let rest = line.strip_prefix("FAIL: ").or_else(|| line.strip_prefix("ERROR: "))?;
                let (name, place) = rest.split_once(" (")?;
                let place = place.split(')').next()?;
                let is_test = name.starts_with("test") && place.contains('.') && !name.contains(' ');
                let whole = if place.rsplit('.').next() == Some(name) {
                    place.to_owned()
                } else {
                    format!("{place}.{name}")
                };
                is_test.then_some(whole)
            }
            Self::Trial => {
                let plain = line.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
                let last = line.rsplit('.').next().unwrap_or_default();
                (plain && line.matches('.').count() > 1 && last.starts_with("test")).then(|| line.to_owned())
            }
        });
        let mut tests: Vec<String> = found.collect();
        tests.sort();
        tests.dedup();
        tests
    }
}

/// Whether a path is that of a test file.
pub(crate) fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let in_folder = path.split('/').rev().skip(1).any(|part| matches!(part, "test" | "tests" | "testing"));
    let named = name.starts_with("test_") || name.ends_with("_test.py") || name.ends_with("_tests.py");
    path.ends_with(".py") && name != "__init__.py" && name != "conftest.py" && (named || in_folder)
}

/// The line that tells what failed, without numbers.
pub(crate) fn closing_line(output: &str) -> String {
    let is_error = |line: &str| {
        let word = line.split([':', ' ']).next().unwrap_or_default();
        let last = word.rsplit('.').next().unwrap_or_default();
        ["Error", "Exception", "Failure", "Warning", "Interrupt", "Exit"]
            .iter()
            .any(|end| last.ends_with(end))
            && word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
    };
    let of_pytest = output.lines().filter_map(|line| line.strip_prefix("E  ")).map(str::trim);
    let mut of_others = output.lines().map(str::trim).filter(|line| is_error(line));
    let first =
        |mut lines: Box<dyn Iterator<Item = &str> + '_>| lines.find(|line| is_error(line)).map(str::to_owned);
    let plain_assert = || of_pytest.clone().next().map(str::to_owned);
    let line = first(Box::new(of_pytest.clone()))
        .or_else(plain_assert)
        .or_else(|| of_others.next_back().map(str::to_owned))
        .unwrap_or_default();
    line.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).take(160).collect()
}

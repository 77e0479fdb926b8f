//! Whether two ids name the same test.
//!
//! An id is `path::Class::test[parameters]` (pytest), `module.Class.test` or `test (module.Class)` (unittest and what
//! prints like it), or a name in words. What changes it and leaves the test what it is: a file or class that moves, a running number, an address or
//! a date in its parameters.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::FailureSignature;

/// How the tests of two failures stand to each other, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identity {
    /// One name in one class of one file, whose folder may have moved.
    Same,
    /// One name in another file, another class or none.
    Moved,
    /// Names that differ in nothing but numbers, addresses and dates.
    Drifted,
    /// One function with other parameters.
    Parameters,
    /// Names that differ.
    Other,
    /// One of them names no test.
    Unknown,
}

/// How the tests of two failures stand to each other: the surest of all pairs.
pub(super) fn identity(a: &FailureSignature, b: &FailureSignature) -> Identity {
    let pairs = a.tests.iter().flat_map(|one| b.tests.iter().map(move |other| of_ids(one, other)));
    pairs.min().unwrap_or(Identity::Unknown)
}

/// Whether a heading, or an id, names the test of a failure.
#[must_use]
pub fn is_of(failure: &FailureSignature, heading: &str) -> bool {
    failure.tests.iter().any(|test| of_ids(test, heading) == Identity::Same)
}

/// How two ids stand to each other.
pub(super) fn of_ids(a: &str, b: &str) -> Identity {
    if a == b {
        return Identity::Same;
    }
    let (a, b) = (Name::of(a), Name::of(b));
    if a.function == b.function && a.parameters == b.parameters {
        return if a.is_at_home_of(&b) { Identity::Same } else { Identity::Moved };
    }
    let steady = |name: &Name| (steady(&name.function), steady(&name.parameters));
    if steady(&a) == steady(&b) {
        Identity::Drifted
    } else if a.function == b.function {
        Identity::Parameters
    } else {
        Identity::Other
    }
}

/// The last class and the test of an id of unittest's; `None` where it is of no class.
pub(super) fn class_and_test(id: &str) -> Option<(String, String)> {
    // What prepares a module is of none of its classes.
    let Name { classes, function, .. } = Name::of(id);
    let function = function.split(' ').next()?.to_owned();
    Some((classes.last()?.clone(), function)).filter(|(class, _)| !class.is_empty())
}

/// The forms under which one run tells of a test: as it is headed, and as it is called.
pub(super) fn forms(id: &str) -> impl Iterator<Item = String> {
    std::iter::once(id.to_owned()).chain(unittests(id))
}

/// The parts of an id.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    /// The file without folders and ending, or the last part of the module; `None` where the id does not tell.
    file: Option<String>,
    classes: Vec<String>,
    function: String,
    /// With their brackets; empty when there are none.
    parameters: String,
}

impl Name {
    fn of(id: &str) -> Self {
        let unittests = unittests(id);
        let id = unittests.as_deref().unwrap_or(id);
        let (before, parameters) = id.split_at(id.find('[').unwrap_or(id.len()));
        let parameters = parameters.to_owned();
        if let Some((path, name)) = before.split_once("::") {
            let mut classes: Vec<String> = name.replace("::", ".").split('.').map(str::to_owned).collect();
            let function = classes.pop().unwrap_or_default();
            let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
            let file = file.strip_suffix(".py").unwrap_or(file);
            return Self { file: Some(file.to_owned()), classes, function, parameters };
        }
        // Words are no path.
        if before.contains(' ') {
            return Self { file: None, classes: Vec::new(), function: before.to_owned(), parameters };
        }
        let mut parts: Vec<String> = before.split('.').map(str::to_owned).collect();
        let function = parts.pop().unwrap_or_default();
        let is_class = |part: &String| part.trim_start_matches('_').starts_with(char::is_uppercase);
        let modules = parts.iter().rposition(|part| !is_class(part)).map_or(0, |at| at + 1);
        let classes = parts.split_off(modules);
        Self { file: parts.pop(), classes, function, parameters }
    }

    /// Whether both stand in the same class of the same file, whose folder may have moved.
    fn is_at_home_of(&self, other: &Self) -> bool {
        let files = self.file.as_ref().zip(other.file.as_ref());
        self.classes == other.classes && files.is_none_or(|(a, b)| a == b)
    }
}

/// unittest's heading, `test (module.Class)`, as one id with dots; `None` for any other. Its subtests are told in brackets.
fn unittests(id: &str) -> Option<String> {
    let (name, rest) = id.split_once(" (")?;
    let (class, parameters) = rest.split_once(')')?;
    if name.contains(' ') || class.contains(' ') {
        return None;
    }
    let dotted =
        if class.ends_with(&format!(".{name}")) { class.to_owned() } else { format!("{class}.{name}") };
    let parameters = parameters.trim();
    Some(if parameters.is_empty() { dotted } else { format!("{dotted}[{parameters}]") })
}

/// A name without its numbers, addresses, dates and hashes.
fn steady(text: &str) -> String {
    static FLEETING: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x) 0x[0-9A-Fa-f]+
            | (?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[\s_-]+\d+ | \b(?i:mon|tue|wed|thu|fri|sat|sun)\b
            | \b[0-9a-f]{7,}\b | \d[\d_]*(?:\.\d+)*",
        )
        .ok()
    });
    FLEETING.as_ref().map_or_else(|| text.to_owned(), |pattern| pattern.replace_all(text, "#").into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_compared_by_what_stays() {
        for (a, b, expected) in [
            ("tests/test_a.py::test_b", "test_a.py::test_b", Identity::Same),
            ("t.py::TestA::test_b[1-2]", "tests/t.py::TestA::test_b[1-2]", Identity::Same),
            ("tests.test_a.T.test_b", "tests.unit.test_a.T.test_b", Identity::Same),
            ("tests.test_a.T.test_b", "tests.test_c.T.test_b", Identity::Moved),
            ("tests/test_a.py::test_b", "tests/test_c.py::test_b", Identity::Moved),
            ("test_a.T.test_b", "tests/test_a.py::T::test_b", Identity::Same),
            ("test_b (t.TestA.test_b)", "t.TestA.test_b", Identity::Same),
            ("test_b (t.TestA)", "test_b (t.TestA.test_b)", Identity::Same),
            ("test_b (t.TestA)", "test_b (t.TestC)", Identity::Moved),
            ("test_b (t.TestA) (n=1)", "test_b (t.TestA) (n=2)", Identity::Drifted),
            ("TestA.test_b", "t.py::TestA::test_b", Identity::Same),
            ("t.py::test_b", "t.py::TestA::test_b", Identity::Moved),
            ("test_a.T.test_b", "test_a.py::test_b", Identity::Moved),
            ("t.py::test_b[case2]", "t.py::test_b[case3]", Identity::Drifted),
            ("t.py::test_b[2026-11-27 a]", "t.py::test_b[2026-11-28 a]", Identity::Drifted),
            ("t.py::test_b[<C object at 0x7fa1>]", "t.py::test_b[<C object at 0x7fb2>]", Identity::Drifted),
            ("t.py::test_format_35_strings", "old.py::R::test_format_34_strings", Identity::Drifted),
            ("t.py::test_b[html]", "t.py::test_b[xml]", Identity::Parameters),
            ("t.py::test_b", "t.py::test_b[xml]", Identity::Parameters),
            ("t.py::test_b", "t.py::test_c", Identity::Other),
            ("features/a.feature:3  Add up", "features/a.feature:3  Take off", Identity::Other),
        ] {
            assert_eq!(of_ids(a, b), expected, "{a} and {b}");
            assert_eq!(of_ids(b, a), expected, "{b} and {a}");
        }
    }
}

//! JUnit reports: which tests failed, by the names that their runner takes.

use roxmltree::{Document, Node, ParsingOptions};

/// A test that failed, as the report names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JunitFailure {
    /// The dotted name of its class or module.
    pub class: String,
    /// The failed test's name.
    pub name: String,
    /// The file it is in, where the report says so.
    pub file: Option<String>,
}

/// A file that is no JUnit report.
#[derive(Debug, thiserror::Error)]
pub enum JunitError {
    /// It is no XML, or more than is read.
    #[error("it cannot be read as XML: {0}")]
    Xml(#[from] roxmltree::Error),
    /// It is other XML.
    #[error("it is no JUnit report: its root is <{0}>")]
    Other(String),
}

/// Elements that are read. A report of a hundred thousand tests has fewer.
const MOST_NODES: u32 = 4_000_000;

/// The tests that failed, in the order of the report, once each.
///
/// # Errors
/// When the text is no JUnit report.
pub fn failures(text: &str) -> Result<Vec<JunitFailure>, JunitError> {
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text.trim_start_matches('\u{feff}'), options)?;
    let root = document.root_element();
    if !["testsuites", "testsuite"].contains(&root.tag_name().name()) {
        return Err(JunitError::Other(root.tag_name().name().to_owned()));
    }
    let cases = root.descendants().filter(|node| node.has_tag_name("testcase"));
    let failed = |case: &Node<'_, '_>| {
        let mut children = case.children();
        children.any(|child| child.has_tag_name("failure") || child.has_tag_name("error"))
    };
    let mut found: Vec<JunitFailure> = Vec::new();
    for case in cases.filter(failed) {
        let of = |name: &str| case.attribute(name).unwrap_or_default().to_owned();
        let file = case.attribute("file").or_else(|| case.parent()?.attribute("file"));
        let failure =
            JunitFailure { class: of("classname"), name: of("name"), file: file.map(str::to_owned) };
        if !failure.name.is_empty() && !found.contains(&failure) {
            found.push(failure);
        }
    }
    Ok(found)
}

impl JunitFailure {
    /// The id that pytest takes; `is_file` tells whether there is such a file, relative to where its ids begin. A failed
    /// collection is its file.
    #[must_use]
    pub fn pytest_id(&self, is_file: &dyn Fn(&str) -> bool) -> Option<String> {
        // pytest names a file that could not be collected by its dotted name, without a class.
        let dotted = if self.class.is_empty() { &self.name } else { &self.class };
        let parts: Vec<&str> = dotted.split('.').collect();
        let found = (1..=parts.len()).rev().find_map(|count| {
            let file = format!("{}.py", parts[..count].join("/"));
            let file = self.file.clone().filter(|own| own.ends_with(&file)).unwrap_or(file);
            is_file(&file).then_some((file, count))
        });
        let (file, classes) = match (found, &self.file) {
            (Some((file, count)), _) => (file, &parts[count..]),
            // A file whose folder has a dot in its name, or whose dotted name begins above it.
            (None, Some(own)) if is_file(own) => {
                let stem = own.trim_end_matches(".py").rsplit('/').next().unwrap_or_default();
                let at = parts.iter().rposition(|part| *part == stem)?;
                (own.clone(), &parts[at + 1..])
            }
            _ => return None,
        };
        let name = (!self.class.is_empty()).then_some(self.name.as_str());
        let names = std::iter::once(file.as_str()).chain(classes.iter().copied()).chain(name);
        Some(names.collect::<Vec<_>>().join("::"))
    }

    /// The dotted name that unittest takes.
    #[must_use]
    pub fn dotted(&self) -> String {
        // Of a module that could not be imported, unittest says `unittest.loader._FailedTest`.
        match self.class.as_str() {
            "" | "unittest.loader._FailedTest" => self.name.clone(),
            class => format!("{class}.{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str, files: &[&str]) -> Vec<Option<String>> {
        let is_file = |path: &str| files.contains(&path);
        failures(text).unwrap().iter().map(|failure| failure.pytest_id(&is_file)).collect()
    }

    #[test]
    fn tests_that_failed_are_named_as_pytest_takes_them() {
        let text = r#"<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest">
            <testcase classname="tests.test_a" name="test_x[a.b::c-1]"><failure message="m">t</failure></testcase>
            <testcase classname="tests.test_a.TestC.TestD" name="test_y"><error message="m">t</error></testcase>
            <testcase classname="tests.test_a" name="test_ok"/>
            <testcase classname="tests.test_a" name="test_skip"><skipped/></testcase>
            <testcase classname="" name="tests.test_broken"><error message="collection failure"/></testcase>
            </testsuite></testsuites>"#;
        let found = ids(text, &["tests/test_a.py", "tests/test_broken.py"]);
        let expected = [
            "tests/test_a.py::test_x[a.b::c-1]",
            "tests/test_a.py::TestC::TestD::test_y",
            "tests/test_broken.py",
        ];
        assert_eq!(found, expected.map(|id| Some(id.to_owned())));
        assert_eq!(ids(text, &[]), [None, None, None]);
    }

    #[test]
    fn a_file_attribute_helps_where_names_do_not() {
        let text = r#"<testsuite><testcase classname="test_a.TestC" name="test_y" file="v1.2/tests/test_a.py">
            <failure/></testcase></testsuite>"#;
        assert_eq!(
            ids(text, &["v1.2/tests/test_a.py"]),
            [Some("v1.2/tests/test_a.py::TestC::test_y".to_owned())]
        );
    }

    #[test]
    fn unittest_takes_dotted_names() {
        let of = |class: &str, name: &str| {
            JunitFailure { class: class.into(), name: name.into(), file: None }.dotted()
        };
        assert_eq!(of("tests.test_a.TestC", "test_y"), "tests.test_a.TestC.test_y");
        assert_eq!(of("unittest.loader._FailedTest", "tests.test_b"), "tests.test_b");
    }

    #[test]
    fn what_is_no_report_is_refused_and_nothing_is_expanded() {
        assert!(matches!(failures("<html/>"), Err(JunitError::Other(root)) if root == "html"));
        assert!(failures("no xml").is_err());
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><testsuite name=\"&b;\"/>";
        assert!(matches!(failures(bomb), Err(JunitError::Xml(_))));
    }
}

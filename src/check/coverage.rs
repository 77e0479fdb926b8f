//! Which lines a test run executed: coverage.py's JSON, Cobertura XML, lcov, and what a watched command did.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Deserialize;

use super::findings::{ChangedCall, finding_on_call, quoted};
use super::rules::UNTESTED_CALL;
use crate::minimize::is_test_file;
use crate::model::{Annotation, Severity};
use crate::session::{LineCoverage, LinesByFile};

/// A coverage file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is neither coverage.py's JSON nor Cobertura XML nor lcov: {0}")]
pub struct CoverageError(String);

/// Lines of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Lines {
    executed: BTreeSet<u32>,
    missed: BTreeSet<u32>,
}

impl Lines {
    fn add(&mut self, line: u32, hits: u64) {
        let set = if hits > 0 { &mut self.executed } else { &mut self.missed };
        set.insert(line);
    }
}

/// What a test run executed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    files: BTreeMap<String, Lines>,
    /// Files of which nothing ran at all.
    never_loaded: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Json {
    files: BTreeMap<String, JsonLines>,
}

#[derive(Deserialize)]
struct JsonLines {
    executed_lines: Vec<u32>,
    missing_lines: Vec<u32>,
}

impl Coverage {
    /// Read coverage data; its form is told by how it begins.
    ///
    /// # Errors
    /// When it is in none of the three forms, or names no file.
    pub fn read(text: &str) -> Result<Self, CoverageError> {
        let coverage = match text.trim_start().chars().next() {
            Some('{') => Self::from_json(text)?,
            Some('<') => Self::from_cobertura(text)?,
            _ => Self::from_lcov(text),
        };
        if coverage.files.is_empty() {
            Err(CoverageError("it names no file".to_owned()))
        } else {
            Ok(coverage)
        }
    }

    /// What the command did while it was watched.
    #[must_use]
    pub fn of_watched(watched: LineCoverage) -> Self {
        let LineCoverage { mut executed, missed, never_loaded } = watched;
        let files = missed.into_iter().map(|(path, missed)| {
            let executed = executed.remove(&path).unwrap_or_default();
            (path, Lines { executed, missed })
        });
        Self { files: files.collect(), never_loaded }
    }

    fn from_json(text: &str) -> Result<Self, CoverageError> {
        let json: Json = serde_json::from_str(text).map_err(|error| CoverageError(error.to_string()))?;
        let lines = |lines: JsonLines| Lines {
            executed: lines.executed_lines.into_iter().collect(),
            missed: lines.missing_lines.into_iter().collect(),
        };
        let files = json.files.into_iter().map(|(path, of)| (path.replace('\\', "/"), lines(of))).collect();
        Ok(Self { files, never_loaded: BTreeSet::new() })
    }

    /// Only two elements matter, and their attributes may stand in any order.
    fn from_cobertura(text: &str) -> Result<Self, CoverageError> {
        let wrong = |error: regex::Error| CoverageError(error.to_string());
        let element = Regex::new(r"<(class|line)\b([^>]*)>").map_err(wrong)?;
        let attribute = Regex::new(r#"([\w-]+)\s*=\s*["']([^"']*)["']"#).map_err(wrong)?;
        let mut coverage = Self::default();
        let mut path = String::new();
        for found in element.captures_iter(text) {
            let attributes: BTreeMap<&str, &str> = attribute
                .captures_iter(found.get(2).map_or("", |attributes| attributes.as_str()))
                .filter_map(|pair| Some((pair.get(1)?.as_str(), pair.get(2)?.as_str())))
                .collect();
            if &found[1] == "class" {
                path = attributes.get("filename").copied().unwrap_or_default().replace('\\', "/");
            } else if let (Some(line), Some(hits)) = (attributes.get("number"), attributes.get("hits"))
                && let (Ok(line), Ok(hits)) = (line.parse(), hits.parse())
                && !path.is_empty()
            {
                coverage.files.entry(path.clone()).or_default().add(line, hits);
            }
        }
        Ok(coverage)
    }

    fn from_lcov(text: &str) -> Self {
        let mut coverage = Self::default();
        let mut path = String::new();
        for line in text.lines() {
            if let Some(file) = line.strip_prefix("SF:") {
                path = file.trim().replace('\\', "/");
            } else if let Some(data) = line.strip_prefix("DA:") {
                let mut parts = data.split(',').map(str::trim);
                if let (Some(Ok(line)), Some(Ok(hits))) =
                    (parts.next().map(str::parse), parts.next().map(str::parse))
                    && !path.is_empty()
                {
                    coverage.files.entry(path.clone()).or_default().add(line, hits);
                }
            }
        }
        coverage
    }

    /// The lines of a file of the repository. Coverage data may name it by a longer path (`/build/app.py`),
    /// or by one below a source folder (`app.py` for `src/app.py`); the longest name that fits counts.
    fn of(&self, path: &str) -> Option<&Lines> {
        let fits = |name: &str| {
            let (name, path) = (std::path::Path::new(name), std::path::Path::new(path));
            name.ends_with(path) || path.ends_with(name)
        };
        self.files
            .iter()
            .filter(|(name, _)| fits(name))
            .max_by_key(|(name, _)| name.len())
            .map(|(_, lines)| lines)
    }

    /// Whether a test executes any of these lines (both ends included); `None` when that is not known.
    #[must_use]
    pub fn executes(&self, path: &str, line: u32, end_line: u32) -> Option<bool> {
        let lines = self.of(path)?;
        if lines.executed.range(line..=end_line).next().is_some() {
            return Some(true);
        }
        lines.missed.range(line..=end_line).next().map(|_| false)
    }
}

/// The lines of the changed calls that a test should execute: those that are in no test themselves.
#[must_use]
pub fn lines_to_test(calls: &[ChangedCall]) -> LinesByFile {
    let mut lines = LinesByFile::new();
    for (call, span) in calls.iter().filter_map(|call| Some((call, call.site()?.span))) {
        if !is_test_file(&call.path) && !call.path.ends_with(".pyi") {
            lines.entry(call.path.clone()).or_default().extend(span.line..=span.end_line);
        }
    }
    lines
}

/// Findings for the changed calls that no test executes.
#[must_use]
pub fn untested(coverage: &Coverage, severity: Severity, calls: &[ChangedCall]) -> Vec<Annotation> {
    calls
        .iter()
        .filter(|call| !is_test_file(&call.path))
        .filter_map(|call| {
            let site = call.site()?;
            let executed = coverage.executes(&call.path, site.span.line, site.span.end_line)?;
            (!executed).then(|| {
                let message = format!("no test executes {}", quoted(&site.text));
                let mut finding = finding_on_call(&UNTESTED_CALL, severity, &call.path, site, message);
                if coverage.never_loaded.contains(&call.path) {
                    finding.evidence.push(format!("the command never loads {}", call.path));
                }
                finding.evidence.push(format!("{}: {}", call.change.kind.phrase(), call.in_words()));
                finding
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> Vec<Option<bool>> {
        let coverage = Coverage::read(text).unwrap();
        [
            ("src/app.py", 1, 1),
            ("src/app.py", 2, 3),
            ("src/app.py", 3, 3),
            ("src/app.py", 9, 9),
            ("b.py", 1, 1),
        ]
        .map(|(path, line, end)| coverage.executes(path, line, end))
        .to_vec()
    }

    #[test]
    fn three_forms_are_read() {
        let expected = [Some(true), Some(true), Some(false), None, None];
        let json =
            r#"{"meta": {}, "files": {"src/app.py": {"executed_lines": [1, 2], "missing_lines": [3]}}}"#;
        assert_eq!(known(json), expected);
        let xml = "<?xml version='1.0'?>\n<coverage><sources><source>/w/src</source></sources><classes>\
                   <class name='app.py' line-rate='1' filename='app.py'><lines><line number='1' hits='1'/>\
                   <line hits=\"4\" number=\"2\"/><line number='3' hits='0'/></lines></class></classes></coverage>";
        assert_eq!(known(xml), expected);
        let lcov = "TN:\nSF:/build/x/src/app.py\nDA:1,1\nDA:2,7,abc\nDA:3,0\nend_of_record\n";
        assert_eq!(known(lcov), expected);
    }

    #[test]
    fn what_is_no_coverage_data_is_refused() {
        for text in ["", "hello", "{}", "<html></html>", "{\"files\": {}}"] {
            assert!(Coverage::read(text).is_err(), "{text}");
        }
    }
}

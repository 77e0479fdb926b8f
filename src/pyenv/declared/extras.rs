//! Extras and groups: which are taken, and those that name the project itself.
//!
//! `tests = ["pond[core-tests]", "attrs"]` of a project called pond asks for another of its own extras. pip and uv follow
//! that, however deep; so does `-e .[test]` in a requirements file.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use pep508_rs::{Requirement, VerbatimUrl};

use super::package_name::{name_of, normalised};

/// Extras and groups that are taken when none is named: what tests need; where there are none of these, what developers
/// need.
const TEST: [&str; 6] = ["test", "tests", "testing", "unittest", "pytest", "test-suite"];
const DEVELOPMENT: [&str; 5] = ["dev", "devel", "develop", "development", "dev-dependencies"];

/// Lists of requirements by name, of extras or of groups.
pub(in crate::pyenv) type Lists = BTreeMap<String, Vec<String>>;

/// The names to take: those asked for, or the usual ones, as far as they are there.
pub(super) fn chosen(asked: &[String], there: &Lists, has_tests: bool) -> BTreeSet<String> {
    let find = |wanted: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
        there.keys().filter(|name| wanted(name)).cloned().collect()
    };
    if !asked.is_empty() {
        let asked: Vec<String> = asked.iter().map(|name| normalised(name)).collect();
        return find(&|name| asked.iter().any(|asked| asked == name));
    }
    let tests = find(&|name| TEST.contains(&name));
    if !tests.is_empty() || has_tests {
        return tests;
    }
    find(&|name| DEVELOPMENT.contains(&name))
}

/// Requirements with those that name the project itself replaced by what its extras ask for, each extra once.
pub(super) fn followed(lines: &[String], own: Option<&str>, extras: &Lists) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    follow(lines, own, extras, "", &mut seen, &mut all);
    all
}

fn follow(
    lines: &[String],
    own: Option<&str>,
    extras: &Lists,
    marker: &str,
    seen: &mut BTreeSet<(String, String)>,
    all: &mut Vec<String>,
) {
    for line in lines {
        let is_own = own.is_some() && name_of(line).as_deref() == own;
        if !is_own {
            let line = with_marker(line, marker);
            if !all.contains(&line) {
                all.push(line);
            }
            continue;
        }
        let (asked, own_marker) = asked_of(line);
        let both = match (marker, own_marker.as_str()) {
            ("", own) => own.to_owned(),
            (outer, "") => outer.to_owned(),
            (outer, own) => format!("({outer}) and ({own})"),
        };
        for extra in asked {
            if seen.insert((extra.clone(), both.clone()))
                && let Some(list) = extras.get(&extra)
            {
                follow(list, own, extras, &both, seen, all);
            }
        }
    }
}

/// The extras that a requirement asks for, and its marker.
fn asked_of(line: &str) -> (Vec<String>, String) {
    let marker = line.split_once(';').map(|(_, marker)| marker.trim().to_owned()).unwrap_or_default();
    if let Ok(requirement) = Requirement::<VerbatimUrl>::from_str(line) {
        return (requirement.extras.iter().map(|extra| normalised(extra.as_ref())).collect(), marker);
    }
    let inside = line.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let extras = inside.map(|(inside, _)| inside.split(',').map(normalised).collect());
    (extras.unwrap_or_default(), marker)
}

fn with_marker(line: &str, marker: &str) -> String {
    if marker.is_empty() || line.starts_with('-') {
        return line.to_owned();
    }
    match line.split_once(" ;").or_else(|| line.split_once(';')) {
        Some((requirement, own)) => format!("{} ; ({marker}) and ({})", requirement.trim(), own.trim()),
        None => format!("{line} ; {marker}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(pairs: &[(&str, &[&str])]) -> Lists {
        let list = |list: &[&str]| list.iter().map(|&line| line.to_owned()).collect();
        pairs.iter().map(|&(name, lines)| (name.to_owned(), list(lines))).collect()
    }

    #[test]
    fn extras_that_name_the_projects_own_are_followed_to_the_end() {
        let extras = lists(&[
            ("core-tests", &["pytest", "sortedcontainers"]),
            ("tests", &["Pond[core_tests]", "attrs"]),
            ("all", &["pond[tests,all]", "six; python_version > '3'"]),
            ("old", &["pond[core-tests] ; python_version < '3'"]),
        ]);
        let of = |extra: &str| followed(&extras[extra], Some("pond"), &extras);
        assert_eq!(of("tests"), ["pytest", "sortedcontainers", "attrs"]);
        assert_eq!(of("all"), ["pytest", "sortedcontainers", "attrs", "six; python_version > '3'"]);
        assert_eq!(of("old")[0], "pytest ; python_version < '3'");
        let lines = ["pond[tests]".to_owned(), "requests".to_owned()];
        assert_eq!(followed(&lines, Some("pond"), &extras).last().unwrap(), "requests");
        assert_eq!(followed(&lines, Some("other"), &extras), lines);
    }

    #[test]
    fn markers_of_a_requirement_and_of_the_one_that_asked_for_it_hold_both() {
        let extras = lists(&[("a", &["six; os_name == 'posix'", "own[b]"]), ("b", &["attrs"])]);
        let lines = ["own[a]; python_version > '3'".to_owned()];
        assert_eq!(
            followed(&lines, Some("own"), &extras),
            ["six ; (python_version > '3') and (os_name == 'posix')", "attrs ; python_version > '3'"]
        );
    }

    #[test]
    fn tests_are_taken_and_only_without_them_what_developers_need() {
        let there = lists(&[("tests", &[]), ("dev", &[]), ("docs", &[])]);
        let names = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>();
        assert_eq!(names(chosen(&[], &there, false)), ["tests"]);
        let there = lists(&[("dev", &[]), ("docs", &[])]);
        assert_eq!(names(chosen(&[], &there, false)), ["dev"]);
        assert!(chosen(&[], &there, true).is_empty());
        assert_eq!(names(chosen(&["DOCS".to_owned()], &there, true)), ["docs"]);
    }
}

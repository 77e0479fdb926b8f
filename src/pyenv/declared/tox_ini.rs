//! `tox.ini`: the requirements of one of its environments, with references followed and conditions on factors decided.

use super::setup_cfg::{self, Sections};

/// References are followed so deep.
const DEEPEST: usize = 8;
/// Environments that run no tests of the project, by a factor of theirs.
const OTHER_PURPOSES: [&str; 24] = [
    "docs",
    "doc",
    "lint",
    "linters",
    "mypy",
    "typing",
    "types",
    "pyright",
    "flake8",
    "style",
    "format",
    "black",
    "isort",
    "ruff",
    "check",
    "manifest",
    "packaging",
    "build",
    "release",
    "dist",
    "pre",
    "report",
    "bench",
    "benchmark",
];
/// Variants that are about other things than the project as it is: what is not released yet, other interpreters, lower bounds.
const RARE_VARIANTS: [&str; 12] = [
    "main", "master", "dev", "trunk", "head", "nightly", "latest", "lowest", "oldest", "min", "minimal",
    "pypy",
];

/// The requirements of the environment that tests run in, as lines of a requirements file that lies at the top. What
/// another section lists is followed, and what holds under factors is taken where that environment has them; what holds
/// for some versions of Python only is left out, as the version is another, and so is what a variable stands for.
pub(super) fn dependencies(text: &str) -> Vec<String> {
    let sections = setup_cfg::read(text);
    let environment = test_environment(&sections);
    let value = |key: &str| own_value(&sections, &environment, key);
    let factors: Vec<&str> = environment.split('-').chain(["test", "tests"]).collect();
    let deps = resolved(&sections, &value("deps"), &factors, DEEPEST);
    let extras = resolved(&sections, &value("extras"), &factors, DEEPEST);
    let extras = extras.iter().flat_map(|line| line.split(',')).map(str::trim);
    lines(&deps, extras)
}

/// Requirements and the project's own extras as lines of a requirements file, without those that a variable stands for.
/// What the project is asked for is a line, too: `.[test]`.
pub(super) fn lines<'t>(deps: &[String], extras: impl Iterator<Item = &'t str>) -> Vec<String> {
    let is_plain = |name: &&str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let extras = extras.filter(is_plain).map(|name| format!(".[{name}]"));
    deps.iter().filter(|line| !line.contains(['{', '}'])).cloned().chain(extras).collect()
}

/// The first environment of those with the newest variant, such as `py312-django52-sqlite`.
fn test_environment(sections: &Sections) -> String {
    let listed = ["envlist", "env_list"].iter().find_map(|key| sections.get("tox")?.get(*key));
    let listed = listed.map(|lines| lines.join(",")).unwrap_or_default();
    let names = outside_braces(&listed).into_iter().flat_map(|name| alternatives(name.trim()));
    let runs_tests = |name: &String| {
        let mut factors = name.split('-');
        !name.is_empty()
            && factors.all(|factor| {
                let letters = factor.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
                !OTHER_PURPOSES.contains(&letters.split('_').next().unwrap_or(letters))
                    && !factor.split('_').any(|word| word == "report")
                    && !RARE_VARIANTS.contains(&letters)
            })
    };
    let mut best: Option<(u64, String)> = None;
    for name in names.filter(runs_tests) {
        let number =
            name.split('-').filter(|factor| !is_python(factor)).find_map(version_of).unwrap_or_default();
        if best.as_ref().is_none_or(|(newest, _)| number > *newest) {
            best = Some((number, name));
        }
    }
    best.map(|(_, name)| name).unwrap_or_default()
}

/// The number at a factor's end: 52 of `django52`.
fn version_of(factor: &str) -> Option<u64> {
    let digits: String = factor.chars().filter(char::is_ascii_digit).collect();
    factor.ends_with(|c: char| c.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Whether a factor stands for an interpreter: `py312`, `pypy3`, `py`, `3.12`.
fn is_python(factor: &str) -> bool {
    let rest =
        ["pypy", "cpython", "python", "py", "jython"].iter().find_map(|start| factor.strip_prefix(start));
    rest.unwrap_or(factor).chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// A key of the environment's own section, else of the one for all; where neither has it, of the first that is for tests.
fn own_value(sections: &Sections, environment: &str, key: &str) -> Vec<String> {
    let of = |section: &str| sections.get(section).and_then(|keys| keys.get(key)).cloned();
    let of_tests = || {
        let mut names = sections.keys().filter_map(|name| name.strip_prefix("testenv:"));
        of(&format!("testenv:{}", names.find(|name| name.contains("test") || name.contains("unit"))?))
    };
    of(&format!("testenv:{environment}")).or_else(|| of("testenv")).or_else(of_tests).unwrap_or_default()
}

/// Lines with references followed and conditions decided.
fn resolved(sections: &Sections, lines: &[String], factors: &[&str], depth: usize) -> Vec<String> {
    let mut all = Vec::new();
    for line in lines {
        let Some(line) = held(line, factors) else { continue };
        let line = line.replace("{toxinidir}/", "").replace("{tox_root}/", "");
        match reference(&line) {
            Some((section, key)) if depth > 0 => {
                let there = sections.get(section).and_then(|keys| keys.get(key)).cloned().unwrap_or_default();
                all.extend(resolved(sections, &there, factors, depth - 1));
            }
            _ => all.push(line),
        }
    }
    all
}

/// `{[testenv:base]deps}`, where that is all of the line.
fn reference(line: &str) -> Option<(&str, &str)> {
    let (section, key) = line.trim().strip_prefix("{[")?.strip_suffix('}')?.split_once(']')?;
    (!key.contains(['{', '}'])).then_some((section, key))
}

/// What a line says under these factors: all of it without a condition, nothing where its condition does not hold.
fn held<'l>(line: &'l str, factors: &[&str]) -> Option<&'l str> {
    // A URL has a colon too.
    let Some((condition, rest)) = line.split_once(':').filter(|(_, rest)| !rest.starts_with("//")) else {
        return Some(line);
    };
    let is_factor = |c: char| c.is_ascii_alphanumeric() || "-_.,!{} ".contains(c);
    if condition.starts_with(['{', '-']) && !condition.contains('}') || !condition.chars().all(is_factor) {
        return Some(line);
    }
    let has = |factor: &str| match factor.strip_prefix('!') {
        Some(factor) => is_python(factor) || !factors.contains(&factor),
        None => !is_python(factor) && factors.contains(&factor),
    };
    let names = outside_braces(condition).into_iter().flat_map(|name| alternatives(name.trim()));
    let holds = names.into_iter().any(|name| name.split('-').all(has));
    holds.then(|| rest.trim())
}

/// The parts between commas that stand in no braces.
fn outside_braces(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    text.split(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ',' || c == '\n')
    })
    .collect()
}

/// `py{38,39}-x` as `py38-x` and `py39-x`. Of more than a few hundred the rest is left out.
fn alternatives(name: &str) -> Vec<String> {
    const MOST: usize = 500;
    let mut done = Vec::new();
    let mut waiting = vec![name.to_owned()];
    while let Some(name) = waiting.pop() {
        let parts = name.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
        match parts {
            Some((before, (inside, after))) if done.len() + waiting.len() < MOST => {
                let each = inside.split(',').rev().map(|one| format!("{before}{}{after}", one.trim()));
                waiting.extend(each);
            }
            Some(_) => {}
            None => done.push(name),
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_dependencies_of_the_tests_are_read() {
        let text = "[tox]\nenvlist = py27,py36\n[testenv]\ndeps =\n    -r{toxinidir}/test/requirements.txt\n    py{27,33}: mock\n    py27: enum34\n    pytest-xprocess\n    {env:MORE}\n    git+https://example.org/x.git\ncommands = pytest\n[testenv:docs]\ndeps = sphinx\n";
        assert_eq!(
            dependencies(text),
            ["-rtest/requirements.txt", "pytest-xprocess", "git+https://example.org/x.git"]
        );
        assert_eq!(dependencies("[testenv]\ndeps = -rrequirements-dev.txt\n"), ["-rrequirements-dev.txt"]);
        assert!(dependencies("[tox]\n").is_empty());
        assert_eq!(dependencies("[testenv]\nextras = test, cov\n"), [".[test]", ".[cov]"]);
        assert_eq!(dependencies("[testenv:unit]\ndeps = six\n[testenv:docs]\ndeps = sphinx\n"), ["six"]);
        assert_eq!(
            dependencies("[testenv]\ndeps =\n  pkg @ file:///x\n  -c c.txt\n"),
            ["pkg @ file:///x", "-c c.txt"]
        );
    }

    #[test]
    fn references_are_followed_and_factors_hold_for_the_newest_variant() {
        let text = "[tox]\nenvlist = docs, lint\n  coverage-py{38,39}-tw{212,238,trunk}\n  coverage_report\n[base]\ndeps =\n  \
                    tw212: Twisted==21.2\n  tw238: Twisted==23.8\n  twtrunk: --pre\n  -r requirements/pins.txt\n  \
                    {test,coverage}: -r requirements/tests.txt\n  coverage: {[testenv:coverage_report]deps}\n  !py27: six\n  \
                    !coverage: nose\n[testenv]\ndeps = {[base]deps}\n[testenv:coverage_report]\ndeps = coverage\n[a]\ndeps = {[a]deps}\n";
        assert_eq!(
            dependencies(text),
            ["Twisted==23.8", "-r requirements/pins.txt", "-r requirements/tests.txt", "coverage", "six"]
        );
    }

    #[test]
    fn of_the_newest_variants_the_first_is_taken() {
        let of = |list: &str| test_environment(&setup_cfg::read(&format!("[tox]\nenvlist = {list}\n")));
        assert_eq!(of("py{310,311}-dj{42,51,main}-{sqlite,mysql}, lint"), "py310-dj51-sqlite");
        assert_eq!(of("docs,py27,py36"), "py27");
        assert_eq!(of("lint, pre-commit, pypy3"), "");
    }

    #[test]
    fn a_section_that_names_itself_comes_to_an_end() {
        assert!(dependencies("[testenv]\ndeps = {[testenv]deps}\n").is_empty());
    }
}

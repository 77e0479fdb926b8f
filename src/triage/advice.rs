//! What to do about a run that could not be what it was said to be: what its output asks for.

use std::sync::LazyLock;

use regex::Regex;

use super::ansi;
use crate::model::TrialOutput;

/// So much of the end of each stream is looked at.
const MOST: usize = 64 << 10;
/// Packages that run tests.
const RUNNERS: [&str; 6] = ["pytest", "nose2", "nose", "coverage", "behave", "tox"];

static MODULE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"No module named '?([A-Za-z_][\w.]*)'?").expect("a valid pattern"));
static FIXTURE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"fixture '(\w+)' not found").expect("a valid pattern"));
static REFUSED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"ConnectionRefusedError|[Cc]onnection refused|could not connect to server")
        .expect("a valid pattern")
});
static PROGRAM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)(?:^|: )([\w./+-]+): (?:command )?not found$|No such file or directory: '([\w.+-]+)'$")
        .expect("a valid pattern")
});
static FILE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"No such file or directory: '([^'\n]{1,200})'").expect("a valid pattern"));

/// What an output asks for, if it says so; `has_module` tells whether a module of this name lies in the tree, and in
/// which folder.
#[must_use]
pub fn advice(output: &TrialOutput, has_module: impl Fn(&str) -> Option<String>) -> Option<String> {
    let streams = [&output.stderr.text, &output.stdout.text].map(|text| ansi::strip(end(text)).into_owned());
    let first = |pattern: &Regex| -> Option<String> {
        let found = streams.iter().find_map(|text| pattern.captures_iter(text).last())?;
        found.iter().skip(1).flatten().next().map(|part| part.as_str().to_owned())
    };
    if let Some(module) = first(&MODULE) {
        let top = module.split('.').next().unwrap_or(&module).to_owned();
        return Some(of_module(&top, has_module(&top)));
    }
    if let Some(fixture) = first(&FIXTURE) {
        return Some(format!(
            "the fixture '{fixture}' comes with a plugin that the run does not have: --env auto --with PKG\n\
             or with a conftest.py that no commit has: --with-file conftest.py"
        ));
    }
    if streams.iter().any(|text| REFUSED.is_match(text)) {
        return Some(
            "nothing answers where the test connects to: start that service, and let trials reach it: --network host"
                .to_owned(),
        );
    }
    if let Some(file) = first(&FILE).filter(|file| file.contains('/') || file.contains('.')) {
        return Some(format!(
            "no commit has {0}: --with-file {0}\nor, where something makes it: --setup CMD",
            super::message_shape::within_tree(&file)
        ));
    }
    let program = first(&PROGRAM)?;
    Some(format!("the command starts `{program}`, which is not there: install it, or put it on PATH"))
}

fn of_module(top: &str, place: Option<String>) -> String {
    match place.as_deref() {
        Some("") => format!(
            "{top} is in the folder that the command runs in, and Python does not look there: PYTHONPATH=.\n\
             or have the project installed: --env auto"
        ),
        Some(folder) => format!(
            "{top} is in {folder}/, seen from where the command runs, and Python does not look there: \
             PYTHONPATH={folder}\n\
             or have the project installed: --env auto"
        ),
        None if RUNNERS.contains(&top) => format!(
            "{top} is not installed where the command runs: install it there, or let pybisect make an environment: --env \
             auto --with {top}"
        ),
        None => format!(
            "the package of {top} is not installed where the command runs: install it there, or: --env auto --with {top}\n\
             where {top} is a module that no commit has: --with-file FILE"
        ),
    }
}

fn end(text: &str) -> &str {
    let from = text.len().saturating_sub(MOST);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Captured, Termination, Timing};

    fn of(said: &str) -> Option<String> {
        let output = TrialOutput {
            ending: Termination::Exited { code: 1 },
            stdout: Captured::default(),
            stderr: Captured { text: said.to_owned(), bytes: 0 },
            timing: Timing::default(),
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        };
        advice(&output, |module| match module {
            "app" => Some(String::new()),
            "shop" => Some("src".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn an_output_tells_what_it_lacks() {
        for (said, wanted) in [
            ("/v/bin/python: No module named pytest", "pytest is not installed"),
            ("ModuleNotFoundError: No module named 'app.views'", "PYTHONPATH=."),
            ("ModuleNotFoundError: No module named 'shop'", "PYTHONPATH=src"),
            ("ModuleNotFoundError: No module named 'attrs'", "--with attrs"),
            ("E       fixture 'mocker' not found", "'mocker'"),
            ("ConnectionRefusedError: [Errno 111] Connection refused", "--network host"),
            ("smoke.sh: 3: pg_isready: not found", "`pg_isready`"),
            ("bash: pg_isready: command not found", "`pg_isready`"),
            (
                "FileNotFoundError: [Errno 2] No such file or directory: 'var/rows.csv'",
                "var/rows.csv: --with-file var/rows.csv",
            ),
            ("FileNotFoundError: [Errno 2] No such file or directory: 'pg_isready'", "`pg_isready`"),
        ] {
            let told = of(said).unwrap_or_default();
            assert!(told.contains(wanted), "{said}: {told}");
        }
        assert_eq!(of("AssertionError: 1 is not 2"), None);
    }
}

//! The tests that a command names: whether there are such files, and such tests in them.
//!
//! Tests may be inherited, imported and made as the file is read, so that a name which does not stand in a file is a mistake
//! only where one that is very near does.

use std::sync::LazyLock;

use regex::Regex;

use super::runner::runner_of;
use super::{Preflight, nearest};
use crate::setup::error::Error;

/// What makes tests that are written nowhere.
const MAKERS: [&str; 8] =
    ["import *", "globals()", "setattr(", "exec(", "pytest_generate", "parameterized", "ddt", "__getattr__"];

static DEFINED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^[ \t]*(?:async[ \t]+def|def|class)[ \t]+(\w+)").expect("a valid pattern")
});

impl Preflight<'_> {
    pub(super) fn check_tests(&self) -> Result<(), Error> {
        let words = self.words();
        let is_pytest = runner_of(&words) == Some("pytest") || words.iter().any(|word| word == "pytest");
        let script = words.iter().skip(1).position(|word| !word.starts_with('-')).map(|at| at + 1);
        for (at, word) in words.iter().enumerate().skip(1) {
            let before = &words[at - 1];
            let (file, names) = word.split_once("::").unwrap_or((word, ""));
            // The value of an option may name a file that is to be made, or left out.
            let may_be_value = before.starts_with('-') && before != "--" && !is_flag(before);
            if !file.ends_with(".py")
                || word.starts_with('-')
                || may_be_value
                || word.contains(char::is_whitespace)
            {
                continue;
            }
            // Of other programs only the script itself has to be there: what it is given may be what it makes.
            if !is_pytest && names.is_empty() && script != Some(at) {
                continue;
            }
            let Some(path) = self.in_tree(file) else { continue };
            match self.file(&path) {
                Some(content) => self.check_names(word, file, names, &String::from_utf8_lossy(&content))?,
                None if self.has_setup => {}
                None => self.check_path(word, file, &path)?,
            }
        }
        Ok(())
    }

    fn check_path(&self, word: &str, file: &str, path: &std::path::Path) -> Result<(), Error> {
        // A script of the user's that lies outside is no file of a tree.
        if std::path::Path::new(file).is_absolute() {
            return Ok(());
        }
        let Some(state) = self.repository.work_state(path) else {
            return Err(self.no_such_file(word, file, path));
        };
        let id = self.commit.short();
        Err(Error::usage(format!(
            "{file} is not in {id}: it is {} here, and trials see commits only",
            state.words()
        ))
        .hinted(self.typed.with_more(&["--with-file", file]).to_string()))
    }

    /// Whether the tests of an id stand in the file's text.
    fn check_names(&self, word: &str, file: &str, names: &str, text: &str) -> Result<(), Error> {
        if MAKERS.iter().any(|maker| text.contains(maker)) {
            return Ok(());
        }
        let plain = names.split('[').next().unwrap_or_default();
        for name in plain.split("::").filter(|name| !name.is_empty()) {
            if !name.chars().all(|letter| letter.is_alphanumeric() || letter == '_') || has_word(text, name) {
                continue;
            }
            let known =
                DEFINED.captures_iter(text).filter_map(|found| found.get(1)).map(|name| name.as_str());
            let Some(meant) = nearest(name, known) else { continue };
            // A class may inherit it under another name.
            if plain.contains("::") && inherits(text) {
                continue;
            }
            let right = word.replacen(name, meant, 1);
            return Err(Error::usage(format!(
                "no test is called {name} in {file} at {}; did you mean {meant}?",
                self.commit.short()
            ))
            .hinted(self.typed.with_word(word, &right).to_string()));
        }
        Ok(())
    }
}

/// Options of runners that take no value.
fn is_flag(option: &str) -> bool {
    let is_short = option.len() >= 2 && option[1..].bytes().all(|byte| b"qvxslh".contains(&byte));
    is_short
        || ["--lf", "--ff", "--sw", "--exitfirst", "--quiet", "--verbose"].contains(&option)
        || option.contains('=')
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    text.match_indices(word).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
    })
}

/// Whether a class in the text inherits from another than those that bring no tests.
fn inherits(text: &str) -> bool {
    static BASES: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^[ \t]*class[ \t]+\w+\(([^)]*)\)").expect("a valid pattern"));
    let harmless = ["", "object", "TestCase", "unittest.TestCase", "IsolatedAsyncioTestCase"];
    let mut bases = BASES.captures_iter(text).flat_map(|found| {
        found.get(1).map_or("", |bases| bases.as_str()).split(',').map(str::trim).collect::<Vec<_>>()
    });
    bases.any(|base| !harmless.contains(&base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        assert!(has_word("def test_a():", "test_a"));
        assert!(!has_word("def test_ab(): test_a_b", "test_a"));
        assert!(
            is_flag("-q")
                && is_flag("-vv")
                && is_flag("--tb=short")
                && !is_flag("-k")
                && !is_flag("--deselect")
        );
        assert!(inherits("class A(Base):\n") && !inherits("class A(unittest.TestCase):\nclass B:\n"));
    }
}

//! What the output of a run speaks of: files, modules and settings, by their names.
//!
//! A trial that fails for want of a file says so in many ways: `No module named 'settings_local'`, `No such file or
//! directory: '.env'`, `KeyError: 'DB_URL'`, or nothing but the line of code that opened it. All of these hold the name.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::model::TrialOutput;

/// So many lines at the end of each stream are looked at.
const LAST_LINES: usize = 200;
/// A longer word is no name.
const LONGEST: usize = 240;

/// Names, each once, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Paths as they were written, those of a trial's work tree relative to its top.
    pub paths: BTreeSet<String>,
    /// Paths in the home, relative to it.
    pub in_home: BTreeSet<String>,
    /// Modules that could not be imported.
    pub modules: BTreeSet<String>,
    /// Names in capitals, as settings have them.
    pub settings: BTreeSet<String>,
}

/// Read them from what a trial wrote.
#[must_use]
pub fn mentions(output: &TrialOutput) -> Mentions {
    static MODULE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"No module named '?([A-Za-z_][\w.]*)'?").ok());
    static SETTING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b[A-Z][A-Z0-9_]{2,}\b").ok());
    let mut found = Mentions::default();
    for text in [&output.stdout.text, &output.stderr.text] {
        let lines: Vec<&str> = text.lines().collect();
        for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
            let modules = MODULE.iter().flat_map(|pattern| pattern.captures_iter(line));
            found.modules.extend(modules.map(|module| module[1].trim_end_matches('.').to_owned()));
            let settings = SETTING.iter().flat_map(|pattern| pattern.find_iter(line));
            found.settings.extend(settings.map(|setting| setting.as_str().to_owned()));
            for word in
                line.split(|letter: char| letter.is_whitespace() || "'\"`()[]{}<>,;=|".contains(letter))
            {
                found.add_path(word);
            }
        }
    }
    found
}

impl Mentions {
    fn add_path(&mut self, word: &str) {
        let word = word.trim_matches(':').trim_end_matches('.').trim_start_matches("./");
        if word.len() > LONGEST || !word.contains(['.', '/']) || !word.contains(char::is_alphanumeric) {
            return;
        }
        if let Some(inside) = word.strip_prefix("~/") {
            self.in_home.insert(inside.to_owned());
        } else if let Some(inside) = in_slot(word, "home") {
            self.in_home.insert(inside.to_owned());
        } else {
            let path = in_slot(word, "tree").unwrap_or(word);
            // `file.py:12`
            let path = path.split(':').next().unwrap_or_default();
            self.paths.insert(path.to_owned());
        }
    }
}

/// What a path names below a folder of a trial's slot: `…/slots/0/home/.apprc` → `.apprc`.
fn in_slot<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let (_, after) = path.split_once("/slots/")?;
    let (number, inside) = after.split_once('/')?;
    let inside = inside.strip_prefix(folder)?.strip_prefix('/')?;
    (number.parse::<u32>().is_ok() && !inside.is_empty()).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Captured, Termination, Timing};

    fn said(text: &str) -> Mentions {
        mentions(&TrialOutput {
            ending: Termination::Exited { code: 1 },
            stdout: Captured { text: text.to_owned(), bytes: 0 },
            stderr: Captured::default(),
            timing: Timing::default(),
            leftovers: 0,
            notes: Vec::new(),
            files: Vec::new(),
        })
    }

    #[test]
    fn names_are_found_however_the_failure_is_put() {
        for (text, path) in [
            ("FileNotFoundError: [Errno 2] No such file or directory: '.env'", ".env"),
            ("cat: data/rows.csv: No such file or directory", "data/rows.csv"),
            ("    db = sqlite3.connect(\"data/app.db\")", "data/app.db"),
            ("No such file or directory: '/c/run-1/slots/3/tree/conf/local.toml'", "conf/local.toml"),
            ("conf/local.py:12: KeyError", "conf/local.py"),
        ] {
            assert!(said(text).paths.contains(path), "{text}: {:?}", said(text));
        }
        let modules = |text: &str| said(text).modules.into_iter().collect::<Vec<_>>();
        assert_eq!(
            modules("ModuleNotFoundError: No module named 'app.settings_local'"),
            ["app.settings_local"]
        );
        assert_eq!(modules("/v/bin/python: No module named pytest"), ["pytest"]);
        assert!(said("KeyError: 'DB_URL'").settings.contains("DB_URL"));
    }

    #[test]
    fn a_path_of_a_trials_home_is_one_of_the_users() {
        let found = said("No such file or directory: '/c/run-1/slots/0/home/.config/app/rc'");
        assert_eq!(found.in_home.into_iter().collect::<Vec<_>>(), [".config/app/rc"]);
        assert!(said("open ~/.apprc").in_home.contains(".apprc"));
    }
}

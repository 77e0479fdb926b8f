//! The user's own command line, with one thing put right: to be copied from an error.

use std::ffi::OsString;

/// The words after the program's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CorrectedCommand(Vec<String>);

impl CorrectedCommand {
    /// What was typed.
    pub(crate) fn now() -> Self {
        Self::of(std::env::args_os().skip(1))
    }

    pub(crate) fn of(words: impl IntoIterator<Item = OsString>) -> Self {
        Self(words.into_iter().map(|word| word.to_string_lossy().into_owned()).collect())
    }

    /// The words, the subcommand first.
    pub(crate) fn words(&self) -> &[String] {
        &self.0
    }

    /// Where the command under test begins.
    fn dashes(&self) -> usize {
        self.0.iter().position(|word| word == "--").unwrap_or(self.0.len())
    }

    /// With this value of an option, in place of the one that was given.
    #[must_use]
    pub(crate) fn with(&self, option: &str, value: &str) -> Self {
        let mut other = self.without(option);
        other.add(&[option, value]);
        other
    }

    /// With this beside what was given.
    #[must_use]
    pub(crate) fn with_more(&self, words: &[&str]) -> Self {
        let mut other = self.clone();
        other.add(words);
        other
    }

    fn add(&mut self, words: &[&str]) {
        let at = self.dashes();
        self.0.splice(at..at, words.iter().map(|&word| word.to_owned()));
    }

    /// The values that an option was given before the command.
    pub(crate) fn values<'a>(&'a self, option: &'a str) -> impl Iterator<Item = &'a str> {
        let words = &self.0[..self.dashes()];
        words.iter().enumerate().filter_map(move |(at, word)| match word.strip_prefix(option)? {
            "" => words.get(at + 1).map(String::as_str),
            rest => rest.strip_prefix('='),
        })
    }

    /// With another value of an option, before the command.
    #[must_use]
    pub(crate) fn with_value(&self, before: &str, after: &str) -> Self {
        let dashes = self.dashes();
        let put = |(at, word): (usize, &String)| match word.strip_suffix(before) {
            Some("") if at < dashes => after.to_owned(),
            Some(option) if at < dashes && option.ends_with('=') => format!("{option}{after}"),
            _ => word.clone(),
        };
        Self(self.0.iter().enumerate().map(put).collect())
    }

    /// Without an option and its value.
    #[must_use]
    pub(crate) fn without(&self, option: &str) -> Self {
        let joined = format!("{option}=");
        let mut kept = Vec::new();
        let mut words = self.0.iter();
        let mut is_command = false;
        while let Some(word) = words.next() {
            is_command |= word == "--";
            if !is_command && word == option {
                words.next();
            } else if is_command || !word.starts_with(&joined) {
                kept.push(word.clone());
            }
        }
        Self(kept)
    }

    /// Without a word that stands before the command.
    #[must_use]
    pub(crate) fn without_word(&self, word: &str) -> Self {
        let dashes = self.dashes();
        let kept = self.0.iter().enumerate().filter(|(at, other)| *at > dashes || *other != word);
        Self(kept.map(|(_, word)| word.clone()).collect())
    }

    /// With another command under test.
    #[must_use]
    pub(crate) fn with_command(&self, command: &[String]) -> Self {
        let mut words = self.0[..self.dashes()].to_vec();
        words.push("--".to_owned());
        words.extend_from_slice(command);
        Self(words)
    }

    /// With a script in place of the command under test.
    #[must_use]
    pub(crate) fn with_script(&self, script: &str) -> Self {
        let words = self.0[..self.dashes()].to_vec();
        Self(words).with("--shell", script)
    }

    /// With a word of the command under test put right.
    #[must_use]
    pub(crate) fn with_word(&self, wrong: &str, right: &str) -> Self {
        let from = self.dashes();
        let put = |(at, word): (usize, &String)| {
            if at > from && word == wrong { right.to_owned() } else { word.clone() }
        };
        Self(self.0.iter().enumerate().map(put).collect())
    }

    /// With `--` before the command under test, where it was left out; `None` where no word is a program.
    pub(crate) fn with_dashes(&self) -> Option<Self> {
        let is_program =
            |word: &String| !word.starts_with('-') && (word.contains('/') || which::which(word).is_ok());
        if self.0.iter().any(|word| word == "--") {
            return None;
        }
        // The first word is the subcommand.
        let at = self.0.iter().skip(1).position(is_program)? + 1;
        let mut words = self.0.clone();
        words.insert(at, "--".to_owned());
        Some(Self(words))
    }
}

impl std::fmt::Display for CorrectedCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = |word: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%=:,".contains(c);
            !word.is_empty() && word.chars().all(is_plain)
        };
        f.write_str("pybisect")?;
        for word in &self.0 {
            let shown = if plain(word) { word.into() } else { shell_words::quote(word) };
            write!(f, " {shown}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> CorrectedCommand {
        CorrectedCommand(shell_words::split(text).unwrap())
    }

    #[test]
    fn options_and_words_of_the_command_are_put_right() {
        let words = typed("find --good v2 --bad=v1 -- pyhton -m pytest --good x");
        assert_eq!(
            words.with("--good", "v1").with("--bad", "v2").to_string(),
            "pybisect find --good v1 --bad v2 -- pyhton -m pytest --good x"
        );
        assert_eq!(
            words.with_word("pyhton", "python").without("--good").to_string(),
            "pybisect find --bad=v1 -- python -m pytest --good x"
        );
        assert_eq!(
            typed("find -- 'python -m x'").with_script("python -m x").to_string(),
            "pybisect find --shell 'python -m x'"
        );
        let laid = typed("find --with-file=../a.py --with-file ../b.py -- pytest --with-file c.py");
        assert_eq!(laid.values("--with-file").collect::<Vec<_>>(), ["../a.py", "../b.py"]);
        assert_eq!(
            laid.with_value("../a.py", "../a.py:x").with_value("../b.py", "../b.py:y").to_string(),
            "pybisect find --with-file=../a.py:x --with-file ../b.py:y -- pytest --with-file c.py"
        );
        assert_eq!(typed("find v1..").without_word("v1..").to_string(), "pybisect find");
    }

    #[test]
    fn a_forgotten_separator_is_put_before_the_program() {
        assert_eq!(
            typed("find --good v1 sh -c true").with_dashes().unwrap().to_string(),
            "pybisect find --good v1 -- sh -c true"
        );
        assert_eq!(typed("find --good v1 -- sh").with_dashes(), None);
        assert_eq!(typed("find --good no-such-program-here").with_dashes(), None);
    }
}

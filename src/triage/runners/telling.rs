//! Options that make a runner tell what it ran, and change nothing else.
//!
//! Most runners print counts by themselves. `python -m doctest` prints nothing when every example passes, and as much when
//! there is none; with `-v` it prints its counts, and ends with the same status.

use std::ffi::OsString;

use super::{CommandFacts, Runner};

/// An option that was added to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// The command with it.
    pub command: Vec<OsString>,
    /// Which, and why, for the report.
    pub why: &'static str,
}

/// The command with an option that makes its runner tell what it ran; `None` where it tells by itself, or where it is
/// not known whether the option would change anything else.
#[must_use]
pub fn telling(command: &[OsString]) -> Option<Telling> {
    if CommandFacts::of(command).runner != Some(Runner::Doctest) {
        return None;
    }
    let module = command.iter().position(|word| word == "doctest")?;
    let is_verbose = command[module..].iter().any(|word| word == "-v" || word == "--verbose");
    let mut told = command.to_vec();
    told.insert(module + 1, "-v".into());
    (!is_verbose).then_some(Telling {
        command: told,
        why: "doctest runs with -v: without it, it does not tell whether any example ran",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(command: &str) -> Option<String> {
        let words: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        let told = telling(&words)?.command;
        Some(told.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn doctest_is_made_to_count_its_examples() {
        assert_eq!(told("python3 -m doctest app.py").as_deref(), Some("python3 -m doctest -v app.py"));
        assert_eq!(told("coverage run -m doctest a.py").as_deref(), Some("coverage run -m doctest -v a.py"));
        assert_eq!(told("python3 -m doctest -v app.py"), None);
        assert_eq!(told("python3 -m pytest doctest"), None);
        assert_eq!(told("python3 doctest.py"), None);
    }
}

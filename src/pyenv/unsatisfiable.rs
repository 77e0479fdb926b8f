//! Which of the requirements keeps all of them from being had together, by what uv says.

use std::sync::LazyLock;

use regex::Regex;

use super::date_overrides::{in_one_line, unbuildable};
use super::declared::{name_of, normalised};

/// The requirements that a text of uv's names as the user's own: `you require sphinx>=8.2.3`, `you require a and b==1`.
static REQUIRED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"you require ([A-Za-z0-9._-]+)(?:[^,\n]*? and ([A-Za-z0-9._-]+))?").ok());

/// Whether nothing satisfies all that is wanted.
pub(super) fn is_unsatisfiable(why: &str) -> bool {
    ["No solution found", "unsatisfiable", "Failed to build", "build backend"]
        .iter()
        .any(|words| why.contains(words))
}

/// The line to go without: one that uv names, rather none of a test runner's. `None` where it names none of these.
pub(super) fn blamed(said: &str, lines: &[String]) -> Option<usize> {
    let required = REQUIRED.as_ref()?;
    // uv 0.9 breaks its lines where a terminal would.
    let said = &in_one_line(said);
    let mut named: Vec<String> = required
        .captures_iter(said)
        .flat_map(|found| [found.get(1), found.get(2)].into_iter().flatten().collect::<Vec<_>>())
        .map(|name| normalised(name.as_str()))
        .collect();
    named.extend(unbuildable(said));
    let is_named = |line: &String| name_of(line).is_some_and(|name| named.contains(&name));
    let of_runner = |line: &String| name_of(line).is_some_and(|name| name.starts_with("pytest"));
    let found: Vec<usize> = (0..lines.len()).filter(|&at| is_named(&lines[at])).collect();
    let rather = found.iter().find(|&&at| !of_runner(&lines[at]));
    rather
        .or_else(|| found.iter().rev().find(|&&at| name_of(&lines[at]).as_deref() != Some("pytest")))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: &str, lines: &[&str]) -> Option<usize> {
        let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        blamed(said, &lines)
    }

    #[test]
    fn what_uv_names_is_left_out_and_a_runner_last() {
        let said = "  cause: Because the requested Python version (>=3.10) does not satisfy Python>=3.11 and Sphinx==8.2.3 \
                    depends on Python>=3.11, we can conclude that sphinx==8.2.3 cannot be used.\n  And because sphinx==8.3.0 \
                    was yanked and you require sphinx>=8.2.3, we can conclude that your requirements are unsatisfiable.";
        assert_eq!(of(said, &["pytest>=8", "furo", "Sphinx>=8.2.3"]), Some(2));
        assert_eq!(of(said, &["pytest>=8", "furo"]), None);
        assert_eq!(
            of("      was yanked and you\n      require sphinx>=8.2.3, we can", &["sphinx>=8"]),
            Some(0)
        );
        let both = "And because you require pytest-x>=2 and tool_a[b]==1, we can conclude that your requirements are";
        assert_eq!(of(both, &["pytest-x>=2", "tool-a[b]==1"]), Some(1));
        assert_eq!(of(both, &["pytest", "pytest-x>=2"]), Some(1));
        assert_eq!(
            of("because you require pytest>=9, your requirements", &["pytest>=9"]),
            None,
            "without it nothing runs"
        );
        assert_eq!(of("error: Failed to build `odd-one==1.0`", &["pytest", "odd_one"]), Some(1));
    }
}

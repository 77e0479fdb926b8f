//! Tracebacks whose lines lost their indentation, as collectors that trim each line leave them.

use crate::triage::traceback::layouts::variants;
use crate::triage::traceback::parsed::is_marks;

/// What is known of the lines' indentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flat {
    /// The line behind the header tells.
    Perhaps,
    /// The lines are as they were written.
    No,
    /// They are trimmed. A frame's source comes next, or not.
    Yes { source: bool },
}

impl Flat {
    /// The line as it was before it was trimmed; `None` when it was not.
    pub(super) fn line(&mut self, line: &str) -> Option<String> {
        let frame = line.starts_with("File \"") && line.contains("\", line ");
        if *self == Self::Perhaps {
            *self = if frame { Self::Yes { source: false } } else { Self::No };
        }
        let Self::Yes { source } = self else { return None };
        let of_source = !frame && *source && variants::raised(line).is_none();
        let marks = is_marks(line);
        *source = frame;
        match (frame, of_source || marks) {
            (true, _) => Some(format!("  {line}")),
            (false, true) => Some(format!("    {line}")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimmed_lines_are_set_in_again() {
        let mut flat = Flat::Perhaps;
        let lines = [
            ("File \"a.py\", line 3, in f", Some("  File \"a.py\", line 3, in f")),
            ("g(x)", Some("    g(x)")),
            ("^^^^", Some("    ^^^^")),
            ("File \"a.py\", line 9, in g", Some("  File \"a.py\", line 9, in g")),
            ("KeyError: 'mint'", None),
        ];
        for (line, expected) in lines {
            assert_eq!(flat.line(line).as_deref(), expected, "{line}");
        }
        assert_eq!(Flat::Perhaps.line("  File \"a.py\", line 3, in f"), None);
        assert_eq!(Flat::Perhaps.line("File not found"), None);
    }
}

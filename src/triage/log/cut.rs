//! Lines that a supervisor cuts where its buffer ends, without saying so: it puts its mark before the rest as before a line.

use crate::triage::traceback::parsed::{exception_line, is_marks, separator};

/// A rest that is shorter cannot be told from a line.
const SHORTEST: usize = 10;

/// Whether the line is the rest of the one before, within a traceback.
pub(super) fn is_rest(before: &str, line: &str) -> bool {
    let of_sentence = || {
        before.len() >= SHORTEST
            && separator(before).is_none()
            && separator(&format!("{before}{line}")).is_some()
    };
    let is_frame = |text: &str| text.starts_with("  File \"") && text.contains("\", line ");
    let of_frame =
        || before.starts_with("  File \"") && !is_frame(before) && is_frame(&format!("{before}{line}"));
    // An exception's line begins with its type.
    let of_source = || {
        before.starts_with("    ")
            && !is_marks(before)
            && separator(before).is_none()
            && !line.contains("Traceback (most recent call last):")
            && !line.starts_with([' ', '\t', '[', '+', '|'])
            && !is_marks(line)
            && line.ends_with([')', ']', '}', ',', '"', '\'', ':'])
            && line.contains(['(', ')', '[', ']', '='])
            && exception_line(line).is_none()
            && separator(line).is_none()
    };
    of_sentence() || of_frame() || of_source()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_rest_of_a_line() {
        let sentence = "The above exception was the direct cause of the following exception:";
        for at in [12, 40, sentence.len() - 1] {
            assert!(is_rest(&sentence[..at], &sentence[at..]));
        }
        for (before, line) in [
            ("  File \"/srv/kiosk/led", "ger.py\", line 8, in parse_rate"),
            ("  File \"/srv/kiosk/ledger.py\", ", "line 8, in parse_rate"),
            ("    return str(rate_of(requ", "est[\"item\"]))"),
        ] {
            assert!(is_rest(before, line), "{before}{line}");
        }
        for (before, line) in [
            ("    return str(rate_of(item))", "ValueError: not a rate (four)"),
            ("    return str(rate_of(item))", "kiosk.Fault: no (rate)"),
            ("    return str(rate_of(item))", "Traceback (most recent call last):"),
            ("    return str(rate_of(item))", "    ^^^^^^^"),
            (
                "  File \"/srv/kiosk/ledger.py\", line 8, in f",
                "  File \"/srv/kiosk/ledger.py\", line 9, in g",
            ),
            ("ValueError: x", sentence),
            (
                "    The above exception was the direct cause of the following exception:",
                "(a) Traceback (most recent call last):",
            ),
        ] {
            assert!(!is_rest(before, line), "{before}|{line}");
        }
    }
}

//! Tracebacks in a quoted field of a CSV file: its quotes are doubled, and the first that is not ends it.

/// What is known of the quotes around a traceback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// It stands in no field.
    None,
    /// Its first frame tells.
    Perhaps,
    /// It stands in a field.
    Doubled,
}

impl Quotes {
    /// A further line of the field, and whether the field ends there; `None` when it stands in no field.
    pub(super) fn line(&mut self, line: &str) -> Option<(String, bool)> {
        if *self == Self::Perhaps {
            *self = if line.starts_with("  File \"\"") { Self::Doubled } else { Self::None };
        }
        if *self == Self::None {
            return None;
        }
        let mut text = String::with_capacity(line.len());
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '"' && chars.next_if_eq(&'"').is_none() {
                return Some((text, true));
            }
            text.push(c);
        }
        Some((text, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_quotes_are_one_and_a_single_one_ends_the_field() {
        let mut quotes = Quotes::Perhaps;
        assert_eq!(
            quotes.line("  File \"\"a.py\"\", line 3"),
            Some(("  File \"a.py\", line 3".to_owned(), false))
        );
        assert_eq!(quotes.line("KeyError: 'a'\",\"host\""), Some(("KeyError: 'a'".to_owned(), true)));
        assert_eq!(Quotes::Perhaps.line("  File \"a.py\", line 3"), None);
        assert_eq!(Quotes::None.line("  File \"\"a.py\"\""), None);
    }
}

//! Parts of a log that tell a failure once more, beside its traceback and with the values of variables: cgitb's text,
//! friendly_traceback's explanations. They are passed over whole.

/// What stands in the line that begins such a part, and what ends it.
const BEGINNINGS: [(&[u8], End); 5] = [
    (b"function calls leading up to the error, in the order they occurred.", End::Header),
    (b"    Execution stopped on line `", End::Outdented),
    (b"    Exception raised on line `", End::Outdented),
    (b"    I do not recognize this error message.", End::Outdented),
    (b"    The exception `", End::Outdented),
];
/// Lines that one may take.
const MOST: usize = 4_000;

/// What ends an aside.
#[derive(Debug, Clone, Copy)]
enum End {
    /// A traceback's header.
    Header,
    /// A line that is not set in.
    Outdented,
}

/// Whether an aside is under way.
#[derive(Debug, Default)]
pub(super) struct Asides {
    end: Option<End>,
    lines: usize,
}

/// What a line is to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Aside {
    /// None of it.
    No,
    /// Its beginning: what stands above is its heading.
    Begins,
    /// A part of it.
    Inside,
}

impl Asides {
    /// Whether one has begun, and was not seen to end.
    pub(super) const fn is_under_way(&self) -> bool {
        self.end.is_some()
    }

    /// What this line is.
    pub(super) fn line(&mut self, body: &[u8]) -> Aside {
        if let Some(end) = self.end {
            self.lines += 1;
            let ends = match end {
                End::Header => super::classify::ends_in_header(body) && !body.starts_with(b" "),
                End::Outdented => body.first().is_some_and(|first| !first.is_ascii_whitespace()),
            };
            if !ends && self.lines < MOST {
                return Aside::Inside;
            }
            self.end = None;
        }
        let begins = BEGINNINGS.iter().find(|(words, _)| body.starts_with(words));
        self.end = begins.map(|(_, end)| *end);
        self.lines = 0;
        if self.end.is_some() { Aside::Begins } else { Aside::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// cgitb of Python 3.11, friendly_traceback 0.7.61.
    #[test]
    fn they_end_at_the_next_traceback_or_line() {
        let mut asides = Asides::default();
        let mut read = |line: &str| asides.line(line.as_bytes());
        assert_eq!(read("A problem occurred in a Python script.  Here is the sequence of"), Aside::No);
        assert_eq!(
            read("function calls leading up to the error, in the order they occurred."),
            Aside::Begins
        );
        assert_eq!(read("token = 'abc'"), Aside::Inside);
        assert_eq!(read("Traceback (most recent call last):"), Aside::No);
        assert_eq!(read("KeyError: 'mint'"), Aside::No);
        assert_eq!(read("    Exception raised on line `20` of file '/srv/a.py'."), Aside::Begins);
        assert_eq!(read("    -->20|     raise KeyError(key)"), Aside::Inside);
        assert_eq!(read(""), Aside::Inside);
        assert_eq!(read("            key:  'mint'"), Aside::Inside);
        assert_eq!(read("INFO next"), Aside::No);
    }
}

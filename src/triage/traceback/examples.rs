//! Examples of documents (doctest's, Sybil's, manuel's) that raised something instead of printing what is expected:
//! the exception stands indented in the text of the failure.

use super::parsed::exception_line;

const RAISED: &str = "Exception raised:";

/// What an example raised, as far as the lines up to this one tell: empty below the words that say so, then the
/// exception's line. `None` when the line is none of them.
pub(super) fn raised<'t>(so_far: Option<&'t str>, line: &'t str) -> Option<&'t str> {
    match so_far {
        None => (line.trim_end() == RAISED).then_some(""),
        Some(known) => {
            let text = line.strip_prefix("    ").filter(|text| !text.is_empty())?;
            let is_exception = !text.starts_with([' ', '\t']) && !text.starts_with("Traceback (");
            Some(if is_exception && exception_line(text).is_some() { text } else { known })
        }
    }
}

/// What the failing example raised whose report begins at this line, below the ruler that unittest's adapters print,
/// and the line behind it.
pub(super) fn below_ruler<'t>(lines: &[&'t str], at: usize) -> Option<(&'t str, usize)> {
    let ruler = |line: &str| {
        line.len() >= 20 && (line.bytes().all(|byte| byte == b'-') || line.bytes().all(|byte| byte == b'='))
    };
    let place = lines.get(at + 1)?.starts_with("File \"");
    if !ruler(lines.get(at)?) || !place || *lines.get(at + 2)? != "Failed example:" {
        return None;
    }
    let end = lines[at + 1..].iter().position(|line| ruler(line)).map_or(lines.len(), |end| at + 1 + end);
    let mut found = None;
    for line in &lines[at + 3..end] {
        found = raised(found, line).or(found);
    }
    found.filter(|raised| !raised.is_empty()).map(|raised| (raised, end))
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// Sybil 9 in pytest 9.
    #[test]
    fn an_example_that_raises_is_told_from_one_that_prints() {
        let report = |what: &str| {
            format!(
                "=================================== FAILURES ===================================\n____________ doc.rst line=4 column=1 \
                 _____________\n\nExample at /srv/doc.rst, line 4, column 1 did not evaluate as expected:\n{what}\ndoc.rst:4: \
                 SybilFailure\n=========================== short test summary info ============================\nFAILED \
                 doc.rst::line:4,column:1\n1 failed in 0.01s\n"
            )
        };
        let raises = "Exception raised:\n    Traceback (most recent call last):\n      File \"<doctest doc.rst[0]>\", line 1, in \
                      <module>\n        total([1])\n      File \"/srv/app.py\", line 2, in total\n        return {}[\"a\"]\n    KeyError: 'a'\n";
        let read = |what: &str| {
            let read = parse(&report(what)).into_iter().find(|read| read.kind.is_some()).unwrap();
            (read.kind.unwrap(), read.message)
        };
        assert_eq!(read("Expected:\n    6\nGot:\n    5\n"), ("SybilFailure".to_owned(), String::new()));
        assert_eq!(read(raises), ("SybilFailure".to_owned(), "KeyError: 'a'".to_owned()));
    }

    /// manuel 1.13 under unittest.
    #[test]
    fn below_the_ruler_of_an_adapter() {
        let report = |what: &str| {
            format!(
                "======================================================================\nFAIL: doc.txt\ndoc.txt\n\
                 ----------------------------------------------------------------------\nTraceback (most recent call last):\n  File \
                 \"/v/manuel/testing.py\", line 44, in runTest\n    raise failureException(\nAssertionError: \n\
                 ----------------------------------------------------------------------\nFile \"/srv/doc.txt\", line 4, in doc.txt\nFailed \
                 example:\n    total([1])\n{what}\n----------------------------------------------------------------------\nRan 1 test in \
                 0.003s\n\nFAILED (failures=1)\n"
            )
        };
        let read = |what: &str| {
            let read = parse(&report(what)).pop().unwrap();
            (read.kind.unwrap(), read.message)
        };
        assert_eq!(read("Expected:\n    6\nGot:\n    5\n"), ("AssertionError".to_owned(), String::new()));
        let raises = "Exception raised:\n    Traceback (most recent call last):\n      File \"/srv/app.py\", line 2, in total\n        x\n    KeyError: 'a'\n";
        assert_eq!(read(raises), ("KeyError".to_owned(), "'a'".to_owned()));
    }
}

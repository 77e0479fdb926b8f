//! Whether a text is Python at all, and where its statements begin: for versions of a file that nobody wrote.

use std::ops::Range;

use super::parse::parse;
use super::statements::{
    Form, LogicalLine, LogicalLines, continues, members, next_telling, string_end, top_level,
};

/// Whether the parser reads a source without an error, and every block has the indentation that it needs (which
/// the grammar leaves open).
#[must_use]
pub fn is_well_formed(source: &[u8]) -> bool {
    has_sound_blocks(source)
        && parse(source, std::slice::from_ref(&(0..source.len())))
            .is_some_and(|tree| !tree.root_node().has_error())
}

/// Where statements begin in a part of a source, at the lowest indentation in it; a decorator belongs to what
/// follows, an `else` to what came before.
#[must_use]
pub fn statement_starts(source: &[u8], range: Range<usize>) -> Vec<usize> {
    let lines: Vec<LogicalLine> = LogicalLines::new(source, range).collect();
    let lowest = lines.iter().map(|line| line.indent).min().unwrap_or_default();
    let mut starts = Vec::new();
    let mut decorated = false;
    for line in lines.iter().filter(|line| line.indent == lowest) {
        let text = &source[line.first..line.range.end];
        if !decorated && !continues(text) {
            starts.push(line.range.start);
        }
        decorated = text.starts_with(b"@");
    }
    starts
}

/// The body of a class, as far as it can be read by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassBody {
    /// Columns of indentation of its statements.
    pub indent: usize,
    /// Where its statements begin, in bytes of the source, and where the last one ends.
    pub starts: Vec<usize>,
}

/// The bodies of the classes at the top of a source, in order.
#[must_use]
pub fn class_bodies(source: &[u8]) -> Vec<ClassBody> {
    let classes = top_level(source).into_iter().filter(|statement| statement.form == Form::Class);
    let bodies = classes.filter_map(|class| {
        let statements = members(source, &class)?;
        let indent = LogicalLines::new(source, class.header_end..class.range.end).next()?.indent;
        let end = statements.last()?.range.end;
        Some(ClassBody {
            indent,
            starts: statements.iter().map(|one| one.range.start).chain([end]).collect(),
        })
    });
    bodies.collect()
}

/// Whether the parser reads these lines without an error as statements of a class of so much indentation; `None` when they
/// begin elsewhere or leave it, so that what is around them counts as well.
#[must_use]
pub fn is_well_formed_body(lines: &[u8], indent: usize) -> Option<bool> {
    let mut indents = LogicalLines::new(lines, 0..lines.len()).map(|line| line.indent);
    let is_of_class = indents.next() == Some(indent) && !indents.any(|other| other < indent);
    is_of_class.then(|| is_well_formed(&[b"class _:\n", lines].concat()))
}

fn has_sound_blocks(source: &[u8]) -> bool {
    let start = if source.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut open = vec![0_usize];
    let mut begins_block = false;
    for line in LogicalLines::new(source, start..source.len()) {
        let inner = open.last().copied().unwrap_or_default();
        if begins_block {
            if line.indent <= inner {
                return false;
            }
            open.push(line.indent);
        } else {
            while open.last().is_some_and(|&indent| indent > line.indent) {
                open.pop();
            }
            if open.last() != Some(&line.indent) {
                return false;
            }
        }
        begins_block = last_of_code(source, &line) == Some(b':');
    }
    !begins_block
}

/// The last byte of a logical line that is neither space nor comment.
fn last_of_code(source: &[u8], line: &LogicalLine) -> Option<u8> {
    let bytes = &source[..line.range.end];
    let mut last = None;
    let mut at = line.first;
    while at < bytes.len() {
        let stop = next_telling(bytes, at);
        last = bytes[at..stop].iter().rev().find(|byte| !byte.is_ascii_whitespace()).copied().or(last);
        at = match bytes.get(stop) {
            Some(b'#') => {
                bytes[stop..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| stop + end)
            }
            Some(quote @ (b'"' | b'\'')) => {
                last = Some(*quote);
                string_end(bytes, stop)
            }
            Some(b'\n') | None => stop + 1,
            Some(other) => {
                last = Some(*other);
                stop + 1
            }
        };
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cpython_would_not_compile_is_not_well_formed() {
        let well = [
            "",
            "x = 1\n",
            "if a:  # why\n    b\n",
            "if a: b\nc\n",
            "x = {'a':\n  1}\n",
            "def f():\n  '''\n x:\n'''\n",
            "@d\ndef f(): pass\n",
            "x = a[1:]\r\nif x:\r\n\ty\r\n",
            "if a:\n  b\n# c\nelse:\n  d\n",
            "print('#:')\n",
        ];
        for text in well {
            assert!(is_well_formed(text.as_bytes()), "{text}");
        }
        let ill = [
            "if a:\n",
            "if a:\nb\n",
            "x = 1\n    y = 2\n",
            "def f(:\n  pass\n",
            "if a:\n    b\n  c\n",
            "x = (1\n",
            "class A:\n    # only this\n",
            "else:\n    x\n",
        ];
        for text in ill {
            assert!(!is_well_formed(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn statements_of_a_class_are_read_at_its_indentation() {
        let cases = [
            ("    x = 1\n    def f(self):\n        pass\n", Some(true)),
            ("\n    # a word\n    x = 1\n", Some(true)),
            ("    x = (1\n", Some(false)),
            ("    if x:\n", Some(false)),
            ("    x = 1\ny = 2\n", None),
            ("        x = 1\n    y = 2\n", None),
            ("  x = 1\n", None),
            ("", None),
        ];
        for (text, well) in cases {
            assert_eq!(is_well_formed_body(text.as_bytes(), 4), well, "{text}");
        }
    }

    #[test]
    fn bodies_of_classes_are_their_statements() {
        let text = "x = 1\nclass A(B):\n    a = 1\n\n    @d\n    def f(self):\n        pass\ndef g():\n    pass\nclass C: pass\n";
        let [body] = class_bodies(text.as_bytes()).try_into().unwrap();
        let lines: Vec<&str> = body.starts.windows(2).map(|pair| text[pair[0]..pair[1]].trim()).collect();
        assert_eq!((body.indent, lines), (4, vec!["a = 1", "@d\n    def f(self):\n        pass"]));
    }

    #[test]
    fn statements_begin_at_the_lowest_indentation() {
        let text = "    @d\n    def f():\n        a\n\n    if x:\n        b\n    else:\n        c\n    y = (1,\n2)\n";
        let starts = statement_starts(text.as_bytes(), 0..text.len());
        let firsts: Vec<&str> = starts.iter().map(|&at| text[at..].trim_start()[..2].trim()).collect();
        assert_eq!(firsts, ["@d", "if", "y"]);
    }
}

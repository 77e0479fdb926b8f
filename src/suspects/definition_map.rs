//! Which function or class each line of a Python file lies in, without parsing: by indentation. It reads
//! hundreds of megabytes a second, and whole ranges of history have to be read.

use crate::model::common_affixes::common_start;

/// What a line outside of every definition lies in.
pub const MODULE: &str = "<module>";

/// The definitions of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definitions {
    names: Vec<String>,
    /// From this line on (from 1), this name.
    starts: Vec<(u32, usize)>,
    /// First and last line of each definition's head: decorators, name and parameters.
    heads: Vec<(u32, u32)>,
}

/// A definition whose body is being read.
#[derive(Clone)]
struct Open {
    indent: usize,
    name: usize,
}

impl Definitions {
    /// Read a file.
    #[must_use]
    pub fn new(source: &[u8]) -> Self {
        let mut reader = Reader::default();
        reader.read_lines(source);
        reader.found
    }

    /// Read two versions of a file; what they begin with alike is read once.
    #[must_use]
    pub fn of_both(old: &[u8], new: &[u8]) -> [Self; 2] {
        let start = &old[..common_start(old, new)];
        let start = memchr::memrchr(b'\n', start).unwrap_or(0);
        let mut reader = Reader::default();
        let rest = if start > 0 {
            reader.read_lines(&old[..start]);
            start + 1
        } else {
            0
        };
        [old, new].map(|source| {
            let mut reader = reader.clone();
            reader.read_lines(&source[rest..]);
            reader.found
        })
    }

    /// The path of the innermost definition around a line (`Class.method`), or [`MODULE`]. Decorators
    /// belong to what they decorate.
    #[must_use]
    pub fn at(&self, line: u32) -> &str {
        let after = self.starts.partition_point(|(start, _)| *start <= line);
        let name = after.checked_sub(1).map_or(0, |at| self.starts[at].1);
        self.names.get(name).map_or(MODULE, String::as_str)
    }

    /// The paths of all definitions, with [`MODULE`].
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }

    /// Runs of lines, from the first to before the second, whose innermost definition has this path, its head among
    /// them; the last run has no end.
    pub(super) fn runs_of<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (u32, Option<u32>)> + 'a {
        let first = self.starts.first().map(|(line, _)| *line);
        let before = (path == MODULE && first != Some(1)).then_some((1, first));
        let ends = self.starts.iter().skip(1).map(|(line, _)| Some(*line)).chain([None]);
        let runs = self.starts.iter().zip(ends).filter(move |((_, name), _)| self.names[*name] == path);
        before.into_iter().chain(runs.map(|((line, _), end)| (*line, end)))
    }

    /// Whether a line belongs to a definition's head. It is executed where the definition is made, and it
    /// decides over calls that never get inside.
    pub(super) fn is_head(&self, line: u32) -> bool {
        let after = self.heads.partition_point(|(first, _)| *first <= line);
        after.checked_sub(1).is_some_and(|at| line <= self.heads[at].1)
    }

    /// The lines, from 1, whose innermost definition has this path or lies in it.
    pub fn lines_of<'a>(&'a self, path: &'a str, all: u32) -> impl Iterator<Item = u32> + 'a {
        (1..=all).filter(move |&line| {
            let rest = self.at(line).strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

#[derive(Clone)]
struct Reader {
    found: Definitions,
    /// Number of the last line.
    line: u32,
    open: Vec<Open>,
    /// Line of the first decorator of the definition to come.
    decorated: Option<u32>,
    is_in_head: bool,
    text: Text,
}

impl Default for Reader {
    fn default() -> Self {
        let found = Definitions { names: vec![MODULE.to_owned()], ..Definitions::default() };
        let (open, text) = (Vec::new(), Text::default());
        Self { found, line: 0, open, decorated: None, is_in_head: false, text }
    }
}

impl Reader {
    fn read_lines(&mut self, source: &[u8]) {
        let mut begin = 0;
        for end in memchr::memchr_iter(b'\n', source).chain([source.len()]) {
            self.read_line(&source[begin..end]);
            begin = end + 1;
        }
    }

    fn read_line(&mut self, bytes: &[u8]) {
        self.line += 1;
        let line = self.line;
        let inside = self.text.is_open();
        let indent = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | 0x0c)).count();
        let code = bytes[indent..].trim_ascii_end();
        self.text.read(code);
        if self.is_in_head
            && let Some(head) = self.found.heads.last_mut()
        {
            head.1 = line;
            self.is_in_head = self.text.is_open();
        }
        if inside || code.is_empty() || code[0] == b'#' {
            return;
        }
        while self.open.last().is_some_and(|open| indent <= open.indent) {
            self.open.pop();
            let around = self.open.last().map_or(0, |open| open.name);
            self.start(self.decorated.unwrap_or(line), around);
        }
        if code[0] == b'@' {
            self.decorated.get_or_insert(line);
            return;
        }
        let decorated = self.decorated.take();
        if let Some(name) = defined(code) {
            let path = match self.open.last() {
                Some(around) => format!("{}.{name}", self.found.names[around.name]),
                None => name.to_owned(),
            };
            self.found.names.push(path);
            let name = self.found.names.len() - 1;
            self.open.push(Open { indent, name });
            self.start(decorated.unwrap_or(line), name);
            self.found.heads.push((decorated.unwrap_or(line), line));
            self.is_in_head = self.text.is_open();
        }
    }

    fn start(&mut self, line: u32, name: usize) {
        while self.found.starts.last().is_some_and(|(last, _)| *last >= line) {
            self.found.starts.pop();
        }
        self.found.starts.push((line, name));
    }
}

/// The name that a line defines, if it begins a definition.
fn defined(code: &[u8]) -> Option<&str> {
    let code = std::str::from_utf8(code).ok()?;
    let rest = code.strip_prefix("async ").map_or(code, str::trim_start);
    let rest = rest.strip_prefix("def ").or_else(|| rest.strip_prefix("class "))?.trim_start();
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some(&rest[..end]).filter(|name| !name.is_empty())
}

/// Whether a line continues a text in three quotes, or an open bracket.
#[derive(Clone, Default)]
struct Text {
    quotes: Option<u8>,
    depth: usize,
}

impl Text {
    const fn is_open(&self) -> bool {
        self.quotes.is_some() || self.depth > 0
    }

    fn read(&mut self, code: &[u8]) {
        let mut at = 0;
        loop {
            let rest = code.get(at..).unwrap_or_default();
            let Some(next) = (match self.quotes {
                Some(quote) => memchr::memchr2(quote, b'\\', rest),
                None => rest.iter().position(|&byte| is_sign(byte)),
            }) else {
                return;
            };
            at += next;
            let (byte, is_triple) = (code[at], code[at..].starts_with(&[code[at]; 3]));
            at += 1;
            match (self.quotes, byte) {
                (Some(_), b'\\') => at += 1,
                (Some(_), _) if is_triple => {
                    self.quotes = None;
                    at += 2;
                }
                (Some(_), _) => {}
                (None, b'#') => return,
                (None, b'"' | b'\'') if is_triple => {
                    self.quotes = Some(byte);
                    at += 2;
                }
                (None, b'"' | b'\'') => at += short_text(&code[at - 1..]),
                (None, b'(' | b'[' | b'{') => self.depth += 1,
                (None, _) => self.depth = self.depth.saturating_sub(1),
            }
        }
    }
}

/// What decides, outside of texts, where code goes on in the next line.
const fn is_sign(byte: u8) -> bool {
    matches!(byte, b'#' | b'"' | b'\'' | b'(' | b')' | b'[' | b']' | b'{' | b'}')
}

/// How far the closing quote of a text in single quotes is from its opening one.
fn short_text(code: &[u8]) -> usize {
    let mut at = 1;
    while at < code.len() && code[at] != code[0] {
        at += if code[at] == b'\\' { 2 } else { 1 };
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOURCE: &str = r#"import os
X = {
"a": 1,
}

class A(Base):
    """A text.
def not_one():
    """
    y = 1

    @decorated(
        1)
    async def run(self,
            other):
        def inner():
            return 1
        return inner  # def no():

    z = 2
def last(): pass
print(X)
"#;

    #[test]
    fn lines_lie_in_the_innermost_definition() {
        let found = Definitions::new(SOURCE.as_bytes());
        let expected = [
            (1, MODULE),
            (3, MODULE),
            (6, "A"),
            (8, "A"),
            (10, "A"),
            (12, "A.run"),
            (15, "A.run"),
            (16, "A.run.inner"),
            (17, "A.run.inner"),
            (18, "A.run"),
            (20, "A"),
            (21, "last"),
            (22, MODULE),
        ];
        for (line, name) in expected {
            assert_eq!(found.at(line), name, "line {line}");
        }
        let heads: Vec<u32> = (1..=22).filter(|&line| found.is_head(line)).collect();
        assert_eq!(heads, [6, 12, 13, 14, 15, 16, 21]);
        assert_eq!(found.lines_of("A.run", 22).collect::<Vec<_>>(), (12..=19).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn two_versions_are_read_as_each_alone(
            start in "((class A:|def f\\(|    def g\\(x\\):|'{3}|x = 1|\\)|#)\n){0,9}",
            ends in ["((def h|    y|'{3}|@d)?\n?){0,4}", "((def i|    y|\"\"\")?\n?){0,4}"],
        ) {
            let [old, new] = ends.map(|end| format!("{start}{end}").into_bytes());
            let both = Definitions::of_both(&old, &new);
            prop_assert_eq!(both, [old, new].map(|source| Definitions::new(&source)));
        }
    }

    #[test]
    fn whatever_is_read_it_ends() {
        for source in ["", "def", "'''", "def f(:\n x = '\\", "class \n@\n@a\n", "\u{fffd}def é(): pass\n"] {
            let found = Definitions::new(source.as_bytes());
            assert!(!found.at(1).is_empty());
        }
    }
}

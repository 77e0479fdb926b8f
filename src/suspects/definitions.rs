//! Which function or class each line of a Python file lies in, without parsing: by indentation. It reads
//! hundreds of megabytes a second, and whole ranges of history have to be read.

/// What a line outside of every definition lies in.
pub const MODULE: &str = "<module>";

/// The definitions of one file.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    names: Vec<String>,
    /// From this line on (from 1), this name.
    starts: Vec<(u32, usize)>,
    /// First and last line of each definition's head: decorators, name and parameters.
    heads: Vec<(u32, u32)>,
}

/// A definition whose body is being read.
struct Open {
    indent: usize,
    name: usize,
}

impl Definitions {
    /// Read a file.
    #[must_use]
    pub fn new(source: &[u8]) -> Self {
        let mut reader = Reader {
            found: Self { names: vec![MODULE.to_owned()], starts: Vec::new(), heads: Vec::new() },
            open: Vec::new(),
            decorated: None,
            is_in_head: false,
            text: Text::default(),
        };
        for (line, bytes) in (1_u32..).zip(source.split(|&byte| byte == b'\n')) {
            reader.read(line, bytes);
        }
        reader.found
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

struct Reader {
    found: Definitions,
    open: Vec<Open>,
    /// Line of the first decorator of the definition to come.
    decorated: Option<u32>,
    is_in_head: bool,
    text: Text,
}

impl Reader {
    fn read(&mut self, line: u32, bytes: &[u8]) {
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
#[derive(Default)]
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
        while at < code.len() {
            let byte = code[at];
            if let Some(quote) = self.quotes {
                let ends = code[at..].starts_with(&[quote; 3]);
                at += if ends {
                    3
                } else if byte == b'\\' {
                    2
                } else {
                    1
                };
                if ends {
                    self.quotes = None;
                }
                continue;
            }
            match byte {
                b'#' => return,
                b'"' | b'\'' if code[at..].starts_with(&[byte; 3]) => {
                    self.quotes = Some(byte);
                    at += 2;
                }
                b'"' | b'\'' => at += short_text(&code[at..]),
                b'(' | b'[' | b'{' => self.depth += 1,
                b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
    }
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

    #[test]
    fn whatever_is_read_it_ends() {
        for source in ["", "def", "'''", "def f(:\n x = '\\", "class \n@\n@a\n", "\u{fffd}def é(): pass\n"] {
            let found = Definitions::new(source.as_bytes());
            assert!(!found.at(1).is_empty());
        }
    }
}

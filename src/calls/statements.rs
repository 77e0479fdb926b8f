//! Splits Python source into statements without parsing it: a scanner of lines that knows brackets,
//! strings, comments and indentation, and nothing else.
//!
//! It is what makes the diff fast: statements that are equal on both sides are set aside before the
//! parser sees anything. A test compares its boundaries with those of CPython's own `ast`.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memchr3};

/// What a statement is, as far as its first word tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Import,
    /// `if`, `try`, `with`, `for`, `while`, `match`: may hold bindings of the scope around it.
    Compound,
    Function,
    Class,
    Simple,
}

/// One statement with its decorators and its body, from the start of its first line.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) range: Range<usize>,
    pub(super) form: Form,
    /// What follows the keyword of a function or class; empty for the others.
    pub(super) name: Range<usize>,
    /// Where the first line after decorators ends: the header of a class.
    pub(super) header_end: usize,
}

impl Statement {
    pub(super) fn text<'a>(&self, source: &'a [u8]) -> &'a [u8] {
        &source[self.range.clone()]
    }

    pub(super) fn name<'a>(&self, source: &'a [u8]) -> &'a [u8] {
        &source[self.name.clone()]
    }
}

/// The statements at the top of a file.
pub(super) fn top_level(source: &[u8]) -> Vec<Statement> {
    let start = if source.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut statements = Vec::new();
    // Too little indentation cannot happen at indentation 0.
    collect(source, start..source.len(), 0, &mut statements);
    statements
}

/// The statements of a class body; None when it has no lines of its own, or odd indentation.
pub(super) fn members(source: &[u8], class: &Statement) -> Option<Vec<Statement>> {
    let body = class.header_end..class.range.end;
    let indent = LogicalLines::new(source, body.clone()).next()?.indent;
    let mut statements = Vec::new();
    collect(source, body, indent, &mut statements).then_some(statements)
}

/// Each line as a statement of its own: for files that are too large to parse.
pub(super) fn lines(source: &[u8]) -> Vec<Statement> {
    let mut start = 0;
    let ends = memchr_iter(b'\n', source).map(|at| at + 1).chain([source.len()]);
    ends.filter_map(|end| {
        let range = start..end;
        start = end;
        let blank = source[range.clone()].iter().all(u8::is_ascii_whitespace);
        (!blank).then_some(Statement { header_end: end, name: end..end, form: Form::Simple, range })
    })
    .collect()
}

/// False when a line has less indentation than the block.
fn collect(source: &[u8], range: Range<usize>, indent: usize, into: &mut Vec<Statement>) -> bool {
    let mut decorated = false;
    for line in LogicalLines::new(source, range) {
        if line.indent < indent {
            return false;
        }
        let first = &source[line.first..line.range.end];
        let inside = line.indent > indent && !into.is_empty();
        match into.last_mut() {
            Some(open) if inside || (!decorated && continues(first)) => open.range.end = line.range.end,
            Some(open) if decorated => {
                decorated = first.starts_with(b"@");
                let start = open.range.start;
                *open = opened(source, &line);
                open.range.start = start;
            }
            _ => {
                decorated = first.starts_with(b"@");
                into.push(opened(source, &line));
            }
        }
    }
    true
}

fn opened(source: &[u8], line: &LogicalLine) -> Statement {
    let text = &source[line.first..line.range.end];
    let (form, name) = form(text);
    Statement {
        range: line.range.clone(),
        form,
        name: line.first + name.start..line.first + name.end,
        header_end: line.range.end,
    }
}

fn word(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|&byte| !is_name_byte(byte)).unwrap_or(text.len());
    &text[..end]
}

/// Whether a byte can be part of a name.
pub(super) const fn is_name_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || byte >= 0x80
}

pub(super) fn continues(text: &[u8]) -> bool {
    matches!(word(text), b"else" | b"elif" | b"except" | b"finally")
}

fn form(text: &[u8]) -> (Form, Range<usize>) {
    let first = word(text);
    let named = |from: usize| {
        let start = from + text[from..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        start..start + word(&text[start..]).len()
    };
    let soft = |form| if begins_soft_block(text) { form } else { Form::Simple };
    match first {
        // What follows a semicolon may be anything.
        b"import" | b"from" if memchr(b';', text).is_none() => (Form::Import, 0..0),
        b"import" | b"from" => (Form::Compound, 0..0),
        b"class" => (Form::Class, named(5)),
        b"def" => (Form::Function, named(3)),
        b"async" => {
            let second = named(5);
            match &text[second.clone()] {
                b"def" => (Form::Function, named(second.end)),
                _ => (Form::Compound, 0..0),
            }
        }
        b"if" | b"try" | b"with" | b"for" | b"while" => (Form::Compound, 0..0),
        b"match" => (soft(Form::Compound), 0..0),
        _ => (Form::Simple, 0..0),
    }
}

/// `match x:` and not `match = 1` or `match(x)`.
fn begins_soft_block(text: &[u8]) -> bool {
    let code = text.trim_ascii_end();
    code.ends_with(b":") || memchr(b'#', code).is_some_and(|at| code[..at].trim_ascii_end().ends_with(b":"))
}

pub(super) struct LogicalLine {
    /// With indentation and line end.
    pub(super) range: Range<usize>,
    pub(super) first: usize,
    pub(super) indent: usize,
}

/// Lines of code: joined over brackets, strings and backslashes; blank and comment lines left out.
pub(super) struct LogicalLines<'a> {
    source: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> LogicalLines<'a> {
    pub(super) const fn new(source: &'a [u8], range: Range<usize>) -> Self {
        Self { source, at: range.start, end: range.end }
    }
}

impl Iterator for LogicalLines<'_> {
    type Item = LogicalLine;

    fn next(&mut self) -> Option<LogicalLine> {
        let bytes = &self.source[..self.end];
        loop {
            let start = self.at;
            let mut first = start;
            let mut indent = 0;
            while let Some(byte) = bytes.get(first) {
                match byte {
                    b' ' => indent += 1,
                    b'\t' => indent = indent / 8 * 8 + 8,
                    b'\x0c' => indent = 0,
                    _ => break,
                }
                first += 1;
            }
            match bytes.get(first)? {
                b'\n' => self.at = first + 1,
                b'\r' => self.at = first + 1 + usize::from(bytes.get(first + 1) == Some(&b'\n')),
                b'#' => self.at = line_end(bytes, first),
                _ => {
                    self.at = logical_end(bytes, first);
                    return Some(LogicalLine { range: start..self.at, first, indent });
                }
            }
        }
    }
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |at| from + at + 1)
}

/// Bytes at which a scan of code has something to do.
const TELLING: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"\n#\"'()[]{}\\";
    let mut at = 0;
    while at < bytes.len() {
        table[usize_of(bytes[at])] = true;
        at += 1;
    }
    table
};

#[expect(clippy::as_conversions, reason = "there is no other conversion in a constant")]
const fn usize_of(byte: u8) -> usize {
    byte as usize
}

/// The next byte from here that tells something, or the end.
pub(super) fn next_telling(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|&byte| TELLING[usize::from(byte)]).unwrap_or(rest.len())
}

/// The byte after the line end that ends the logical line.
fn logical_end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = next_telling(bytes, from);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' if depth == 0 => return at + 1,
            b'#' => at = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |found| at + found),
            b'"' | b'\'' => at = string_end(bytes, at),
            b'(' | b'[' | b'{' => {
                depth += 1;
                at += 1;
            }
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'\\' => at += if bytes[at..].starts_with(b"\\\r\n") { 3 } else { 2 },
            _ => at += 1,
        }
        at = next_telling(bytes, at);
    }
    bytes.len()
}

/// The byte after a string that begins at a quote. A one-line string that is not closed ends with
/// its line.
pub(super) fn string_end(bytes: &[u8], from: usize) -> usize {
    let quote = bytes[from];
    let triple = bytes[from..].starts_with(&[quote; 3]);
    let mut at = from + if triple { 3 } else { 1 };
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let next = if triple { memchr2(quote, b'\\', rest) } else { memchr3(quote, b'\\', b'\n', rest) };
        let Some(next) = next else { return bytes.len() };
        at += next;
        match bytes[at] {
            b'\\' => at += if bytes[at..].starts_with(b"\\\r\n") { 3 } else { 2 },
            b'\n' => return at,
            _ if !triple => return at + 1,
            _ if bytes[at..].starts_with(&[quote; 3]) => return at + 3,
            _ => at += 1,
        }
    }
}

/// The byte after the bracket that closes the one at `from`, if there is one.
pub(super) fn closing(bytes: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => at = memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |found| at + found),
            b'"' | b'\'' => at = string_end(bytes, at),
            b'(' | b'[' | b'{' => {
                depth += 1;
                at += 1;
            }
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests;

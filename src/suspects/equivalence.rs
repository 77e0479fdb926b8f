//! What code does, as far as a reader sees it at once: two versions of a definition with the same *essence* do the
//! same. Comments, texts that only document, layout, the kind of quotes, annotations of parameters and results, and what
//! stands below `if TYPE_CHECKING:` are no part of it.
//!
//! It is read without parsing, since whole ranges of history have to be read. What is not understood stays as it is,
//! so errors are towards a difference.

use crate::model::common_affixes::common_end;

/// What begins a block that only type checkers read.
const IF_CHECKING: [&[u8]; 2] = [b"if TYPE_CHECKING:", b"if typing.TYPE_CHECKING:"];
const DEFINITION: [&[u8]; 2] = [b"def ", b"async def "];
/// Words before a bracket that call nothing.
const KEYWORDS: [&[u8]; 15] = [
    b"and", b"assert", b"await", b"del", b"elif", b"else", b"for", b"if", b"in", b"is", b"not", b"or",
    b"return", b"while", b"yield",
];

/// Both contents without the lines that they have in common at their ends.
pub(super) fn without_common_end<'a>(old: &'a [u8], new: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let alike = common_end(old, new);
    let common = &old[old.len() - alike..];
    // The first line of what is common may differ in front of it.
    let partial = memchr::memchr(b'\n', common).map_or(common.len(), |end| end + 1);
    let lines = common.len() - partial;
    (&old[..old.len() - lines], &new[..new.len() - lines])
}

/// The essence of some lines of code.
pub(super) fn normalized_code(code: &[u8]) -> Vec<u8> {
    let mut reader = Reader { code, at: 0, out: Vec::with_capacity(code.len()), hidden: None };
    while reader.at < code.len() {
        reader.statement();
    }
    reader.out
}

struct Reader<'a> {
    code: &'a [u8],
    at: usize,
    out: Vec<u8>,
    /// Indentation of the block for type checkers that is being read.
    hidden: Option<usize>,
}

/// An open bracket.
struct Bracket {
    closes: u8,
    /// Whether a comma before its end says nothing, even if it is the only one: `f(a,)` is `f(a)`, and `[a,]` is `[a]`;
    /// but `(a,)` and `x[a,]` are not what they are without.
    is_free: bool,
    commas: u32,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.code.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.code.get(self.at..).unwrap_or_default()
    }

    fn begins_with(&self, words: &[&[u8]]) -> bool {
        words.iter().any(|word| self.rest().starts_with(word))
    }

    fn skip_line(&mut self) {
        self.at = memchr::memchr(b'\n', self.rest()).map_or(self.code.len(), |end| self.at + end);
    }

    /// One logical line.
    fn statement(&mut self) {
        let is_blank = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'\r' | 0x0c);
        let indent = self.rest().iter().take_while(is_blank).count();
        self.at += indent;
        match self.peek() {
            None => return,
            Some(b'\n') => {
                self.at += 1;
                return;
            }
            Some(b'#') => return self.skip_line(),
            Some(_) => {}
        }
        self.hidden = self.hidden.filter(|around| indent > *around);
        let hides = self.begins_with(&IF_CHECKING);
        let is_hidden = hides || self.hidden.is_some();
        if hides {
            self.hidden.get_or_insert(indent);
        }
        let begin = self.out.len();
        self.out.push(b'\n');
        self.out.extend(u32::try_from(indent).unwrap_or(u32::MAX).to_le_bytes());
        let is_definition = self.begins_with(&DEFINITION);
        let is_only_text = self.tokens(is_definition);
        if is_hidden || is_only_text {
            self.out.truncate(begin);
        }
    }

    /// The rest of a logical line. Whether it is a text and nothing else.
    fn tokens(&mut self, is_definition: bool) -> bool {
        let mut brackets: Vec<Bracket> = Vec::new();
        // Among the parameters of a definition, whether a name is being read, and not its default.
        let mut in_name = true;
        let (mut texts, mut others) = (0_u32, 0_u32);
        while let Some(byte) = self.peek() {
            if byte == b'\n' && brackets.is_empty() {
                self.at += 1;
                break;
            }
            if self.skip_gap() {
                continue;
            }
            if self.text() {
                texts += 1;
                continue;
            }
            others += 1;
            match byte {
                b':' if is_definition && in_name && brackets.len() == 1 => self.skip_annotation(b",=)"),
                b'-' if is_definition && brackets.is_empty() && self.begins_with(&[b"->"]) => {
                    self.skip_annotation(b":");
                }
                _ => {
                    self.count(byte, &mut brackets);
                    in_name = brackets.len() == 1 && (in_name || matches!(byte, b',' | b'(')) && byte != b'=';
                    self.word_or_sign();
                }
            }
        }
        texts > 0 && others == 0
    }

    /// Keep account of the open brackets, and drop a comma before the end of one that it says nothing in.
    fn count(&mut self, byte: u8, brackets: &mut Vec<Bracket>) {
        let out = &self.out;
        let follows = || {
            let word = out.len() - out.iter().rev().take_while(|byte| is_word(**byte)).count();
            let ends = out.last().is_some_and(|last| matches!(last, b')' | b']'));
            ends || word < out.len() && !KEYWORDS.contains(&&out[word..])
        };
        match byte {
            b'(' => brackets.push(Bracket { closes: b')', is_free: follows(), commas: 0 }),
            b'[' => brackets.push(Bracket { closes: b']', is_free: !follows(), commas: 0 }),
            b'{' => brackets.push(Bracket { closes: b'}', is_free: true, commas: 0 }),
            b',' => brackets.iter_mut().next_back().into_iter().for_each(|open| open.commas += 1),
            b')' | b']' | b'}' => {
                let open = brackets.pop().filter(|open| open.closes == byte);
                if open.is_some_and(|open| open.is_free || open.commas > 1) && self.out.last() == Some(&b',')
                {
                    self.out.pop();
                }
            }
            _ => {}
        }
    }

    /// Skip space, comments and ends of lines that end nothing. Whether there were any.
    fn skip_gap(&mut self) -> bool {
        match (self.peek(), self.code.get(self.at + 1)) {
            (Some(b' ' | b'\t' | b'\r' | b'\n' | 0x0c), _) => self.at += 1,
            (Some(b'\\'), Some(b'\n' | b'\r')) => self.at += 2,
            (Some(b'#'), _) => self.skip_line(),
            _ => return false,
        }
        true
    }

    /// A word, or one sign.
    fn word_or_sign(&mut self) {
        let length = self.rest().iter().take_while(|byte| is_word(**byte)).count();
        // Two words stay two, however far they were apart.
        if length > 0 && self.out.last().copied().is_some_and(is_word) {
            self.out.push(b' ');
        }
        let end = (self.at + length.max(1)).min(self.code.len());
        self.out.extend_from_slice(&self.code[self.at..end]);
        self.at = end;
    }

    /// A text with its prefix, in double quotes where that changes nothing. Whether there was one.
    fn text(&mut self) -> bool {
        let is_prefix = |byte: &&u8| matches!(byte.to_ascii_lowercase(), b'r' | b'b' | b'u' | b'f' | b't');
        let prefix = self.rest().iter().take(2).take_while(is_prefix).count();
        let Some(&quote) = self.rest().get(prefix).filter(|byte| matches!(byte, b'"' | b'\'')) else {
            return false;
        };
        let begin = self.at;
        self.at += prefix;
        let marks = if self.rest().starts_with(&[quote; 3]) { 3 } else { 1 };
        self.at += marks;
        let inside = self.at;
        loop {
            // Nothing else says where it ends.
            let Some(next) = memchr::memchr3(b'\\', quote, b'\n', self.rest()) else {
                self.at = self.code.len();
                break;
            };
            self.at += next;
            match self.code[self.at] {
                b'\\' => self.at += 2,
                b'\n' if marks == 1 => break,
                _ if self.rest().starts_with(&[quote; 3][..marks]) => break,
                _ => self.at += 1,
            }
        }
        let end = self.at.min(self.code.len());
        self.at = (end + marks).min(self.code.len());
        let content = &self.code[inside..end];
        if marks == 1 && !content.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'\\')) {
            self.out.extend_from_slice(&self.code[begin..begin + prefix]);
            self.out.push(b'"');
            self.out.extend_from_slice(content);
            self.out.push(b'"');
        } else {
            self.out.extend_from_slice(&self.code[begin..self.at]);
        }
        true
    }

    /// Skip an annotation, as far as one of these outside of brackets.
    fn skip_annotation(&mut self, ends: &[u8]) {
        let begin = self.out.len();
        let mut depth = 0_usize;
        // Its own sign, `:` or `->`, is none of its ends.
        self.at += if ends == b":" { 2 } else { 1 };
        while let Some(byte) = self.peek() {
            if depth == 0 && (ends.contains(&byte) || byte == b'\n' && ends == b":") {
                break;
            }
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if !self.skip_gap() && !self.text() {
                self.at += 1;
            }
        }
        self.out.truncate(begin);
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> bool {
        normalized_code(a.as_bytes()) == normalized_code(b.as_bytes())
    }

    #[test]
    fn what_only_looks_different_is_the_same() {
        for (a, b) in [
            (
                "def f(a, b=1):\n    return a\n",
                "def f(\n    a: int,\n    b: 'List[int, str]' = 1,\n) -> Dict[str, int]:\n\n    return a  # why\n",
            ),
            (
                "def f(a):\n    return {'a': 1}\n",
                "def f(a):\n    '''Tell.\n    def g(): #'''\n    return {\n        \"a\": 1,\n    }\n",
            ),
            ("x = call(a, b)\n", "x = call( a,\n    b,  # last\n)\n"),
            (
                "import os\nx = 1\n",
                "import os\nif TYPE_CHECKING:\n    from a import b\n    if x:\n        c\nx = 1\n",
            ),
            ("x = a + \\\n    b\n", "x = a + b\n"),
            (
                "async def f(self, *, key=lambda x: x): pass\n",
                "async def f(self, *, key: Fn[[int], str] = lambda x: x) -> None: pass\n",
            ),
            ("class A:\n    u\"\"\"Old.\"\"\"\n    b = 1\n", "class A:\n    \"New.\"\n    b = 1\n"),
        ] {
            assert!(
                alike(a, b),
                "{a}\n---\n{b}\n{:?}\n{:?}",
                String::from_utf8_lossy(&normalized_code(a.as_bytes())),
                String::from_utf8_lossy(&normalized_code(b.as_bytes()))
            );
        }
    }

    #[test]
    fn what_does_something_else_is_different() {
        for (a, b) in [
            ("if a:\n    b()\n    c()\n", "if a:\n    b()\nc()\n"),
            ("x = (1,)\n", "x = (1)\n"),
            ("x = a[1,]\n", "x = a[1]\n"),
            ("return (1,)\n", "return (1)\n"),
            ("x = a in (1,)\n", "x = a in (1)\n"),
            ("import typing_inspect\n", ""),
            // A name that this version of Python has not, and annotations that are text from now on.
            ("from typing import Any\n", "from typing import Any, Self\n"),
            ("import os\n", "from __future__ import annotations\nimport os\n"),
            ("x = 'a'\n", "x = 'b'\n"),
            ("x = 'a # b'\n", "x = 'a'\n"),
            ("x = 'a b'\n", "x = 'ab'\n"),
            ("x = not a\n", "x = nota\n"),
            ("json.load(f)\n", "json.loads(f)\n"),
            ("def f(a=1): pass\n", "def f(a=2): pass\n"),
            ("def f(a: int = 1): pass\n", "def f(a: int): pass\n"),
            ("class A:\n    a: int\n", "class A:\n    a: str\n"),
            ("@a\ndef f(): pass\n", "def f(): pass\n"),
            ("x = f(lambda a: a)\n", "x = f(lambda a: b)\n"),
            ("x = {a: b}\n", "x = {a: c}\n"),
            ("return \"a\"\n", "return\n"),
        ] {
            assert!(!alike(a, b), "{a}\n---\n{b}");
        }
    }

    #[test]
    fn whatever_is_read_it_ends() {
        for source in [
            "",
            "\\",
            "'",
            "'''",
            "def f(a:",
            "def f() -> ",
            "x = '\\",
            "((((",
            "))))",
            "if TYPE_CHECKING:",
            "\u{fffd}\\\n#",
        ] {
            normalized_code(source.as_bytes());
        }
    }

    #[test]
    fn common_ends_are_whole_lines() {
        let (old, new) = without_common_end(b"a\nxb\nc\n", b"a\nyb\nc\n");
        assert_eq!((old, new), (&b"a\nxb\n"[..], &b"a\nyb\n"[..]));
        assert_eq!(without_common_end(b"same\n", b"same\n"), (&b"same\n"[..], &b"same\n"[..]));
        assert_eq!(without_common_end(b"", b"a\n"), (&b""[..], &b"a\n"[..]));
    }
}

//! Values as Python prints them: `{'a': None, 'b': ["it's", 3]}`, as loggers do that write `key=repr(value)`.

use serde_json::{Map, Value};

/// How deep values may stand in each other.
const DEPTH: usize = 24;
/// What begins the exceptions that structlog's `dict_tracebacks` makes, where a renderer prints them so.
const EXCEPTIONS: &str = "[{'exc_type': '";

/// The exceptions in a line, and where they begin.
pub(super) fn exceptions(line: &[u8]) -> Option<(usize, Vec<Value>)> {
    let at = memchr::memmem::find(line, EXCEPTIONS.as_bytes())?;
    let text = String::from_utf8_lossy(&line[at..]);
    match (Reader { rest: &text }).value(0)? {
        Value::Array(values) => Some((at, values)),
        _ => None,
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH {
            return None;
        }
        match self.rest.chars().next()? {
            '[' => self.list(']', depth),
            '(' => self.list(')', depth),
            '{' => self.fields(depth),
            '\'' | '"' => self.text().map(Value::String),
            _ => self.word(),
        }
    }

    fn list(&mut self, close: char, depth: usize) -> Option<Value> {
        self.rest = &self.rest[1..];
        let mut values = Vec::new();
        while !self.takes(close) {
            values.push(self.value(depth + 1)?);
            if !self.takes(',') && !self.rest.starts_with(close) {
                return None;
            }
        }
        Some(Value::Array(values))
    }

    fn fields(&mut self, depth: usize) -> Option<Value> {
        self.rest = &self.rest[1..];
        let mut fields = Map::new();
        while !self.takes('}') {
            let key = self.text()?;
            if !self.takes(':') {
                return None;
            }
            fields.insert(key, self.value(depth + 1)?);
            if !self.takes(',') && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Value::Object(fields))
    }

    /// Steps over this sign and the blanks behind it, where it is next.
    fn takes(&mut self, sign: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let mut out = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next()?.1 {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    c @ ('\\' | '\'' | '"') => out.push(c),
                    other => out.extend(['\\', other]),
                },
                c if c == quote => {
                    self.rest = &self.rest[at + 2..];
                    return Some(out);
                }
                _ => out.push(c),
            }
        }
        None
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find([',', ']', ')', '}', ' ']).filter(|end| *end > 0)?;
        let (word, rest): (&'t str, &'t str) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "None" => Some(Value::Null),
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            number => serde_json::from_str(number).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_as_python_prints_them() {
        let read = |text| Reader { rest: text }.value(0);
        assert_eq!(
            read(r#"{'a': None, 'b': ["it's", 3, -1.5], 'c': (True,), 'd': {}, 'e': 'x\n\'y\\'}"#),
            Some(json!({"a": null, "b": ["it's", 3, -1.5], "c": [true], "d": {}, "e": "x\n'y\\"}))
        );
        for broken in ["{'a': <object>}", "['a' 'b']", "{'a'", "[", "", "{1: 2}"] {
            assert_eq!(read(broken), None, "{broken}");
        }
        assert_eq!(read(&"[".repeat(100)), None);
    }

    #[test]
    fn exceptions_in_a_line() {
        let line = "event='no page' exception=[{'exc_type': 'KeyError', 'exc_value': \"'mint'\", 'frames': []}] level='error'";
        let (at, values) = exceptions(line.as_bytes()).unwrap();
        assert_eq!(&line[..at], "event='no page' exception=");
        assert_eq!(values[0]["exc_value"], "'mint'");
        assert_eq!(exceptions(b"event='no page'"), None);
    }
}

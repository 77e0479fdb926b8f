//! Fluent Bit's `stdout` output: `[0] kube.kiosk: [[1764411003.5, {}], {"log"=>"…", "stream"=>"stderr"}]`, before 2.1
//! without the inner list. Texts in it are as they came, quotes and line ends and all.

use std::sync::LazyLock;

use regex::Regex;

/// The fields that hold what the program wrote.
static OPENS: LazyLock<Regex> = LazyLock::new(|| {
    let time = r"\[?(\d+\.\d+), (?:\{.*?\}\], )?";
    let field = r#"\{(?:.*?, )?"(?:log|message|MESSAGE|msg|line)"=>"#;
    Regex::new(&format!(r#"^\[\d+\] [^\s:]+: \[{time}{field}""#)).expect("a valid pattern")
});
/// The end of a text: the next field, or the record's end.
static ENDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""(?:, "[\w.@-]+"=>.*)?\}\]\s*$"#).expect("a valid pattern"));

/// Reads one line after the other.
#[derive(Debug, Default)]
pub(super) struct FluentBit {
    /// A text goes on in the next line.
    inside: bool,
}

/// What a line holds.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    /// Seconds since 1970, where the record begins here.
    pub(super) seconds: Option<f64>,
}

impl FluentBit {
    /// What the program wrote of this line; `None` when the line is none of Fluent Bit's.
    pub(super) fn line(&mut self, line: &[u8]) -> Option<Piece> {
        let opens = line.starts_with(b"[") && memchr::memmem::find(line, b"\"=>\"").is_some();
        let closes = self.inside && line.ends_with(b"}]");
        if !opens && !closes {
            return None;
        }
        let line = String::from_utf8_lossy(line);
        let (text, seconds) = match OPENS.captures(&line) {
            Some(found) => (&line[found.get(0)?.end()..], found[1].parse().ok()),
            None if self.inside => (&*line, None),
            None => return None,
        };
        let end = ENDS.find(text).map(|end| end.start());
        self.inside = end.is_none();
        let text = &text[..end.unwrap_or(text.len())];
        // Some versions escape what they print.
        let text = if text.contains("\\\"") { text.replace("\\\"", "\"") } else { text.to_owned() };
        Some(Piece { text: text.trim_end_matches("\\n").replace("\\n", "\n"), seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_they_came() {
        let mut reader = FluentBit::default();
        let mut read = |line: &str| reader.line(line.as_bytes()).map(|piece| piece.text);
        let frame = r#"  File "/srv/a.py", line 3, in f"#;
        let stream = r#", "stream"=>"stderr"}]"#;
        let marks = r#"[0] kube.kiosk: [[1764411003.500000000, {}], {"log"=>""#;
        assert_eq!(read(&format!("{marks}{frame}\"{stream}")).as_deref(), Some(frame));
        let old = r#"[12] kiosk: [1764411003.5, {"time"=>"x", "log"=>""#;
        assert_eq!(read(&format!("{old}{frame}\"}}]")).as_deref(), Some(frame));
        // A record of several lines.
        assert_eq!(read(&format!("{marks}Traceback:")).as_deref(), Some("Traceback:"));
        assert_eq!(read(frame), None);
        assert_eq!(read(&format!("KeyError: 'mint'\"{stream}")).as_deref(), Some("KeyError: 'mint'"));
        assert_eq!(read("KeyError: [{\"a\": \"b\"}]"), None);
    }
}

//! JSON objects that are written over several lines, as command line tools print them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::window::Window;
use super::{json, prefix};

/// How far above a line its object is looked for, and how far below.
const MOST_ABOVE: usize = 400;
const MOST_BELOW: usize = 400;
/// Objects around a line that are tried: the outermost and the innermost.
const MOST_TRIED: usize = 4;
/// Where nothing can be read, so many lines are not tried again.
const PAUSE: u64 = 60;
/// Where nothing opens an object, one line is not tried again for so many that were looked at.
const WALKED_A_LINE: u64 = 8;

/// An object around a line.
#[derive(Debug)]
pub(super) struct Pretty {
    pub(super) fields: Map<String, Value>,
    /// Which process wrote it, as the marks before its lines tell.
    pub(super) stream: u64,
    /// How many lines there are from the one at hand to its end, those of others among them.
    pub(super) lines: u64,
    /// Where the line behind it begins, when all of those are its own.
    pub(super) next: Option<usize>,
}

/// The outermost object around this line that can be read; `Err` when the line looks like a part of one and none
/// can: up to that line, no other needs to be tried. A container's marks may stand before each of its lines, and lines of
/// others between them.
pub(super) fn around(window: &Window<'_>) -> Option<Result<Pretty, u64>> {
    if !may_be_part(window.line()) {
        return None;
    }
    let own = Own::of(window.line());
    let line = &*own.body;
    let first = *line.trim_ascii().first()?;
    let opens = opens(line);
    let is_member = first == b'"' && indent(line) > 0;
    if !opens && !is_member {
        return None;
    }
    let (mut openings, walked) = openings_above(window, &own);
    if opens {
        openings.insert(0, (window.start, indent(line)));
    }
    if openings.is_empty() {
        let pause = walked / WALKED_A_LINE;
        return (pause > 0).then_some(Err(window.number + pause));
    }
    if openings.len() > MOST_TRIED {
        openings.drain(MOST_TRIED / 2..openings.len() - MOST_TRIED / 2);
    }
    let mut tried = window.number + PAUSE;
    for (start, indent) in openings.into_iter().rev() {
        let Some((end, lines, others)) = closing(window, &own, indent) else { continue };
        let text = own.text(&window.text[start..end]);
        let text = text.trim_ascii_end();
        let text = text.strip_suffix(b",").unwrap_or(text);
        if let Ok(Value::Object(fields)) = serde_json::from_slice(text) {
            let next = (others == 0).then_some(end + 1);
            return Some(Ok(Pretty { fields, stream: own.stream, lines, next }));
        }
        tried = tried.max(window.number + lines);
    }
    Some(Err(tried))
}

/// Whether the line may be one of an object, as far as its bytes tell.
fn may_be_part(line: &[u8]) -> bool {
    match line.strip_prefix(json::OF_DOCKER) {
        Some(text) => {
            let text = text.trim_ascii_start();
            let text = text.strip_prefix(b"\"").unwrap_or(text).trim_ascii_start();
            text.starts_with(b"{\\n\"") || text.starts_with(b"\\\"")
        }
        None => line.ends_with(b"{") || line.ends_with(b"{\r") || memchr::memchr(b'"', line).is_some(),
    }
}

/// Objects that were read, among lines of others: theirs need not be looked at.
#[derive(Debug, Default)]
pub(super) struct Objects {
    /// Whose, and up to which line.
    read: Vec<(u64, u64)>,
}

impl Objects {
    pub(super) fn read(&mut self, stream: u64, last: u64) {
        self.read.push((stream, last));
    }

    /// Whether the line is one of theirs.
    pub(super) fn hold(&mut self, window: &Window<'_>) -> bool {
        if self.read.is_empty() {
            return false;
        }
        self.read.retain(|(_, last)| *last >= window.number);
        let stream = Own::of(window.line()).stream;
        self.read.iter().any(|(read, _)| *read == stream)
    }

    pub(super) fn clear(&mut self) {
        self.read.clear();
    }
}

/// What a line says behind the marks of its container, and whose it is.
struct Own<'l> {
    body: Cow<'l, [u8]>,
    stream: u64,
    marked: bool,
}

impl<'l> Own<'l> {
    fn of(line: &'l [u8]) -> Self {
        if line.first().is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'{' | b'}' | b']'))
            && !line.starts_with(json::OF_DOCKER)
        {
            return Self { body: Cow::Borrowed(line), stream: prefix::take(b"").stream, marked: false };
        }
        let taken = prefix::take(line);
        if let Some((text, process)) = json::line_of_docker(taken.body) {
            return Self {
                body: Cow::Owned(text.into_bytes()),
                stream: taken.stream ^ process,
                marked: true,
            };
        }
        Self { body: Cow::Borrowed(taken.body), stream: taken.stream, marked: !taken.marks.is_empty() }
    }

    /// What another line says, when it is this process's.
    fn also<'o>(&self, line: &'o [u8]) -> Option<Cow<'o, [u8]>> {
        if !self.marked {
            return Some(Cow::Borrowed(line));
        }
        let other = Own::of(line);
        (other.stream == self.stream).then_some(other.body)
    }

    /// All that is this process's.
    fn text<'o>(&self, lines: &'o [u8]) -> Cow<'o, [u8]> {
        if !self.marked {
            return Cow::Borrowed(lines);
        }
        let own = lines.split(|byte| *byte == b'\n').filter_map(|line| self.also(line));
        Cow::Owned(own.flat_map(|line| [&*line, b"\n"].concat()).collect())
    }
}

/// Where the outermost object begins that is still open at the end of these whole lines: what comes next belongs to it.
pub(super) fn open_at_end(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    let mut inner = usize::MAX;
    let mut found = None;
    let mut own = None;
    for _ in 0..MOST_ABOVE {
        let whole = text[..end].strip_suffix(b"\n")?;
        let start = memchr::memrchr(b'\n', whole).map_or(0, |at| at + 1);
        let line = &whole[start..];
        end = start;
        let line = own.get_or_insert_with(|| Own::of(line)).also(line);
        let Some(line) = line else { continue };
        let here = indent(&line);
        if !line.trim_ascii().is_empty() && here < inner {
            if opens(&line) {
                found = Some(start);
            } else if inner != usize::MAX && !matches!(line.trim_ascii_end().last(), Some(b'{' | b'[')) {
                break;
            }
            inner = here;
        }
        if inner == 0 || start == 0 {
            break;
        }
    }
    found
}

/// The lines above that open an object around this one, the nearest first: where each begins, and its indentation. With
/// it, how many lines were looked at.
fn openings_above(window: &Window<'_>, own: &Own<'_>) -> (Vec<(usize, usize)>, u64) {
    let mut found = Vec::new();
    let mut walked = 0;
    let mut inner = indent(&own.body);
    let mut end = window.start;
    for line in window.before().take(MOST_ABOVE) {
        walked += 1;
        let start = end - line.len() - 1;
        end = start;
        let Some(line) = own.also(line) else { continue };
        let here = indent(&line);
        if here >= inner {
            continue;
        }
        if opens(&line) {
            found.push((start, here));
        } else if !matches!(line.trim_ascii_end().last(), Some(b'{' | b'[')) {
            break;
        }
        inner = here;
        if inner == 0 {
            break;
        }
    }
    (found, walked)
}

/// Where the line ends that closes an object of this indentation, how many lines behind the one at hand it is, and how many
/// of those, from the object's beginning, are other processes'.
fn closing(window: &Window<'_>, own: &Own<'_>, of: usize) -> Option<(usize, u64, u64)> {
    let mut others = 0;
    for (lines, (start, line)) in (1..).zip(window.behind().take(MOST_BELOW)) {
        let Some(body) = own.also(line) else {
            others += 1;
            continue;
        };
        if indent(&body) <= of {
            let closes = indent(&body) == of && body.trim_ascii_start().starts_with(b"}");
            return closes.then_some((start + line.len(), lines, others));
        }
    }
    None
}

fn opens(line: &[u8]) -> bool {
    line.trim_ascii() == b"{"
}

fn indent(line: &[u8]) -> usize {
    line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'t>(text: &'t str, word: &str) -> Window<'t> {
        let at = text.find(word).unwrap();
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let end = at + text[at..].find('\n').unwrap();
        let number = 1 + u64::try_from(text[..start].matches('\n').count()).unwrap();
        Window { text: text.as_bytes(), start, end, ahead: text.len(), number, source: 0 }
    }

    #[test]
    fn the_outermost_object_around_a_line() {
        let text = "[\n  {\n    \"a\": {\n      \"level\": \"error\"\n    },\n    \"b\": [\n      {\n        \"c\": 1\n      }\n    ]\n  },\n  {\n    \"d\": 2\n  }\n]\n";
        for word in ["level", "\"c\"", "  {\n    \"a\""] {
            let found = around(&at(text, word)).unwrap().unwrap();
            assert_eq!(found.fields.len(), 2, "{word}");
            assert_eq!(&text[found.next.unwrap()..][..3], "  {");
        }
        assert_eq!(around(&at(text, "\"level")).unwrap().unwrap().lines, 7);
        assert!(around(&at("int main()\n{\n  \"error\" x;\n}\n", "error")).unwrap().is_err());
        assert!(around(&at("plain error\n", "error")).is_none());
        assert!(around(&at("said\n  \"an error\"\n", "error")).is_none());
    }

    #[test]
    fn marks_stand_before_each_line_and_others_between() {
        let lines = ["{", "  \"level\": \"error\",", "  \"a\": 1", "}"];
        let marked: String = lines.iter().map(|line| format!("web-1  | {line}\n")).collect();
        let found = around(&at(&marked, "level")).unwrap().unwrap();
        assert_eq!((found.fields.len(), found.lines, found.next), (2, 2, Some(marked.len())));
        let mixed: String = lines.iter().map(|line| format!("web-1  | {line}\nweb-2  | {line}\n")).collect();
        let found = around(&at(&mixed, "level")).unwrap().unwrap();
        assert_eq!((found.fields.len(), found.lines, found.next), (2, 4, None));
        let docker = |line: &str| {
            format!(
                "{}\n",
                serde_json::json!({"log": format!("{line}\n"), "stream": "stderr", "time": "2026-11-28T10:00:01Z"})
            )
        };
        let text: String = lines.iter().map(|line| docker(line)).collect();
        assert_eq!(around(&at(&text, "level")).unwrap().unwrap().fields.len(), 2);
        assert_eq!(open_at_end(b"web-1  | x\nweb-1  | {\nweb-2  | y\nweb-1  |   \"a\": 1,\n"), Some(11));
    }

    #[test]
    fn an_object_that_is_still_open_is_waited_for() {
        let open = |text: &str| open_at_end(text.as_bytes());
        assert_eq!(open("[\n  {\n    \"a\": 1\n  },\n"), None);
        assert_eq!(open("x\n{\n  \"a\": {\n    \"b\": 1,\n"), Some(2));
        assert_eq!(open("[\n  {\n    \"a\": {\n      \"b\": 1\n    },\n"), Some(2));
        assert_eq!(open("{\n"), Some(0));
        assert_eq!(open("{\n  \"a\": 1\n}\n"), None);
        assert_eq!(open("INFO sold\n  of mint\n"), None);
        assert_eq!(open(""), None);
    }

    /// Lines that are looked at above each line of a text, where each answer is kept to.
    fn walked(text: &str) -> u64 {
        let (mut start, mut no_object, mut walked) = (0, 0, 0);
        for (number, line) in (1..).zip(text.lines()) {
            let end = start + line.len();
            let window = Window { text: text.as_bytes(), start, end, ahead: text.len(), number, source: 0 };
            start = end + 1;
            if number <= no_object {
                continue;
            }
            match around(&window) {
                Some(Err(last)) => no_object = last,
                other => assert!(other.is_none()),
            }
            walked += openings_above(&window, &Own::of(window.line())).1;
        }
        walked
    }

    #[test]
    fn what_opens_nothing_costs_no_more_than_its_lines() {
        const LINES: usize = 4000;
        let nested: String = (0..30).map(|depth| format!("{}{{\n", "  ".repeat(depth))).collect();
        let members = |indent: usize| format!("{}\"error\": \"x\",\n", " ".repeat(indent)).repeat(LINES);
        for text in [members(2), format!("{nested}{}", members(60)), format!("reads:\n{}", members(4))] {
            let walked = walked(&text);
            let most = u64::try_from(LINES).unwrap() * (WALKED_A_LINE + 2);
            assert!(walked > 0 && walked < most, "{walked}");
        }
    }
}

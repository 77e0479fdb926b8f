//! JSON objects that are written over several lines, as command line tools print them.

use serde_json::{Map, Value};

use super::window::Window;

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
    /// Where the line behind it begins, and how many lines there are from the one at hand to its end.
    pub(super) next: usize,
    pub(super) lines: u64,
}

/// The outermost object around this line that can be read; `Err` when the line looks like a part of one and none
/// can: up to that line, no other needs to be tried.
pub(super) fn around(window: &Window<'_>) -> Option<Result<Pretty, u64>> {
    let line = window.line();
    let first = *line.trim_ascii().first()?;
    let opens = opens(line);
    let is_member = first == b'"' && indent(line) > 0;
    if !opens && !is_member {
        return None;
    }
    let (mut openings, walked) = openings_above(window);
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
        let Some((end, lines)) = closing(window, indent) else { continue };
        let text = window.text[start..end].trim_ascii_end();
        let text = text.strip_suffix(b",").unwrap_or(text);
        if let Ok(Value::Object(fields)) = serde_json::from_slice(text) {
            return Some(Ok(Pretty { fields, next: end + 1, lines }));
        }
        tried = tried.max(window.number + lines);
    }
    Some(Err(tried))
}

/// Where the outermost object begins that is still open at the end of these whole lines: what comes next belongs to it.
pub(super) fn open_at_end(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    let mut inner = usize::MAX;
    let mut found = None;
    for _ in 0..MOST_ABOVE {
        let whole = text[..end].strip_suffix(b"\n")?;
        let start = memchr::memrchr(b'\n', whole).map_or(0, |at| at + 1);
        let line = &whole[start..];
        let here = indent(line);
        end = start;
        if !line.trim_ascii().is_empty() && here < inner {
            if opens(line) {
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
fn openings_above(window: &Window<'_>) -> (Vec<(usize, usize)>, u64) {
    let mut found = Vec::new();
    let mut walked = 0;
    let mut inner = indent(window.line());
    let mut end = window.start;
    for line in window.before().take(MOST_ABOVE) {
        walked += 1;
        let start = end - line.len() - 1;
        end = start;
        let here = indent(line);
        if here >= inner {
            continue;
        }
        if opens(line) {
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

/// Where the line ends that closes an object of this indentation, and how many lines behind the one at hand it is.
fn closing(window: &Window<'_>, of: usize) -> Option<(usize, u64)> {
    let behind = window.behind().take(MOST_BELOW);
    let (lines, (start, line)) = (1..).zip(behind).find(|(_, (_, line))| indent(line) <= of)?;
    (indent(line) == of && line.trim_ascii_start().starts_with(b"}")).then_some((start + line.len(), lines))
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
            assert_eq!(&text[found.next..found.next + 3], "  {");
        }
        assert_eq!(around(&at(text, "\"level")).unwrap().unwrap().lines, 7);
        assert!(around(&at("int main()\n{\n  \"error\" x;\n}\n", "error")).unwrap().is_err());
        assert!(around(&at("plain error\n", "error")).is_none());
        assert!(around(&at("said\n  \"an error\"\n", "error")).is_none());
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
            walked += openings_above(&window).1;
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

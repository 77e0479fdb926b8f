//! What a wrapper writes in front of each line: the time, the name of the process or the service.
//!
//! `docker compose`, honcho, GNU parallel, `ts`, the logs of build servers. A runner's closing line and a traceback's frames
//! are known by how they begin, so the marks are taken away where nearly all lines have them.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// Marks, of which several may stand behind each other.
static MARKS: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    let of = |text| Regex::new(text).expect("a valid pattern");
    [
        // `12:00:00 tests.1 | `, `web-1  | `
        of(r"^(?:\d\d:\d\d:\d\d )?[\w.-]+ *\|(?: |$)"),
        // `2026-11-29T12:00:00.123Z `, `[12:00:00] `
        of(r"^\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?(?: |$)"),
        // `Nov 29 12:00:00 `
        of(r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?: |$)"),
        // `[tests] `
        of(r"^\[[\w.:-]+\](?: |$)"),
    ]
});

/// Least lines with a mark.
const LEAST: usize = 3;
/// What `mpirun --tag-output` writes in front of each piece of what a process prints, also in the middle of a line.
static RANK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[(?:[\w.@-]+@)?(\d+,\d+)\]<(?:stdout|stderr|stddiag)>:").expect("a valid pattern")
});

/// The text without marks in front of its lines.
#[must_use]
pub(super) fn undecorated(text: &str) -> Cow<'_, str> {
    let mut text = by_rank(text);
    // Two kinds may stand behind each other: `docker compose logs --timestamps`.
    for _ in 0..2 {
        let Some(mark) = MARKS.iter().find(|mark| is_marked(&text, mark)) else { break };
        let lines = text.lines().map(|line| mark.find(line).map_or(line, |found| &line[found.end()..]));
        text = Cow::Owned(lines.collect::<Vec<_>>().join("\n") + "\n");
    }
    text
}

/// What several processes printed in turns, one behind the other.
fn by_rank(text: &str) -> Cow<'_, str> {
    let begins = text.lines().find(|line| !line.is_empty()).and_then(|line| RANK.find(line));
    if begins.is_none_or(|found| found.start() > 0) {
        return Cow::Borrowed(text);
    }
    let mut ranks: Vec<(&str, String)> = Vec::new();
    let marks: Vec<_> =
        RANK.captures_iter(text).filter_map(|found| Some((found.get(0)?, found.get(1)?))).collect();
    for (at, (mark, rank)) in marks.iter().enumerate() {
        let piece = &text[mark.end()..marks.get(at + 1).map_or(text.len(), |(next, _)| next.start())];
        match ranks.iter_mut().find(|(known, _)| *known == rank.as_str()) {
            Some((_, printed)) => printed.push_str(piece),
            None => ranks.push((rank.as_str(), piece.to_owned())),
        }
    }
    let whole = |printed: String| if printed.ends_with('\n') { printed } else { printed + "\n" };
    Cow::Owned(ranks.into_iter().map(|(_, printed)| whole(printed)).collect())
}

/// Whether nine of ten lines have it.
fn is_marked(text: &str, mark: &Regex) -> bool {
    let first = text.lines().find(|line| !line.is_empty());
    if !first.is_some_and(|line| mark.is_match(line)) {
        return false;
    }
    let lines = || text.lines().filter(|line| !line.is_empty());
    let (all, marked) = (lines().count(), lines().filter(|line| mark.is_match(line)).count());
    marked >= LEAST && marked * 10 >= all * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    /// honcho 2, docker compose 2, `ts`, awk, concurrently 9, Open MPI 4.1.
    #[test]
    fn marks_in_front_of_each_line_are_taken_away() {
        let own = "collected 1 item\n\n    x = 1\n1 passed in 0.01s\n";
        for mark in [
            "12:00:00 tests.1 | ",
            "tests-1  | ",
            "tests-1  | 2026-11-29T12:00:00.123456789Z ",
            "Nov 29 12:00:00 ",
            "[12:00:00] ",
            "[0] ",
        ] {
            let text: String = own.lines().map(|line| format!("{mark}{line}\n")).collect();
            assert_eq!(undecorated(&text), own, "{mark}");
            let trimmed: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
            assert_eq!(undecorated(&trimmed), own, "{mark}");
        }
        let tagged = "[1,1]<stdout>:F[1,0]<stdout>:.[1,1]<stdout>:  [100%]\n[1,0]<stdout>:  [100%]\n[1,0]<stdout>:1 passed\n\
                      [1,1]<stdout>:1 failed\n";
        assert_eq!(undecorated(tagged), "F  [100%]\n1 failed\n.  [100%]\n1 passed\n");
        for text in [
            own,
            "[gw0] [ 50%] PASSED t.py::a\n[gw1] [100%] PASSED t.py::b\n2 passed in 1s\n",
            "a | b\nc\nd\n",
        ] {
            assert_eq!(undecorated(text), text);
        }
    }
}

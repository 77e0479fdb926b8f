//! Marks before each line that no list knows, learned where a traceback's header stands behind them.
//!
//! `[Fri Nov 20 10:00:01.123401 2026] [wsgi:error] [pid 7001:tid 7010] ` before a header, and the same but for
//! its digits before the lines that follow: so the program marks its lines, and what is the same in two marks
//! (the times left out) tells its processes apart. Where the next line comes without it, it was the beginning of
//! one record only.

use std::hash::{DefaultHasher, Hasher};
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::prefix::{self, Level};
use super::{classify, timestamps};

/// Forms of marks that are remembered; the least used goes first.
const MOST: usize = 16;
/// Marks that begin alike over fewer bytes are not of one form.
const SHORTEST: usize = 8;
/// Longest mark.
const MOST_BYTES: usize = 300;

/// Timestamps, and seconds since a start: the kernel's, `journalctl -o short-delta`.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(r"(?:{}| *\d+\.\d{{3,9}}\b)", timestamps::TIME)).expect("a valid pattern")
});

#[derive(Debug)]
struct Form {
    example: Vec<u8>,
    /// Where its times stand.
    times: Vec<std::ops::Range<usize>>,
    used: u64,
}

/// The marks of this source.
#[derive(Debug, Default)]
pub(super) struct Marks {
    forms: Vec<Form>,
}

impl Marks {
    /// A traceback's header stands behind this.
    pub(super) fn learn(&mut self, mark: &[u8]) -> bool {
        let plain = mark.iter().all(|byte| byte.is_ascii_whitespace());
        if plain || mark.len() > MOST_BYTES || mark.len() < 2 {
            return false;
        }
        if self.forms.iter().any(|form| behind(mark, &form.example) == Some(mark.len())) {
            return true;
        }
        if self.forms.len() >= MOST
            && let Some((at, _)) = self.forms.iter().enumerate().min_by_key(|(_, form)| form.used)
        {
            self.forms.swap_remove(at);
        }
        let times = TIME.find_iter(mark).map(|time| time.range()).collect();
        self.forms.push(Form { example: mark.to_vec(), times, used: 0 });
        true
    }

    /// The log's first lines: marks that have a level, and stand before a header and the frame below it, so that nothing
    /// above is taken for an error of its own.
    pub(super) fn see_beginning<'l>(&mut self, lines: impl Iterator<Item = &'l [u8]> + Clone) {
        for (line, next) in lines.clone().zip(lines.clone().skip(1)) {
            let (body, next) = (prefix::take(line).body, prefix::take(next).body);
            let Some(column) = classify::header_column(body).filter(|column| *column > 0) else { continue };
            let mark = &body[..column];
            if prefix::level(mark).0 != Some(Level::High) {
                continue;
            }
            let frame = behind(next, mark).is_some_and(|end| next[end..].starts_with(b"  File \""));
            // Where others have a lower one, it is the program's own.
            let lower = |line: &[u8]| {
                let other = prefix::take(line).body;
                let end = common(other, mark);
                end >= SHORTEST
                    && prefix::level(&other[..other.len().min(mark.len() + 8)]).0 == Some(Level::Low)
            };
            if frame && !lines.clone().any(lower) {
                self.learn(mark);
            }
        }
    }

    /// It was no mark of each line.
    pub(super) fn forget(&mut self, mark: &[u8]) {
        self.forms.retain(|form| form.used > 0 || behind(mark, &form.example) != Some(mark.len()));
    }

    /// Length of the mark that the line begins with, and what it tells of the process.
    pub(super) fn find(&mut self, line: &[u8]) -> Option<(usize, u64)> {
        let (form, end) =
            self.forms.iter_mut().find_map(|form| behind(line, &form.example).map(|end| (form, end)))?;
        form.used += 1;
        let alike = end == form.example.len();
        let process = if alike { without(&line[..end], &form.times) } else { process(&line[..end]) };
        Some((end, process))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Nothing is known of another source.
    pub(super) fn clear(&mut self) {
        self.forms.clear();
    }
}

/// The mark without its times.
pub(super) fn process(mark: &[u8]) -> u64 {
    let times: Vec<_> = TIME.find_iter(mark).map(|time| time.range()).collect();
    without(mark, &times)
}

fn without(mark: &[u8], times: &[std::ops::Range<usize>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut at = 0;
    for time in times {
        hasher.write(&mark[at..time.start]);
        at = time.end;
    }
    hasher.write(mark[at..].trim_ascii_end());
    hasher.finish()
}

/// How far two lines begin alike, but for their digits.
fn common(line: &[u8], mark: &[u8]) -> usize {
    let alike = |(a, b): &(&u8, &u8)| a == b || a.is_ascii_digit() && b.is_ascii_digit();
    line.iter().zip(mark).take_while(alike).count()
}

/// Where the line goes on behind a mark that is the same but for its numbers, which may be set to the right among
/// blanks. A mark's last blank may be cut off at the line's end.
fn behind(line: &[u8], mark: &[u8]) -> Option<usize> {
    let (mut at, mut of) = (0, 0);
    while of < mark.len() {
        if of == 0 || matches!(mark[of - 1], b'[' | b'(' | b' ') {
            let blanks = |text: &[u8]| text.iter().take_while(|byte| **byte == b' ').count();
            let (here, there) = (blanks(&line[at..]), blanks(&mark[of..]));
            let digit = |text: &[u8], at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
            if here != there && digit(line, at + here) && digit(mark, of + there) {
                at += here;
                of += there;
            }
        }
        if mark[of].is_ascii_digit() {
            let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (here, there) = (digits(&line[at..]), digits(&mark[of..]));
            if here == 0 {
                return None;
            }
            at += here;
            of += there;
        } else if line.get(at) == Some(&mark[of]) {
            at += 1;
            of += 1;
        } else {
            let blank = mark[of..].iter().all(u8::is_ascii_whitespace);
            return (blank && at == line.len()).then_some(at);
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_the_same_but_for_its_numbers() {
        let mut marks = Marks::default();
        assert!(marks.learn(b"[Fri Nov 20 10:00:01.123401 2026] [pid 7001] "));
        let next = b"[Fri Nov 20 10:00:01.9 2026] [pid 7001]   File";
        let other = b"[Fri Nov 20 10:00:01.9 2026] [pid 7002]   File";
        let (end, process) = marks.find(next).unwrap();
        assert_eq!(&next[end..], b"  File");
        assert_ne!(marks.find(other).unwrap().1, process);
        assert_eq!(marks.find(b"[Fri Nov 20 10:00:02.9 2026] [pid 7001]").unwrap().1, process);
        assert_eq!(marks.find(b"  File"), None);
        assert!(!marks.learn(b"    "));
        // `journalctl -o short-delta`, `srun -l`: aligned.
        for (mark, line) in [
            (&b"[    9.123401 ] host kiosk[7]: "[..], &b"[   10.123402 ] host kiosk[7]:   File"[..]),
            (b" 3: ", b"10:   File"),
            (b"host  3 | ", b"host 12 |   File"),
        ] {
            let mut marks = Marks::default();
            assert!(marks.learn(mark));
            let (end, process) = marks.find(line).unwrap();
            assert_eq!(&line[end..], b"  File");
            assert_eq!(process == super::process(mark), mark.contains(&b'.'));
        }
    }
}

//! pytest's own ways of printing a failure (its `_pytest._code.code` and `_pytest.terminal` are the
//! reference).

use std::sync::LazyLock;

use regex::Regex;

use super::examples;
use super::layouts;
use super::parsed::{ChainLink, ParsedTraceback, TracebackForm, exception_line, separator};
use crate::model::Frame;

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a valid pattern")
}

static SECTION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^={3,} (.+?) ={3,}$"));
/// The ruler fills a line of 80 characters, so a long name leaves little of it. Rulers between frames are `_ _ _`.
static HEADING: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:_{3,} (?P<name>.+?) _{3,}|_{1,2} (?P<long>[^_\s].{69,}\S) _{1,2})$"));
static CAPTURED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^-{3,} ?(?:Captured|live log|generated|Generated) .*-{3,}$"));
/// A test's parameters, in brackets, may hold anything.
static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(FAILED|ERROR) ([^\s:]+(?:\.py|\.txt|\.rst|\.md|\.ipynb)|\S+?::[^\[]*?(?:\[.*?\])?)(?: - (.*))?$",
    )
});
static LOCATION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^([^\s=][^=]*?):(\d+): ?(.*)$"));
static DEFINITION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s+(?:async )?def (\w+)\("));
static ENTRY_RULER: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:_ ){5,}"));
static E_FILE: LazyLock<Regex> = LazyLock::new(|| pattern(r#"^\s*File "(.+?)", line (\d+)(?:, in (.+))?$"#));

/// The title of a section: `FAILURES`, `short test summary info` …
pub(super) fn section(line: &str) -> Option<&str> {
    SECTION.captures(line).and_then(|found| found.get(1)).map(|title| title.as_str())
}

/// The test that a heading names.
pub(in crate::triage) fn heading(line: &str) -> Option<&str> {
    if !line.starts_with('_') {
        return None;
    }
    let found = HEADING.captures(line)?;
    found.name("name").or(found.name("long")).map(|title| title.as_str())
}

/// Whether what follows is output that pytest captured.
pub(super) fn captured(line: &str) -> bool {
    line.starts_with("---") && CAPTURED.is_match(line)
}

/// A line of the short test summary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Summary<'t> {
    id: &'t str,
    reason: &'t str,
    failed: bool,
}

/// Reads `FAILED path::test - Type: message` and `ERROR path - …`.
pub(super) fn summary_line(line: &str) -> Option<Summary<'_>> {
    if !line.starts_with("FAILED ") && !line.starts_with("ERROR ") {
        return None;
    }
    let found = SUMMARY.captures(line.trim_end())?;
    let part = |group| found.get(group).map_or("", |text| text.as_str());
    Some(Summary { failed: part(1) == "FAILED", id: part(2), reason: part(3) })
}

impl<'t> Summary<'t> {
    /// Whether the test failed, other than by an error beside it.
    pub(super) const fn is_failure(&self) -> bool {
        self.failed
    }

    /// The test's id.
    pub(super) const fn id(&self) -> &'t str {
        self.id
    }

    /// As the failure's heading names the test.
    pub(super) fn heading(&self) -> String {
        let name = self.id.split_once("::").map_or(self.id, |(_, name)| name);
        let (name, parameters) = name.split_at(name.find('[').unwrap_or(name.len()));
        name.replace("::", ".") + parameters
    }

    /// The failure as far as the line tells it.
    pub(super) fn traceback(&self, at: usize) -> Option<ParsedTraceback> {
        if self.reason.is_empty() && !self.failed {
            return None;
        }
        let mut read = ParsedTraceback::empty(TracebackForm::PytestSummary, at);
        read.test = Some(self.id.to_owned());
        read.truncated = self.reason.ends_with("...");
        set_exception(&mut read, &[self.reason], None);
        Some(read)
    }
}

/// Whether a heading and an id of the summary mean the same test.
pub(super) fn names_same_test(heading: &str, id: &str) -> bool {
    let starts = ["ERROR collecting ", "ERROR at setup of ", "ERROR at teardown of "];
    let heading = starts.iter().find_map(|start| heading.strip_prefix(start)).unwrap_or(heading);
    heading == id || Summary { id, reason: "", failed: true }.heading() == heading
}

/// `--tb=line`: `/path/test.py:3: TypeError: message`.
pub(super) fn one_line(line: &str, at: usize) -> Option<ParsedTraceback> {
    let found = LOCATION.captures(line)?;
    let (kind, message) = exception_line(&found[3])
        .or_else(|| found[3].starts_with("assert ").then_some(("AssertionError", found.get(3)?.as_str())))?;
    let mut read = ParsedTraceback::empty(TracebackForm::PytestLine, at);
    read.kind = Some(kind.to_owned());
    message.clone_into(&mut read.message);
    read.frames = vec![frame(&found[1], &found[2])];
    Some(read)
}

/// Whether pytest's short style begins here without a heading, as behind `ImportError while loading
/// conftest`.
pub(super) fn starts_short(lines: &[&str], at: usize) -> bool {
    let line = lines[at];
    let entry = LOCATION.captures(line).is_some_and(|found| found[3].starts_with("in "));
    let message = line.starts_with("E   ") && line.len() > 4;
    (entry || message) && lines[at..].iter().take(200).any(|line| line.starts_with("E   "))
}

/// The line behind a short-style traceback that stands outside a test's block.
pub(super) fn end_of_short(lines: &[&str], at: usize) -> usize {
    let belongs = |line: &&str| {
        line.trim().is_empty()
            || line.starts_with("E ")
            || line.starts_with("    ")
            || separator(line).is_some()
            || LOCATION.is_match(line)
    };
    at + lines[at..].iter().take_while(|line| belongs(line)).count().max(1)
}

/// The line behind a test's block: the next heading, section, captured output, or traceback in another form.
pub(super) fn end_of_block(lines: &[&str], at: usize) -> usize {
    let ends = |line: &&str| {
        section(line).is_some()
            || heading(line).is_some()
            || captured(line)
            || line.starts_with("Traceback (most recent call last):")
            || line.starts_with("  + Exception Group Traceback")
            || line.starts_with("----")
            || layouts::opening(line).is_some()
    };
    let rest = lines[at..].iter().skip(1).position(ends);
    rest.map_or(lines.len(), |count| at + 1 + count)
}

/// One test's failure, from this line to the end of the lines.
pub(super) fn block(lines: &[&str], at: usize) -> Option<ParsedTraceback> {
    let mut block = Block { at, ..Block::default() };
    for line in &lines[at..] {
        block.line(line);
    }
    block.finish(None);
    block.done
}

#[derive(Default)]
struct Block<'t> {
    at: usize,
    frames: Vec<Frame>,
    /// Function whose source is being shown.
    function: Option<&'t str>,
    /// The source line that raised, until its location follows.
    code: Option<&'t str>,
    /// The last frame is a short one and its source line is to come.
    wants_code: bool,
    message: Vec<&'t str>,
    /// The line above is one of the message.
    in_message: bool,
    /// What an example of a document raised, once it is told that it raised something.
    raised: Option<&'t str>,
    link: Option<ChainLink>,
    done: Option<ParsedTraceback>,
}

impl<'t> Block<'t> {
    fn line(&mut self, line: &'t str) {
        if let Some(raised) = examples::raised(self.raised, line) {
            self.raised = Some(raised);
            return;
        }
        // Items that are no functions (tavern's) mark only the first line of their message.
        let goes_on =
            std::mem::take(&mut self.in_message) && line.starts_with("  ") && !line.trim().is_empty();
        if let Some(text) = line.strip_prefix('E').filter(|text| text.is_empty() || text.starts_with(' ')) {
            self.message.push(text);
            (self.wants_code, self.in_message) = (false, true);
        } else if goes_on {
            self.message.push(line);
            self.in_message = true;
        } else if let Some(link) = separator(line) {
            self.finish(None);
            self.link = Some(link);
        } else if ENTRY_RULER.is_match(line) {
            self.function = None;
            self.code = None;
        } else if let Some(code) = line.strip_prefix('>').filter(|code| code.starts_with(' ')) {
            if self.message.is_empty() {
                self.code = Some(code.trim());
                // The `def` line itself may be the one that is marked.
                let function = DEFINITION.captures(code).and_then(|found| found.get(1));
                self.function = self.function.or(function.map(|name| name.as_str()));
            }
        } else if self.wants_code && line.starts_with("    ") {
            if let Some(frame) = self.frames.last_mut() {
                frame.code = Some(line.trim().to_owned());
            }
            self.wants_code = false;
        } else if let Some(found) = LOCATION.captures(line) {
            self.location(&found);
        } else if self.function.is_none() {
            self.function =
                DEFINITION.captures(line).and_then(|found| found.get(1)).map(|name| name.as_str());
        }
    }

    fn location(&mut self, found: &regex::Captures<'t>) {
        let rest = found.get(3).map_or("", |rest| rest.as_str()).trim_end();
        let mut frame = frame(&found[1], &found[2]);
        let short = rest.strip_prefix("in ");
        frame.function = short.or(self.function.take()).map(str::to_owned);
        frame.code = self.code.take().map(str::to_owned);
        self.wants_code = short.is_some();
        let raised = short.is_none() && !rest.is_empty();
        if raised && exception_line(rest).is_none() {
            return; // a value that only looks like a location
        }
        self.frames.push(frame);
        if raised {
            self.finish(Some(rest));
        }
    }

    /// Ends one exception of the chain. `kind` is the type's name as its last location shows it.
    fn finish(&mut self, kind: Option<&str>) {
        let frames = std::mem::take(&mut self.frames);
        let mut message = std::mem::take(&mut self.message);
        message.extend(self.raised.take().filter(|raised| !raised.is_empty() && message.is_empty()));
        (self.function, self.code) = (None, None);
        if frames.is_empty() && message.is_empty()
            || message.is_empty() && kind.is_none() && self.done.is_some()
        {
            return;
        }
        let mut read = ParsedTraceback::empty(TracebackForm::Pytest, self.at);
        read.frames = frames;
        let written = message.iter().filter(|line| !line.trim().is_empty());
        let indent = written.map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
        let lines: Vec<&str> = message.iter().map(|line| line.get(indent..).unwrap_or(line.trim())).collect();
        set_exception(&mut read, &lines, kind);
        if let (Some(link), Some(cause)) = (self.link.take(), self.done.take()) {
            read.cause = Some(Box::new((link, cause)));
        }
        self.done = Some(read);
    }
}

fn frame(path: &str, line: &str) -> Frame {
    Frame { path: path.to_owned(), line: line.parse().unwrap_or(0), function: None, code: None }
}

/// Reads type and message from the lines behind `E`.
fn set_exception(read: &mut ParsedTraceback, lines: &[&str], kind: Option<&str>) {
    let first = lines.first().copied().unwrap_or_default();
    if E_FILE.is_match(first) {
        return set_syntax_error(read, lines);
    }
    let whole = lines.join("\n").trim_end().to_owned();
    let (own, message) = match exception_line(first) {
        Some((own, _)) if kind.is_none_or(|kind| own.rsplit('.').next() == kind.rsplit('.').next()) => {
            let message = whole[own.len()..].strip_prefix(':').unwrap_or(&whole[own.len()..]);
            (Some(own), message.strip_prefix(' ').unwrap_or(message).to_owned())
        }
        _ if kind.is_none() && first.starts_with("assert ") => (Some("AssertionError"), whole),
        _ if kind.is_none() && first.starts_with("fixture '") => (Some("FixtureLookupError"), whole),
        _ => (kind, whole),
    };
    read.kind = own.map(str::to_owned);
    read.message = message;
}

/// A file that cannot be compiled is shown as the interpreter shows it, behind `E`.
fn set_syntax_error(read: &mut ParsedTraceback, lines: &[&str]) {
    let mut rest = lines;
    while let Some(found) = rest.first().and_then(|line| E_FILE.captures(line)) {
        let mut frame = frame(&found[1], &found[2]);
        frame.function = found.get(3).map(|function| function.as_str().to_owned());
        frame.code = rest.get(1).map(|code| code.trim().to_owned());
        read.frames.push(frame);
        let next =
            rest.iter().skip(1).position(|line| E_FILE.is_match(line) || exception_line(line).is_some());
        rest = next.map_or(&[], |next| &rest[next + 1..]);
    }
    if rest.is_empty() {
        read.truncated = true;
    } else {
        set_exception(read, rest, None);
    }
}

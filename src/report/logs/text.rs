//! Findings of logs for people: the most telling first, then the lines themselves in their order.

use std::io::{self, Write};

use crate::model::{Excerpt, ExcerptLine, LogEventKind, LogFrame, LogGroup, LogReport};
use crate::report::escape::cleaned;
use crate::report::live_plain::shortened;
use crate::report::next_steps::write_next;
use crate::report::{Style, plural};

/// Characters of a line that are shown.
const WIDTH: usize = 160;
/// Lines of one event that are shown: so many from its beginning and its end.
const EVENT_ENDS: (usize, usize) = (2, 7);

/// Renders [`LogReport`]s for a terminal.
#[derive(Debug, Clone, Copy)]
pub struct LogText {
    /// Colours.
    pub style: Style,
    /// Groups that are shown.
    pub top: usize,
}

impl LogText {
    /// Write the report.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn render(&self, report: &LogReport, out: &mut dyn Write) -> io::Result<()> {
        let report = &cleaned(report);
        self.headline(report, out)?;
        for note in &report.notes {
            writeln!(out, "{} {note}", self.style.warn("note:"))?;
        }
        for (number, group) in (1..).zip(&report.groups).take(self.top) {
            writeln!(out)?;
            self.group(number, group, report.sources.len() > 1, out)?;
        }
        if let Some(more) = report.groups.len().checked_sub(self.top).filter(|more| *more > 0) {
            let hint =
                format!("… and {} more (--top {} shows all)", plural(more, "kind"), report.groups.len());
            writeln!(out, "\n{}", self.style.dim(hint))?;
        }
        self.excerpts(report, out)
    }

    /// Write what can be done next with a log of this name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn next(&self, report: &LogReport, log: &str, out: &mut dyn Write) -> io::Result<()> {
        if !report.groups.iter().any(|group| group.kind == LogEventKind::Traceback) {
            return Ok(());
        }
        let step = format!("pybisect suspects --log {log} GOOD..");
        write_next(self.style, &[(step, "which commit may have brought it")], out)
    }

    /// Write one group.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn one(&self, number: usize, group: &LogGroup, several: bool, out: &mut dyn Write) -> io::Result<()> {
        self.group(number, group, several, out)?;
        writeln!(out)
    }

    fn headline(&self, report: &LogReport, out: &mut dyn Write) -> io::Result<()> {
        let names: Vec<&str> = report.sources.iter().map(|source| source.name.as_str()).collect();
        let of = match names.as_slice() {
            [] => String::new(),
            [one] => format!(" of {one}"),
            several => format!(" of {} sources", several.len()),
        };
        let lines = plural(usize::try_from(report.lines()).unwrap_or(usize::MAX), "line");
        let scanned = format!("{lines} ({}){of}", size(report.bytes()));
        if report.groups.is_empty() {
            return writeln!(
                out,
                "{}\nscanned {scanned}",
                self.style.bold(self.style.good("no errors found"))
            );
        }
        let kinds = match report.groups.len() {
            1 => "1 kind of error".to_owned(),
            several => format!("{several} kinds of errors"),
        };
        let events = plural(usize::try_from(report.events).unwrap_or(usize::MAX), "event");
        writeln!(out, "{} in {events}, from {scanned}", self.style.bold(kinds))
    }

    fn group(&self, number: usize, group: &LogGroup, several: bool, out: &mut dyn Write) -> io::Result<()> {
        let style = self.style;
        let title = group.title.lines().next().unwrap_or_default();
        let title = shortened(title, WIDTH);
        let title = if group.kind == LogEventKind::Traceback { style.bad(title) } else { title };
        let new = if group.new == Some(true) {
            format!("  {}", style.bold(style.warn("NEW")))
        } else {
            String::new()
        };
        writeln!(out, "{} {}{new}", style.bold(format!("{number:>2}")), style.bold(title))?;
        if let Some(place) = group.place().or(group.frames.last()) {
            writeln!(out, "   {}", self.place(place))?;
        }
        for related in group.related.iter().take(5) {
            writeln!(out, "   {}", style.dim(shortened(related, WIDTH)))?;
        }
        if let Some(test) = &group.test {
            writeln!(out, "   test {test}")?;
        }
        writeln!(out, "   {}", self.when(group, several))?;
        writeln!(out, "   {}", group.meaning)
    }

    /// `application.py:21 in your_url: urls = json.loads(urls_file)`.
    fn place(&self, place: &LogFrame) -> String {
        let frame = &place.frame;
        let path = place.file.as_deref().unwrap_or(&frame.path);
        let line = if frame.line > 0 { format!(":{}", frame.line) } else { String::new() };
        let function = frame.function.as_deref().map(|name| format!(" in {name}")).unwrap_or_default();
        let code =
            frame.code.as_deref().map(|code| format!(": {}", shortened(code, 110))).unwrap_or_default();
        format!("{}{function}{code}", self.style.name(format!("{path}{line}")))
    }

    fn when(&self, group: &LogGroup, several: bool) -> String {
        let count = if group.count == 1 { "once".to_owned() } else { format!("{} times", group.count) };
        let time = match (&group.first, &group.last) {
            (Some(first), Some(last)) if first.micros == last.micros => format!(", {}", first.text),
            (Some(first), Some(last)) => format!(", from {} to {}", first.text, last.text),
            _ => String::new(),
        };
        let source = if several { format!("{}:", group.source) } else { "line ".to_owned() };
        let first = if group.count == 1 { "" } else { "first at " };
        self.style.bold(count) + &format!("{time}, {first}{source}{}", group.line)
    }

    /// The lines around what is shown above, in their order.
    fn excerpts(&self, report: &LogReport, out: &mut dyn Write) -> io::Result<()> {
        let is_shown = |line: &ExcerptLine| line.group.is_some_and(|group| group < self.top);
        let shown: Vec<&Excerpt> =
            report.excerpts.iter().filter(|excerpt| excerpt.lines.iter().any(is_shown)).collect();
        let mut source = None;
        for excerpt in shown {
            if source != Some(&excerpt.source) {
                writeln!(out, "\n{}", self.style.bold(&excerpt.source))?;
                source = Some(&excerpt.source);
            } else {
                writeln!(out, "{}", self.style.dim("   ⋮"))?;
            }
            self.excerpt(excerpt, out)?;
        }
        Ok(())
    }

    fn excerpt(&self, excerpt: &Excerpt, out: &mut dyn Write) -> io::Result<()> {
        for event in excerpt.lines.chunk_by(|a, b| a.group == b.group) {
            let hidden = event.len().saturating_sub(EVENT_ENDS.0 + EVENT_ENDS.1);
            let hides = event[0].group.is_some() && hidden > 1;
            for (at, line) in event.iter().enumerate() {
                if hides && at == EVENT_ENDS.0 {
                    writeln!(
                        out,
                        "{}",
                        self.style.dim(format!("             … {}", plural(hidden, "line")))
                    )?;
                }
                if hides && (EVENT_ENDS.0..EVENT_ENDS.0 + hidden).contains(&at) {
                    continue;
                }
                let text = shortened(&line.text, WIDTH);
                match line.group.filter(|group| *group < self.top) {
                    Some(group) => {
                        let mark = self.style.bold(format!("{:>3}", group + 1));
                        writeln!(out, "{mark} {:>7}  {text}", line.number)?;
                    }
                    None => writeln!(out, "    {}", self.style.dim(format!("{:>7}  {text}", line.number)))?,
                }
            }
        }
        Ok(())
    }
}

/// `512 bytes`, `3.4 kB`, `1.2 GB`.
fn size(bytes: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => plural(usize::try_from(bytes).unwrap_or(usize::MAX), "byte"),
    }
}

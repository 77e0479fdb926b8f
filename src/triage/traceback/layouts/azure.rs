//! Azure Functions: `Exception: Type: message`, and the frames behind `Stack: ` below it.

use super::layout::Layout;
use super::variants;
use crate::triage::traceback::native;
use crate::triage::traceback::parsed::{ParsedTraceback, exception_line};

pub(in crate::triage) static LAYOUT: Layout =
    Layout { name: "azure", opens, inside: |_| false, shows: |_| true, closes: |_| false, read };

/// Lines of a message between its type and the frames.
pub(in crate::triage) const MOST_ABOVE: usize = 12;

fn opens(line: &str) -> bool {
    line.starts_with("Stack:   File \"")
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let first = lines[at].strip_prefix("Stack: ")?;
    let frames: Vec<&str> = std::iter::once(first).chain(lines[at + 1..].iter().copied()).collect();
    let (mut read, next) = native::frames_only(&frames, 0)?;
    let above = lines[..at].iter().rposition(|line| line.starts_with("Exception: "));
    let title = above.filter(|above| at - above <= MOST_ABOVE).and_then(|above| {
        let (kind, message) = exception_line(lines[above].strip_prefix("Exception: ")?.trim_end())?;
        let further = lines[above + 1..at].iter().map(|line| line.trim_end());
        Some((kind, std::iter::once(message).chain(further).collect::<Vec<_>>().join("\n")))
    });
    if let Some((kind, message)) = title {
        read.kind = Some(variants::kind(kind).to_owned());
        read.message = message;
        read.truncated = false;
    }
    Some((read, at + next))
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// The worker of Azure Functions 4 for Python.
    #[test]
    fn the_exception_above_its_frames() {
        let text = "\
System.Private.CoreLib: Exception while executing function: Functions.rate. System.Private.CoreLib: Result: Failure
Exception: ValueError: not a rate: four
Stack:   File \"/azure-functions-host/workers/python/3.11/LINUX/X64/azure_functions_worker/dispatcher.py\", line 479, in _handle
    call_result = await self._loop.run_in_executor(
  File \"/srv/kiosk/kiosk/ledger.py\", line 8, in parse_rate
    raise ValueError(f\"not a rate: {text}\")
";
        let read = parse(text).pop().unwrap();
        assert_eq!((read.kind.as_deref(), read.message.as_str()), (Some("ValueError"), "not a rate: four"));
        assert_eq!((read.frames.len(), read.frames[1].line), (2, 8));
    }
}

//! python-shell of node: the error's own frames, then Python's, each line set in by two; the exception's line stands in the
//! error's title. Printed as an object, the traceback comes again below, as a string in pieces, with arguments.

use super::layout::Layout;
use super::variants;
use crate::triage::traceback::native;
use crate::triage::traceback::parsed::ParsedTraceback;

pub(in crate::triage) static LAYOUT: Layout =
    Layout { name: "python-shell", opens, inside: |_| false, shows, closes, read };

/// Lines between the title and Python's frames: node prints ten of its own.
pub(in crate::triage) const MOST_ABOVE: usize = 14;

fn opens(line: &str) -> bool {
    line.trim() == "----- Python Traceback -----"
}

/// The object's fields are none.
fn shows(line: &str) -> bool {
    line.starts_with("    ") && !line.trim_start().starts_with(['\'', '[', '{'])
}

fn closes(line: &str) -> bool {
    line.trim_end() == "}"
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let title = lines[..at].iter().rev().take(MOST_ABOVE).find(|line| !line.starts_with(' '))?;
    let raised = title.split_once(": ").map_or(*title, |(_, raised)| raised).trim_end();
    let inner = lines[at + 1..].iter().take_while(|line| line.starts_with("  "));
    let inner: Vec<&str> = inner.copied().collect();
    // `raise ValueError(text) {`: the object begins behind the last line.
    let fields = inner.iter().position(|line| line.starts_with("  traceback: '"));
    let own: Vec<&str> = inner[..fields.unwrap_or(inner.len())]
        .iter()
        .map(|line| line[2..].strip_suffix(" {").filter(|_| fields.is_some()).unwrap_or(&line[2..]))
        .collect();
    let (mut read, _) = native::frames_only(&own, 0)?;
    let (kind, message) = variants::raised(raised)?;
    if read.kind.is_none() {
        read.kind = Some(variants::kind(kind).to_owned());
        message.clone_into(&mut read.message);
        read.truncated = false;
    }
    let next = at + 1 + inner.len();
    let closed = fields.is_some() && lines.get(next).is_some_and(|line| closes(line));
    Some((read, next + usize::from(closed)))
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// python-shell 5.0, its `stack`, and the error as node prints it.
    #[test]
    fn the_title_tells_what_pythons_frames_raised() {
        let stack = "\
PythonShellError: KeyError: 'mint'
    at PythonShell.parseError (/srv/node_modules/python-shell/index.js:303:21)
    at ChildProcess.emit (node:events:524:28)
    ----- Python Traceback -----
    File \"/srv/app/till.py\", line 9, in rate
      raise ValueError(text)
  ValueError: four

  The above exception was the direct cause of the following exception:

  Traceback (most recent call last):
    File \"/srv/app/night.py\", line 2, in <module>
      sell(key)
    File \"/srv/app/till.py\", line 12, in sell
      raise KeyError(key) from error";
        let stack = stack.replace("\n\n", "\n  \n");
        let fields = " {\n  traceback: 'Traceback (most recent call last):\\n' +\n    '  File \"/srv/app/till.py\", line 9, in rate\\n' +\n    \"KeyError: 'mint'\\n\",\n  args: [ 'secret' ]\n}\nnext";
        for text in [stack.clone(), format!("{stack}{fields}")] {
            let found = parse(&text);
            assert_eq!(found.len(), 1, "{found:#?}");
            assert_eq!((found[0].kind.as_deref(), found[0].message.as_str()), (Some("KeyError"), "'mint'"));
            let last = found[0].frames.last().unwrap();
            assert_eq!((last.line, last.code.as_deref()), (12, Some("raise KeyError(key) from error")));
            assert_eq!(found[0].cause.as_ref().unwrap().1.kind.as_deref(), Some("ValueError"));
        }
    }
}

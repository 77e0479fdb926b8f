//! IPython, Jupyter and what runs notebooks: `ValueError    Traceback (most recent call last)`, frames as
//! `File path:line, in f(…)` and `Cell In[3], line 1`.

use std::sync::LazyLock;

use regex::Regex;

use super::layout::{Layout, further_lines, ruled, skip_blank};
use super::variants;
use crate::model::Frame;
use crate::triage::traceback::parsed::{
    ChainLink, ParsedTraceback, TracebackForm, exception_line, separator,
};

pub(in crate::triage) static LAYOUT: Layout =
    Layout { name: "IPython", opens, inside, shows, closes: |_| false, read };

static TITLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([A-Za-z_][\w.]*) +Traceback \(most recent call last\)\s*$").expect("a valid pattern")
});
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    let cell = r"(?:Cell |Input )?In ?\[\d*\]";
    Regex::new(&format!(
        r"^(?:File )?(?:(?P<cell>{cell})|(?P<path>[^\s:](?:[^:]|:[\\/])*?))(?:, line (?P<l1>\d+)|:(?P<l2>\d+))?(?:,? in (?P<f>[\w.<>]+)?.*|\(.*\))?$"
    ))
    .expect("a valid pattern")
});
static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^-+> *(\d+) ?(.*)$").expect("a valid pattern"));

/// Lines of a cell's source, or of a wrapper's words, before the cell's own error.
const MOST_LEAD: usize = 400;

fn opens(line: &str) -> bool {
    line.contains("Traceback (most recent call last)") && TITLE.is_match(line)
}

fn inside(line: &str) -> bool {
    ["File ", "Cell ", "Input ", "In [", "In[", "<ipython-input", "~/", "/", "---", "-->"]
        .iter()
        .any(|start| line.starts_with(start))
        || line.starts_with('>')
}

fn shows(line: &str) -> bool {
    !line.starts_with(' ')
}

/// The cell's error that follows a wrapper's words and rulers.
pub(in crate::triage::traceback) fn behind_ruler(
    lines: &[&str],
    at: usize,
) -> Option<(ParsedTraceback, usize)> {
    let offset = lines.get(at..)?.iter().take(MOST_LEAD).position(|line| opens(line))?;
    read(lines, at + offset)
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let (current, mut next) = super::layout::chain(lines, at, one, chained)?;
    // Notebook runners print the last line once more.
    let again = skip_blank(lines, next);
    let told = lines.get(again).and_then(|line| exception_line(line.trim_end()));
    if told
        .is_some_and(|(kind, message)| current.kind.as_deref() == Some(kind) && current.headline() == message)
    {
        next = again + 1;
    }
    Some((current, next))
}

fn chained(lines: &[&str], at: usize) -> Option<(ChainLink, usize)> {
    let at = skip_blank(lines, at);
    let link = separator(lines.get(at)?)?;
    let mut at = skip_blank(lines, at + 1);
    if lines.get(at).is_some_and(|line| ruled(line)) {
        at += 1;
    }
    opens(lines.get(at)?).then_some((link, at))
}

fn one(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let title = TITLE.captures(lines.get(at)?)?;
    let mut read = ParsedTraceback::empty(TracebackForm::Boxed, at);
    let mut next = at + 1;
    while let Some(line) = lines.get(next) {
        let line = line.trim_end();
        if let Some(found) = CODE.captures(line) {
            if let Some(frame) = read.frames.last_mut().filter(|frame| frame.code.is_none()) {
                if frame.line == 0 {
                    frame.line = found[1].parse().unwrap_or(0);
                }
                frame.code = Some(found[2].trim().to_owned());
            }
        } else if line.is_empty() || line.starts_with([' ', '\t']) {
            // source around the line, and values of variables
        } else if let Some((kind, message)) = exception_line(line).filter(|(kind, _)| named(kind, &title[1]))
        {
            read.kind = Some(variants::kind(kind).to_owned());
            message.clone_into(&mut read.message);
            next = further_lines(lines, next + 1, &mut read.message);
            return Some((read, next));
        } else if inside(line)
            && let Some(found) = PLACE.captures(line)
        {
            let line = found.name("l1").or(found.name("l2"));
            read.frames.push(Frame {
                path: found.name("cell").or(found.name("path")).map_or("", |path| path.as_str()).to_owned(),
                line: line.and_then(|line| line.as_str().parse().ok()).unwrap_or(0),
                function: found.name("f").map(|name| name.as_str().to_owned()),
                code: None,
            });
        } else {
            break;
        }
        next += 1;
    }
    read.kind = Some(title[1].to_owned());
    read.truncated = true;
    (!read.frames.is_empty()).then_some((read, next))
}

/// The title may leave the module out.
fn named(kind: &str, title: &str) -> bool {
    kind == title || kind.rsplit('.').next() == title.rsplit('.').next()
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// nbclient 0.10 around IPython 9.18.
    #[test]
    fn the_cells_own_error_behind_the_runners() {
        let text = "\
Traceback (most recent call last):
  File \"/opt/venv/lib/python3.13/site-packages/nbclient/client.py\", line 918, in _check_raise_for_error
    raise CellExecutionError.from_cell_and_msg(cell, exec_reply_content)
nbclient.exceptions.CellExecutionError: An error occurred while executing the following cell:
------------------
from shop.till import sell
sell('mint')
------------------


---------------------------------------------------------------------------
KeyError                                  Traceback (most recent call last)
Cell In[1], line 2
      1 from shop.till import sell
----> 2 sell('mint')

File /srv/app/shop/till.py:9, in sell(key)
      8 def sell(key):
----> 9     raise KeyError(key)

KeyError: 'mint'
";
        let found = parse(text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind.as_deref(), found[0].message.as_str()), (Some("KeyError"), "'mint'"));
        let frame = found[0].frames.last().unwrap();
        assert_eq!((frame.path.as_str(), frame.line), ("/srv/app/shop/till.py", 9));
        assert_eq!(frame.function.as_deref(), Some("sell"));
    }
}

//! traceback-with-variables: the interpreter's frames, below each one the values of its variables.

use super::layout::Layout;
use crate::triage::traceback::native;
use crate::triage::traceback::parsed::ParsedTraceback;

pub(in crate::triage) const LAYOUT: Layout = Layout {
    name: "traceback-with-variables",
    opens: |line| line.trim_end() == HEADER,
    inside: |_| false,
    shows: |line| !is_value(line),
    closes: |line| !line.is_empty() && !line.starts_with(' ') && line.trim_end() != HEADER,
    read,
};

const HEADER: &str = "Traceback with variables (most recent call last):";

/// Source is set in by four, values by six.
fn is_value(line: &str) -> bool {
    line.starts_with("      ")
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let end = (at + 1..lines.len())
        .find(|line| !lines[*line].starts_with(' '))
        .map_or(lines.len(), |line| line + 1);
    let kept: Vec<&str> = lines[at + 1..end].iter().copied().filter(|line| !is_value(line)).collect();
    native::frames_only(&kept, 0).map(|(read, _)| (read, end))
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// traceback-with-variables 2.2.
    #[test]
    fn values_below_the_source_are_not_read() {
        let text = "Traceback with variables (most recent call last):\n  File \"/srv/app/shop.py\", line 3, in serve\n    \
                    sell(key)\n      key = 'k-1'\n      self = <Shop\n        drawer=3>\n  File \"/srv/app/till.py\", line 9, in \
                    sell\n    raise KeyError(key)\n      key = 'k-1'\nbuiltins.KeyError: 'mint'\n";
        let read = parse(text).pop().unwrap();
        assert_eq!((read.kind.as_deref(), read.message.as_str()), (Some("KeyError"), "'mint'"));
        assert_eq!(read.frames[1].code.as_deref(), Some("raise KeyError(key)"));
        assert!(!format!("{read:?}").contains("k-1"));
    }
}

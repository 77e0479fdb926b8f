//! Sphinx's closing report: under the heading `Traceback` the exception, set in by four; without `-T`, its last frame alone.

use super::layout::{Layout, skip_blank};
use crate::triage::traceback::native;
use crate::triage::traceback::parsed::ParsedTraceback;

pub(in crate::triage) static LAYOUT: Layout =
    Layout { name: "Sphinx", opens, inside: is_ruler, shows: |_| true, closes: |_| false, read };

const INDENT: &str = "    ";

fn opens(line: &str) -> bool {
    line.trim_end() == "Traceback"
}

fn is_ruler(line: &str) -> bool {
    line.trim_end() == "========="
}

fn read(lines: &[&str], at: usize) -> Option<(ParsedTraceback, usize)> {
    let ruler = lines.get(at + 1).filter(|line| is_ruler(line));
    let first = ruler.map(|_| skip_blank(lines, at + 2))?;
    let is_own = |number: &usize| {
        let line = lines[*number];
        let goes_on = || lines.get(number + 1).is_some_and(|next| next.starts_with(INDENT));
        line.starts_with(INDENT) || line.trim().is_empty() && goes_on()
    };
    let last = (first..lines.len()).take_while(is_own).last()?;
    let own: Vec<&str> =
        lines[first..=last].iter().map(|line| line.strip_prefix(INDENT).unwrap_or("")).collect();
    let (read, _) = native::read(&own, 0, false).or_else(|| native::frames_only(&own, 0))?;
    read.kind.is_some().then_some((read, last + 1))
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// Sphinx 9.0, without `-T` and with it.
    #[test]
    fn the_exception_under_its_heading() {
        let last = "      File \"/srv/venv/sphinx/events.py\", line 452, in emit\n        raise ExtensionError(\n    \
                    sphinx.errors.ExtensionError: Handler <f> threw an exception (exception: four)\n\n\nThe full traceback";
        let whole = "    Traceback (most recent call last):\n      File \"/srv/app/conf.py\", line 9, in f\n        raise \
                     ValueError(text)\n    ValueError: four\n    \n    The above exception was the direct cause of the \
                     following exception:\n    \n    Traceback (most recent call last):\n";
        for (text, causes) in [(last.to_owned(), 0), (format!("{whole}{last}"), 1)] {
            let found = parse(&format!("Traceback\n=========\n\n{text}"));
            assert_eq!(found.len(), 1, "{found:#?}");
            assert_eq!(found[0].kind.as_deref(), Some("sphinx.errors.ExtensionError"));
            assert_eq!(found[0].message, "Handler <f> threw an exception (exception: four)");
            assert_eq!(found[0].chain().count(), 1 + causes);
        }
        assert!(parse("Traceback\n=========\n\nnone\n").is_empty());
    }
}

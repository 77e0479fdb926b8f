//! Lines that differ from the interpreter's own: Loguru and better_exceptions (values below the code), Zope
//! (`Module x, line n, in f`, `__traceback_info__`), Twisted (`builtins.X`, `Failure:`), Ray
//! (`ray::f() (pid=…)` for a header), old and small runtimes.

use std::sync::LazyLock;

use regex::Regex;

use crate::model::Frame;
use crate::triage::traceback::parsed::exception_line;

static MODULE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^  Module ([\w.$-]+), line (\d+), in (.*\S)\s*$").expect("a valid pattern")
});
/// IPython's plain tracebacks: `File ~/app.py:7, in sell(key)`, without the comma since 9.
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^  File ([^\s"].*?):(\d+)(?:,? in ([\w.<>]+).*)?$"#).expect("a valid pattern")
});
static RAY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^ray::.*\(pid=\d+.*\)$").expect("a valid pattern"));

/// What stands in place of `Traceback (most recent call last):`, whole.
pub(in crate::triage) fn is_header(line: &str) -> bool {
    let line = line.trim_end();
    matches!(
        line,
        "Traceback (innermost last):"
            | "Traceback (most recent call last)"
            | "Stack trace (most recent call last):"
    ) || line.starts_with("ray::") && RAY.is_match(line)
}

/// A frame that names its place otherwise.
pub(in crate::triage) fn frame(line: &str) -> Option<Frame> {
    if line.starts_with("  File ") {
        let found = BARE.captures(line)?;
        return Some(Frame {
            path: found[1].to_owned(),
            line: found[2].parse().unwrap_or(0),
            function: found.get(3).map(|name| name.as_str().to_owned()),
            code: None,
        });
    }
    if !line.starts_with("  Module ") {
        return None;
    }
    let found = MODULE.captures(line)?;
    Some(Frame {
        path: format!("{}.py", found[1].replace('.', "/")),
        line: found[2].parse().unwrap_or(0),
        function: Some(found[3].to_owned()),
        code: None,
    })
}

/// Lines between frames that hold values of variables, or notes of the runtime. They are never kept.
pub(in crate::triage) fn is_dropped(line: &str) -> bool {
    if !line.starts_with("   ") {
        return false;
    }
    let text = line.trim_start();
    text.starts_with(['│', '└', '├'])
        || text.starts_with("-> ")
        || (text.starts_with("| ") || text == "|")
        || line.starts_with("   - ")
        || line.starts_with("     - ")
}

/// Robyn sets the exception's line in by one blank: frames are set in by two, source by four.
pub(in crate::triage) fn outdented(line: &str) -> &str {
    let inner = line
        .strip_prefix(' ')
        .filter(|inner| inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
    inner.filter(|inner| raised(inner).is_some()).unwrap_or(line)
}

/// Type and message of a line that names a class, rather than a module or logger.
pub(in crate::triage) fn raised(line: &str) -> Option<(&str, &str)> {
    let found = exception_line(line)?;
    let name = found.0.rsplit('.').next()?;
    name.trim_start_matches('_').starts_with(char::is_uppercase).then_some(found)
}

/// The exception's line as the interpreter would print it.
pub(in crate::triage) fn exception(line: &str) -> &str {
    line.strip_prefix("Failure: ").unwrap_or(line)
}

/// The type as the interpreter would print it.
pub(in crate::triage) fn kind(printed: &str) -> &str {
    printed.strip_prefix("builtins.").or_else(|| printed.strip_prefix("exceptions.")).unwrap_or(printed)
}

#[cfg(test)]
mod tests {
    use crate::triage::traceback::parse;

    /// Loguru 0.7.3 with its defaults.
    #[test]
    fn values_below_the_code_are_dropped() {
        let text = "Traceback (most recent call last):\n\n> File \"/srv/app/shop.py\", line 3, in serve\n    \
                    sell(key)\n    │    └ 'k-1'\n    └ <function sell at 0x7f0>\n\n  File \"/srv/app/till.py\", line 9, in \
                    sell\n    raise KeyError(key)\n\nKeyError: 'mint'\n";
        let read = parse(text).pop().unwrap();
        let frames: Vec<_> = read.frames.iter().map(|frame| (frame.line, frame.code.as_deref())).collect();
        assert_eq!(frames, [(3, Some("sell(key)")), (9, Some("raise KeyError(key)"))]);
        assert_eq!((read.kind.as_deref(), read.message.as_str()), (Some("KeyError"), "'mint'"));
    }

    /// Zope 5.
    #[test]
    fn modules_for_files() {
        let text = "Traceback (innermost last):\n  Module shop.till, line 9, in sell\n   - __traceback_info__: \
                    ('k-1',)\nKeyError: 'mint'\n";
        let read = parse(text).pop().unwrap();
        assert_eq!(read.frames[0].path, "shop/till.py");
        assert_eq!(read.kind.as_deref(), Some("KeyError"));
    }

    /// IPython 9.18 and 8, `FormattedTB(mode="Plain")`.
    #[test]
    fn places_without_quotes() {
        for place in ["  File /srv/app/till.py:9 in sell", "  File /srv/app/till.py:9, in sell(key)"] {
            let text = format!(
                "Traceback (most recent call last):\n  File ~/night.py:7\n    sell(key)\n{place}\n    raise \
                 KeyError(key)\nKeyError: 'mint'\n"
            );
            let read = parse(&text).pop().unwrap();
            let frame = read.frames.last().unwrap();
            let found = (frame.path.as_str(), frame.line, frame.function.as_deref());
            assert_eq!(found, ("/srv/app/till.py", 9, Some("sell")));
            assert_eq!((read.frames.len(), read.kind.as_deref()), (2, Some("KeyError")));
        }
    }

    /// Ray 2.60 prints no header in the worker's part.
    #[test]
    fn a_rays_task_failed_where_the_worker_did() {
        let text = "Traceback (most recent call last):\n  File \"/srv/app/night.py\", line 2, in <module>\n    \
                    ray.get(job)\nray.exceptions.RayTaskError(KeyError): ray::sell() (pid=7, ip=192.0.2.1)\n  File \
                    \"/srv/app/till.py\", line 9, in sell\nValueError: x\n\nThe above exception was the direct cause of \
                    the following exception:\n\nray::sell() (pid=7, ip=192.0.2.1)\n  File \"/srv/app/till.py\", line 11, \
                    in sell\nKeyError: 'mint'\n";
        let found = parse(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind.as_deref(), Some("KeyError"));
        assert_eq!(found[0].frames.last().unwrap().line, 11);
        assert_eq!(found[0].cause.as_ref().unwrap().1.kind.as_deref(), Some("ValueError"));
    }
}

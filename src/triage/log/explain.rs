//! One sentence that says what a group means, for somebody who was just woken up.

use crate::model::{LogEventKind, LogFrame, LogGroup};

/// What exceptions of a type usually come from. Said only where it adds something to the message.
const KINDS: [(&str, &str); 16] = [
    ("ModuleNotFoundError", "a module is missing: not installed there, renamed, or not deployed"),
    ("ImportError", "a name cannot be imported: the module is there, but another version of it"),
    ("SyntaxError", "the file cannot be compiled by the Python that runs there"),
    ("IndentationError", "the file cannot be compiled: its indentation is broken"),
    ("NameError", "a name is used that nothing defines"),
    ("UnboundLocalError", "a variable is read on a path on which it was not set"),
    ("KeyError", "a key is missing from a mapping"),
    ("RecursionError", "a call never comes to an end"),
    ("MemoryError", "the process ran out of memory"),
    ("ConnectionRefusedError", "nothing listens at the address that is called"),
    ("ConnectionResetError", "the other side closed the connection"),
    ("TimeoutError", "something did not answer in time"),
    ("PermissionError", "the process may not do that: check the owner and mode"),
    ("FileNotFoundError", "a file or folder is not there"),
    ("AssertionError", "a check in the code or a test does not hold"),
    ("OperationalError", "the database cannot be used as expected"),
];

/// The sentence. `answered` is the title of the group of 5xx answers, or of the traceback behind them,
/// that stands beside most of the group's events.
pub(super) fn of(group: &LogGroup, answered: Option<&str>) -> String {
    match group.kind {
        LogEventKind::Traceback => traceback(group, answered),
        LogEventKind::Status => match answered {
            Some(cause) => format!("the answer to requests that failed with {cause}"),
            None => "requests failed on the server, and no traceback stands beside them".to_owned(),
        },
        LogEventKind::Error => "the program itself calls this an error; no traceback follows".to_owned(),
        LogEventKind::Matched => "matches --grep".to_owned(),
        LogEventKind::Word => "the line speaks of an error but has no level; it may be harmless".to_owned(),
    }
}

fn traceback(group: &LogGroup, answered: Option<&str>) -> String {
    let name = group.exception.as_deref().map(|name| name.rsplit('.').next().unwrap_or(name));
    let usual = name.and_then(|name| KINDS.iter().find(|(kind, _)| *kind == name)).map(|(_, what)| *what);
    let (place, last) = (group.place(), group.frames.last());
    let mut sentence = match (place, last) {
        (_, Some(last)) if group.exception.is_none() => {
            format!("the log does not show the exception; the last frame is {}", function(last))
        }
        (Some(place), Some(last)) if std::ptr::eq(place, last) => match called(place, None) {
            Some(call) if !raises(place) => format!("raised in {}, at its call of `{call}`", function(place)),
            _ => format!("raised in {}", function(place)),
        },
        (Some(place), Some(last)) => {
            let inner = group.frames.iter().skip_while(|frame| !std::ptr::eq(*frame, place)).nth(1);
            match called(place, inner.and_then(|frame| frame.frame.function.as_deref())) {
                Some(call) => format!("{}'s call of `{call}` raised it in {}", function(place), module(last)),
                None => format!("{} led to it; it was raised in {}", function(place), module(last)),
            }
        }
        (None, Some(last)) => format!("raised in {}; no frame is the application's own", module(last)),
        (_, None) => "the log shows no frames".to_owned(),
    };
    if let Some(usual) = usual {
        sentence.push_str(": ");
        sentence.push_str(usual);
    }
    if let Some(answered) = answered {
        sentence.push_str("; the requests were answered with ");
        sentence.push_str(answered);
    }
    sentence
}

fn function(frame: &LogFrame) -> String {
    match frame.frame.function.as_deref() {
        Some("<module>") | None => {
            let path = frame.file.as_deref().unwrap_or(&frame.frame.path);
            path.rsplit('/').next().unwrap_or(path).to_owned()
        }
        Some(name) => format!("`{name}`"),
    }
}

/// `json/__init__.py` → `json`, `flask/app.py` → `flask/app.py`.
fn module(frame: &LogFrame) -> String {
    let path = frame.file.as_deref().unwrap_or(&frame.frame.path);
    let parts: Vec<&str> = path.rsplit('/').take(2).collect();
    match parts.as_slice() {
        ["__init__.py", folder] => (*folder).to_owned(),
        [file, folder] if !folder.is_empty() => format!("{folder}/{file}"),
        _ => path.to_owned(),
    }
}

fn raises(frame: &LogFrame) -> bool {
    let code = frame.frame.code.as_deref().unwrap_or_default();
    code.starts_with("raise") || code.starts_with("assert")
}

/// The call in the source line that led to the function `inner`: the one of that name, otherwise the
/// outermost.
fn called<'f>(frame: &'f LogFrame, inner: Option<&str>) -> Option<&'f str> {
    let calls = calls(frame.frame.code.as_deref()?);
    let same = calls.iter().find(|call| call.rsplit('.').next() == inner);
    same.or(calls.first()).copied()
}

/// The names before `(` in a source line, but for keywords and definitions.
fn calls(code: &str) -> Vec<&str> {
    const KEYWORDS: [&str; 12] =
        ["if", "elif", "while", "for", "in", "return", "not", "and", "or", "assert", "with", "await"];
    let name_before = |open: usize| {
        let before = &code[..open];
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        let name = &before[before.trim_end_matches(is_name).len()..];
        let rest = before[..before.len() - name.len()].trim_end();
        let defines = rest.ends_with("def") || rest.ends_with("class");
        let name = name.trim_start_matches('.');
        (!name.is_empty() && !KEYWORDS.contains(&name) && !defines).then_some(name)
    };
    code.match_indices('(').filter_map(|(open, _)| name_before(open)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Frame;

    #[test]
    fn the_call_in_a_source_line() {
        let call = |code: &str, inner: Option<&str>| {
            let frame = Frame { path: "a.py".into(), line: 1, function: None, code: Some(code.into()) };
            called(&LogFrame { frame, file: None, own: true }, inner).map(str::to_owned)
        };
        assert_eq!(call("urls = json.loads(urls_file)", Some("loads")).as_deref(), Some("json.loads"));
        assert_eq!(call("return Response(json.loads(x))", Some("loads")).as_deref(), Some("json.loads"));
        assert_eq!(call("return Response(x(y))", Some("__init__")).as_deref(), Some("Response"));
        assert_eq!(call("if not(ready(x)):", None).as_deref(), Some("ready"));
        assert_eq!(call("é = ü(1)", None).as_deref(), Some("ü"));
        assert_eq!(call("def f(a):", None), None);
        assert_eq!(call("(a or b)", None), None);
    }
}

//! What a person sees of a command: on a terminal of 24 rows of 80 columns, with what differs from run to run masked.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::pty::{Winsize, openpty};
use regex::Regex;

use super::User;

/// Rows that are kept: more than any command here writes.
const ROWS: u16 = 120;
const COLUMNS: u16 = 80;

/// Run a command on a terminal to its end; `looked` is called with each screen. What stands there in the end, and how the
/// command ended.
pub(crate) fn on_terminal(
    command: &mut Command,
    mut looked: impl FnMut(&str, u32),
) -> (Option<i32>, Vec<String>) {
    let size = Winsize { ws_row: 24, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    let ends = openpty(&size, None).unwrap();
    let slave = ends.slave.try_clone().unwrap();
    command.env_remove("CI").env("TERM", "xterm").stdout(ends.slave).stderr(slave);
    let mut child = command.spawn().unwrap();
    // The command has the other end alone now: when it is gone, reading ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut terminal = vt100::Parser::new(ROWS, COLUMNS, 0);
    let (mut master, mut bytes) = (File::from(ends.master), [0; 4096]);
    while let Ok(count @ 1..) = master.read(&mut bytes) {
        terminal.process(&bytes[..count]);
        looked(&terminal.screen().contents(), child.id());
    }
    let code = child.wait().unwrap().code();
    let screen = terminal.screen();
    // A row that goes on in the next is one: it may hold a path, which has another length elsewhere.
    let mut rows: Vec<String> = Vec::new();
    let mut goes_on = false;
    for (row, text) in (0..).zip(screen.rows(0, COLUMNS)) {
        match rows.last_mut().filter(|_| goes_on) {
            Some(last) => last.push_str(&text),
            None => rows.push(text),
        }
        // Rows of the live view are filled with blanks.
        goes_on = screen.row_wrapped(row) && !screen.rows(0, COLUMNS).nth(row.into()).unwrap().ends_with(' ');
    }
    while rows.last().is_some_and(|row| row.trim().is_empty()) {
        rows.pop();
    }
    (code, rows.into_iter().map(|row| row.trim_end().to_owned()).collect())
}

/// What a user sees who types this in a folder, below what is typed.
pub(crate) fn seen(user: &User, folder: &Path, words: &[&str]) -> String {
    seen_of(user, folder, words, &mut user.command(folder, words))
}

/// The same of a command that was made.
pub(crate) fn seen_of(user: &User, folder: &Path, words: &[&str], command: &mut Command) -> String {
    let (code, rows) = on_terminal(command, |_, _| {});
    let typed = format!("$ pybisect {}", shell_words::join(words));
    let ended = code.map_or_else(|| "killed".to_owned(), |code| code.to_string());
    // Not each Python has carets in its tracebacks.
    let is_caret =
        |row: &&String| !row.trim().is_empty() && row.trim().chars().all(|letter| "^~".contains(letter));
    let rows: Vec<String> =
        rows.iter().filter(|row| !is_caret(row)).map(|row| masked(row, user, folder)).collect();
    for row in &rows {
        // Only what is to be copied, or is written as it stands, may be wider than the terminal.
        let is_command = ["pybisect ", "git ", "hint: ", "# ", " - "].iter().any(|word| row.contains(word));
        assert!(row.chars().count() <= 80 || is_command, "too wide: {row}\n{}", rows.join("\n"));
    }
    format!("{}\n{}\n[{ended}]\n", masked(&typed, user, folder), rows.join("\n"))
}

/// Asserts what stands on a screen.
pub(crate) fn assert_screen(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/screens"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

/// A row without what is different in each run, and on each machine.
pub(crate) fn masked(row: &str, user: &User, folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap();
    let mut row = row.to_owned();
    for (path, name) in [(folder.as_path(), "/REPO"), (user.home(), "~")] {
        row = row.replace(&path.display().to_string(), name);
    }
    for (pattern, mask) in [
        (r"\b[0-9a-f]{12}\b", "<session id>"),
        (r"\b\d+(?:\.\d)? s\b", "N s"),
        (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "<date and time.>"),
        (r"/[\w./-]*/python3?\b", "PYTHON"),
    ] {
        row = Regex::new(pattern).unwrap().replace_all(&row, mask).into_owned();
    }
    row
}

//! A diff on one screen.

use std::io::{self, Write};

use super::Style;
use super::escape::lines as safe;
use super::live_plain::shortened;

/// The first `most` lines of a diff, coloured; `where_else` tells where the others are to be seen.
pub(super) fn write_diff(
    style: Style,
    diff: &str,
    most: usize,
    where_else: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let lines: Vec<&str> = diff.lines().filter(|line| !is_noise(line)).collect();
    for line in lines.iter().take(most) {
        let shown = shortened(&safe(line), 160);
        let shown = match line.as_bytes().first() {
            Some(b'+') => style.good(shown),
            Some(b'-') => style.bad(shown),
            Some(b'@') => style.name(shown),
            _ => shown,
        };
        writeln!(out, "  {shown}")?;
    }
    if let Some(more) = lines.len().checked_sub(most).filter(|more| *more > 0) {
        writeln!(out, "  {}", style.dim(format!("… {more} more lines{where_else}")))?;
    }
    Ok(())
}

/// Header lines of a diff that say nothing more than the others.
fn is_noise(line: &str) -> bool {
    line.starts_with("index ") || line.starts_with("--- ") || line.starts_with("+++ ")
}

/// Names whole, everything else by characters.
pub(super) fn tokens(text: &str) -> Vec<&str> {
    let is_name = |c: char| c == '_' || c.is_alphanumeric();
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end =
            if is_name(first) { rest.find(|c| !is_name(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, after) = rest.split_at(end);
        tokens.push(token);
        rest = after;
    }
    tokens
}

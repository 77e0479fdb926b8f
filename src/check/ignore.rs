//! `# pybisect: ignore[rule]`: comments that silence findings on their line.

use regex::bytes::Regex;

/// Whether the comments of these lines silence a rule. A comment without rules silences all.
///
/// Lines count from 1 and include both ends. A comment counts on any line of a call, as a call over
/// several lines often has room at its last only.
#[must_use]
pub fn is_ignored(source: &[u8], line: u32, end_line: u32, rule: &str) -> bool {
    let Ok(comment) = Regex::new(r"#\s*pybisect:\s*ignore(?:\[([^\]]*)\])?") else { return false };
    let first = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let count = usize::try_from(end_line.saturating_sub(line)).unwrap_or(0) + 1;
    source.split(|&byte| byte == b'\n').skip(first).take(count).any(|line| {
        comment.captures_iter(line).any(|found| match found.get(1) {
            Some(rules) => {
                rules.as_bytes().split(|&byte| byte == b',').any(|id| id.trim_ascii() == rule.as_bytes())
            }
            None => true,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_silences_its_rules_on_its_lines() {
        let source = b"a()\nb(1,\n  2)  # pybisect: ignore[type-error, stale-call]\nc()  #pybisect:ignore\n";
        assert!(is_ignored(source, 2, 3, "type-error"));
        assert!(is_ignored(source, 2, 3, "stale-call"));
        assert!(!is_ignored(source, 2, 3, "untested-call"));
        assert!(!is_ignored(source, 2, 2, "type-error"));
        assert!(is_ignored(source, 4, 4, "untested-call"));
        assert!(!is_ignored(source, 1, 1, "type-error"));
        assert!(!is_ignored(source, 9, 9, "type-error"));
    }
}

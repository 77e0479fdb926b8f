//! Unified diffs: reading them, and the two versions that they stand for.

/// One file of a patch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilePatch {
    /// The path before; None when the file is new.
    pub old_path: Option<String>,
    /// The path after; None when the file goes.
    pub new_path: Option<String>,
    /// The beginning of the old content's object id, where the patch has it.
    pub old_id: Option<String>,
    hunks: Vec<Hunk>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Hunk {
    old_start: usize,
    new_start: usize,
    /// Lines with their ends; `None` for context, or whether the line is new.
    lines: Vec<(Option<bool>, Vec<u8>)>,
}

impl Hunk {
    fn side(&self, new: bool) -> Vec<u8> {
        let here = |&&(kind, _): &&(Option<bool>, Vec<u8>)| kind.is_none_or(|added| added == new);
        self.lines.iter().filter(here).flat_map(|(_, line)| line.iter().copied()).collect()
    }

    fn start(&self, new: bool) -> usize {
        if new { self.new_start } else { self.old_start }
    }
}

/// The files of a unified diff, git's or any other. Lines that belong to no diff are passed over.
#[must_use]
pub fn parse_patch(text: &[u8]) -> Vec<FilePatch> {
    let mut files: Vec<FilePatch> = Vec::new();
    let mut lines = text.split_inclusive(|&byte| byte == b'\n').peekable();
    let mut in_git_header = false;
    while let Some(line) = lines.next() {
        let words = String::from_utf8_lossy(line).trim_end().to_owned();
        if words.starts_with("diff --git ") {
            files.push(FilePatch::default());
            in_git_header = true;
        } else if let Some(ids) = words.strip_prefix("index ").filter(|_| in_git_header) {
            let old = ids.split("..").next().unwrap_or_default();
            let known = old.len() >= 7 && old.bytes().any(|byte| byte != b'0');
            if let Some(file) = files.last_mut().filter(|_| known) {
                file.old_id = Some(old.to_owned());
            }
        } else if let Some(from) = words.strip_prefix("rename from ").filter(|_| in_git_header) {
            set_path(&mut files, from, false);
        } else if let Some(to) = words.strip_prefix("rename to ").filter(|_| in_git_header) {
            set_path(&mut files, to, true);
        } else if let Some(old) = words.strip_prefix("--- ")
            && lines.peek().is_some_and(|next| next.starts_with(b"+++ "))
        {
            if !in_git_header {
                files.push(FilePatch::default());
            }
            in_git_header = false;
            let new = lines.next().map(|next| String::from_utf8_lossy(next).trim_end().to_owned());
            let new = new.unwrap_or_default();
            if let Some(file) = files.last_mut() {
                file.old_path = path(old);
                file.new_path = path(&new[4..]);
            }
        } else if let Some(mut hunk) = hunk_header(&words) {
            let (mut old_left, mut new_left) = hunk.1;
            while old_left + new_left > 0 {
                let Some(line) = lines.next() else { break };
                let kind = match line.first() {
                    Some(b'+') => Some(true),
                    Some(b'-') => Some(false),
                    Some(b'\\') => {
                        without_end(&mut hunk.0);
                        continue;
                    }
                    _ => None,
                };
                old_left -= usize::from(kind != Some(true)).min(old_left);
                new_left -= usize::from(kind != Some(false)).min(new_left);
                // Some programs drop the blank of an empty context line.
                let content = if line == b"\n" { line } else { &line[1..] };
                hunk.0.lines.push((kind, content.to_vec()));
            }
            if lines.peek().is_some_and(|next| next.starts_with(b"\\")) {
                without_end(&mut hunk.0);
            }
            if let Some(file) = files.last_mut() {
                file.hunks.push(hunk.0);
            }
        }
    }
    files
}

fn without_end(hunk: &mut Hunk) {
    if let Some((_, line)) = hunk.lines.last_mut()
        && line.ends_with(b"\n")
    {
        line.pop();
    }
}

fn set_path(files: &mut [FilePatch], path: &str, new: bool) {
    if let Some(file) = files.last_mut() {
        let place = if new { &mut file.new_path } else { &mut file.old_path };
        *place = Some(path.to_owned());
    }
}

/// `a/x.py<TAB>date` → `x.py`.
fn path(text: &str) -> Option<String> {
    let name = text.split('\t').next().unwrap_or(text).trim().trim_matches('"');
    if name == "/dev/null" {
        return None;
    }
    let stripped = name.strip_prefix("a/").or_else(|| name.strip_prefix("b/")).unwrap_or(name);
    Some(stripped.to_owned())
}

/// `@@ -1,2 +3,4 @@ …`: the starts, and how many lines each side has.
fn hunk_header(line: &str) -> Option<(Hunk, (usize, usize))> {
    let ranges = line.strip_prefix("@@ -")?.split(" @@").next()?;
    let (old, new) = ranges.split_once(" +")?;
    let range = |text: &str| -> Option<(usize, usize)> {
        let (start, count) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    let ((old_start, old_count), (new_start, new_count)) = (range(old)?, range(new)?);
    Some((Hunk { old_start, new_start, lines: Vec::new() }, (old_count, new_count)))
}

impl FilePatch {
    /// The path to show.
    #[must_use]
    pub fn path(&self) -> &str {
        self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or_default()
    }

    /// The new version, when this is the old one; None when the patch does not fit it.
    #[must_use]
    pub fn apply(&self, old: &[u8]) -> Option<Vec<u8>> {
        self.translate(old, false)
    }

    /// The old version, when this is the new one; None when the patch does not fit it.
    #[must_use]
    pub fn undo(&self, new: &[u8]) -> Option<Vec<u8>> {
        self.translate(new, true)
    }

    fn translate(&self, source: &[u8], from_new: bool) -> Option<Vec<u8>> {
        let lines: Vec<&[u8]> = source.split_inclusive(|&byte| byte == b'\n').collect();
        let mut out = Vec::with_capacity(source.len());
        let mut at = 0;
        for hunk in &self.hunks {
            let here = hunk.side(from_new);
            let count = here.split_inclusive(|&byte| byte == b'\n').count();
            // A side without lines names the line before it.
            let start =
                if count == 0 { hunk.start(from_new) } else { hunk.start(from_new).checked_sub(1)? };
            let found = lines.get(start..start + count)?.concat();
            if start < at || found != here {
                return None;
            }
            out.extend(lines[at..start].concat());
            out.extend(hunk.side(!from_new));
            at = start + count;
        }
        out.extend(lines.get(at..)?.concat());
        Some(out)
    }

    /// What the patch itself shows of both versions, at the right lines, for when neither is to be had.
    #[must_use]
    pub fn fragments(&self) -> (Vec<u8>, Vec<u8>) {
        let side = |new: bool| {
            let mut out = Vec::new();
            let mut line = 1;
            for hunk in &self.hunks {
                let text = hunk.side(new);
                while line < hunk.start(new) {
                    out.push(b'\n');
                    line += 1;
                }
                line += memchr::memchr_iter(b'\n', &text).count();
                out.extend(text);
            }
            out
        };
        (side(false), side(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &[u8] = b"From me\n\ndiff --git a/x.py b/y.py\nsimilarity index 90%\nrename from x.py\nrename to y.py\nindex 1234567..89abcde 100644\n--- a/x.py\n+++ b/y.py\n@@ -2,3 +2,3 @@ def f():\n b\n-c\n+C\n d\n@@ -6 +6,2 @@\n-f\n\\ No newline at end of file\n+F\n+g\n";

    #[test]
    fn a_patch_is_applied_and_undone() {
        let files = parse_patch(PATCH);
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].old_path.as_deref(), Some("x.py"));
        assert_eq!(files[0].path(), "y.py");
        assert_eq!(files[0].old_id.as_deref(), Some("1234567"));
        let (old, new) = (b"a\nb\nc\nd\ne\nf", b"a\nb\nC\nd\ne\nF\ng\n");
        assert_eq!(files[0].apply(old).as_deref(), Some(&new[..]));
        assert_eq!(files[0].undo(new).as_deref(), Some(&old[..]));
        assert_eq!(files[0].apply(b"a\nb\nx\nd\ne\nf"), None);
        assert_eq!(files[0].fragments(), (b"\nb\nc\nd\n\nf".to_vec(), b"\nb\nC\nd\n\nF\ng\n".to_vec()));
    }

    #[test]
    fn new_and_plain_files() {
        let files = parse_patch(b"--- /dev/null\n+++ b/x.py\t2020\n@@ -0,0 +1 @@\n+a()\n--- z.py\n+++ z.py\n@@ -1 +1 @@\n-a\n+b\n");
        assert_eq!(files[0].old_path, None);
        assert_eq!(files[0].apply(b"").as_deref(), Some(&b"a()\n"[..]));
        assert_eq!(files[1].apply(b"a\n").as_deref(), Some(&b"b\n"[..]));
        assert!(parse_patch(b"hello\n@@ nothing\n").is_empty());
    }
}

//! What a commit changed, as far as it can speak of a failure.

use std::collections::{BTreeSet, HashSet};

use super::definition_diff::DefinitionDiff;
use super::file_edit::FileEdit;
use super::tokens::{BagOfWords, Word, number};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    /// Python code that is no test.
    Code,
    /// Names the packages that are installed: `requirements.txt`, `pyproject.toml`, a lock file.
    Dependencies,
    /// Tests and what belongs to them.
    Test,
    /// Text for people, pictures.
    Documentation,
    /// Anything else: data, templates, configuration.
    Other,
}

/// Files that say what is installed.
const DEPENDENCIES: [&str; 9] = [
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "Pipfile",
    "Pipfile.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "environment.yml",
];
/// Endings of text and pictures.
const DOCUMENTATION: [&str; 14] =
    ["md", "rst", "txt", "adoc", "png", "jpg", "jpeg", "gif", "svg", "ico", "pdf", "po", "pot", "ipynb"];
/// Names, without an ending, of text about the project.
const ABOUT: [&str; 12] = [
    "authors",
    "changelog",
    "changes",
    "citation",
    "code_of_conduct",
    "contributing",
    "contributors",
    "copying",
    "history",
    "license",
    "news",
    "readme",
];
/// Folders of text, and of what tells other machines what to do.
const FOLDERS_OF_TEXT: [&str; 6] = ["doc", "docs", ".github", ".gitlab", ".circleci", "release_notes"];
const FOLDERS_OF_TESTS: [&str; 2] = ["test", "tests"];

impl FileKind {
    /// By its path.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let mut parts: Vec<&str> = path.split('/').collect();
        let file = parts.pop().unwrap_or_default();
        let (name, ending) = file.rsplit_once('.').unwrap_or((file, ""));
        let within = |folders: &[&str]| parts.iter().any(|part| folders.contains(part));
        let requirements = name.starts_with("requirements") || parts.last() == Some(&"requirements");
        if DEPENDENCIES.contains(&file) || (requirements && matches!(ending, "txt" | "in")) {
            return Self::Dependencies;
        }
        let python = matches!(ending, "py" | "pyi" | "pyw");
        let named_test = name.starts_with("test_") || name.ends_with("_test") || name.ends_with("_tests");
        if within(&FOLDERS_OF_TESTS) || (python && (named_test || name == "conftest")) || file == "tox.ini" {
            return Self::Test;
        }
        let stem = name.split('.').next().unwrap_or(name).to_lowercase();
        let hidden = file.starts_with('.') && !python;
        if within(&FOLDERS_OF_TEXT)
            || DOCUMENTATION.contains(&ending.to_lowercase().as_str())
            || (!python && (ABOUT.contains(&stem.as_str()) || hidden))
        {
            return Self::Documentation;
        }
        match ending {
            // Only type checkers read these.
            "pyi" => Self::Documentation,
            _ if python => Self::Code,
            _ => Self::Other,
        }
    }

    /// Whether a change of such a file can change what a program does.
    #[must_use]
    pub const fn can_matter(self) -> bool {
        matches!(self, Self::Code | Self::Dependencies | Self::Other)
    }
}

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// The file's path in the commit.
    pub path: String,
    /// The file's path in the parent, when that is another.
    pub old_path: Option<String>,
    /// What the file is for.
    pub kind: FileKind,
    /// Paths of the definitions in it that do something else than before, sorted.
    pub definitions: Vec<String>,
    /// Whether it is known to do the same as before.
    pub(super) is_same: bool,
    /// Numbers of the lines that came, without surrounding space.
    pub(super) added: HashSet<Word>,
}

impl ChangedFile {
    /// Whether its definitions tell all of what changed: not so for tests and data, of which none are read,
    /// nor when the file came to another place.
    pub(super) fn is_read_by_definition(&self) -> bool {
        is_python(&self.path) && self.kind.can_matter() && self.old_path.is_none()
    }
}

/// What one commit did. Kept for each commit of a range, so it is small.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitChange {
    /// The files.
    pub files: Vec<ChangedFile>,
    /// Whether the commit is a merge; then the files are those that it changed itself.
    pub merge: bool,
    /// Words of its message.
    pub(super) message: BagOfWords,
    /// Words of its changed lines of Python.
    pub(super) lines: BagOfWords,
}

impl CommitChange {
    /// A commit with this message.
    #[must_use]
    pub fn new(message: &str, merge: bool) -> Self {
        let mut change = Self { merge, ..Self::default() };
        change.message.add(message);
        change
    }

    /// Add a file. Files that every trial has alike, whatever the commit, are to be left out.
    pub fn add(&mut self, edit: &FileEdit<'_>) {
        let kind = FileKind::of(edit.path);
        let mut definitions = BTreeSet::new();
        let mut added = HashSet::new();
        let mut is_same = false;
        if is_python(edit.path) {
            // Of tests all lines count: they speak of what they test.
            let mut sides = kind.can_matter().then(|| DefinitionDiff::new(edit));
            for (side, lines) in [(0, edit.removed), (1, edit.added)] {
                for &(line, text) in lines {
                    // Any line of code may raise: an annotation, too.
                    if side == 1 && !text.trim().is_empty() && !text.trim().starts_with('#') {
                        added.insert(number(text.trim()));
                    }
                    if let Some(sides) = &mut sides {
                        if !sides.tells(side, line, text) {
                            continue;
                        }
                        sides.touch(side, line, &mut definitions);
                    }
                    self.lines.add(text);
                }
            }
            let is_read = !edit.old.is_empty() && !edit.new.is_empty() && edit.old_path.is_none();
            is_same = is_read && definitions.is_empty() && sides.is_some_and(|sides| sides.are_same());
        }
        self.files.push(ChangedFile {
            path: edit.path.to_owned(),
            old_path: edit.old_path.map(str::to_owned),
            kind,
            definitions: definitions.into_iter().collect(),
            is_same,
            added,
        });
    }

    /// Whether nothing that it changed can change what a program does.
    #[must_use]
    pub fn cannot_matter(&self) -> bool {
        !self.files.iter().any(|file| file.kind.can_matter() && !file.is_same)
    }

    /// Whether the commit changed nothing but text for people, and code that does the same as before.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.cannot_matter() && !self.files.iter().any(|file| file.kind == FileKind::Test)
    }
}

/// Whether a path is that of a Python source.
#[must_use]
pub fn is_python(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| matches!(ending, "py" | "pyi" | "pyw"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_path() {
        use FileKind::{Code, Dependencies, Documentation, Other, Test};
        let expected = [
            ("app.py", Code),
            ("src/pkg/testing.py", Code),
            ("pkg/latest/contest.py", Code),
            ("requirements-dev.txt", Dependencies),
            ("requirements/base.in", Dependencies),
            ("sub/pyproject.toml", Dependencies),
            ("tests/data.json", Test),
            ("pkg/test_x.py", Test),
            ("pkg/x_test.py", Test),
            ("conftest.py", Test),
            ("docs/conf.py", Documentation),
            ("README.md", Documentation),
            ("CHANGES", Documentation),
            (".travis.yml", Documentation),
            ("pkg/messages.po", Documentation),
            ("pkg/data.json", Other),
            ("pkg/app.pyi", Documentation),
            ("templates/index.html", Other),
        ];
        for (path, kind) in expected {
            assert_eq!(FileKind::of(path), kind, "{path}");
        }
    }

    #[test]
    fn a_change_of_comments_documents_and_layout_is_idle() {
        let old = b"def a(b):\n    return f(b)\n\n\ndef c(d):\n    return d\n";
        let new = b"def a(b: int) -> int:\n    \"\"\"Tell.\"\"\"\n    return f(\n        b,\n    )\n\n\ndef c(d):\n    return d\n";
        let edit = FileEdit {
            path: "app.py",
            old_path: None,
            old,
            new,
            removed: &[(1, "def a(b):"), (2, "    return f(b)")],
            added: &[
                (1, "def a(b: int) -> int:"),
                (2, "    \"\"\"Tell.\"\"\""),
                (3, "    return f("),
                (4, "        b,"),
                (5, "    )"),
            ],
        };
        let mut change = CommitChange::new("Document a", false);
        change.add(&edit);
        assert!(change.is_idle());
        assert!(change.files[0].definitions.is_empty());

        let other = String::from_utf8_lossy(new).replace("return d", "return e");
        let added = [edit.added, &[(10, "    return e")][..]].concat();
        let removed = [edit.removed, &[(6, "    return d")][..]].concat();
        let mut change = CommitChange::new("Document a", false);
        change.add(&FileEdit { new: other.as_bytes(), removed: &removed, added: &added, ..edit });
        assert!(!change.is_idle());
        assert_eq!(change.files[0].definitions, ["c"]);
    }

    #[test]
    fn a_change_names_the_definitions_on_both_sides() {
        let old = b"def a():\n    return 1\n\ndef gone():\n    pass\n";
        let new = b"def a():\n    # why\n    return 2\n";
        let mut change = CommitChange::new("Mend it", false);
        change.add(&FileEdit {
            path: "app.py",
            old_path: None,
            old,
            new,
            removed: &[(2, "    return 1"), (4, "def gone():"), (5, "    pass")],
            added: &[(2, "    # why"), (3, "    return 2")],
        });
        // The line `def gone()` is executed by the module.
        assert_eq!(change.files[0].definitions, ["<module>", "a", "gone"]);
        assert!(change.files[0].added.contains(&number("return 2")));
        assert!(!change.cannot_matter());
        assert_eq!(change.message.total(), 1);
    }
}

//! The source of the repository's files at the commit that failed, each read once.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::definition_map::{Definitions, MODULE};
use super::own_frame::OwnFrame;
use super::trace::Names;

/// The repository as the failing program saw it.
pub trait RepositoryView {
    /// The repository's path of a file that a traceback names; `None` when it is none of its own.
    fn own_path(&self, path: &str) -> Option<String>;
    /// The content of a file of the repository at the commit that failed.
    fn content(&self, path: &str) -> Option<Vec<u8>>;
    /// The paths of all files of the repository at the commit that failed.
    fn paths(&self) -> BTreeSet<String>;
}

/// Names that are called in a source line: what stands before a bracket.
pub(super) fn called(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('(').filter_map(|(at, _)| {
        let before = text[..at].trim_end();
        let start = before
            .rfind(|c: char| !c.is_alphanumeric() && c != '_')
            .map_or(0, |found| found + before[found..].chars().next().map_or(1, char::len_utf8));
        Some(&before[start..]).filter(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
    })
}

/// Reads the repository's files, each once.
pub(super) struct Reader<'s> {
    pub(super) sources: &'s dyn RepositoryView,
    files: BTreeMap<String, Option<Source>>,
}

pub(super) struct Source {
    text: String,
    /// Where each line lies in the text; most files are not asked for theirs.
    lines: OnceCell<Vec<std::ops::Range<usize>>>,
    pub(super) definitions: Definitions,
}

impl Source {
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.ranges().iter().map(|range| &self.text[range.clone()])
    }

    /// A line, from 1, without surrounding space.
    fn line(&self, line: u32) -> Option<&str> {
        let at = usize::try_from(line).unwrap_or_default().checked_sub(1)?;
        self.ranges().get(at).map(|range| self.text[range.clone()].trim())
    }

    fn ranges(&self) -> &Vec<std::ops::Range<usize>> {
        self.lines.get_or_init(|| {
            let mut from = 0;
            let lines = self.text.split_inclusive('\n').map(|line| {
                let start = from;
                from += line.len();
                start..start + line.trim_end_matches(['\n', '\r']).len()
            });
            lines.collect()
        })
    }
}

impl Names for Reader<'_> {
    fn own_path(&mut self, path: &str) -> Option<String> {
        self.sources.own_path(path)
    }

    /// By its line: before Python 3.11, code knows its name only, not the class around it.
    fn definition(&mut self, own_path: &str, function: &str, line: u32) -> String {
        match self.source(own_path) {
            _ if function == MODULE => MODULE.to_owned(),
            Some(source) => source.definitions.at(line).to_owned(),
            None => function.to_owned(),
        }
    }
}

impl<'s> Reader<'s> {
    pub(super) const fn new(sources: &'s dyn RepositoryView) -> Self {
        Self { sources, files: BTreeMap::new() }
    }

    pub(super) fn source(&mut self, path: &str) -> Option<&Source> {
        if !self.files.contains_key(path) {
            let source = self.sources.content(path).map(|content| Source {
                definitions: Definitions::new(&content),
                text: String::from_utf8_lossy(&content).into_owned(),
                lines: OnceCell::new(),
            });
            self.files.insert(path.to_owned(), source);
        }
        self.files.get(path)?.as_ref()
    }

    /// A frame, with what the file itself says about its line. The program may have run another version
    /// of the file: then the line is looked for by its text.
    pub(super) fn frame(
        &mut self,
        path: String,
        line: u32,
        function: Option<&str>,
        code: String,
    ) -> OwnFrame {
        let plain = function.map(|name| name.rsplit('.').next().unwrap_or(name));
        let fallback = plain.filter(|name| !name.starts_with('<')).unwrap_or(MODULE).to_owned();
        let Some(source) = self.source(&path) else {
            return OwnFrame { path, line, definition: fallback, code };
        };
        let text = |line: u32| source.line(line);
        let line = match text(line) {
            Some(found) if code.is_empty() || found == code => line,
            _ => {
                let all = (1_u32..).zip(source.lines()).filter(|(_, text)| text.trim() == code);
                all.map(|(at, _)| at).min_by_key(|at| at.abs_diff(line)).unwrap_or_default()
            }
        };
        let code = if code.is_empty() { text(line).unwrap_or_default().to_owned() } else { code };
        let definition = if line > 0 { source.definitions.at(line).to_owned() } else { fallback };
        OwnFrame { path, line, definition, code }
    }

    /// The source of the definition around a frame; the whole file when that is the module.
    pub(super) fn definition(&mut self, frame: &OwnFrame) -> String {
        match self.source(&frame.path) {
            Some(source) if frame.definition == MODULE => joined(source.lines()),
            _ => self.lines_of(&frame.path, &frame.definition),
        }
    }

    /// The lines of a definition of a file with those inside of it; of the module, those in no definition.
    pub(super) fn lines_of(&mut self, path: &str, definition: &str) -> String {
        let Some(source) = self.source(path) else { return String::new() };
        let all = u32::try_from(source.ranges().len()).unwrap_or(u32::MAX);
        joined(source.definitions.lines_of(definition, all).filter_map(|line| source.line(line)))
    }
}

/// Lines as a text, as far as they are of use.
fn joined<'t>(lines: impl Iterator<Item = &'t str>) -> String {
    const MOST: usize = 64 << 10;
    let mut text = String::new();
    for line in lines {
        if text.len() >= MOST {
            break;
        }
        text.push_str(line.trim());
        text.push('\n');
    }
    text
}

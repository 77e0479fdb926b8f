//! What holds for a path of a tree: its attributes, as the user's configuration reads them.
//!
//! The last line that fits decides, of the file nearest to the path that has one; `info/attributes` stands above all and
//! the user's own file below.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::pattern::Pattern;
use super::text::Eol;

/// git does not read a longer line.
const LONGEST_LINE: usize = 2048;
/// The attributes that decide how a file is written.
const KNOWN: [&str; 6] = ["text", "crlf", "eol", "ident", "filter", "working-tree-encoding"];
/// How deep a macro may name another.
const DEEPEST: usize = 8;

/// What an attribute is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Set,
    Unset,
    Unspecified,
    Value(String),
}

type Assignment = (String, State);

/// A file of attributes.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    lines: Vec<(Pattern, Vec<Assignment>)>,
    macros: Vec<(String, Vec<Assignment>)>,
    /// Whether it may define macros.
    pub(super) is_top: bool,
    /// Of its text.
    pub(super) key: String,
}

impl Rules {
    pub(super) fn parse(text: &[u8], is_top: bool) -> Self {
        let key = blake3::hash(text).to_string();
        let mut rules = Self { is_top, key, ..Self::default() };
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        for line in text.split(|&byte| byte == b'\n').filter(|line| line.len() < LONGEST_LINE) {
            rules.add(line);
        }
        rules
    }

    fn add(&mut self, line: &[u8]) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"!") {
            return;
        }
        let (name, rest) = match quoted(line) {
            Some(found) => found,
            None => {
                let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
                (line[..end].to_vec(), &line[end..])
            }
        };
        let Ok(rest) = std::str::from_utf8(rest) else { return };
        let assignments: Vec<Assignment> = rest.split_ascii_whitespace().filter_map(assignment).collect();
        if let Some(name) = name.strip_prefix(b"[attr]") {
            if self.is_top {
                self.macros.push((String::from_utf8_lossy(name).into_owned(), assignments));
            }
        } else if let Some(pattern) = Pattern::parse(&name).filter(|_| !assignments.is_empty()) {
            self.lines.push((pattern, assignments));
        }
    }
}

/// A pattern in double quotes, as C has them, and what is behind it.
fn quoted(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = line.strip_prefix(b"\"")?;
    let mut name = Vec::new();
    loop {
        let (&first, after) = rest.split_first()?;
        rest = after;
        match first {
            b'"' => return Some((name, rest)),
            b'\\' => {
                let (&escaped, after) = rest.split_first()?;
                rest = after;
                name.push(match escaped {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'v' => 11,
                    b'0'..=b'3' => {
                        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                        rest = &rest[2..];
                        (escaped - b'0') * 64 + u8::from_str_radix(digits, 8).ok()?
                    }
                    other => other,
                });
            }
            byte => name.push(byte),
        }
    }
}

fn assignment(word: &str) -> Option<Assignment> {
    let (name, state) = match (word.strip_prefix('-'), word.strip_prefix('!'), word.split_once('=')) {
        (Some(name), ..) => (name, State::Unset),
        (_, Some(name), _) => (name, State::Unspecified),
        (.., Some((name, value))) => (name, State::Value(value.to_owned())),
        _ => (word, State::Set),
    };
    (!name.is_empty()).then(|| (name.to_owned(), state))
}

/// `core.autocrlf` and `core.eol`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Defaults {
    auto: Auto,
    has_crlf: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Auto {
    #[default]
    Off,
    On,
    Input,
}

impl Defaults {
    pub(super) fn of(config: &git2::Config) -> Self {
        let auto = match config.get_string("core.autocrlf").ok().as_deref() {
            Some("input") => Auto::Input,
            Some(_) if config.get_bool("core.autocrlf").unwrap_or_default() => Auto::On,
            _ => Auto::Off,
        };
        let has_crlf = config.get_string("core.eol").is_ok_and(|eol| eol.eq_ignore_ascii_case("crlf"));
        Self { auto, has_crlf }
    }

    /// The same as configuration.
    pub(super) fn configuration(self) -> String {
        let auto = match self.auto {
            Auto::Off => "",
            Auto::On => "\tautocrlf = true\n",
            Auto::Input => "\tautocrlf = input\n",
        };
        let eol = if self.has_crlf { "\teol = crlf\n" } else { "" };
        if auto.is_empty() && eol.is_empty() { String::new() } else { format!("[core]\n{auto}{eol}") }
    }

    /// Whether text has CRLF where nothing says otherwise.
    const fn text_is_crlf(self) -> bool {
        match self.auto {
            Auto::On => true,
            Auto::Input => false,
            Auto::Off => self.has_crlf,
        }
    }
}

/// What is done to a file when it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct AttributeForm {
    pub(super) eol: Eol,
    pub(super) ident: bool,
    pub(super) encoding: Option<String>,
    pub(super) filter: Option<String>,
}

impl AttributeForm {
    /// Whether nothing is to be done to a file of this form.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Whether git itself could not tell what is stored from what is written.
    #[must_use]
    pub const fn is_beyond_git(&self) -> bool {
        self.filter.is_some()
    }
}

/// The attributes of a tree.
#[derive(Debug, Default)]
pub struct TreeAttributes {
    /// By folder, with a slash at the end, but for the top.
    folders: BTreeMap<Vec<u8>, Arc<Rules>>,
    submodules: Vec<Vec<u8>>,
    outer: Vec<Arc<Rules>>,
    inner: Option<Arc<Rules>>,
    defaults: Defaults,
}

impl TreeAttributes {
    pub(super) const fn new(
        folders: BTreeMap<Vec<u8>, Arc<Rules>>,
        submodules: Vec<Vec<u8>>,
        outer: Vec<Arc<Rules>>,
        inner: Option<Arc<Rules>>,
        defaults: Defaults,
    ) -> Self {
        Self { folders, submodules, outer, inner, defaults }
    }

    /// The form of the file at a path.
    #[must_use]
    pub fn form(&self, path: &[u8]) -> AttributeForm {
        if self.folders.is_empty() && self.outer.is_empty() && self.inner.is_none() {
            return self.formed(&BTreeMap::new());
        }
        // A submodule has attributes of its own.
        let inside = |top: &&Vec<u8>| path.starts_with(top) && path.get(top.len()) == Some(&b'/');
        let top = self.submodules.iter().filter(inside).map(|top| top.len() + 1).max().unwrap_or(0);
        let mut layers: Vec<(&Rules, usize)> = self.outer.iter().map(|rules| (&**rules, top)).collect();
        let ends = path.iter().enumerate().skip(top).filter(|&(_, &byte)| byte == b'/').map(|(at, _)| at + 1);
        for end in std::iter::once(top).chain(ends) {
            if let Some(rules) = self.folders.get(&path[..end]) {
                layers.push((rules, end));
            }
        }
        layers.extend(self.inner.iter().filter(|_| top == 0).map(|rules| (&**rules, 0)));
        let mut states = BTreeMap::new();
        for &(rules, base) in layers.iter().rev() {
            for (pattern, assignments) in rules.lines.iter().rev() {
                if pattern.fits(&path[base..]) {
                    assign(assignments, &layers, &mut states, 0);
                }
            }
        }
        self.formed(&states)
    }

    /// As git's `convert.c` has it.
    fn formed(&self, states: &BTreeMap<&str, &State>) -> AttributeForm {
        let value = |name: &str| match states.get(name) {
            Some(State::Value(value)) if !value.is_empty() => Some(value.as_str()),
            _ => None,
        };
        let is_known = |name: &str| !matches!(states.get(name), None | Some(State::Unspecified));
        let text = if is_known("text") { "text" } else { "crlf" };
        let eol = value("eol");
        let eol = match states.get(text) {
            Some(State::Unset) => Eol::AsStored,
            Some(State::Value(value)) if value == "auto" => match eol {
                Some("crlf") => Eol::AutoCrlf,
                Some("lf") => Eol::AsStored,
                _ if self.defaults.text_is_crlf() => Eol::AutoCrlf,
                _ => Eol::AsStored,
            },
            Some(State::Value(value)) if value == "input" && eol != Some("crlf") => Eol::AsStored,
            _ if eol == Some("crlf") => Eol::Crlf,
            _ if eol == Some("lf") => Eol::AsStored,
            Some(State::Set) if self.defaults.text_is_crlf() => Eol::Crlf,
            Some(State::Set) => Eol::AsStored,
            _ if self.defaults.auto == Auto::On => Eol::AutoCrlf,
            _ => Eol::AsStored,
        };
        AttributeForm {
            eol,
            ident: states.get("ident") == Some(&&State::Set),
            encoding: value("working-tree-encoding").map(str::to_owned),
            filter: value("filter").map(str::to_owned),
        }
    }
}

/// What is not decided yet, from the last assignment to the first.
fn assign<'r>(
    assignments: &'r [Assignment],
    layers: &[(&'r Rules, usize)],
    states: &mut BTreeMap<&'r str, &'r State>,
    depth: usize,
) {
    for (name, state) in assignments.iter().rev() {
        if states.contains_key(name.as_str()) {
            continue;
        }
        if KNOWN.contains(&name.as_str()) {
            states.insert(name, state);
            continue;
        }
        let defined = layers.iter().rev().flat_map(|(rules, _)| rules.macros.iter().rev());
        let defined = defined.into_iter().find(|(defined, _)| defined == name);
        if defined.is_none() && name != "binary" {
            continue;
        }
        states.insert(name, state);
        if *state == State::Set && depth < DEEPEST {
            match defined {
                Some((_, inner)) => assign(inner, layers, states, depth + 1),
                None => {
                    states.entry("text").or_insert(&State::Unset);
                }
            }
        }
    }
}

/// The user's own file of attributes where the configuration names none.
pub(super) fn usual_file() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let folder = folder.or_else(|| std::env::home_dir().map(|home| home.join(".config")));
    folder.map(|folder| folder.join("git/attributes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(files: &[(&str, &str)], path: &str) -> AttributeForm {
        let folders = files.iter().map(|(folder, text)| {
            (folder.as_bytes().to_vec(), Arc::new(Rules::parse(text.as_bytes(), folder.is_empty())))
        });
        let folders = folders.collect();
        TreeAttributes::new(folders, vec![b"lib".to_vec()], Vec::new(), None, Defaults::default())
            .form(path.as_bytes())
    }

    #[test]
    fn the_last_line_of_the_nearest_file_decides() {
        let files = [("", "*.txt text eol=crlf\n*.txt ident\n"), ("a/", "x.txt -text\n*.dat filter=up\n")];
        let crlf = AttributeForm { eol: Eol::Crlf, ident: true, ..AttributeForm::default() };
        assert_eq!(form(&files, "y.txt"), crlf);
        assert_eq!(form(&files, "a/y.txt"), crlf);
        assert_eq!(form(&files, "a/x.txt"), AttributeForm { eol: Eol::AsStored, ..crlf });
        assert_eq!(form(&files, "a/b/z.dat").filter.as_deref(), Some("up"));
        assert!(form(&files, "z.dat").is_plain());
        assert!(form(&files, "lib/y.txt").is_plain(), "a submodule has its own");
    }

    #[test]
    fn macros_are_those_of_the_top_and_binary_is_one() {
        let files =
            [("", "[attr]doc text eol=crlf\n*.md doc\n*.bin eol=crlf binary\n"), ("a/", "[attr]doc -text\n")];
        assert_eq!(form(&files, "a/x.md").eol, Eol::Crlf);
        assert!(form(&files, "x.bin").is_plain());
    }

    #[test]
    fn quotes_comments_and_what_git_does_not_take_are_read() {
        let text = "# *.txt eol=crlf\n!*.txt eol=crlf\n\"a b\\143.txt\" eol=crlf\n";
        assert_eq!(form(&[("", text)], "a bc.txt").eol, Eol::Crlf);
        assert!(form(&[("", text)], "x.txt").is_plain());
        let long = format!("*.txt eol=crlf {}\n", "x".repeat(3000));
        assert!(form(&[("", &long)], "x.txt").is_plain());
    }

    #[test]
    fn a_macro_that_names_itself_comes_to_an_end() {
        assert!(form(&[("", "[attr]a b\n[attr]b a\n* a\n")], "x").is_plain());
    }
}

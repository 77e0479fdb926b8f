//! What a name stands for, as far as imports, definitions and simple assignments tell.

use std::collections::HashMap;

use super::flat_tree::{ItemId, Syntax};
use super::grammar::{Field, Kind};
use super::module_name::ModuleName;
use super::statements::{Form, Statement, closing, is_name_byte};

/// What one name is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Binding {
    /// An import: the absolute dotted name, and for a relative import the text as written.
    Import { target: String, relative: Option<String> },
    /// A function of this file, by its path in it.
    Function(String),
    /// A class of this file.
    Class(String),
    /// Another name for a dotted name: `loads = json.loads`.
    Alias(Vec<String>),
    /// What calling a dotted name gave: `app = Flask(__name__)`.
    Instance(Vec<String>),
    /// The first parameter of a method: the class by its path.
    Receiver(String),
    /// Bound to something that cannot be told.
    Opaque,
}

impl Binding {
    const fn is_definite(&self) -> bool {
        matches!(self, Self::Import { .. } | Self::Function(_) | Self::Class(_) | Self::Receiver(_))
    }
}

/// The names of one scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Bindings {
    names: HashMap<String, Binding>,
    /// Whether `from x import *` may bind anything.
    pub(super) star: bool,
}

impl Bindings {
    pub(super) fn get(&self, name: &str) -> Option<&Binding> {
        self.names.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = (&String, &Binding)> {
        self.names.iter()
    }

    /// Add a binding. The first import or definition of a name stands (`try: import fast as json`
    /// before `except ImportError: import json`); assignments that disagree tell nothing.
    pub(super) fn add(&mut self, name: &str, binding: Binding) {
        match self.names.get_mut(name) {
            None => {
                self.names.insert(name.to_owned(), binding);
            }
            Some(known) if known.is_definite() => {}
            Some(known) if binding.is_definite() => *known = binding,
            Some(known) if *known == binding => {}
            Some(known) => *known = Binding::Opaque,
        }
    }

    pub(super) fn replace(&mut self, name: &str, binding: Binding) {
        self.names.insert(name.to_owned(), binding);
    }

    /// Forget a name: `global x`.
    pub(super) fn forget(&mut self, name: &str) {
        self.names.remove(name);
    }

    /// Add what an import statement binds.
    pub(super) fn add_import(&mut self, syntax: &Syntax, statement: ItemId, module: &ModuleName) {
        let from = syntax.child(statement, Field::ModuleName).map(|item| joined(&syntax.text(item)));
        for child in syntax.named_children(statement) {
            match (syntax.kind(child), &from) {
                (Kind::WildcardImport, _) => self.star = true,
                _ if syntax.items[child].field != Field::Name => {}
                (Kind::AliasedImport, _) => {
                    let part = |field| syntax.child(child, field).map(|item| joined(&syntax.text(item)));
                    if let (Some(name), Some(alias)) = (part(Field::Name), part(Field::Alias)) {
                        self.add(&alias, imported(from.as_deref(), &name, module));
                    }
                }
                (_, Some(from)) => {
                    let name = joined(&syntax.text(child));
                    self.add(&name, imported(Some(from), &name, module));
                }
                (_, None) => {
                    // `import a.b` binds `a`.
                    let name = joined(&syntax.text(child));
                    let top = name.split('.').next().unwrap_or(&name);
                    self.add(top, imported(None, top, module));
                }
            }
        }
    }

    /// Add what statements at the top of a file bind, as far as that is seen without parsing: imports,
    /// definitions and simple assignments.
    pub(super) fn add_statements(&mut self, source: &[u8], statements: &[Statement], module: &ModuleName) {
        for statement in statements {
            let name = || String::from_utf8_lossy(statement.name(source)).into_owned();
            match statement.form {
                Form::Import => self.add_import_text(statement.text(source), module),
                Form::Function => self.add(&name(), Binding::Function(name())),
                Form::Class => self.add(&name(), Binding::Class(name())),
                Form::Simple => self.add_assignment(statement.text(source)),
                Form::Compound => {}
            }
        }
    }

    /// As [`add_import`](Self::add_import), from the text: imports have no strings, and only the brackets
    /// around their names.
    fn add_import_text(&mut self, text: &[u8], module: &ModuleName) {
        let text = String::from_utf8_lossy(text);
        let code = text.lines().map(|line| line.split('#').next().unwrap_or(line).trim_end_matches('\\'));
        let code = code.collect::<Vec<_>>().join(" ");
        let code = code.trim();
        let (from, names) = match code.strip_prefix("from") {
            Some(rest) => {
                let Some((from, names)) = rest.split_once(" import").or_else(|| rest.split_once("import"))
                else {
                    return;
                };
                (Some(joined(from)), names)
            }
            None => (None, code.strip_prefix("import").unwrap_or(code)),
        };
        for part in names.split([',', '(', ')']) {
            let words: Vec<&str> = part.split_whitespace().collect();
            match (&words[..], &from) {
                (["*"], _) => self.star = true,
                ([name, "as", alias], _) => self.add(alias, imported(from.as_deref(), name, module)),
                ([name], Some(from)) => self.add(name, imported(Some(from), name, module)),
                ([name], None) => {
                    let top = name.split('.').next().unwrap_or(name);
                    self.add(top, imported(None, top, module));
                }
                _ => {}
            }
        }
    }

    fn add_assignment(&mut self, text: &[u8]) {
        let Some(equals) = assignment_sign(text) else { return };
        let left = String::from_utf8_lossy(&text[..equals]);
        let target = left.split(':').next().unwrap_or_default().trim();
        if target.is_empty() || !target.bytes().all(is_name_byte) {
            let separators = |c: char| c == ',' || c == '(' || c == ')' || c == '[' || c == ']' || c == '*';
            left.split(separators)
                .map(str::trim)
                .filter(|name| !name.is_empty() && name.bytes().all(is_name_byte))
                .for_each(|name| self.add(name, Binding::Opaque));
            return;
        }
        self.add(target, assigned(text[equals + 1..].trim_ascii()));
    }
}

/// Where the first `=` of an assignment is, outside of brackets.
fn assignment_sign(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'=' => {
                let doubled = text.get(at + 1) == Some(&b'=');
                let operator = at > 0 && b"!<>+-*/%&|^@:".contains(&text[at - 1]);
                return (!doubled && !operator).then_some(at);
            }
            b'(' | b'[' | b'{' => at = closing(text, at)?,
            b'"' | b'\'' | b'#' | b'\n' | b';' => return None,
            _ => at += 1,
        }
    }
    None
}

/// What the right side of a simple assignment is.
fn assigned(right: &[u8]) -> Binding {
    let length = right.iter().take_while(|&&byte| is_name_byte(byte) || byte == b'.').count();
    let (dotted, rest) = right.split_at(length);
    let Some(parts) = parts_of(dotted) else { return Binding::Opaque };
    let is_end = |rest: &[u8]| {
        let rest = rest.trim_ascii_start();
        rest.is_empty() || rest.starts_with(b"#") && !rest.contains(&b'\n')
    };
    if is_end(rest) {
        return Binding::Alias(parts);
    }
    match rest.starts_with(b"(").then(|| closing(rest, 0)).flatten() {
        Some(end) if is_end(&rest[end..]) => Binding::Instance(parts),
        _ => Binding::Opaque,
    }
}

fn parts_of(dotted: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(dotted).ok()?;
    let constant = matches!(text, "None" | "True" | "False" | "lambda" | "not" | "await" | "yield");
    let valid = !constant
        && text.split('.').all(|part| part.bytes().next().is_some_and(|byte| !byte.is_ascii_digit()));
    valid.then(|| text.split('.').map(str::to_owned).collect())
}

/// A dotted name without the blanks and comments that Python allows inside.
fn joined(text: &str) -> String {
    if text.contains(char::is_whitespace) || text.contains('\\') {
        text.chars().filter(|c| !c.is_whitespace() && *c != '\\').collect()
    } else {
        text.to_owned()
    }
}

fn imported(from: Option<&str>, name: &str, module: &ModuleName) -> Binding {
    let Some(from) = from else {
        return Binding::Import { target: name.to_owned(), relative: None };
    };
    if !from.starts_with('.') {
        return Binding::Import { target: format!("{from}.{name}"), relative: None };
    }
    let separator = if from.ends_with('.') { "" } else { "." };
    let written = format!("{from}{separator}{name}");
    let target = module.absolute(&written);
    Binding::Import { target, relative: Some(written) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::statements::top_level;

    #[test]
    fn imports_are_read_from_their_text() {
        let source = b"import a.b, c as d\nfrom .x import (e, # one\n  f as g,\n)\nfrom ... import h\nfrom y.z \\\n  import i\nfrom.j import(k)\nfrom star import *\n";
        let mut bindings = Bindings::default();
        bindings.add_statements(source, &top_level(source), &ModuleName::of("p/q/r/m.py"));
        let target = |name: &str| match bindings.get(name) {
            Some(Binding::Import { target, .. }) => target.clone(),
            other => format!("{other:?}"),
        };
        let names = ["a", "d", "e", "g", "h", "i", "k"];
        let targets = ["a", "c", "p.q.r.x.e", "p.q.r.x.f", "p.h", "y.z.i", "p.q.r.j.k"];
        assert_eq!(names.map(target), targets);
        assert!(bindings.star);
    }
}

//! From a callee as written to the function that it means.

use super::bindings::{Binding, Bindings};
use super::extract::{Extracted, ScopeId, ScopeKind, Site, dotted};
use super::flat_tree::{ItemId, hash_text};
use super::grammar::{Field, Kind};
use super::module_name::ModuleName;

/// How long a chain of aliases is followed.
const LONGEST_CHAIN: usize = 8;

/// What a callee means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    /// Qualified, or as written.
    pub(super) name: String,
    pub(super) how: How,
}

/// How a meaning was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Through an import: the name says all.
    Import,
    /// Defined in this file.
    Local,
    /// A builtin that nothing hides.
    Builtin,
    /// A method of an object whose class is known. Which object it is matters as well.
    Method,
    /// Not told: as written.
    Written,
}

impl Meaning {
    /// What the callee is identified by: where the name says all, the name; otherwise None, and the
    /// text counts.
    pub(super) fn identity(&self) -> Option<u64> {
        (self.how == How::Import).then(|| hash_text(&self.name))
    }

    /// What must be equal for the same text to mean the same; None when it is not known.
    pub(super) fn definite(&self) -> Option<(How, &str)> {
        match self.how {
            How::Import | How::Local | How::Builtin => Some((self.how, &self.name)),
            How::Method | How::Written => None,
        }
    }
}

/// Resolves the callees of one version.
pub(super) struct Resolver<'e, 'a> {
    pub(super) extracted: &'e Extracted<'a>,
    pub(super) module_bindings: &'e Bindings,
    pub(super) module: &'e ModuleName,
}

impl Resolver<'_, '_> {
    /// What a site calls, without the module's own name before local definitions.
    pub(super) fn meaning(&self, site: &Site) -> Meaning {
        let syntax = &self.extracted.syntax;
        let Some(callee) = site.callee else {
            let word = match syntax.kind(site.item) {
                Kind::Print => "print",
                Kind::TypeAlias => "type",
                _ => "exec",
            };
            return Meaning { name: word.to_owned(), how: How::Builtin };
        };
        // A decorator is looked up outside of what it decorates.
        let scope = if site.decorator { self.extracted.scopes[site.scope].parent } else { site.scope };
        self.meaning_of(scope, callee)
    }

    /// The name for people.
    pub(super) fn display(&self, site: &Site) -> String {
        let meaning = self.meaning(site);
        match meaning.how {
            How::Local | How::Method if !meaning.name.starts_with(':') => meaning.name,
            How::Local | How::Method => self.module.member(&meaning.name[1..]),
            How::Import | How::Builtin | How::Written => meaning.name,
        }
    }

    fn meaning_of(&self, scope: ScopeId, callee: ItemId) -> Meaning {
        let syntax = &self.extracted.syntax;
        if let Some(parts) = dotted(syntax, callee) {
            if let Some(meaning) = self.resolve(scope, &parts, LONGEST_CHAIN) {
                return meaning;
            }
        } else if let Some(meaning) = self.method_of_new_object(scope, callee) {
            return meaning;
        }
        let written = syntax.text(callee);
        let name = written.split_whitespace().collect::<Vec<_>>().join(" ");
        Meaning { name, how: How::Written }
    }

    /// `Flask(__name__).run` is a method of `Flask`.
    fn method_of_new_object(&self, scope: ScopeId, callee: ItemId) -> Option<Meaning> {
        let syntax = &self.extracted.syntax;
        let object =
            syntax.child(callee, Field::Object).filter(|&object| syntax.kind(object) == Kind::Call)?;
        let class = dotted(syntax, syntax.child(object, Field::Function)?)?;
        let class = self.resolve_class(scope, &class, LONGEST_CHAIN)?;
        let method = syntax.text(syntax.child(callee, Field::Attribute)?);
        Some(Meaning { name: format!("{class}.{method}"), how: How::Method })
    }

    /// What a dotted name means.
    pub(super) fn resolve_name(&self, scope: ScopeId, parts: &[String]) -> Option<Meaning> {
        self.resolve(scope, parts, LONGEST_CHAIN)
    }

    /// Local names begin with a colon, so that they are told from modules' names.
    fn resolve(&self, scope: ScopeId, parts: &[String], chain: usize) -> Option<Meaning> {
        let (first, rest) = parts.split_first()?;
        let chain = chain.checked_sub(1)?;
        let Some((found_in, binding)) = self.look_up(scope, first) else {
            let is_builtin = rest.is_empty() && is_builtin(first) && !self.module_bindings.star;
            return is_builtin.then(|| Meaning { name: first.clone(), how: How::Builtin });
        };
        let extend = |base: &str| rest.iter().fold(base.to_owned(), |name, part| name + "." + part);
        match binding {
            Binding::Import { target, .. } => Some(Meaning { name: extend(target), how: How::Import }),
            Binding::Function(path) | Binding::Class(path) => {
                Some(Meaning { name: format!(":{}", extend(path)), how: How::Local })
            }
            Binding::Alias(other) if other.first() != Some(first) => {
                let aliased = self.resolve(found_in, other, chain)?;
                Some(Meaning { name: extend(&aliased.name), how: aliased.how })
            }
            Binding::Instance(class) if rest.len() == 1 && class.first() != Some(first) => {
                let class = self.resolve_class(found_in, class, chain)?;
                Some(Meaning { name: extend(&class), how: How::Method })
            }
            Binding::Receiver(class) if rest.len() == 1 => {
                Some(Meaning { name: format!(":{}", extend(class)), how: How::Method })
            }
            _ => None,
        }
    }

    /// The name of a class: one of this file, or an import that is written like a class.
    fn resolve_class(&self, scope: ScopeId, parts: &[String], chain: usize) -> Option<String> {
        let meaning = self.resolve(scope, parts, chain)?;
        let last = meaning.name.rsplit(['.', ':']).next().unwrap_or_default();
        let written_as_class = last.trim_start_matches('_').chars().next().is_some_and(char::is_uppercase);
        let is_class = match meaning.how {
            How::Import => written_as_class,
            How::Local => {
                written_as_class
                    || parts.len() == 1
                        && matches!(self.look_up(scope, &parts[0]), Some((_, Binding::Class(_))))
            }
            How::Builtin | How::Method | How::Written => false,
        };
        is_class.then_some(meaning.name)
    }

    fn look_up(&self, scope: ScopeId, name: &str) -> Option<(ScopeId, &Binding)> {
        let scopes = &self.extracted.scopes;
        let mut at = scope;
        loop {
            let this = &scopes[at];
            if at == 0 {
                return self.module_bindings.get(name).map(|binding| (0, binding));
            }
            // The names of a class are not seen from inside its methods.
            if (this.kind != ScopeKind::Class || at == scope)
                && let Some(binding) = this.bindings.get(name)
            {
                return Some((at, binding));
            }
            at = this.parent;
        }
    }
}

/// The functions and types of Python's `builtins`, and the exceptions that are called most.
pub(super) fn is_builtin(name: &str) -> bool {
    BUILTINS.binary_search(&name).is_ok()
}

const BUILTINS: [&str; 83] = [
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "EOFError",
    "Exception",
    "FileNotFoundError",
    "IOError",
    "ImportError",
    "IndexError",
    "KeyError",
    "LookupError",
    "NotImplementedError",
    "OSError",
    "RuntimeError",
    "StopIteration",
    "SystemExit",
    "TypeError",
    "ValueError",
    "ZeroDivisionError",
    "abs",
    "all",
    "any",
    "ascii",
    "bin",
    "bool",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "locals",
    "map",
    "max",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "zip",
];

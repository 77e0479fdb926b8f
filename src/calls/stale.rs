//! Calls that no longer fit the definition that they call.
//!
//! A call is stale when it fitted the old signature and does not fit the new one, and it is certain that it
//! calls that definition: through an import, in the definition's own module, as `self.method` in its class or
//! a class derived from it, on an object that was made of the class nearby, or by `super()`. A method of an
//! object of unknown class is never reported.

use std::collections::{HashMap, HashSet};

use super::bindings::Binding;
use super::extract::{Extracted, ScopeId, ScopeKind, Site, SiteId, dotted, extract};
use super::file_version::FileVersion;
use super::flat_tree::Syntax;
use super::grammar::{Field, Kind};
use super::module_name::ModuleName;
use super::parse::{MOST_BYTES, parse};
use super::parse_plan::VersionSide;
use super::resolve::How;
use super::signature::misfit;
use super::statements::is_name_byte;
use crate::model::{CallChange, ChangeKind, DefinitionChange, StaleReason};

/// Finds stale calls in the files of a tree.
#[derive(Debug, Default)]
pub struct StaleFinder {
    definitions: Vec<Definition>,
    /// Last names that a stale call must mention.
    words: HashSet<String>,
    /// Names under which packages pass definitions on: `pkg.f` for `pkg.mod.f`.
    passed_on: HashMap<String, String>,
}

#[derive(Debug)]
struct Definition {
    /// The file, new or, when it went, old.
    path: String,
    /// The module's name with the definition's path behind it.
    qualified: String,
    change: DefinitionChange,
}

impl Definition {
    /// For a method, the class and its own name.
    fn method(&self) -> Option<(&str, &str)> {
        self.change.name.contains('.').then(|| self.qualified.rsplit_once('.'))?
    }
}

impl StaleFinder {
    /// Add the definitions that changed in one file.
    pub fn add(&mut self, path: &str, changes: &[DefinitionChange]) {
        let module = ModuleName::of(path);
        for change in changes {
            let name = change.name.rsplit('.').next().unwrap_or(&change.name);
            let word = match change.name.rsplit_once('.') {
                Some((class, "__init__")) => {
                    self.words.insert("super".to_owned());
                    class.rsplit('.').next().unwrap_or(class)
                }
                _ => name,
            };
            self.words.insert(word.to_owned());
            self.definitions.push(Definition {
                path: path.to_owned(),
                qualified: module.member(&change.name),
                change: change.clone(),
            });
        }
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.definitions.is_empty()
    }

    /// Whether a file can hold a stale call: a fast look at its words.
    #[must_use]
    pub fn may_concern(&self, source: &[u8]) -> bool {
        source
            .split(|&byte| !is_name_byte(byte))
            .any(|word| std::str::from_utf8(word).is_ok_and(|word| self.words.contains(word)))
    }

    /// Learn what the `__init__.py` of a package passes on. To be called for all of them before
    /// [`find`](Self::find).
    pub fn add_package(&mut self, path: &str, source: &[u8]) {
        let Some(version) = read(path, source, &self.words) else { return };
        for (name, binding) in version.bindings.names() {
            if let Binding::Import { target, .. } = binding {
                self.passed_on.insert(version.module.member(name), target.clone());
            }
        }
    }

    /// The stale calls in a file of the new tree.
    #[must_use]
    pub fn find(&self, path: &str, source: &[u8]) -> Vec<CallChange> {
        let Some(mut version) = read(path, source, &self.words) else { return Vec::new() };
        version.index_lines();
        let search = Search { finder: self, version: &version, path };
        (0..version.extracted.sites.len()).filter_map(|site| search.judge(site)).collect()
    }
}

/// Only the statements that mention one of the words.
fn read<'a>(path: &str, source: &'a [u8], words: &HashSet<String>) -> Option<FileVersion<'a>> {
    let side = VersionSide::unchanged(source);
    let plan = side.plan(words);
    if plan.bytes() > MOST_BYTES {
        return None;
    }
    let ranges = plan.ranges();
    let syntax = if ranges.is_empty() {
        Syntax::empty(source)
    } else {
        Syntax::new(source, &[parse(source, &ranges)?], &ranges)
    };
    let module = ModuleName::of(path);
    let mut extracted = extract(syntax, &plan, &module);
    let mut bindings = std::mem::take(&mut extracted.scopes[0].bindings);
    bindings.add_statements(source, &side.statements(), &module);
    Some(FileVersion::new(extracted, bindings, module))
}

struct Search<'s, 'a> {
    finder: &'s StaleFinder,
    version: &'s FileVersion<'a>,
    path: &'s str,
}

impl Search<'_, '_> {
    fn judge(&self, id: SiteId) -> Option<CallChange> {
        let site = &self.version.extracted.sites[id];
        let (definition, problem) = self
            .called(site)
            .into_iter()
            .find_map(|definition| Some((definition, self.problem(site, &definition.change)?)))?;
        let line = definition.change.after.as_ref().unwrap_or(&definition.change.before).line;
        Some(CallChange {
            kind: ChangeKind::StaleCall,
            also: Vec::new(),
            before: None,
            after: Some(self.version.site(id)),
            gone: Vec::new(),
            came: Vec::new(),
            stale: Some(StaleReason {
                path: definition.path.clone(),
                name: definition.qualified.clone(),
                line,
                before: definition.change.before.text.clone(),
                after: definition.change.after.as_ref().map(|after| after.text.clone()),
                problem,
            }),
        })
    }

    fn problem(&self, site: &Site, change: &DefinitionChange) -> Option<String> {
        let syntax = &self.version.extracted.syntax;
        if site.plain || misfit(syntax, &site.arguments, &change.before).is_some() {
            return None;
        }
        match (&change.after, &change.renamed_to) {
            (Some(after), _) => misfit(syntax, &site.arguments, after),
            (None, Some(name)) => Some(format!("the definition is called '{name}' now")),
            (None, None) => Some("the definition is gone".to_owned()),
        }
    }

    /// The changed definitions that a call certainly calls.
    fn called(&self, site: &Site) -> Vec<&Definition> {
        let scope = site.scope;
        if let Some(method) = self.super_method(site) {
            return self.inherited(self.class_around(scope), &method, 0);
        }
        let meaning = self.version.resolver().meaning(site);
        let name = self.absolute(&meaning.name);
        match meaning.how {
            How::Import | How::Local => self.matching(|definition| match definition.method() {
                Some((class, "__init__")) => class == name,
                // `Class.method(object)`: whether the first argument is the object cannot be told here.
                Some(_) => false,
                None => definition.qualified == name,
            }),
            How::Method => {
                let found =
                    self.matching(|definition| definition.method().is_some() && definition.qualified == name);
                if !found.is_empty() {
                    return found;
                }
                let (class, method) = name.rsplit_once('.').unwrap_or_default();
                let class = self.version.extracted.scopes.iter().position(|scope| {
                    scope.kind == ScopeKind::Class && self.version.module.member(&scope.path) == class
                });
                self.inherited(class, method, 0)
            }
            How::Written => self.matching(|definition| {
                let here = definition.path == self.path && definition.change.after.is_none();
                here && definition.change.name == meaning.name
                    && self.version.bindings.get(&meaning.name).is_none()
                    && !self.is_local(scope, &meaning.name)
            }),
            How::Builtin => Vec::new(),
        }
    }

    fn matching(&self, matches: impl Fn(&Definition) -> bool) -> Vec<&Definition> {
        self.finder.definitions.iter().filter(|definition| matches(definition)).collect()
    }

    /// With the module's name in front of local names, and through packages that pass names on.
    fn absolute(&self, name: &str) -> String {
        let mut name = match name.strip_prefix(':') {
            Some(local) => self.version.module.member(local),
            None => name.to_owned(),
        };
        // A package may pass on what another one passes on.
        for _ in 0..4 {
            let passed = self.finder.passed_on.get(&name).cloned().or_else(|| {
                let (class, method) = name.rsplit_once('.')?;
                Some(format!("{}.{method}", self.finder.passed_on.get(class)?))
            });
            match passed {
                Some(next) if next != name => name = next,
                _ => break,
            }
        }
        name
    }

    fn is_local(&self, scope: ScopeId, name: &str) -> bool {
        let scopes = &self.version.extracted.scopes;
        let mut at = scope;
        while at != 0 {
            if scopes[at].bindings.get(name).is_some() {
                return true;
            }
            at = scopes[at].parent;
        }
        false
    }

    /// The method's name in `super().method(…)`.
    fn super_method(&self, site: &Site) -> Option<String> {
        let syntax = &self.version.extracted.syntax;
        let callee = site.callee?;
        let object =
            syntax.child(callee, Field::Object).filter(|&object| syntax.kind(object) == Kind::Call)?;
        let function = syntax.child(object, Field::Function)?;
        (syntax.bytes(function) == b"super")
            .then(|| syntax.child(callee, Field::Attribute))?
            .map(|name| syntax.text(name).into_owned())
    }

    fn class_around(&self, scope: ScopeId) -> Option<ScopeId> {
        let scopes = &self.version.extracted.scopes;
        let mut at = scope;
        while at != 0 && scopes[at].kind != ScopeKind::Class {
            at = scopes[at].parent;
        }
        (at != 0).then_some(at)
    }

    /// The changed definitions of a method that a class inherits from its first base that has it.
    fn inherited(&self, class: Option<ScopeId>, method: &str, depth: usize) -> Vec<&Definition> {
        let Some(class) = class.filter(|_| depth < 8) else { return Vec::new() };
        let Extracted { syntax, scopes, .. } = &self.version.extracted;
        let Some(bases) = syntax.child(scopes[class].definition, Field::Superclasses) else {
            return Vec::new();
        };
        let bases: Vec<Vec<String>> =
            syntax.named_children(bases).filter_map(|base| dotted(syntax, base)).collect();
        // With several bases, which one has the method cannot be told from here.
        let [base] = &bases[..] else { return Vec::new() };
        let Some(meaning) = self.version.resolver().resolve_name(scopes[class].parent, base) else {
            return Vec::new();
        };
        let name = self.absolute(&meaning.name);
        let found = self.matching(|definition| definition.method() == Some((name.as_str(), method)));
        if !found.is_empty() {
            return found;
        }
        let own = scopes.iter().position(|scope| {
            scope.kind == ScopeKind::Class && self.version.module.member(&scope.path) == name
        });
        let defines = own.is_some_and(|own| {
            scopes.iter().any(|scope| scope.parent == own && scope.name == method)
                || scopes[own].bindings.get(method).is_some()
        });
        if defines { Vec::new() } else { self.inherited(own, method, depth + 1) }
    }
}

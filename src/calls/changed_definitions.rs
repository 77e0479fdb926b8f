//! Definitions whose callers may no longer fit.

use std::collections::HashMap;

use super::extract::{Scope, ScopeId, ScopeKind};
use super::file_version::FileVersion;
use super::signature::signature;
use crate::model::{DefinitionChange, ParameterKind, Signature};

/// The functions and methods that changed in a way that a caller may notice, in the order of the old
/// file.
pub(super) fn definition_changes(
    old: &FileVersion,
    new: &FileVersion,
    to_new: &[Option<ScopeId>],
) -> Vec<DefinitionChange> {
    let counts = (counts(old), counts(new));
    let mut classes: HashMap<&str, &Scope> = HashMap::new();
    for scope in &new.extracted.scopes {
        classes.entry(&scope.path).or_insert(scope);
    }
    let mut found = Vec::new();
    for (id, scope) in old.extracted.scopes.iter().enumerate().skip(1) {
        // One definition of several (overloads, branches) says little about a call.
        if !is_callable(old, scope) || counts.0.get(scope.path.as_str()) != Some(&1) {
            continue;
        }
        let Some(before) = signature_of(old, scope) else { continue };
        let other = to_new[id].map(|other| &new.extracted.scopes[other]);
        let same_path = other.filter(|other| other.path == scope.path);
        if let Some(other) = same_path {
            if counts.1.get(scope.path.as_str()) != Some(&1) {
                continue;
            }
            let Some(after) = signature_of(new, other) else { continue };
            if narrows(&before, &after) {
                found.push(change(scope, before, Some(after), None));
            }
        } else if !counts.1.contains_key(scope.path.as_str()) && !is_bound(new, &classes, scope) {
            let renamed_to = other.map(|other| other.path.clone());
            found.push(change(scope, before, None, renamed_to));
        }
    }
    found
}

fn change(
    scope: &Scope,
    before: Signature,
    after: Option<Signature>,
    renamed_to: Option<String>,
) -> DefinitionChange {
    DefinitionChange { name: scope.path.clone(), before, after, renamed_to }
}

/// At the top of the file or of a class there.
fn is_callable(version: &FileVersion, scope: &Scope) -> bool {
    let parent = &version.extracted.scopes[scope.parent];
    let in_place = match parent.kind {
        ScopeKind::Module => true,
        ScopeKind::Class => parent.parent == 0,
        ScopeKind::Function => false,
    };
    scope.compared && scope.kind == ScopeKind::Function && in_place
}

fn counts<'v>(version: &'v FileVersion) -> HashMap<&'v str, usize> {
    let mut counts = HashMap::new();
    for scope in version.extracted.scopes.iter().skip(1) {
        *counts.entry(scope.path.as_str()).or_default() += 1;
    }
    counts
}

fn signature_of(version: &FileVersion, scope: &Scope) -> Option<Signature> {
    let line = version.line_of(version.extracted.syntax.items[scope.definition].start);
    signature(&version.extracted, scope, line)
}

/// Whether the new version still has the name in another way: imported, assigned, inherited.
fn is_bound(version: &FileVersion, classes: &HashMap<&str, &Scope>, scope: &Scope) -> bool {
    match scope.path.split_once('.') {
        None => {
            version.bindings.star
                || version.bindings.get(&scope.name).is_some()
                || version.bindings.get("__getattr__").is_some()
        }
        // A class may inherit the method, or set it.
        Some((class, name)) => {
            let found = classes.get(class);
            found.is_some_and(|class| class.bindings.get(name).is_some() || version.has_bases(class))
        }
    }
}

/// Whether a call that fits the first signature may not fit the second.
fn narrows(before: &Signature, after: &Signature) -> bool {
    let plain = |signature: &Signature| -> Vec<(String, ParameterKind, bool)> {
        let parameters = signature.parameters.iter();
        parameters.map(|parameter| (parameter.name.clone(), parameter.kind, parameter.has_default)).collect()
    };
    plain(before) != plain(after)
}

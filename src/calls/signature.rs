//! A function as its callers see it, and whether a call fits it.

use super::extract::{Argument, Extracted, Given, Scope, ScopeKind, decorator_names};
use super::flat_tree::{ItemId, Syntax};
use super::grammar::{Field, Kind};
use crate::model::{Parameter, ParameterKind, Signature};

/// Decorators that leave the signature as it is written.
const TRANSPARENT: [&str; 12] = [
    "staticmethod",
    "classmethod",
    "abstractmethod",
    "abc.abstractmethod",
    "override",
    "typing.override",
    "functools.lru_cache",
    "lru_cache",
    "functools.cache",
    "cache",
    "contextmanager",
    "contextlib.contextmanager",
];

/// The signature of a function; None when a decorator may have changed it, or it is no method that is
/// called by its name (a property).
pub(super) fn signature(extracted: &Extracted, scope: &Scope, line: u32) -> Option<Signature> {
    let syntax = &extracted.syntax;
    let decorators = decorator_names(syntax, scope.item);
    if !decorators.iter().all(|name| TRANSPARENT.contains(&name.as_str())) {
        return None;
    }
    let list = syntax.child(scope.definition, Field::Parameters)?;
    let mut parameters = parameters(syntax, list);
    let is_method = extracted.scopes[scope.parent].kind == ScopeKind::Class;
    if is_method && !decorators.iter().any(|name| name == "staticmethod") {
        let first = parameters.first()?;
        if matches!(first.kind, ParameterKind::Positional | ParameterKind::Either) {
            parameters.remove(0);
        }
    }
    let text = format!("def {}{}", scope.name, one_line(&syntax.text(list)));
    Some(Signature { parameters, text, line })
}

/// A text on one line, with single blanks.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("( ", "(")
        .replace(", )", ")")
        .replace(" )", ")")
}

fn parameters(syntax: &Syntax, list: ItemId) -> Vec<Parameter> {
    let mut found: Vec<Parameter> = Vec::new();
    let mut kind = ParameterKind::Either;
    for item in syntax.named_children(list) {
        match syntax.kind(item) {
            Kind::PositionalSeparator => {
                for earlier in &mut found {
                    earlier.kind = ParameterKind::Positional;
                }
            }
            Kind::KeywordSeparator => kind = ParameterKind::Keyword,
            _ => {
                let parameter = parameter(syntax, item, kind);
                if parameter.kind == ParameterKind::Star {
                    kind = ParameterKind::Keyword;
                }
                found.push(parameter);
            }
        }
    }
    found
}

fn parameter(syntax: &Syntax, item: ItemId, kind: ParameterKind) -> Parameter {
    let named = |name: ItemId, kind, has_default| Parameter {
        name: syntax.text(name).trim_start_matches('*').trim().to_owned(),
        kind,
        has_default,
    };
    match syntax.kind(item) {
        Kind::DefaultParameter | Kind::TypedDefaultParameter => {
            named(syntax.child(item, Field::Name).unwrap_or(item), kind, true)
        }
        Kind::TypedParameter => {
            let inner = syntax.named_children(item).next().unwrap_or(item);
            parameter(syntax, inner, kind)
        }
        Kind::SplatPattern => named(item, ParameterKind::Star, true),
        Kind::DoubleSplatPattern => named(item, ParameterKind::DoubleStar, true),
        _ => named(item, kind, false),
    }
}

/// What of a call does not fit a signature, for people; None when it may fit.
pub(super) fn misfit(syntax: &Syntax, arguments: &[Argument], signature: &Signature) -> Option<String> {
    let parameters = &signature.parameters;
    let has = |kind| parameters.iter().any(|parameter| parameter.kind == kind);
    let spreads = |given| arguments.iter().any(|argument| argument.given == given);
    let by_position: Vec<&Parameter> = parameters
        .iter()
        .filter(|parameter| matches!(parameter.kind, ParameterKind::Positional | ParameterKind::Either))
        .collect();
    let positions = arguments.iter().filter(|argument| argument.given == Given::Position).count();
    if positions > by_position.len() && !has(ParameterKind::Star) {
        return Some(format!("takes {} positional arguments, {positions} given", by_position.len()));
    }
    let keywords: Vec<String> = arguments
        .iter()
        .filter_map(|argument| match argument.given {
            Given::Keyword(name) => Some(syntax.text(name).into_owned()),
            _ => None,
        })
        .collect();
    let takes = |name: &str| {
        let by_keyword = |parameter: &&Parameter| {
            matches!(parameter.kind, ParameterKind::Either | ParameterKind::Keyword) && parameter.name == name
        };
        parameters.iter().find(by_keyword)
    };
    for keyword in &keywords {
        if takes(keyword).is_none() && !has(ParameterKind::DoubleStar) {
            return Some(format!("no parameter named '{keyword}'"));
        }
        if by_position
            .iter()
            .take(positions)
            .any(|parameter| parameter.name == *keyword && parameter.kind == ParameterKind::Either)
        {
            return Some(format!("two values for '{keyword}'"));
        }
    }
    let missing = parameters.iter().find(|parameter| {
        let required = !parameter.has_default;
        let filled = match parameter.kind {
            ParameterKind::Star | ParameterKind::DoubleStar => true,
            ParameterKind::Keyword => spreads(Given::DoubleStar) || keywords.contains(&parameter.name),
            ParameterKind::Either | ParameterKind::Positional => {
                let index = by_position.iter().position(|other| other.name == parameter.name);
                spreads(Given::Star)
                    || spreads(Given::DoubleStar)
                    || index.is_some_and(|index| index < positions)
                    || keywords.contains(&parameter.name)
            }
        };
        required && !filled
    });
    missing.map(|parameter| format!("no value for '{}'", parameter.name))
}

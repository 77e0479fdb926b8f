//! Names of packages, and the parts of a requirement.

use std::sync::LazyLock;

use regex::Regex;

/// A package's name as the [specification](https://packaging.python.org/en/latest/specifications/name-normalization/)
/// compares it: lower case, one `-` for each run of `-`, `_` and `.`.
pub(in crate::pyenv) fn normalised(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.trim().chars() {
        let character = if matches!(character, '_' | '.') { '-' } else { character.to_ascii_lowercase() };
        if character != '-' || !normal.ends_with('-') {
            normal.push(character);
        }
    }
    normal
}

/// The normalised name at the beginning of a requirement; `None` of a path, a URL or an option.
pub(in crate::pyenv) fn name_of(requirement: &str) -> Option<String> {
    static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?:$|[<>=!~;@(#])")
            .ok()
    });
    let found = NAME.as_ref()?.captures(requirement)?;
    Some(normalised(&found[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_the_specification_says() {
        assert_eq!(normalised("Flask_SQLAlchemy"), "flask-sqlalchemy");
        assert_eq!(normalised("zope..interface"), "zope-interface");
        assert_eq!(name_of("Flask>=0.8").as_deref(), Some("flask"));
        assert_eq!(name_of("requests [security] ; python_version < '3'").as_deref(), Some("requests"));
        assert_eq!(name_of("attrs").as_deref(), Some("attrs"));
        assert_eq!(name_of("x @ https://example.org/x.zip").as_deref(), Some("x"));
        assert_eq!(name_of("./folder"), None);
        assert_eq!(name_of("-e ."), None);
    }
}

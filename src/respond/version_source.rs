//! Where an answer says which version gave it.

use regex::Regex;

use super::health_error::HealthError;

/// Where an answer tells the version.
#[derive(Debug, Clone)]
pub enum VersionSource {
    /// In a header.
    Header(String),
    /// In a JSON body, beneath these keys and places.
    Json(Vec<String>),
    /// In the first group of an expression, or all that matches.
    Pattern(Regex),
}

impl VersionSource {
    /// `X-Version` is a header, `$.build.commit` a path in a JSON body, anything else a regular expression for the body.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, HealthError> {
        if let Some(path) = text.strip_prefix("$") {
            let steps = path.replace('[', ".").replace(']', "");
            let keys = steps.strip_prefix('.').map(|steps| steps.split('.'));
            let keys: Vec<String> =
                keys.into_iter().flatten().map(|key| key.trim_matches(['\'', '"']).to_owned()).collect();
            let is_closed = path.matches('[').count() == path.matches(']').count();
            if keys.is_empty() || keys.iter().any(String::is_empty) || !is_closed {
                return Err(HealthError::Path(text.to_owned()));
            }
            return Ok(Self::Json(keys));
        }
        let is_name =
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if is_name {
            return Ok(Self::Header(text.to_owned()));
        }
        let wrong =
            |error: regex::Error| HealthError::Version { text: text.to_owned(), error: error.to_string() };
        Regex::new(text).map(Self::Pattern).map_err(wrong)
    }

    /// The version that a body tells, in one line.
    pub(super) fn in_body(&self, body: &str) -> Option<String> {
        let told = match self {
            Self::Header(_) => None,
            Self::Json(keys) => {
                let whole: serde_json::Value = serde_json::from_str(body).ok()?;
                let step = |value: serde_json::Value, key: &String| match value {
                    serde_json::Value::Object(mut fields) => fields.remove(key),
                    serde_json::Value::Array(list) => list.into_iter().nth(key.parse().ok()?),
                    _ => None,
                };
                match keys.iter().try_fold(whole, step)? {
                    serde_json::Value::String(text) => Some(text),
                    serde_json::Value::Number(number) => Some(number.to_string()),
                    _ => None,
                }
            }
            Self::Pattern(pattern) => {
                let found = pattern.captures(body)?;
                found.get(1).or_else(|| found.get(0)).map(|text| text.as_str().to_owned())
            }
        };
        told.as_deref().and_then(one_word)
    }

    /// What is missing when an answer does not have it.
    pub(super) fn missing(&self) -> String {
        match self {
            Self::Header(name) => format!("no header {name}"),
            Self::Json(keys) => format!("no $.{} in the body", keys.join(".")),
            Self::Pattern(pattern) => format!("nothing in the body matches {pattern}"),
        }
    }
}

/// A version, as far as it can be one: a line that is not too long.
pub(super) fn one_word(text: &str) -> Option<String> {
    const LONGEST: usize = 100;
    let line = text.lines().next().unwrap_or_default().trim();
    (!line.is_empty()).then(|| line.chars().take(LONGEST).collect())
}

//! The texts in what is told: of a report, an event, whatever it is.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::conclusion::Culprit;
use super::report::Report;

/// A copy with each text changed, such as to mask secrets; `None` where it cannot be told with them.
#[must_use]
pub fn with_texts<T: Serialize + DeserializeOwned>(
    told: &T,
    change: &mut dyn FnMut(&str) -> Option<String>,
) -> Option<T> {
    fn walk(value: &mut Value, change: &mut dyn FnMut(&str) -> Option<String>) {
        match value {
            Value::String(text) => {
                if let Some(other) = change(text) {
                    *text = other;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
            Value::Object(map) => map.values_mut().for_each(|value| walk(value, change)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut value = serde_json::to_value(told).ok()?;
    walk(&mut value, change);
    serde_json::from_value(value).ok()
}

impl Report {
    /// Take the proofs of the same report with other texts: they hold no foreign text, and are never made of one.
    pub fn keep_proofs(&mut self, of: &Self) {
        fn keep(culprits: &mut [Culprit], of: &[Culprit]) {
            for (one, other) in culprits.iter_mut().zip(of) {
                one.proof.clone_from(&other.proof);
            }
        }
        keep(&mut self.culprits, &of.culprits);
        for (one, other) in self.targets.iter_mut().zip(&of.targets) {
            keep(&mut one.culprits, &other.culprits);
        }
    }
}

//! Objects that hold many records: the answers of log stores.

use serde_json::{Map, Value};

use super::json::{LEVELS, MESSAGES, TIMES};
use super::structured;

/// How deep the list of records may stand, and a record's own words in it.
const DEPTH: usize = 3;

/// The records that an object lists, when it is none by itself.
pub(super) fn records(fields: &Map<String, Value>) -> Option<Vec<&Map<String, Value>>> {
    let own = |names: &[&str]| names.iter().any(|name| fields.get(*name).is_some_and(Value::is_string));
    if own(&LEVELS) || own(&MESSAGES) || own(&TIMES) {
        return None;
    }
    list(fields, 0)
}

fn list(fields: &Map<String, Value>, depth: usize) -> Option<Vec<&Map<String, Value>>> {
    fields.iter().filter(|(key, _)| !structured::HOLDERS.contains(&key.as_str())).find_map(|(_, value)| {
        match value {
            Value::Array(values) => {
                let objects: Option<Vec<_>> = values.iter().map(Value::as_object).collect();
                objects.filter(|objects| !objects.is_empty() && objects.iter().all(|one| is_record(one)))
            }
            Value::Object(more) if depth < DEPTH => list(more, depth + 1),
            _ => None,
        }
    })
}

/// Whether the object tells when, and what.
fn is_record(fields: &Map<String, Value>) -> bool {
    has(fields, &TIMES, 0) && (has(fields, &MESSAGES, 0) || has(fields, &LEVELS, 0))
}

fn has(fields: &Map<String, Value>, names: &[&str], depth: usize) -> bool {
    names.iter().any(|name| fields.get(*name).is_some_and(|value| value.is_string() || value.is_number()))
        || depth < DEPTH
            && fields.values().filter_map(Value::as_object).any(|more| has(more, names, depth + 1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn count(value: &Value) -> usize {
        records(value.as_object().unwrap()).map_or(0, |records| records.len())
    }

    #[test]
    fn lists_of_records_and_records_with_lists() {
        let record = json!({"timestamp": 1, "message": "sold"});
        assert_eq!(count(&json!({"events": [record, record]})), 2);
        assert_eq!(
            count(
                &json!({"took": 3, "hits": {"total": {"value": 1}, "hits": [{"_id": "1", "_source": record}]}})
            ),
            1
        );
        assert_eq!(count(&json!({"level": "error", "breadcrumbs": [record]})), 0);
        assert_eq!(count(&json!({"exception": {"values": [record]}})), 0);
        assert_eq!(count(&json!({"items": [{"price": 3}]})), 0);
    }
}

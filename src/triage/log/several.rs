//! Objects that hold many records: the answers of log stores. Records are objects, pairs of a time and a line (Loki), rows
//! below columns (Azure), or lists of fields with their values (CloudWatch's Insights).

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::json::{LEVELS, MESSAGES, TIMES};
use super::structured;

/// How deep the list of records may stand, and a record's own words in it.
const DEPTH: usize = 3;

/// The records that an object lists, when it is none by itself.
pub(super) fn records(fields: &Map<String, Value>) -> Option<Vec<Cow<'_, Map<String, Value>>>> {
    let own = |names: &[&str]| names.iter().any(|name| fields.get(*name).is_some_and(Value::is_string));
    if own(&LEVELS) || own(&MESSAGES) || own(&TIMES) {
        return None;
    }
    list(fields, 0)
}

fn list(fields: &Map<String, Value>, depth: usize) -> Option<Vec<Cow<'_, Map<String, Value>>>> {
    fields.iter().filter(|(key, _)| !structured::HOLDERS.contains(&key.as_str())).find_map(|(_, value)| {
        match value {
            Value::Array(values) => {
                let objects: Option<Vec<_>> =
                    values.iter().map(|one| one.as_object().map(Cow::Borrowed)).collect();
                objects
                    .filter(|objects| !objects.is_empty() && objects.iter().all(|one| is_record(one)))
                    .or_else(|| made_of(values))
            }
            Value::Object(more) if depth < DEPTH => list(more, depth + 1),
            _ => None,
        }
    })
}

/// The records that a list holds otherwise than as objects.
fn made_of(values: &[Value]) -> Option<Vec<Cow<'_, Map<String, Value>>>> {
    type Read = fn(&Value) -> Option<Vec<Map<String, Value>>>;
    let read: [Read; 3] = [pairs, rows, named_values];
    let found = read.iter().find_map(|read| values.iter().map(read).collect::<Option<Vec<_>>>());
    let made: Vec<Map<String, Value>> = found?.into_iter().flatten().collect();
    (!made.is_empty()).then(|| made.into_iter().map(Cow::Owned).collect())
}

/// A stream's pairs of a time and a line, the oldest first: Loki answers with the newest first unless it is asked not to.
fn pairs(stream: &Value) -> Option<Vec<Map<String, Value>>> {
    let labels = stream.get("stream")?;
    let pair = |pair: &Value| {
        let (time, line) = (pair.get(0)?, pair.get(1).filter(|line| line.is_string())?);
        Some(record([("timestamp", time), ("line", line), ("labels", labels)]))
    };
    let mut all: Vec<_> = stream.get("values")?.as_array()?.iter().map(pair).collect::<Option<_>>()?;
    let time = |one: &Map<String, Value>| {
        one.get("timestamp").and_then(Value::as_str).and_then(|time| time.parse::<i64>().ok())
    };
    if all.first().map(&time) > all.last().map(&time) {
        all.reverse();
    }
    Some(all)
}

/// A table's rows, each under the names of its columns; what holds a time is called so.
fn rows(table: &Value) -> Option<Vec<Map<String, Value>>> {
    let columns = table.get("columns")?.as_array()?;
    let name = |column: &Value| {
        let is_time = column.get("type").and_then(Value::as_str) == Some("datetime");
        if is_time { Some("timestamp".to_owned()) } else { Some(column.get("name")?.as_str()?.to_owned()) }
    };
    let names: Vec<String> = columns.iter().map(name).collect::<Option<_>>()?;
    let row = |row: &Value| Some(names.iter().cloned().zip(row.as_array()?.iter().cloned()).collect());
    table.get("rows")?.as_array()?.iter().map(row).collect()
}

/// A record that is a list of fields.
fn named_values(fields: &Value) -> Option<Vec<Map<String, Value>>> {
    let field = |field: &Value| Some((field.get("field")?.as_str()?.to_owned(), field.get("value")?.clone()));
    let made: Map<String, Value> = fields.as_array()?.iter().map(field).collect::<Option<_>>()?;
    is_record(&made).then(|| vec![made])
}

fn record<const N: usize>(fields: [(&str, &Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
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
        assert_eq!(count(&json!({"rows": [[1, 2]], "results": [[], "x"]})), 0);
    }

    #[test]
    fn records_that_are_no_objects() {
        let messages = |value: &Value, name: &str| {
            let records = records(value.as_object().unwrap()).unwrap();
            records.iter().map(|one| one[name].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let of_loki = json!({"status": "success", "data": {"resultType": "streams", "result": [
            {"stream": {"app": "kiosk"}, "values": [["1764411003000000002", "two"], ["1764411003000000001", "one"]]},
        ]}});
        assert_eq!(messages(&of_loki, "line"), ["one", "two"]);
        let of_azure = json!({"tables": [{"name": "PrimaryResult", "rows": [["2026-11-28T10:00:00Z", "sold"]], "columns": [
            {"name": "TimeGenerated", "type": "datetime"}, {"name": "Message", "type": "string"},
        ]}]});
        assert_eq!(messages(&of_azure, "Message"), ["sold"]);
        let of_insights = json!({"status": "Complete", "results": [[
            {"field": "@timestamp", "value": "2026-11-28 10:00:00.000"}, {"field": "@message", "value": "sold"},
        ]]});
        assert_eq!(messages(&of_insights, "@message"), ["sold"]);
    }
}

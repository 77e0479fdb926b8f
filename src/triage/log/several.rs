//! Objects that hold many records: the answers of log stores. Records are objects, pairs of a time and a line (Loki), rows
//! below columns (Azure), or lists of fields with their values (CloudWatch's Insights). And records that tell of several
//! failures: a batch that lists the traceback of each.

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

/// One record for each failure that a record lists: whole tracebacks, as texts, or each in an object of its own.
pub(super) fn failures(fields: &Map<String, Value>) -> Option<Vec<Map<String, Value>>> {
    let (key, values) = listed(fields, 0)?;
    // What names the list's own failure is that, and the list its members or causes.
    let alone = fields.iter().filter(|(name, _)| *name != key).all(|(_, value)| !is_traceback(value));
    let texts: Vec<String> = values.iter().map(Value::to_string).collect();
    let nested = |text: &String| {
        texts.iter().any(|more| more.len() > text.len() && more.contains(text.trim_matches('"')))
    };
    if !alone || texts.iter().any(nested) {
        return None;
    }
    let own: Map<String, Value> = fields
        .iter()
        .filter(|(_, value)| value.is_string() || value.is_number())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let one = |value: &Value| {
        let mut one = own.clone();
        match value {
            Value::Object(more) => one.extend(more.clone()),
            text => drop(one.insert("traceback".to_owned(), text.clone())),
        }
        one
    };
    Some(values.iter().map(one).collect())
}

fn listed(fields: &Map<String, Value>, depth: usize) -> Option<(&String, &Vec<Value>)> {
    fields.iter().filter(|(key, _)| !structured::HOLDERS.contains(&key.as_str())).find_map(|(key, value)| {
        match value {
            Value::Array(values) => {
                let whole = |value: &Value| {
                    is_traceback(value) || value.as_object().is_some_and(|one| one.values().any(is_traceback))
                };
                (values.len() > 1 && values.iter().all(whole)).then_some((key, values))
            }
            Value::Object(more) if depth < DEPTH => listed(more, depth + 1),
            _ => None,
        }
    })
}

/// Whether a value is a whole traceback: a text, or its lines.
fn is_traceback(value: &Value) -> bool {
    let begins = |value: &Value| {
        value.as_str().is_some_and(|text| text.trim_start().starts_with("Traceback (most recent call last):"))
    };
    match value {
        Value::String(_) => {
            begins(value) && structured::of_value(value).is_some_and(|read| read.kind.is_some())
        }
        Value::Array(lines) => {
            lines.len() > 2
                && lines.first().is_some_and(begins)
                && !lines.get(1).is_some_and(begins)
                && structured::of_value(value).is_some_and(|read| read.kind.is_some())
        }
        _ => false,
    }
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
    fn several_failures_are_a_record_each() {
        let text = |kind: &str| {
            format!("Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n{kind}: x")
        };
        let count = |value: &Value| failures(value.as_object().unwrap()).map_or(0, |records| records.len());
        let (one, two) = (text("KeyError"), text("ValueError"));
        assert_eq!(count(&json!({"level": "ERROR", "tracebacks": [one, one, two]})), 3);
        assert_eq!(
            count(&json!({"jobs": {"failed": [{"id": 1, "error": one}, {"id": 2, "error": two}]}})),
            2
        );
        let lines: Vec<&str> = one.lines().collect();
        assert_eq!(count(&json!({"jobs": [{"exc_info": lines}, {"exc_info": lines}]})), 2);
        // One failure: its lines, its chain, what it was raised from, and one that is told beside.
        assert_eq!(count(&json!({"exc_info": lines})), 0);
        let chain =
            format!("{one}\n\nDuring handling of the above exception, another exception occurred:\n\n{two}");
        assert_eq!(count(&json!({"stack": [one, chain]})), 0);
        assert_eq!(count(&json!({"exc_info": two, "causes": [one, one]})), 0);
        assert_eq!(count(&json!({"jobs": [{"id": 1, "error": one}, {"id": 2}]})), 0);
        let own = failures(json!({"level": "ERROR", "list": [one, two]}).as_object().unwrap()).unwrap();
        assert_eq!((&own[1]["level"], &own[1]["traceback"]), (&json!("ERROR"), &json!(two)));
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

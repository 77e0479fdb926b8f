//! Reading TOML: lists of strings, and tables within tables.

use toml::{Table, Value};

pub(super) fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

pub(super) fn one_or_more(value: &Value) -> Vec<String> {
    value.as_str().map_or_else(|| strings(value), |one| vec![one.to_owned()])
}

pub(super) fn entry(name: &str, target: &Value) -> String {
    format!("{name} = {}", target.as_str().unwrap_or_default())
}

pub(super) fn tables<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    table.get(key).and_then(Value::as_table).into_iter().flatten()
}

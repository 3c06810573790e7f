//! Reads requests to DynamoDB.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Map, Value};

/// The key of the service's table.
pub(super) const KEY: [&str; 2] = ["pk", "sk"];

/// An action on one item: a request, or a part of a transaction.
pub(super) struct Action<'a> {
    pub(super) kind: &'a str,
    pub(super) request: &'a Value,
}

/// What a request does, item by item; of a transaction, each of its actions.
pub(super) fn actions<'a>(operation: &'a str, body: &'a Value) -> Vec<Action<'a>> {
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" | "GetItem" | "Query" | "Scan" => {
            vec![Action { kind: operation.strip_suffix("Item").unwrap_or(operation), request: body }]
        }
        "TransactWriteItems" | "TransactGetItems" => {
            let parts = body["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
            parts.flatten().map(|(kind, request)| Action { kind, request }).collect()
        }
        _ => vec![],
    }
}

impl<'a> Action<'a> {
    pub(super) fn is_write(&self) -> bool {
        matches!(self.kind, "Put" | "Update" | "Delete")
    }

    /// The attributes of the key; none where the action is on many items.
    pub(super) fn key(&self) -> Vec<(&'static str, &'a Value)> {
        let attributes = match self.kind {
            "Put" => &self.request["Item"],
            _ => &self.request["Key"],
        };
        KEY.into_iter().filter_map(|name| Some((name, attributes.get(name)?))).collect()
    }

    /// The table and the key, as one text.
    pub(super) fn item(&self) -> String {
        let key = self.key().into_iter().map(|(_, value)| value.to_string());
        format!("{} {}", self.request["TableName"], key.collect::<Vec<_>>().join(" "))
    }

    /// The text of each expression.
    pub(super) fn expressions(&self) -> Vec<&'a str> {
        let fields = self.request.as_object().into_iter().flatten();
        fields.filter(|(name, _)| name.ends_with("Expression")).filter_map(|(_, text)| text.as_str()).collect()
    }

    /// The names or the values that the expressions refer to, with `#` or `:`.
    pub(super) fn placeholders(&self) -> Vec<&'a String> {
        let given = ["ExpressionAttributeNames", "ExpressionAttributeValues"];
        let given = given.into_iter().filter_map(|field| self.request[field].as_object());
        given.flat_map(Map::keys).collect()
    }

    /// The bytes of what it stores: all of a put, and what an update sets at least.
    pub(super) fn stored_bytes(&self) -> usize {
        match self.kind {
            "Put" => attributes_bytes(&self.request["Item"]),
            "Update" => attributes_bytes(&self.request["ExpressionAttributeValues"]),
            _ => 0,
        }
    }
}

/// The names in an expression that stand for themselves, without those of functions and operators.
pub(super) fn bare_names(expression: &str) -> Vec<&str> {
    const OPERATORS: [&str; 9] = ["AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"];
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '#' | ':' | '-');
    let mut names = vec![];
    let mut rest = expression;
    while let Some(start) = rest.find(is_part) {
        let word = &rest[start..];
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let (word, behind) = word.split_at(end);
        let is_function = behind.trim_start().starts_with('(') && !OPERATORS.contains(&word.to_uppercase().as_str());
        let is_bare = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if is_bare && !is_function && !OPERATORS.contains(&word.to_uppercase().as_str()) {
            names.push(word);
        }
        rest = behind;
    }
    names
}

/// Names and values, as DynamoDB counts them towards the size of an item.
pub(super) fn attributes_bytes(attributes: &Value) -> usize {
    let attributes = attributes.as_object().into_iter().flatten();
    attributes.map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    /// What a list or a map has beside its members, and each of these beside itself.
    const CONTAINER: usize = 3;
    const MEMBER: usize = 1;
    let Some((kind, value)) = value.as_object().and_then(|value| value.iter().next()) else { return 0 };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(number)) => number.len().div_ceil(2) + 1,
        ("B", Value::String(text)) => BASE64_STANDARD.decode(text).map_or(0, |bytes| bytes.len()),
        ("L", Value::Array(members)) => {
            CONTAINER + members.iter().map(|member| MEMBER + value_bytes(member)).sum::<usize>()
        }
        ("M", Value::Object(members)) => CONTAINER + members.len() * MEMBER + attributes_bytes(value),
        (_, Value::Array(members)) => members.iter().filter_map(Value::as_str).map(str::len).sum(),
        _ => 1,
    }
}

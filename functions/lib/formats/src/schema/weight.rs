//! How much a schema may ask of one value.
//!
//! References make a small schema large: thirty definitions that each name the one before twice are a billion schemas.

use super::cell::local;
use serde_json::Value;
use std::collections::HashMap;

/// Keywords whose values are no schemas.
const VALUES: [&str; 4] = ["const", "enum", "default", "examples"];

/// How many schemas a schema is, with those that it refers to, each as often as it is referred to. One that refers to
/// itself counts once: it goes on within the value.
///
/// Each schema within it is compiled by itself, too: what all of them are together counts for a tenth.
pub(super) fn weight(root: &Value) -> u64 {
    let mut known = HashMap::new();
    let weight = weight_of(root, root, &mut known);
    let all = known.values().fold(0_u64, |all, weight| all.saturating_add(*weight));
    weight.max(all / 10)
}

fn weight_of(schema: &Value, root: &Value, known: &mut HashMap<*const Value, u64>) -> u64 {
    if let Some(weight) = known.get(&std::ptr::from_ref(schema)) {
        return *weight;
    }
    known.insert(schema, 1);
    let mut weight: u64 = 1;
    match schema {
        Value::Object(keywords) => {
            for (keyword, value) in keywords {
                weight = weight.saturating_add(match (keyword.as_str(), value) {
                    ("$defs" | "definitions", _) => 0,
                    (keyword, _) if VALUES.contains(&keyword) => 0,
                    ("$ref" | "$dynamicRef", Value::String(to)) => {
                        local(to, root).map_or(0, |schema| weight_of(schema, root, known))
                    }
                    (_, value) => weight_of(value, root, known),
                });
            }
        }
        Value::Array(items) => {
            for item in items {
                weight = weight.saturating_add(weight_of(item, root, known));
            }
        }
        _ => {}
    }
    known.insert(schema, weight);
    weight
}

//! What DynamoDB charges for: the units of a request (Developer Guide, read/write capacity; a change of an
//! indexed attribute deletes and puts an entry of the index, secondary indexes).

use super::items::{actions, attributes_bytes};
use serde_json::{Map, Value};

/// Units of requests so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    pub writes: u64,
    pub reads: f64,
}

const WRITE_UNIT_BYTES: usize = 1 << 10;
const READ_UNIT_BYTES: usize = 4 << 10;

/// The keys of each index of the service's table, and what is projected beside them and the table's own.
const INDEXES: [(&[&str], &[&str]); 4] = [
    (&["due_shard", "due_at"], &[]),
    (&["in_group", "id"], LISTED),
    (&["in_workspace", "id"], LISTED),
    (&["drafts_of", "id"], &["group_id", "status"]),
];
const LISTED: &[&str] = &["group_id", "status", "version", "finished_at", "is_deleted"];

/// The keys of the items that a request writes.
pub fn written(operation: &str, body: &Value) -> Vec<Value> {
    let writes = actions(operation, body);
    let writes = writes.iter().filter(|action| action.is_write());
    writes
        .map(|action| action.key().into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect())
        .collect()
}

/// The units of a write to one item, which was `before` and is `after`; null where there is none.
pub fn of_write(operation: &str, before: &Value, after: &Value) -> u64 {
    let units = |item: &Value| (attributes_bytes(item).div_ceil(WRITE_UNIT_BYTES) as u64).max(1);
    let in_indexes = INDEXES.iter().map(|(keys, projected)| {
        let entry = |item: &Value| entry(item, keys, projected);
        match (entry(before), entry(after)) {
            (before, after) if before == after => 0,
            (None, Some(one)) | (Some(one), None) => units(&one),
            (Some(before), Some(after)) if keys.iter().any(|key| before[key] != after[key]) => {
                units(&before) + units(&after)
            }
            (_, after) => after.iter().map(units).sum(),
        }
    });
    let times = if operation.starts_with("Transact") { 2 } else { 1 };
    units(before).max(units(after)) * times + in_indexes.sum::<u64>()
}

/// An item's entry in an index, if it has one.
fn entry(item: &Value, keys: &[&str], projected: &[&str]) -> Option<Value> {
    let item = item.as_object().filter(|item| keys.iter().all(|key| item.contains_key(*key)))?;
    let names = ["pk", "sk"].iter().chain(keys).chain(projected);
    let entry: Map<String, Value> =
        names.filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone()))).collect();
    Some(entry.into())
}

/// The units of a request that reads, with its answer.
pub fn of_read(operation: &str, body: &Value, answer: &Value) -> f64 {
    let units = |bytes: usize| (bytes.div_ceil(READ_UNIT_BYTES)).max(1) as f64;
    let of = |is_consistent: &Value| if is_consistent == true { 1.0 } else { 0.5 };
    match operation {
        "GetItem" => units(attributes_bytes(&answer["Item"])) * of(&body["ConsistentRead"]),
        "Query" | "Scan" => {
            let items = answer["Items"].as_array().into_iter().flatten();
            units(items.map(attributes_bytes).sum()) * of(&body["ConsistentRead"])
        }
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            tables
                .map(|(name, table)| {
                    let items = answer["Responses"][name].as_array().into_iter().flatten();
                    items.map(|item| units(attributes_bytes(item))).sum::<f64>() * of(&table["ConsistentRead"])
                })
                .sum()
        }
        _ => 0.0,
    }
}

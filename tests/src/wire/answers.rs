//! What DynamoDB leaves out of an answer, for the caller to ask for again.

use super::items::{KEY, attributes_bytes};
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Of a page of a query (Amazon DynamoDB API, Query), and of a batch (BatchGetItem).
const MAX_PAGE_BYTES: usize = 1 << 20;
const MAX_BATCH_BYTES: usize = 16 << 20;

/// The keys of the service's indexes, which are part of where a page of one ends.
const INDEX_KEYS: [&str; 6] = ["due_shard", "due_at", "in_group", "in_workspace", "drafts_of", "id"];

/// The part of an answer that DynamoDB would give; none if it is the whole.
pub(super) fn cut(operation: &str, request: &Bytes, answer: &Bytes) -> Option<Bytes> {
    let max = match operation {
        "Query" | "Scan" => MAX_PAGE_BYTES,
        "BatchGetItem" => MAX_BATCH_BYTES,
        _ => return None,
    };
    // Its JSON is longer than what is counted.
    if answer.len() <= max {
        return None;
    }
    let (request, mut answer): (Value, Value) =
        (serde_json::from_slice(request).ok()?, serde_json::from_slice(answer).ok()?);
    let is_cut = match operation {
        "BatchGetItem" => cut_batch(&request, &mut answer),
        _ => cut_page(&request, &mut answer),
    };
    is_cut.then(|| answer.to_string().into())
}

fn cut_page(request: &Value, answer: &mut Value) -> bool {
    let Some(items) = answer["Items"].as_array_mut() else { return false };
    let is_cut = !split(items, MAX_PAGE_BYTES).is_empty();
    if is_cut && let Some(last) = items.last() {
        let of_index = INDEX_KEYS.iter().filter(|_| request["IndexName"].is_string());
        let names = KEY.iter().chain(of_index);
        let end: Map<String, Value> =
            names.filter_map(|name| Some(((*name).to_owned(), last.get(name)?.clone()))).collect();
        (answer["Count"], answer["ScannedCount"]) = (items.len().into(), items.len().into());
        answer["LastEvaluatedKey"] = end.into();
    }
    is_cut
}

fn cut_batch(request: &Value, answer: &mut Value) -> bool {
    let Some(tables) = answer["Responses"].as_object_mut() else { return false };
    let mut unprocessed = Map::new();
    for (table, items) in tables {
        let Some(items) = items.as_array_mut() else { continue };
        let rest = split(items, MAX_BATCH_BYTES);
        if !rest.is_empty() {
            let keys = rest.iter().map(|item| json!({"pk": item["pk"], "sk": item["sk"]}));
            let mut again = request["RequestItems"][table].clone();
            again["Keys"] = keys.collect();
            unprocessed.insert(table.clone(), again);
        }
    }
    let is_cut = !unprocessed.is_empty();
    if is_cut {
        answer["UnprocessedKeys"] = unprocessed.into();
    }
    is_cut
}

/// Leaves the items that are at most so long together, and at least one; returns the rest.
fn split(items: &mut Vec<Value>, max_bytes: usize) -> Vec<Value> {
    let mut bytes = 0;
    let fits = |item: &&Value| {
        bytes += attributes_bytes(item);
        bytes <= max_bytes
    };
    let fitting = items.iter().take_while(fits).count();
    items.split_off(fitting.clamp(1, items.len().max(1)).min(items.len()))
}

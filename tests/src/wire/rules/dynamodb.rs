//! What DynamoDB refuses.

use super::{Refusal, Rule, Sight};
use crate::wire::items::{Action, actions, bare_names};
use serde_json::Value;
use std::collections::HashSet;

const MAX_ITEM_BYTES: usize = 400 << 10;
const MAX_HASH_KEY_BYTES: usize = 2_048;
const MAX_RANGE_KEY_BYTES: usize = 1_024;
const MAX_ACTIONS: usize = 100;
const MAX_TRANSACTION_BYTES: usize = 4 << 20;
const MAX_BATCH_KEYS: usize = 100;
const MAX_EXPRESSION_BYTES: usize = 4 << 10;

/// The words that can't stand in an expression by themselves.
const RESERVED_WORDS: &str = include_str!("../reserved_words.txt");

const INVALID: &str = "ValidationException";

pub(super) static RULES: &[Rule] = &[
    Rule {
        refusal: Refusal::new(INVALID, "Item size has exceeded the maximum allowed size"),
        source: "Amazon DynamoDB Developer Guide, quotas: an item of at most 400 KB, names and values",
        is_broken: |sight| of(sight).iter().any(|action| action.stored_bytes() > MAX_ITEM_BYTES),
    },
    Rule {
        refusal: Refusal::new(
            INVALID,
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
        source: "Amazon DynamoDB Developer Guide, quotas: a partition key of at most 2,048 bytes",
        is_broken: |sight| has_key(sight, "pk", |text| text.len() > MAX_HASH_KEY_BYTES),
    },
    Rule {
        refusal: Refusal::new(
            INVALID,
            "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
        ),
        source: "Amazon DynamoDB Developer Guide, quotas: a sort key of at most 1,024 bytes",
        is_broken: |sight| has_key(sight, "sk", |text| text.len() > MAX_RANGE_KEY_BYTES),
    },
    Rule {
        refusal: Refusal::new(
            INVALID,
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value.",
        ),
        source: "Amazon DynamoDB Developer Guide, naming rules and data types: a key attribute is never empty",
        is_broken: |sight| has_key(sight, "pk", str::is_empty) || has_key(sight, "sk", str::is_empty),
    },
    Rule {
        refusal: Refusal::new(
            INVALID,
            "One or more parameter values were invalid: Size of a key condition's value has exceeded the limit",
        ),
        source: "Amazon DynamoDB Developer Guide, quotas: a key of at most 2,048 and 1,024 bytes, in a query, too",
        is_broken: |sight| {
            let values = sight.body["ExpressionAttributeValues"].as_object().into_iter().flatten();
            let mut lengths = values.filter_map(|(_, value)| value["S"].as_str()).map(str::len);
            sight.operation == "Query" && lengths.any(|length| length > MAX_RANGE_KEY_BYTES)
        },
    },
    Rule {
        refusal: Refusal::new(INVALID, "Member must have length less than or equal to 100"),
        source: "Amazon DynamoDB API, TransactWriteItems: up to 100 actions",
        is_broken: |sight| sight.operation.starts_with("Transact") && of(sight).len() > MAX_ACTIONS,
    },
    Rule {
        refusal: Refusal::new(INVALID, "Collection size of items in transaction cannot exceed 4MB"),
        source: "Amazon DynamoDB API, TransactWriteItems: up to 4 MB",
        is_broken: |sight| {
            let bytes = of(sight).iter().map(Action::stored_bytes).sum::<usize>();
            sight.operation.starts_with("Transact") && bytes > MAX_TRANSACTION_BYTES
        },
    },
    Rule {
        refusal: Refusal::new(INVALID, "Transaction request cannot include multiple operations on one item"),
        source: "Amazon DynamoDB API, TransactWriteItems: no two actions on the same item",
        is_broken: |sight| {
            let mut items = HashSet::new();
            of(sight).iter().any(|action| !items.insert(action.item()))
        },
    },
    Rule {
        refusal: Refusal::new(INVALID, "Too many items requested for the BatchGetItem call"),
        source: "Amazon DynamoDB API, BatchGetItem: up to 100 items",
        is_broken: |sight| batch_keys(sight).len() > MAX_BATCH_KEYS,
    },
    Rule {
        refusal: Refusal::new(INVALID, "Provided list of item keys contains duplicates"),
        source: "Amazon DynamoDB API, BatchGetItem: a key at most once",
        is_broken: |sight| {
            let mut keys = HashSet::new();
            batch_keys(sight).iter().any(|key| !keys.insert(key.to_string()))
        },
    },
    Rule {
        refusal: Refusal::new(INVALID, "Expression size has exceeded the maximum allowed size"),
        source: "Amazon DynamoDB Developer Guide, quotas: an expression of at most 4 KB",
        is_broken: |sight| {
            let mut expressions = of(sight).into_iter().flat_map(|action| action.expressions());
            expressions.any(|text| text.len() > MAX_EXPRESSION_BYTES)
        },
    },
    Rule {
        refusal: Refusal::new(INVALID, "Invalid expression: Attribute name is a reserved keyword"),
        source: "Amazon DynamoDB Developer Guide, reserved words",
        is_broken: |sight| {
            let reserved: HashSet<&str> = RESERVED_WORDS.split_whitespace().collect();
            let mut expressions = of(sight).into_iter().flat_map(|action| action.expressions());
            expressions.any(|text| bare_names(text).iter().any(|name| reserved.contains(&*name.to_uppercase())))
        },
    },
    Rule {
        refusal: Refusal::new(INVALID, "Value provided in ExpressionAttributeValues unused in expressions"),
        source: "Amazon DynamoDB Developer Guide, expression attribute names and values: each is used",
        is_broken: |sight| {
            of(sight).iter().any(|action| {
                let used = action.expressions().join(" ");
                action.placeholders().into_iter().any(|name| !mentions(&used, name))
            })
        },
    },
    Rule {
        refusal: Refusal::new(INVALID, "Consistent reads are not supported on global secondary indexes"),
        source: "Amazon DynamoDB Developer Guide, global secondary indexes: read consistency",
        is_broken: |sight| sight.body["IndexName"].is_string() && sight.body["ConsistentRead"] == true,
    },
    Rule {
        refusal: Refusal::new("TransactionConflictException", "Transaction is ongoing for the item"),
        source: "Amazon DynamoDB API, PutItem, UpdateItem and DeleteItem: errors",
        is_broken: |sight| !sight.operation.starts_with("Transact") && sight.meets.contains(&true),
    },
    Rule {
        refusal: Refusal::new(
            "TransactionCanceledException",
            "Transaction cancelled, please refer cancellation reasons for specific reasons",
        ),
        source: "Amazon DynamoDB API, TransactWriteItems: an ongoing transaction on an item, reason TransactionConflict",
        is_broken: |sight| sight.operation.starts_with("Transact") && sight.meets.contains(&true),
    },
];

fn of<'a>(sight: &'a Sight<'_>) -> Vec<Action<'a>> {
    actions(&sight.operation, sight.body)
}

/// Whether the text of a part of a key is like this.
fn has_key(sight: &Sight<'_>, part: &str, is: impl Fn(&str) -> bool) -> bool {
    let in_keys = of(sight).into_iter().flat_map(|action| action.key());
    let in_keys = in_keys.filter(|(name, _)| *name == part).map(|(_, value)| value);
    let in_batch = batch_keys(sight).into_iter().map(|key| &key[part]);
    in_keys.chain(in_batch).filter_map(|value| value["S"].as_str()).any(is)
}

fn batch_keys<'a>(sight: &Sight<'a>) -> Vec<&'a Value> {
    let tables = sight.body["RequestItems"].as_object().into_iter().flatten().map(|(_, table)| table);
    tables.flat_map(|table| table["Keys"].as_array().into_iter().flatten()).collect()
}

/// Whether an expression has this placeholder, and not only a longer one that begins alike.
fn mentions(expression: &str, placeholder: &str) -> bool {
    expression.match_indices(placeholder).any(|(at, _)| {
        let behind = expression[at + placeholder.len()..].chars().next();
        behind.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
    })
}

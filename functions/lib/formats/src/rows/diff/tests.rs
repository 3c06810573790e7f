use super::*;
use crate::Export;
use crate::testing::{InMemory, block_on, parquet_of, tight};
use dataset_types::Format;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn table(rows: &Value) -> Table<InMemory> {
    table_of(Format::Json, &rows.to_string())
}

fn table_of(format: Format, file: &str) -> Table<InMemory> {
    let file = parquet_of(format, file.as_bytes(), &tight(64)).unwrap();
    block_on(Table::open(InMemory::new(file))).unwrap()
}

const EXAMPLES: Examples = Examples { rows: 100, max_bytes: usize::MAX };

fn compared(old: &Value, new: &Value, key: Option<&str>) -> Result<Difference> {
    block_on(diff(&table(old), &table(new), key, EXAMPLES))
}

/// Added, removed, changed, unchanged.
fn counts(difference: &Difference) -> [u64; 4] {
    [difference.added, difference.removed, difference.changed, difference.unchanged]
}

#[test]
fn without_a_key_rows_are_what_they_have_in_them() {
    let old = json!([{"a": 1, "b": "x"}, {"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": "z"}]);
    let new = json!([{"b": "z", "a": 3.0}, {"b": "x", "a": 1}, {"b": "new", "a": 1.5}]);
    let difference = compared(&old, &new, None).unwrap();
    assert_eq!(counts(&difference), [1, 2, 0, 2]);
    assert_eq!(json!(difference.added_examples), json!([[1.5, "new"]]));
    assert_eq!(json!(difference.removed_examples), json!([[1, "x"], [2, "y"]]));
}

#[test]
fn with_a_key_a_row_changes() {
    let old = json!([{"id": 1, "b": "x", "c": 0}, {"id": 2, "b": "y", "c": 0}, {"id": 3, "b": "z", "c": 0}]);
    let new = json!([{"id": 3, "b": "Z", "d": 1}, {"id": 1, "b": "x", "d": 1}, {"id": 4, "b": "y", "d": 1}]);
    let difference = compared(&old, &new, Some("id")).unwrap();
    assert_eq!(counts(&difference), [1, 1, 1, 1]);
    assert_eq!((difference.columns_added, difference.columns_removed), (vec!["d".into()], vec!["c".into()]));
    assert_eq!(json!(difference.changed_examples[0].before), json!(["z", 0, 3]));
    assert_eq!(json!(difference.changed_examples[0].after), json!(["Z", 1, 3]));
}

#[test]
fn a_key_must_tell_rows_apart() {
    let (once, twice) = (json!([{"a": 1, "b": 1}]), json!([{"a": 1}, {"a": 2}, {"a": 1.0}]));
    let Err(Error::Key { code, message }) = compared(&once, &twice, Some("a")) else { panic!("it is a key") };
    assert_eq!(code.name(), "key_not_unique");
    assert!(message.contains("rows 1 and 3 of the newer version"), "{message}");
    let Err(Error::Key { code, .. }) = compared(&once, &twice, Some("b")) else { panic!("it is a key") };
    assert_eq!(code.name(), "key_not_found");
}

#[test]
fn a_version_and_its_csv_have_the_same_rows_in_other_types() {
    let json =
        r#"[{"id":1,"t":"a\u0000","d":1.5,"b":true,"n":{"x":[1, 2]}},{"id":2,"t":null,"d":-0.0,"b":null,"n":null}]"#;
    let old = table_of(Format::Json, json);
    let csv: Vec<_> = block_on(old.export(Export::Csv, 1 << 10).unwrap().try_collect()).unwrap();
    let csv = String::from_utf8(csv.concat()).unwrap();
    let new = table_of(Format::Csv, &csv);
    for key in [None, Some("id")] {
        let difference = block_on(diff(&old, &new, key, Examples { rows: 3, max_bytes: usize::MAX })).unwrap();
        assert_eq!(counts(&difference), [0, 0, 0, 2], "{key:?} {csv:?}");
        let retyped: Vec<_> = difference.columns_retyped.iter().map(|it| (it.name.as_str(), it.old, it.new)).collect();
        let to_text = |name, old| (name, old, ColumnType::Text);
        let expected =
            [("id", ColumnType::Int), ("d", ColumnType::Double), ("b", ColumnType::Bool), ("n", ColumnType::Json)];
        assert_eq!(retyped, expected.map(|(name, old)| to_text(name, old)));
    }
}

#[test]
fn versions_without_a_common_column_share_no_row() {
    let difference = compared(&json!([{"a": 1}, {"a": 1}]), &json!([{"b": 1}]), None).unwrap();
    assert_eq!(counts(&difference), [1, 2, 0, 0]);
}

#[test]
fn examples_are_the_first_and_bounded() {
    let rows: Vec<Value> = (0..500).map(|n| json!({"n": n})).collect();
    let (old, new) = (table(&json!([{"n": -1}])), table(&json!(rows)));
    let few = |max_bytes| block_on(diff(&old, &new, None, Examples { rows: 3, max_bytes }));
    assert_eq!(json!(few(usize::MAX).unwrap().added_examples), json!([[0], [1], [2]]));
    assert!(matches!(few(10), Err(Error::PageTooLarge)));
    let long = |n: u64| json!({"n": n, "text": n.to_string().repeat(1_000)});
    let (old, new) = (table(&json!([long(1), long(2)])), table(&json!([long(3), long(1)])));
    let cut = block_on(diff(&old, &new, None, Examples { rows: 3, max_bytes: 1_000 })).unwrap();
    let texts = [&cut.added_examples, &cut.removed_examples].map(|rows| json!(rows[0][1]).as_str().unwrap().to_owned());
    assert!(texts[0].starts_with("333") && texts[1].starts_with("222") && texts.iter().all(|text| text.len() < 1_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_the_difference_of_multisets(
        old in vec(0..20u8, 1..200),
        new in vec(0..20u8, 1..200),
        rows_in_memory in 1..300usize,
    ) {
        let count = |values: &[u8]| values.iter().fold(BTreeMap::new(), |mut counts: BTreeMap<u8, u64>, value| {
            *counts.entry(*value).or_default() += 1;
            counts
        });
        let rows = |values: &[u8]| json!(values.iter().map(|value| json!({"v": value})).collect::<Vec<_>>());
        let (before, after) = (count(&old), count(&new));
        let beyond = |a: &BTreeMap<u8, u64>, b: &BTreeMap<u8, u64>| -> u64 {
            a.iter().map(|(value, count)| count.saturating_sub(b.get(value).copied().unwrap_or(0))).sum()
        };
        let (old, new) = (table(&rows(&old)), table(&rows(&new)));
        let difference = block_on(diff_within(&old, &new, None, EXAMPLES, rows_in_memory)).unwrap();
        let (added, removed) = (beyond(&after, &before), beyond(&before, &after));
        prop_assert_eq!(counts(&difference), [added, removed, 0, old.row_count() - removed]);
        let distinct = after.iter().filter(|(value, count)| **count > before.get(value).copied().unwrap_or(0)).count();
        prop_assert_eq!(difference.added_examples.len(), distinct);
    }

    #[test]
    fn with_a_key_it_is_that_of_maps(
        old in btree_map(0..200u8, 0..3u8, 1..100),
        new in btree_map(0..200u8, 0..3u8, 1..100),
        twice in option::of(any::<Index>()),
        rows_in_memory in 1..300usize,
    ) {
        let row = |(id, value): (&u8, &u8)| json!({"id": id, "v": value});
        let mut after: Vec<Value> = new.iter().map(row).collect();
        let before: Vec<Value> = old.iter().rev().map(row).collect();
        after.extend(twice.map(|index| index.get(&after).clone()));
        let found = block_on(diff_within(&table(&json!(before)), &table(&json!(after)), Some("id"), EXAMPLES, rows_in_memory));
        if twice.is_some() {
            let is_refused = matches!(found, Err(Error::Key { code: ErrorCode::KeyNotUnique, .. }));
            prop_assert!(is_refused);
            return Ok(());
        }
        let found = found.unwrap();
        let both: Vec<u8> = old.keys().filter(|id| new.contains_key(id)).copied().collect();
        let changed = both.iter().filter(|id| old[id] != new[id]).count();
        let [in_old, in_new, in_both] = [old.len(), new.len(), both.len()];
        let expected = [in_new - in_both, in_old - in_both, changed, in_both - changed].map(|count| count as u64);
        prop_assert_eq!(counts(&found), expected);
        prop_assert_eq!(found.changed_examples.len(), changed);
        for Change { before, after } in found.changed_examples {
            prop_assert_eq!(json!(before[0]), json!(after[0]));
            prop_assert_ne!(json!(before[1]), json!(after[1]));
        }
    }
}

//! The invariants, which must hold once nothing is in progress.

use crate::harness::account::Account;
use crate::harness::table::Item;
use crate::harness::uploads::Upload;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// # Panics If an invariant is broken.
pub(crate) async fn check(account: &Account, uploads: &[Upload]) {
    let items = account.items.all().await;
    let datasets = of_kind(&items, "DATASET");
    nothing_is_left_open(&items, &datasets);
    every_answered_upload_has_one_outcome(&datasets, uploads);
    let versions = versions_are_dense(&items, &datasets);
    every_outcome_was_told(account, &datasets, &versions);
    objects_are_those_of_versions(account, &datasets).await;
    versions_hold_what_was_sent(account, &datasets, uploads).await;
}

fn of_kind<'a>(items: &'a [Item], kind: &str) -> BTreeMap<u64, &'a Item> {
    let of_kind = items.iter().filter(|item| item["sk"] == kind);
    of_kind.map(|item| (item["pk"].as_str().unwrap()[2..].parse().unwrap(), item)).collect()
}

/// Invariant 4, for the table.
fn nothing_is_left_open(items: &[Item], datasets: &BTreeMap<u64, &Item>) {
    for item in items {
        let sk = item["sk"].as_str().unwrap();
        assert!(sk != "OUTBOX" && !item.contains_key("due_shard"), "left open: {item:?}");
        assert_ne!(item.get("status"), Some(&json!("draft")), "left a draft: {item:?}");
        if sk.starts_with("CALL#") && !item.contains_key("until") {
            let id = item["dataset_id"].as_u64().unwrap();
            assert!(datasets.contains_key(&id), "a call that is done names nothing: {item:?}");
        }
    }
}

/// Invariant 1, and that exactly the good files are versions.
fn every_answered_upload_has_one_outcome(datasets: &BTreeMap<u64, &Item>, uploads: &[Upload]) {
    let answered: Vec<u64> = uploads.iter().filter_map(|upload| upload.answered).collect();
    assert_eq!(answered.iter().collect::<BTreeSet<_>>().len(), answered.len(), "an id was given out twice");
    for upload in uploads {
        let Some(id) = upload.answered else {
            continue;
        };
        let dataset = datasets.get(&id).unwrap_or_else(|| panic!("dataset {id} is gone"));
        match dataset["status"].as_str().unwrap() {
            "ready" => assert!(upload.is_good, "a bad file is a version: {dataset:?}"),
            "failed" if upload.is_good => {
                assert!(upload.may_be_given_up, "a good file failed: {dataset:?}");
                let failure = dataset["failure"].as_str().unwrap();
                assert!(failure.contains("processing_failed"), "a good file was refused: {dataset:?}");
            }
            "failed" => {}
            other => panic!("dataset {id} is {other}"),
        }
    }
}

/// Invariant 2. Returns the number of each version.
fn versions_are_dense(items: &[Item], datasets: &BTreeMap<u64, &Item>) -> BTreeMap<u64, u64> {
    let mut numbers: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let mut versions = BTreeMap::new();
    for (id, dataset) in datasets.iter().filter(|(_, dataset)| dataset["status"] == "ready") {
        let number = dataset["version"].as_u64().unwrap();
        numbers.entry(dataset["group_id"].as_u64().unwrap()).or_default().push(number);
        versions.insert(*id, number);
    }
    for (id, group) in of_kind(items, "GROUP") {
        let mut numbers = numbers.remove(&id).unwrap_or_default();
        numbers.sort_unstable();
        let latest = group["latest_version"].as_u64().unwrap();
        assert_eq!(numbers, (1..=latest).collect::<Vec<_>>(), "numbers of group {id}");
    }
    for (id, number) in &versions {
        let key = (json!(format!("G#{}", datasets[id]["group_id"])), json!(format!("VERSION#{number}")));
        let found = items.iter().find(|item| (&item["pk"], &item["sk"]) == (&key.0, &key.1));
        assert_eq!(found.map(|item| &item["dataset_id"]), Some(&json!(id)), "version {number} is found by its number");
    }
    versions
}

/// Invariant 3: each outcome has one id and one body, and nothing else was sent.
fn every_outcome_was_told(account: &Account, datasets: &BTreeMap<u64, &Item>, versions: &BTreeMap<u64, u64>) {
    let mut told: BTreeMap<u64, (String, Value)> = BTreeMap::new();
    for webhook in account.receiver.received() {
        let (id, body) = (webhook.header("webhook-id").to_owned(), webhook.json());
        let dataset = body["details"]["dataset_id"].as_u64().unwrap();
        match told.get(&dataset) {
            None => drop(told.insert(dataset, (id, body))),
            Some(before) => assert_eq!(before, &(id, body), "one delivery, one id and one body"),
        }
    }
    assert_eq!(told.keys().collect::<Vec<_>>(), datasets.keys().collect::<Vec<_>>(), "who was told of what");
    for (id, (_, body)) in told {
        let expected = match versions.get(&id) {
            Some(number) => ("dataset_version_created_by_file", json!(number)),
            None => ("dataset_version_created_by_file_failed", Value::Null),
        };
        let details = body["details"]["dataset_version_number"].clone();
        assert_eq!((body["event_type"].as_str().unwrap(), details), expected, "{body}");
    }
}

/// Invariant 4, for the bucket.
async fn objects_are_those_of_versions(account: &Account, datasets: &BTreeMap<u64, &Item>) {
    let mut expected = BTreeSet::new();
    for (id, dataset) in datasets.iter().filter(|(_, dataset)| dataset["status"] == "ready") {
        expected.insert(format!("uploads/{id}"));
        expected.insert(format!("versions/{}/{id}/rows.parquet", dataset["group_id"]));
    }
    assert_eq!(account.objects().await, (expected, BTreeSet::new()), "objects, and unfinished uploads");
}

/// Rows of a page.
const PAGE: usize = 100;

/// Invariant 5: the rows of a version are those of its file, as far as the first page and their number say.
async fn versions_hold_what_was_sent(account: &Account, datasets: &BTreeMap<u64, &Item>, uploads: &[Upload]) {
    for (id, dataset) in datasets.iter().filter(|(_, dataset)| dataset["status"] == "ready") {
        let (status, page) = account.get(&format!("datasets/{id}/rows?per_page={PAGE}")).await.unwrap();
        assert_eq!(status, 200, "{page}");
        let rows: Vec<Vec<Value>> = page["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row.as_array().unwrap().iter().map(|cell| cell["value"].clone()).collect())
            .collect();
        let of_group = uploads.iter().filter(|upload| dataset["group_id"] == upload.group && upload.is_good);
        let mut candidates = of_group.filter(|upload| upload.answered.is_none_or(|answered| answered == *id));
        assert!(
            candidates.any(|upload| rows_of(&upload.file) == (page["total"].clone(), rows.clone())),
            "version {id} holds {rows:?}"
        );
    }
}

fn rows_of(csv: &[u8]) -> (Value, Vec<Vec<Value>>) {
    let rows: Vec<_> = csv::Reader::from_reader(csv).into_records().map(Result::unwrap).collect();
    let first = rows.iter().take(PAGE).map(|row| row.iter().map(|cell| json!(cell)).collect());
    (json!(rows.len()), first.collect())
}

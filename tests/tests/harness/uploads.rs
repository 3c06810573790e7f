//! Uploads, as clients send them.

use super::account::Account;
use super::function::Fault;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

/// The file of the longest event that Lambda takes, in base64, with the rest of the request.
const MAX_FROM_FILE_BYTES: usize = 4_500_000;

/// An upload, as its client knows it.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) group: u64,
    pub(crate) file: Vec<u8>,
    /// Whether the file is valid.
    pub(crate) is_good: bool,
    /// Whether faults may outlast the retries of AWS Lambda.
    pub(crate) may_be_given_up: bool,
    /// The dataset id from the answer 201, if there was one.
    pub(crate) answered: Option<u64>,
}

pub(crate) fn upload(group: u64, n: usize) -> Upload {
    let file = format!("n,group\n{n},{group}\n{n},again\n").into_bytes();
    Upload { group, file, is_good: true, may_be_given_up: false, answered: None }
}

pub(crate) fn bad_upload(group: u64) -> Upload {
    Upload { group, file: b"n,text\n1,a\n2\n".to_vec(), is_good: false, may_be_given_up: true, answered: None }
}

/// Sends it once, as a client without retries.
pub(crate) async fn send(account: &Account, upload: &mut Upload, key: Option<&str>) -> Result<u16, Fault> {
    if upload.file.len() > MAX_FROM_FILE_BYTES {
        let order = json!({"dataset_group_id": upload.group, "file_name": "file.csv", "file_size": upload.file.len()});
        let (status, answer) = account.post("dataset-versions/from-upload", &order).await?;
        if status == 201 {
            upload.answered = Some(put(account, &answer, upload.file.clone()).await);
        }
        return Ok(status);
    }
    let content = BASE64_STANDARD.encode(&upload.file);
    let body = json!({
        "dataset_group_id": upload.group, "file_name": "file.csv", "file_content_base64": content,
    });
    let headers: Vec<(&str, &str)> = key.map(|key| ("Idempotency-Key", key)).into_iter().collect();
    let (status, answer) = account.call("POST", "dataset-versions/from-file", &headers, &body.to_string()).await?;
    if status == 201 {
        upload.answered = Some(answer["dataset_id"].as_u64().unwrap());
    }
    Ok(status)
}

/// Puts a file where the answer of `from-upload` says, and returns the dataset's id.
pub(crate) async fn put(account: &Account, answer: &Value, file: Vec<u8>) -> u64 {
    let mut put = account.http.put(answer["upload"]["url"].as_str().unwrap());
    for (name, value) in answer["upload"]["headers"].as_object().unwrap() {
        put = put.header(name, value.as_str().unwrap());
    }
    assert_eq!(put.body(file).send().await.unwrap().status(), 200);
    answer["dataset_id"].as_u64().unwrap()
}

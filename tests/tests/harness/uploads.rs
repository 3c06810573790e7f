//! Uploads, as clients send them.

use super::account::Account;
use super::function::Fault;

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
    use base64::Engine;
    let content = base64::engine::general_purpose::STANDARD.encode(&upload.file);
    let body = serde_json::json!({
        "dataset_group_id": upload.group, "file_name": "file.csv", "file_content_base64": content,
    });
    let headers: Vec<(&str, &str)> = key.map(|key| ("Idempotency-Key", key)).into_iter().collect();
    let (status, answer) = account.call("POST", "dataset-versions/from-file", &headers, &body.to_string()).await?;
    if status == 201 {
        upload.answered = Some(answer["dataset_id"].as_u64().unwrap());
    }
    Ok(status)
}

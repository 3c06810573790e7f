//! Calls to the service, over HTTP like anyone's.

use crate::service::Service;
use anyhow::{Context, ensure};
use serde_json::Value;

pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Client {
    pub(super) fn new(service: &Service) -> anyhow::Result<Self> {
        // It only ever calls this machine, but wants to know of TLS all the same.
        let http = crate::http_client()?;
        let base = format!("http://{}/api/public/v2", service.address);
        let key = service.api_key.as_ref().context("there is no key")?;
        Ok(Self { http, base, key: key.reveal().to_owned() })
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.http.post(format!("{}/{path}", self.base)).json(body)).await
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.http.get(format!("{}/{path}", self.base))).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let response = request.header("x-api-key", &self.key).send().await.context("the service did not answer")?;
        let status = response.status();
        let answer: Value = response.json().await.context("the answer is not JSON")?;
        ensure!(status.is_success(), "the service answered {status}: {answer}");
        Ok(answer)
    }
}

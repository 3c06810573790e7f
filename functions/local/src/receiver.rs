//! A webhook receiver that checks signatures, as any receiver should.

use anyhow::{Context, ensure};
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A receiver that accepts every webhook and passes it on.
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: mpsc::UnboundedReceiver<Webhook>,
    _server: JoinSet<()>,
}

pub(crate) struct Webhook {
    headers: HeaderMap,
    body: Bytes,
}

impl Receiver {
    /// Listens on a port of 127.0.0.1; 0 for any free one.
    pub(crate) async fn start(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("port {port} of 127.0.0.1 is taken; give another --port"))?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let (sender, received) = mpsc::unbounded_channel();
        let take = move |headers: HeaderMap, body: Bytes| {
            let _ = sender.send(Webhook { headers, body });
            std::future::ready("thanks")
        };
        let mut server = JoinSet::new();
        server.spawn(async move {
            let _ = axum::serve(listener, axum::Router::new().fallback(post(take))).await;
        });
        Ok(Self { url, received, _server: server })
    }

    /// The next webhook.
    pub(crate) async fn next(&mut self) -> Option<Webhook> {
        self.received.recv().await
    }
}

impl Webhook {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// The payload, if both signatures over it are right.
    pub(crate) fn verify(&self, secret: &str) -> anyhow::Result<Value> {
        // As PromptLayer's documentation has it.
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
        mac.update(&self.body);
        let expected = hex::encode(mac.finalize().into_bytes());
        ensure!(self.header("x-promptlayer-signature") == expected, "X-PromptLayer-Signature is wrong");
        // As the library of Standard Webhooks has it.
        let standard = standardwebhooks::Webhook::new(secret).context("the secret is not one of Standard Webhooks")?;
        standard.verify(&self.body, &self.headers).context("webhook-signature is wrong")?;
        serde_json::from_slice(&self.body).context("the payload is not JSON")
    }
}

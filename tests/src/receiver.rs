//! A real webhook receiver on this machine.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Records the requests, and answers with the given statuses, then with 200.
pub struct Receiver {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    _server: JoinSet<()>,
}

#[derive(Clone, Debug)]
pub struct Received {
    pub at: Instant,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Receiver {
    pub async fn start(answers: &[u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let answers: Arc<Mutex<Vec<u16>>> = Arc::new(Mutex::new(answers.iter().rev().copied().collect()));
        let take = {
            let received = Arc::clone(&received);
            move |headers: HeaderMap, body: Bytes| {
                received.lock().unwrap().push(Received { at: Instant::now(), headers, body });
                let status = answers.lock().unwrap().pop().unwrap_or(200);
                std::future::ready((StatusCode::from_u16(status).unwrap(), "an answer"))
            }
        };
        let mut server = JoinSet::new();
        server.spawn(async move {
            axum::serve(listener, axum::Router::new().route("/hook", post(take))).await.unwrap();
        });
        Self { url, received, _server: server }
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until there are `count` requests, and returns them.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> Vec<Received> {
        let deadline = Instant::now() + patience;
        loop {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            assert!(Instant::now() < deadline, "{} of {count} webhooks came within {patience:?}", received.len());
            crate::service::pause().await;
        }
    }
}

/// A listener that a test can have do anything with a connection.
pub struct Raw {
    pub url: String,
    _server: Arc<JoinSet<()>>,
}

impl Raw {
    pub async fn start<F: Future<Output = ()> + Send + 'static>(
        mut serve: impl FnMut(TcpStream) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
            }
        });
        Self { url, _server: Arc::new(server) }
    }

    /// Answers every request with the same bytes.
    pub async fn answering(answer: String) -> Self {
        Self::start(move |mut stream| {
            let answer = answer.clone();
            async move {
                let mut request = [0; 8192];
                while matches!(stream.read(&mut request).await, Ok(1..)) {
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            }
        })
        .await
    }
}

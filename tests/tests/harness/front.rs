//! The account's gateway, by HTTP, for what calls by an address.

use super::account::Account;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http_body_util::BodyExt;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::{RwLock, RwLockWriteGuard};

pub(crate) struct Front {
    pub(crate) url: String,
    running: Arc<RwLock<()>>,
}

impl Front {
    pub(crate) async fn of(account: &Arc<Account>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let running = Arc::new(RwLock::new(()));
        let routes = Router::new()
            .fallback(pass)
            .layer(DefaultBodyLimit::disable())
            .with_state((Arc::clone(account), Arc::clone(&running)));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, running }
    }

    /// Waits until no call is running; none begins until what is returned is dropped.
    pub(crate) async fn rest(&self) -> RwLockWriteGuard<'_, ()> {
        self.running.write().await
    }
}

type Served = (Arc<Account>, Arc<RwLock<()>>);

async fn pass(State((account, running)): State<Served>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // Who calls may be gone meanwhile.
    let Ok(body) = body.collect().await else { return StatusCode::BAD_REQUEST.into_response() };
    let body = body.to_bytes();
    // A function goes on where nobody waits for its answer.
    let called = tokio::spawn(async move {
        let _running = running.read().await;
        let body = String::from_utf8_lossy(&body);
        let path = parts.uri.path_and_query().unwrap().as_str().trim_start_matches("/api/public/v2/");
        let has_key = parts.headers.get("x-api-key").is_some_and(|key| key == account.key.reveal());
        let headers = ["idempotency-key", "content-type"]
            .map(|name| (name, parts.headers.get(name).and_then(|value| value.to_str().ok())));
        let mut headers: Vec<(&str, &str)> =
            headers.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        if !has_key {
            headers.push(("X-API-KEY", "pl_other"));
        }
        account.call(parts.method.as_str(), path, &headers, &body).await
    });
    match called.await.unwrap() {
        Ok((status, answer)) => (StatusCode::from_u16(status).unwrap(), Json(answer)).into_response(),
        // What the gateway says where a function died.
        Err(_) => (StatusCode::BAD_GATEWAY, Json(json!({"message": "Internal server error"}))).into_response(),
    }
}

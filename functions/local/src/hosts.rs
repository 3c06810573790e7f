//! Who the service answers to: a page of another origin, or under a name that
//! was turned to this machine, is none of them.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dataset_api::error::ApiError;
use reqwest::Url;
use std::sync::Arc;

/// The names that the service goes by.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// Without ports.
    names: Vec<String>,
    /// Where people see it, as in `https://data.example.com`.
    public_origin: String,
}

impl Hosts {
    pub(crate) fn new(public_url: &Url, allowed: &[String]) -> Self {
        let public = public_url.host_str().map(str::to_owned);
        let loopback = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let names = loopback.into_iter().chain(public).chain(allowed.iter().map(|name| name.to_ascii_lowercase()));
        Self { names: names.collect(), public_origin: public_url.origin().ascii_serialization() }
    }

    fn refusal(&self, headers: &HeaderMap) -> Option<ApiError> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let host = text(header::HOST).to_ascii_lowercase();
        if !self.names.iter().any(|name| *name == without_port(&host)) {
            let message = "the service does not go by the name in the Host header; start it with --allow-host NAME or --public-url URL";
            return Some(ApiError::new(StatusCode::MISDIRECTED_REQUEST, "host_not_allowed", message));
        }
        let origin = headers.get(header::ORIGIN)?.to_str().unwrap_or_default().to_ascii_lowercase();
        let is_same = origin == self.public_origin || origin.split_once("://").is_some_and(|(_, rest)| rest == host);
        (!is_same).then(|| {
            let message = "the service takes no calls from pages of other origins; call it from a program, or open its own console";
            ApiError::new(StatusCode::FORBIDDEN, "origin_not_allowed", message)
        })
    }
}

fn without_port(host: &str) -> &str {
    // An address of IPv6 has colons of its own, within brackets.
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

pub(crate) async fn check(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    // Whoever looks after the process may know it by its address alone.
    if request.uri().path() == "/healthz" {
        return next.run(request).await;
    }
    match hosts.refusal(request.headers()) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_origins() {
        let url = "https://data.example.com".parse().unwrap();
        let hosts = Hosts::new(&url, &["Box.local".to_owned()]);
        let refused = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            headers.extend(origin.map(|origin| (header::ORIGIN, origin.parse().unwrap())));
            hosts.refusal(&headers).is_some()
        };
        for host in
            ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]", "LOCALHOST", "box.local", "data.example.com"]
        {
            assert!(!refused(host, None), "{host}");
        }
        for host in
            ["evil.example:8080", "127.0.0.1.evil.example", "", "localhost.evil", "[::2]:8080", "data.example.com:x"]
        {
            assert!(refused(host, None), "{host}");
        }
        assert!(!refused("127.0.0.1:8080", Some("http://127.0.0.1:8080")));
        assert!(!refused("127.0.0.1:8080", Some("https://data.example.com")));
        for origin in ["http://127.0.0.1:3000", "http://evil.example", "null", "http://localhost:8080", ""] {
            assert!(refused("127.0.0.1:8080", Some(origin)), "{origin}");
        }
    }
}

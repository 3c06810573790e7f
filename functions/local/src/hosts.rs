//! Who the service answers to: a page of another origin, or under a name that
//! was turned to this machine, is none of them.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
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
    /// Its host.
    public_name: String,
}

impl Hosts {
    pub(crate) fn new(public_url: &Url, allowed: &[String]) -> Self {
        let public_name = public_url.host_str().unwrap_or_default().to_owned();
        let loopback = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let names = loopback
            .into_iter()
            .chain([public_name.clone()])
            .chain(allowed.iter().map(|name| name.to_ascii_lowercase()));
        Self { names: names.collect(), public_origin: public_url.origin().ascii_serialization(), public_name }
    }

    fn refusal(&self, uri: &Uri, headers: &HeaderMap) -> Option<ApiError> {
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
        let mut given = headers.get_all(header::HOST).iter().map(text);
        // Whoever names a host in the request's target means that one, as HTTP/2 does.
        let host = match uri.authority() {
            Some(authority) => authority.as_str().to_ascii_lowercase(),
            None => given.next().unwrap_or_default(),
        };
        let is_alone = uri.authority().is_some() || given.next().is_none();
        if !is_alone || !self.names.iter().any(|name| *name == without_port(&host)) {
            let message = "the service does not go by the name in the Host header; start it with --allow-host NAME or --public-url URL";
            return Some(ApiError::new(StatusCode::MISDIRECTED_REQUEST, "host_not_allowed", message));
        }
        let is_own = |origin: String| {
            // Behind a proxy that ends TLS, the scheme is not the one that is seen here.
            let authority = origin.strip_prefix("http://").or(origin.strip_prefix("https://"));
            origin == self.public_origin || authority == Some(&host)
        };
        let are_own = headers.get_all(header::ORIGIN).iter().map(text).all(is_own);
        (!are_own).then(|| {
            let message = "the service takes no calls from pages of other origins; call it from a program, or open its own console";
            ApiError::new(StatusCode::FORBIDDEN, "origin_not_allowed", message)
        })
    }

    /// Where a page that was asked for under another name of this machine is:
    /// the URLs that it gets signed lead there, which from here is another origin.
    fn elsewhere(&self, request: &Request) -> Option<Redirect> {
        let host = request.headers().get(header::HOST)?.to_str().ok()?;
        let is_page = request.method() == Method::GET && request.uri().path() == "/";
        let is_other = ["localhost", "[::1]", "127.0.0.1"].contains(&without_port(host))
            && ["127.0.0.1", "[::1]"].contains(&self.public_name.as_str())
            && without_port(host) != self.public_name;
        (is_page && is_other).then(|| Redirect::temporary(&self.public_origin))
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
    match hosts.refusal(request.uri(), request.headers()) {
        Some(refusal) => refusal.into_response(),
        None => match hosts.elsewhere(&request) {
            Some(redirect) => redirect.into_response(),
            None => next.run(request).await,
        },
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
            hosts.refusal(&Uri::from_static("/"), &headers).is_some()
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
        for origin in [
            "http://127.0.0.1:3000",
            "http://evil.example",
            "null",
            "http://localhost:8080",
            "",
            "file://127.0.0.1:8080",
        ] {
            assert!(refused("127.0.0.1:8080", Some(origin)), "{origin}");
        }
        let mut two = HeaderMap::new();
        two.insert(header::HOST, HeaderValue::from_static("localhost"));
        two.append(header::HOST, HeaderValue::from_static("evil.example"));
        assert!(hosts.refusal(&Uri::from_static("/"), &two).is_some(), "two hosts");
        let target = |uri| hosts.refusal(&Uri::from_static(uri), &HeaderMap::new()).is_some();
        assert!(target("http://evil.example/") && !target("http://localhost/"), "the target's own");
    }
}

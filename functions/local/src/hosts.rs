//! Checks `Host` and `Origin`, against pages of other origins and against DNS rebinding.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use dataset_api::error::ApiError;
use dataset_types::ErrorCode;
use reqwest::Url;
use std::net::IpAddr;
use std::sync::Arc;

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The names that the service goes by.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    /// Without ports.
    names: Vec<String>,
    /// The public URL's origin, such as `https://data.example.com`.
    public_origin: String,
    /// Its host.
    public_name: String,
    /// Origins whose pages may call, beside the service's own.
    allowed_origins: Vec<HeaderValue>,
    /// Whether it listens on all addresses of this machine, and so goes by each.
    any_address: bool,
}

impl Hosts {
    pub(crate) fn new(public_url: &Url, allowed: &[String], origins: &[HeaderValue], any_address: bool) -> Self {
        let public_name = public_url.host_str().unwrap_or_default().to_owned();
        let names = LOOPBACK
            .map(str::to_owned)
            .into_iter()
            .chain([public_name.clone()])
            .chain(allowed.iter().map(|name| name.to_ascii_lowercase()));
        Self {
            names: names.collect(),
            public_origin: public_url.origin().ascii_serialization(),
            public_name,
            allowed_origins: origins.to_vec(),
            any_address,
        }
    }

    /// DNS rebinding takes a name, so a request by an address is safe if the service
    /// listens on all addresses.
    fn is_known(&self, host: &str) -> bool {
        let is_address = || host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        self.names.iter().any(|name| name == host) || self.any_address && is_address()
    }

    fn refusal(&self, uri: &Uri, headers: &HeaderMap) -> Option<ApiError> {
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_ascii_lowercase();
        let mut given = headers.get_all(header::HOST).iter().map(text);
        // A host in the request's target takes precedence, as in HTTP/2.
        let host = match uri.authority() {
            Some(authority) => authority.as_str().to_ascii_lowercase(),
            None => given.next().unwrap_or_default(),
        };
        let is_alone = uri.authority().is_some() || given.next().is_none();
        if !is_alone || !self.is_known(without_port(&host)) {
            let message = "the service does not go by the name in the Host header; start it with --allow-host NAME or --public-url URL";
            return Some(ApiError::new(ErrorCode::HostNotAllowed, message));
        }
        let is_own = |origin: String| {
            // Behind a proxy that terminates TLS, the scheme of the origin differs from ours.
            let may_be_proxied = !LOOPBACK.contains(&without_port(&host)) && without_port(&host) != self.public_name;
            let proxied = origin.strip_prefix("https://").filter(|_| may_be_proxied);
            let is_public = without_port(&host) == self.public_name && !LOOPBACK.contains(&without_port(&host));
            let plain = origin.strip_prefix("http://").filter(|_| !is_public);
            origin == self.public_origin || proxied.or(plain) == Some(&host)
        };
        let is_allowed = |origin: &HeaderValue| self.allowed_origins.contains(origin) || is_own(text(origin));
        let are_own = headers.get_all(header::ORIGIN).iter().all(is_allowed);
        (!are_own).then(|| {
            let message = "the service takes no calls from pages of this origin; start it with --allow-origin URL, or open its own console";
            ApiError::new(ErrorCode::OriginNotAllowed, message)
        })
    }

    /// Redirects a page that was opened under another loopback name: presigned URLs
    /// lead to the public origin, which would be another one.
    fn elsewhere(&self, request: &Request) -> Option<Redirect> {
        let host = request.headers().get(header::HOST)?.to_str().ok()?;
        let is_page = request.method() == Method::GET && request.uri().path() == "/";
        let is_other = LOOPBACK.contains(&without_port(host))
            && ["127.0.0.1", "[::1]"].contains(&self.public_name.as_str())
            && without_port(host) != self.public_name;
        (is_page && is_other).then(|| Redirect::temporary(&self.public_origin))
    }
}

fn without_port(host: &str) -> &str {
    // An IPv6 address has colons of its own, within brackets.
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

pub(crate) async fn check(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    // A health check may know only the address.
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
        let hosts =
            Hosts::new(&url, &["Box.local".to_owned()], &[HeaderValue::from_static("https://app.example.com")], false);
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
        assert!(!refused("box.local", Some("https://box.local")) && !refused("box.local", Some("http://box.local")));
        assert!(refused("data.example.com", Some("http://data.example.com")), "the plain twin of the public URL");
        assert!(refused("127.0.0.1:8080", Some("https://127.0.0.1:8080")));
        assert!(refused("192.0.2.7:8080", None) && refused("[2001:db8::7]", None));
        let everywhere = Hosts { any_address: true, ..hosts.clone() };
        let called = |host: &'static str| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            everywhere.refusal(&Uri::from_static("/"), &headers).is_none()
        };
        assert!(called("192.0.2.7:8080") && called("[2001:db8::7]:8080") && !called("evil.example"));
        assert!(!refused("127.0.0.1:8080", Some("https://data.example.com")));
        assert!(!refused("127.0.0.1:8080", Some("https://app.example.com")), "an operator allows it");
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

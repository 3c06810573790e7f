//! The HTTP client for receivers, which checks every address before it connects.
//!
//! The URL of a receiver is a stranger's text. It was checked when it was registered, but a name can turn to
//! another address at any time, so what counts is the address at the moment of connecting: the resolver drops
//! those that are not allowed, and a URL with an address in it is looked at before each attempt. Redirects
//! are not followed and proxies of the environment not used, since either would connect past this.

use dataset_core::destination::Policy;
use dataset_core::resolver::Resolver;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, redirect};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The timeout for connecting, sending and reading the answer together.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that connects only where `policy` allows.
///
/// # Errors
/// If TLS can't be set up.
pub fn client(policy: &Policy, resolver: Arc<dyn Resolver>) -> reqwest::Result<Client> {
    Client::builder()
        .tls_backend_preconfigured(tls())
        .dns_resolver(Arc::new(GuardedResolver { policy: policy.clone(), resolver }))
        .redirect(redirect::Policy::none())
        .no_proxy()
        // A Lambda is frozen between invocations, and may have at most a thousand files open.
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(concat!("dataset-versions/", env!("CARGO_PKG_VERSION")))
        .timeout(ATTEMPT_TIMEOUT)
        .build()
}

/// TLS by ring, with Mozilla's roots.
fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

struct GuardedResolver {
    policy: Policy,
    resolver: Arc<dyn Resolver>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, resolver) = (self.policy.clone(), Arc::clone(&self.resolver));
        Box::pin(async move {
            let allowed = policy.resolve(name.as_str(), resolver.as_ref()).await?;
            Ok(Box::new(allowed.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

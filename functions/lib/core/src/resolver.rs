//! The port for names of hosts.

use async_trait::async_trait;
use std::io;
use std::net::IpAddr;

#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses that a host's name has at this moment.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

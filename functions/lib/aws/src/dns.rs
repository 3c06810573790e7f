//! Names as this machine resolves them.

use async_trait::async_trait;
use dataset_core::resolver::Resolver;
use std::io;
use std::net::IpAddr;

pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

//! Where a webhook may go.
//!
//! A webhook's URL is a stranger's text that this service connects to, so it must not lead into the network
//! that the service runs in (SSRF). The URL and the addresses of its name are checked at registration. A name
//! can change its address at any time, so whoever connects calls [`Policy::resolve`] again. The refusal is
//! the same whether a name leads inside or nowhere: the difference would tell a stranger about the network.

use crate::resolver::Resolver;
use crate::{Error, ErrorCode, Result};
use dataset_types::limits::MAX_URL_CHARS;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use url::{Host, Url};

/// The port of https, which is always allowed.
const HTTPS: u16 = 443;

/// How long a name may take to be looked up.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// What the operator allows beyond public addresses over https at port 443.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Plain http, addresses of the machine and its networks, any port.
    pub allow_private: bool,
    /// Ports beside 443.
    pub ports: Vec<u16>,
}

impl Policy {
    /// Anywhere, for a service on one's own machine.
    pub fn private() -> Self {
        Self { allow_private: true, ports: Vec::new() }
    }

    /// The URL in its normal form, if the policy allows it. Names are not looked up.
    pub fn check(&self, url: &str) -> Result<Url> {
        if url.len() > MAX_URL_CHARS {
            return invalid(format!("url is over {MAX_URL_CHARS} characters"));
        }
        let Ok(url) = Url::parse(url) else {
            return invalid("url is no absolute URL; give one like https://example.com/hook");
        };
        match url.scheme() {
            "https" => {}
            "http" if self.allow_private => {}
            "http" => return invalid("url must start with https://, so that the payload can't be read on its way"),
            _ if self.allow_private => return invalid("url must start with http:// or https://"),
            _ => return invalid("url must start with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("url has credentials in it; leave them out, the signature tells the receiver who calls");
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if !self.allow_private && port != HTTPS && !self.ports.contains(&port) {
            return invalid("url has a port that is not allowed here; use 443");
        }
        let allowed = match url.host() {
            Some(Host::Ipv4(address)) => self.allows_address(address.into()),
            Some(Host::Ipv6(address)) => self.allows_address(address.into()),
            Some(Host::Domain(name)) => self.allow_private || !is_local_name(name),
            None => return invalid("url has no host"),
        };
        if allowed { Ok(url) } else { not_public() }
    }

    /// [`Policy::check`], and a look-up of the name.
    pub async fn check_name(&self, url: &str, resolver: &dyn Resolver) -> Result<Url> {
        let url = self.check(url)?;
        match url.host() {
            Some(Host::Domain(name)) if !self.allow_private => match self.resolve(name, resolver).await {
                Ok(_) => Ok(url),
                Err(_) => not_public(),
            },
            _ => Ok(url),
        }
    }

    /// The addresses of a name that may be connected to, at least one.
    pub async fn resolve(&self, name: &str, resolver: &dyn Resolver) -> io::Result<Vec<IpAddr>> {
        let found = tokio::time::timeout(LOOKUP_TIMEOUT, resolver.addresses(name)).await;
        let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        if self.allow_private {
            return found;
        }
        let mut found = found.unwrap_or_default();
        found.retain(|address| self.allows_address(*address));
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the host has no public address"));
        }
        Ok(found)
    }

    pub fn allows_address(&self, address: IpAddr) -> bool {
        let is_global = match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(address) => GLOBAL_V6.contains(&address),
        };
        self.allow_private || (is_global && !BLOCKED.iter().any(|net| net.contains(&address)))
    }
}

fn invalid(message: impl Into<String>) -> Result<Url> {
    Err(Error::refused(ErrorCode::InvalidUrl, message))
}

fn not_public() -> Result<Url> {
    invalid("the host of url has no public address; check its name")
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost") || name.ends_with(".local") || name.ends_with(".internal")
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(first: [u16; 3], prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(first[0], first[1], first[2], 0, 0, 0, 0, 0), prefix))
}

/// The IPv6 range of the public internet. Mapped and translated IPv4 addresses are outside of it.
const GLOBAL_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// IANA's special-purpose ranges that are not the public internet, and IPv6 ranges
/// that embed an IPv4 address.
const BLOCKED: [IpNet; 19] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
    // Protocol assignments, Teredo among them.
    v6([0x2001, 0, 0], 23),
    v6([0x2001, 0xDB8, 0], 32),
    v6([0x2002, 0, 0], 16),
    v6([0x3FFF, 0, 0], 20),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_public() {
        let public = Policy::default();
        for url in [
            "https://example.com/hook?x=1",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "https://example.com:443/",
        ] {
            assert!(public.check(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "example.com",
            "http://example.com/",
            "ftp://example.com/",
            "https://user@example.com/",
            "https://example.com:8443/",
            "https://localhost/",
            "https://a.localhost./",
            "https://printer.local/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://10.0.0.1/",
            "https://100.64.0.1/",
            "https://169.254.169.254/latest",
            "https://172.31.255.255/",
            "https://192.168.1.1/",
            "https://198.19.0.1/",
            "https://255.255.255.255/",
            "https://[::]/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001::1]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[ff02::1]/",
            "https://[::ffff:0:7f00:1]/",
            "https://[2001:2::1]/",
            "https://[100::1]/",
            "https://[5f00::1]/",
            "https://[3fff::1]/",
        ] {
            assert_eq!(public.check(url).map_err(|e| e.code()).map(String::from), Err(ErrorCode::InvalidUrl), "{url}");
        }
    }

    #[test]
    fn an_operator_can_allow_his_own_network() {
        let private = Policy::private();
        assert!(private.check("http://127.0.0.1:9000/hook").is_ok());
        assert!(private.check("http://user:pw@127.0.0.1:9000/hook").is_err());
        assert!(private.check("file:///etc/passwd").is_err());
    }

    #[test]
    fn a_port_is_allowed_by_its_number() {
        let policy = Policy { ports: vec![8443], ..Policy::default() };
        assert!(policy.check("https://example.com:8443/").is_ok());
        assert!(policy.check("https://example.com:8444/").is_err());
        assert!(policy.check("https://example.com:80/").is_err());
    }

    struct Fixed(Vec<IpAddr>);

    #[async_trait::async_trait]
    impl Resolver for Fixed {
        async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            if self.0.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(self.0.clone()) }
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_or_nowhere_is_refused_in_the_same_words() {
        let (inside, outside): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [8, 8, 8, 8].into());
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().expect("an address");
        let (policy, url) = (Policy::default(), "https://example.com/");
        let said = async |found: &[IpAddr]| {
            policy.check_name(url, &Fixed(found.to_vec())).await.map(String::from).map_err(|e| e.to_string())
        };
        assert_eq!(said(&[outside]).await.as_deref(), Ok(url));
        assert_eq!(said(&[inside, outside]).await.as_deref(), Ok(url));
        let refused = said(&[]).await;
        assert!(refused.is_err());
        assert_eq!(said(&[inside, mapped]).await, refused);
        let allowed = policy.resolve("example.com", &Fixed(vec![inside, outside, mapped])).await;
        assert_eq!(allowed.expect("one is public"), [outside]);
    }
}

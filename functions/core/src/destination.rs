//! Where a webhook may go.
//!
//! A receiver's URL is a stranger's text that this service connects to, so it
//! must not lead into the network that the service runs in. [`Policy::check`]
//! refuses what can be told from the URL; names are resolved only when
//! connecting, and whoever connects asks [`Policy::allows_address`] then.

use crate::{Error, Result};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// What the operator allows beyond public addresses over https.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Plain http, addresses of the machine and its networks, any port.
    pub allow_private: bool,
}

impl Policy {
    /// The variable that [`Policy::from_env`] reads.
    pub const VARIABLE: &str = "ALLOW_PRIVATE_WEBHOOKS";

    /// `true` in the environment allows what is private; anything else but
    /// `false` is refused, so that a slip does not open a door.
    pub fn from_env() -> Result<Self> {
        match std::env::var(Self::VARIABLE).as_deref() {
            Err(_) | Ok("" | "false") => Ok(Self { allow_private: false }),
            Ok("true") => Ok(Self { allow_private: true }),
            Ok(_) => Err(Error::internal(format!("{} must be true or false", Self::VARIABLE))),
        }
    }

    /// The URL in its normal form, in which every spelling of an address is one.
    pub fn check(self, url: &str) -> Result<Url> {
        let invalid = |message: &str| Err(Error::invalid("invalid_url", message));
        let Ok(url) = Url::parse(url) else {
            return invalid("url is no absolute URL; give one like https://example.com/hook");
        };
        match url.scheme() {
            "https" => {}
            "http" if self.allow_private => {}
            "http" => return invalid("url must start with https://, so that the payload can't be read on its way"),
            _ => return invalid("url must start with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("url has credentials in it; leave them out, the signature tells the receiver who calls");
        }
        if !self.allow_private && url.port().is_some_and(|port| port != 443) {
            return invalid("url has a port other than 443, which is not allowed here");
        }
        let allowed = match url.host() {
            Some(Host::Ipv4(address)) => self.allows_address(address.into()),
            Some(Host::Ipv6(address)) => self.allows_address(address.into()),
            Some(Host::Domain(name)) => self.allow_private || !is_local_name(name),
            None => return invalid("url has no host"),
        };
        if !allowed {
            return invalid("url leads to an address that is not public, which is not allowed here");
        }
        Ok(url)
    }

    pub fn allows_address(self, address: IpAddr) -> bool {
        self.allow_private || !BLOCKED.iter().any(|net| net.contains(&address))
    }
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

/// What IANA's special-purpose registries hold that is not the public
/// internet, and the IPv6 ranges that carry an IPv4 address inside.
const BLOCKED: [IpNet; 28] = [
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
    // ::, ::1, IPv4-compatible and IPv4-mapped.
    v6([0, 0, 0], 80),
    v6([0x64, 0xFF9B, 0], 96),
    v6([0x64, 0xFF9B, 1], 48),
    v6([0x100, 0, 0], 64),
    v6([0x2001, 0, 0], 32),
    v6([0x2001, 0xDB8, 0], 32),
    v6([0x2002, 0, 0], 16),
    v6([0x3FFF, 0, 0], 20),
    v6([0x5F00, 0, 0], 16),
    v6([0xFC00, 0, 0], 7),
    v6([0xFE80, 0, 0], 10),
    v6([0xFEC0, 0, 0], 10),
    v6([0xFF00, 0, 0], 8),
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
        ] {
            assert_eq!(public.check(url).map_err(|e| e.code()).map(String::from), Err("invalid_url"), "{url}");
        }
    }

    #[test]
    fn an_operator_can_allow_his_own_network() {
        let private = Policy { allow_private: true };
        assert!(private.check("http://127.0.0.1:9000/hook").is_ok());
        assert!(private.check("http://user:pw@127.0.0.1:9000/hook").is_err());
        assert!(private.check("file:///etc/passwd").is_err());
    }
}

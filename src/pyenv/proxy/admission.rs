//! Which hosts a build is let through to.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};

use super::addresses::{Address, addresses_in};

/// Hosts of registries.
#[derive(Debug, Default)]
pub(in crate::pyenv) struct Admission {
    /// Those that the user named. Only they can be this machine.
    own: BTreeSet<Address>,
    /// Those that packages are known to come from: what versions declare, and what registries led to.
    known: Mutex<BTreeSet<String>>,
}

/// How far a host is let through to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Whatever its address.
    Any,
    /// Unless it is this machine or the link that it hangs on.
    Elsewhere,
}

impl Admission {
    /// These are the user's.
    pub(in crate::pyenv) fn new(own: BTreeSet<Address>) -> Self {
        Self { own, known: Mutex::default() }
    }

    /// Packages come from the hosts that a text names: the lines of requirements, a list of a registry.
    pub(in crate::pyenv) fn know(&self, text: &str) {
        let hosts = addresses_in(text).into_iter().map(|address| address.host);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(hosts);
    }

    /// Packages come from this host.
    pub(super) fn learn(&self, host: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned());
    }

    /// How far a host, in lower case, is let through to; `None` when it is not.
    pub(super) fn reach(&self, host: &str, port: u16, learns: bool) -> Option<Reach> {
        let own = self.own.iter().filter(|own| own.host == host);
        let ports: Vec<Option<u16>> = own.map(|own| own.port).collect();
        if ports.iter().any(|own| own.is_none_or(|own| own == port)) {
            return Some(Reach::Any);
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = !ports.is_empty() || learns || known.iter().any(|known| covers(known, host));
        is_known.then_some(Reach::Elsewhere)
    }
}

/// Whether a host is another one or belongs to it: files are often on a host beside that of the pages.
fn covers(known: &str, host: &str) -> bool {
    let before = host.strip_suffix(known);
    before.is_some_and(|before| {
        before.is_empty() || before.ends_with('.') && known.contains('.') && known.parse::<IpAddr>().is_err()
    })
}

/// Whether an address is this machine's or its link's, where services answer to whoever is near.
pub(super) fn is_near(address: IpAddr) -> bool {
    let is_near_v4 = |address: Ipv4Addr| {
        address.is_loopback()
            || address.is_unspecified()
            || address.octets()[0] == 0
            || address.is_link_local()
            || address.is_broadcast()
            || address.is_multicast()
    };
    match address {
        IpAddr::V4(address) => is_near_v4(address),
        IpAddr::V6(address) => {
            // Also what is written in the old notation, which `::1` is of.
            address.to_ipv4().is_some_and(is_near_v4)
                || address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_are_named_are_let_through_to() {
        let own = addresses_in("http://127.0.0.1:3141/root https://mine.example/simple");
        let admission = Admission::new(own.into_iter().collect());
        admission.know("--index-url https://theirs.example/simple\nx @ https://10.0.0.1/x.zip");
        for (host, port, reach) in [
            ("127.0.0.1", 3141, Some(Reach::Any)),
            ("127.0.0.1", 6379, Some(Reach::Elsewhere)),
            ("mine.example", 443, Some(Reach::Any)),
            ("mine.example", 22, Some(Reach::Elsewhere)),
            ("theirs.example", 443, Some(Reach::Elsewhere)),
            ("files.theirs.example", 443, Some(Reach::Elsewhere)),
            ("nottheirs.example", 443, None),
            ("example", 443, None),
            ("localhost", 443, None),
            ("3.10.0.0.1", 443, None),
        ] {
            assert_eq!(admission.reach(host, port, false), reach, "{host}:{port}");
        }
        assert_eq!(admission.reach("new.example", 443, true), Some(Reach::Elsewhere));
    }

    #[test]
    fn this_machine_is_near_however_it_is_written() {
        for near in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "169.254.169.254",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "fe80::1",
        ] {
            assert!(is_near(near.parse().unwrap()), "{near}");
        }
        for far in ["10.0.0.1", "203.0.113.80", "2001:db8::1", "::ffff:10.0.0.1"] {
            assert!(!is_near(far.parse().unwrap()), "{far}");
        }
    }
}

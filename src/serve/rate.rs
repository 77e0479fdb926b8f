//! How often an address may ask: so much at once, and then so much each second.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

/// Addresses that are counted at the same time.
const MOST_ADDRESSES: usize = 4096;

/// Counts requests by address.
#[derive(Debug)]
pub(super) struct Rate {
    at_once: f64,
    each_second: f64,
    left: HashMap<IpAddr, (f64, Instant)>,
}

impl Rate {
    pub(super) fn new(at_once: f64, each_second: f64) -> Self {
        Self { at_once, each_second, left: HashMap::new() }
    }

    /// Whether an address may ask once more; it counts.
    pub(super) fn admits(&mut self, address: IpAddr, now: Instant) -> bool {
        if self.left.len() >= MOST_ADDRESSES {
            let full = (self.at_once, self.each_second);
            self.left.retain(|_, (left, at)| *left + now.duration_since(*at).as_secs_f64() * full.1 < full.0);
            // Whoever has that many addresses shares what is left.
            if self.left.len() >= MOST_ADDRESSES {
                return false;
            }
        }
        let (left, at) = self.left.entry(address).or_insert((self.at_once, now));
        *left = (*left + now.duration_since(*at).as_secs_f64() * self.each_second).min(self.at_once);
        *at = now;
        if *left < 1.0 {
            return false;
        }
        *left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_address_has_its_own_count_which_comes_back_with_time() {
        let mut rate = Rate::new(2.0, 0.5);
        let now = Instant::now();
        let (one, other) = ("127.0.0.1".parse().unwrap(), "::1".parse().unwrap());
        assert!(rate.admits(one, now) && rate.admits(one, now) && !rate.admits(one, now));
        assert!(rate.admits(other, now));
        assert!(!rate.admits(one, now + Duration::from_secs(1)));
        assert!(rate.admits(one, now + Duration::from_secs(3)));
        // Addresses without an end take no more memory than that.
        for number in 0..10_000_u32 {
            rate.admits(IpAddr::from(number.to_be_bytes()), now);
        }
        assert!(rate.left.len() <= MOST_ADDRESSES);
    }
}

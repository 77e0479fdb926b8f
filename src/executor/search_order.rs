//! The order in which a search may come to versions.

use std::ops::Range;

/// The middle, the quarters, the eighths …: the order in which a search by halves may come to them.
pub(super) fn search_order(count: usize) -> impl Iterator<Item = usize> {
    let mut order = Vec::with_capacity(count);
    let whole: Range<usize> = 0..count;
    let mut level = vec![whole];
    while !level.is_empty() {
        let mut next = Vec::new();
        for range in level.into_iter().filter(|range| !range.is_empty()) {
            let middle = range.start + range.len() / 2;
            order.push(middle);
            next.extend([range.start..middle, middle + 1..range.end]);
        }
        level = next;
    }
    order.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_come_in_the_order_of_a_search_and_all_of_them() {
        assert_eq!(search_order(0).next(), None);
        assert_eq!(search_order(5).collect::<Vec<_>>(), [2, 1, 4, 0, 3]);
        let mut all: Vec<usize> = search_order(37).collect();
        all.sort_unstable();
        assert_eq!(all, (0..37).collect::<Vec<_>>());
    }
}

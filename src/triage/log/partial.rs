//! Lines that a container's runtime cuts: Docker after 16 KiB, CRI where it says `P`.

use std::collections::HashMap;

/// Bytes of one line that are joined.
const MOST_BYTES: usize = 256 << 10;
/// Processes whose line is under way.
const MOST: usize = 64;
/// Lines of other processes after which the rest is not waited for.
const PATIENCE: u64 = 200;

/// Beginnings of lines, by process.
#[derive(Debug, Default)]
pub(super) struct Partial {
    begun: HashMap<u64, (Vec<u8>, u64)>,
}

impl Partial {
    pub(super) fn is_empty(&self) -> bool {
        self.begun.is_empty()
    }

    /// A piece of a process's line: the whole line when this is its last piece, or it is too long to wait.
    pub(super) fn add(&mut self, process: u64, piece: &[u8], last: bool, number: u64) -> Option<Vec<u8>> {
        let mut line = self.begun.remove(&process).map_or_else(Vec::new, |(line, _)| line);
        line.extend_from_slice(piece);
        if last || line.len() >= MOST_BYTES || self.begun.len() >= MOST {
            return Some(line);
        }
        self.begun.insert(process, (line, number));
        None
    }

    /// Whether a line of this process is under way.
    pub(super) fn has(&self, process: u64) -> bool {
        self.begun.contains_key(&process)
    }

    /// Lines whose rest did not come in time: process, text, number.
    pub(super) fn over(&mut self, number: u64) -> Vec<(u64, Vec<u8>, u64)> {
        if self.begun.is_empty() {
            return Vec::new();
        }
        let mut over: Vec<_> = self
            .begun
            .extract_if(|_, (_, last)| last.saturating_add(PATIENCE) < number)
            .map(|(process, (line, last))| (process, line, last))
            .collect();
        over.sort_by_key(|(.., last)| *last);
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_joined_by_process() {
        let mut partial = Partial::default();
        assert_eq!(partial.add(1, b"Value", false, 1), None);
        assert_eq!(partial.add(2, b"sold", true, 2).as_deref(), Some(&b"sold"[..]));
        assert_eq!(partial.add(1, b"Error", false, 3), None);
        assert_eq!(partial.add(1, b": x", true, 4).as_deref(), Some(&b"ValueError: x"[..]));
        assert_eq!(partial.add(1, b"Key", false, 5), None);
        assert_eq!(partial.over(500), [(1, b"Key".to_vec(), 5)]);
        assert!(partial.is_empty());
    }
}

//! How a stream's records begin, learned from the stream: the skeleton of a line's first words.

use std::collections::HashMap;
use std::hash::Hasher;

use foldhash::fast::RandomState;

use super::quick;

/// Bytes of a line that its form is made of.
const HEAD: usize = 40;
/// How often a form must have been seen.
const OFTEN: u8 = 3;
/// Forms that are remembered.
const MOST: usize = 4_096;

/// Forms of the lines that stood outside of tracebacks.
#[derive(Debug, Default)]
pub(super) struct Forms {
    seen: HashMap<u64, u8, RandomState>,
}

impl Forms {
    /// Takes note of a line outside of tracebacks.
    /// True when lines of its form begin records from now on.
    pub(super) fn learn(&mut self, line: &[u8]) -> bool {
        let Some(form) = form(line) else { return false };
        if self.seen.len() < MOST || self.seen.contains_key(&form) {
            let count = self.seen.entry(form).or_default();
            *count = count.saturating_add(1);
            return *count == OFTEN;
        }
        false
    }

    /// Whether lines of this form often begin a record here.
    pub(super) fn begins_record(&self, line: &[u8]) -> bool {
        form(line).and_then(|form| self.seen.get(&form)).is_some_and(|count| *count >= OFTEN)
    }
}

/// Words and numbers by their kind only, all else as it is. `None` for lines without a form: indented, blank,
/// or plain words.
fn form(line: &[u8]) -> Option<u64> {
    let head = &line[..line.len().min(HEAD)];
    if head.first().is_none_or(u8::is_ascii_whitespace) {
        return None;
    }
    let mut classes = [0_u8; 10];
    let (mut last, mut signs, mut tokens) = (0_u8, 0, 0);
    for byte in head {
        let class = match byte {
            b'0'..=b'9' => b'0',
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => b'a',
            other => *other,
        };
        if class == last && matches!(class, b'0' | b'a' | b' ') {
            continue;
        }
        // A word that begins with letters and goes on with digits is one word.
        if class == b'0' && last == b'a' {
            continue;
        }
        signs += usize::from(!matches!(class, b'a' | b' '));
        classes[tokens] = class;
        tokens += 1;
        last = class;
        if tokens >= classes.len() {
            break;
        }
    }
    (signs >= 2).then(|| {
        let mut hasher = quick::hasher();
        hasher.write(&classes[..tokens]);
        hasher.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_learned_from_its_repetition() {
        let mut forms = Forms::default();
        let next = b"[till 7] <4> sold sage";
        for line in [&b"[till 3] <1> open"[..], b"[till 3] <2> sold mint", b"[till 12] <3> sold mint"] {
            assert!(!forms.begins_record(next));
            forms.learn(line);
        }
        assert!(forms.begins_record(next));
        assert!(!forms.begins_record(b"plain words of a message"));
        assert!(!forms.begins_record(b"  [till 7] <4> indented"));
    }
}

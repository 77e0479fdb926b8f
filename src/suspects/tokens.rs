//! Words of texts and of source lines, as numbers.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A word, the same number for the same text.
pub(super) type Word = u64;

/// Shorter words say nothing.
const SHORTEST: usize = 3;
/// A word of a language, as long as it gets.
const LONGEST: usize = 64;

/// The number of a word, or of a whole line.
pub(super) fn number(text: &str) -> Word {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// How often each word occurs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BagOfWords {
    counts: HashMap<Word, u32>,
    total: u32,
}

impl BagOfWords {
    /// Add the words of a text.
    pub(super) fn add(&mut self, text: &str) {
        each_word(text, |word| {
            *self.counts.entry(number(word)).or_default() += 1;
            self.total = self.total.saturating_add(1);
        });
    }

    /// How often a word occurs.
    pub(super) fn count(&self, word: Word) -> u32 {
        self.counts.get(&word).copied().unwrap_or_default()
    }

    /// How many words there are, repeats included.
    pub(super) const fn total(&self) -> u32 {
        self.total
    }
}

/// Hand each word to `take`: identifiers in lower case, and of those of several parts
/// (`set_cookie`, `setCookie`) also the parts.
pub(super) fn each_word(text: &str, mut take: impl FnMut(&str)) {
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    for token in text.split(|c| !is_inside(c)).filter(|token| (SHORTEST..=LONGEST).contains(&token.len())) {
        if token.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        take(&token.to_lowercase());
        let parts = parts(token);
        if parts.len() > 1 {
            parts.iter().for_each(|part| take(part));
        }
    }
}

/// The parts of an identifier that are long enough, in lower case.
fn parts(token: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut before = '_';
    for c in token.chars() {
        let begins = c == '_' || (c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()));
        if begins {
            parts.push(String::new());
        }
        if c != '_'
            && let Some(part) = parts.last_mut()
        {
            part.extend(c.to_lowercase());
        }
        before = c;
    }
    parts.retain(|part| part.len() >= SHORTEST);
    parts
}

/// Words of the language, of every test and of every failure.
const PLAIN: &str = "\
    actual and are args argument arguments assert assertionerror attribute attributeerror bool but call called \
    calls can cannot class code def del dict does elif else error except exception expected failed false file \
    finally float for from function given global got had has have import importerror indexerror instance int \
    invalid isinstance keyerror keyword keywords kwargs lambda len lib line list local method missing module \
    modules most must name named nameerror none not number numbers object packages parameter pass positional \
    print pytest python python2 python3 raise raised raises recent repr required return runtimeerror self set \
    should site site_packages src str string super takes test tests that the this traceback true try tuple type \
    typeerror unexpected unittest usr value valueerror was were when where while will with yes you your";

/// Whether a word tells nothing of a failure.
pub(super) fn is_plain(word: &str) -> bool {
    PLAIN.split(' ').any(|plain| plain == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_give_themselves_and_their_parts() {
        let mut found = Vec::new();
        each_word("self.set_cookie(HttpOnly=1, x2=ab, _a_b, 0xffff)", |word| found.push(word.to_owned()));
        assert_eq!(found, ["self", "set_cookie", "set", "cookie", "httponly", "http", "only", "_a_b"]);
    }

    #[test]
    fn plain_words_are_known() {
        assert!(is_plain("and") && is_plain("yes") && is_plain("len") && is_plain("lib"));
        assert!(!is_plain("cookie"));
    }
}

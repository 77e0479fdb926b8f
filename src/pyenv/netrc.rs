//! Keys in a `.netrc`, as curl, pip and uv read it: only those for some hosts.

use std::collections::BTreeSet;

/// The entries for these hosts, in the words in which they are written. The entry for all others (`default`) and macros
/// are left out.
pub(super) fn for_hosts(text: &str, hosts: &BTreeSet<String>) -> String {
    let mut kept = String::new();
    let mut keeps = false;
    let mut words = Words { rest: text };
    while let Some(word) = words.next() {
        match word {
            "machine" => {
                let host = words.next().unwrap_or_default();
                keeps = hosts.contains(&host.to_lowercase());
                add(&mut kept, keeps, &["\nmachine", host]);
            }
            "default" => keeps = false,
            "macdef" => {
                keeps = false;
                words.skip_macro();
            }
            "login" | "user" | "password" | "account" => {
                // Whatever it is, it is no beginning of an entry.
                let value = words.value().unwrap_or_default();
                add(&mut kept, keeps, &[word, value]);
            }
            _ => {}
        }
    }
    kept.trim_start().to_owned()
}

fn add(kept: &mut String, keeps: bool, words: &[&str]) {
    for word in words.iter().filter(|_| keeps) {
        kept.push_str(word);
        kept.push(' ');
    }
}

struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    /// The next word that belongs to no comment.
    fn next(&mut self) -> Option<&'a str> {
        loop {
            let word = self.value()?;
            if !word.starts_with('#') {
                return Some(word);
            }
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.rest = &self.rest[end..];
        }
    }

    /// The next word, quotes and all.
    fn value(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_start();
        let mut is_quoted = false;
        let mut is_escaped = false;
        let ends = |letter: char| {
            if is_escaped {
                is_escaped = false;
                return false;
            }
            match letter {
                '\\' => is_escaped = true,
                '"' => is_quoted = !is_quoted,
                _ => {}
            }
            letter.is_whitespace() && !is_quoted
        };
        let end = text.find(ends).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// A macro reaches to the next empty line.
    fn skip_macro(&mut self) {
        let end = self.rest.find("\n\n").unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, hosts: &[&str]) -> String {
        for_hosts(text, &hosts.iter().map(|&host| host.to_owned()).collect())
    }

    #[test]
    fn only_the_hosts_that_are_named_are_kept() {
        let text = "# mine\nmachine one.example login ada password word\n\
                    machine two.example\n  login bob # not a comment of ours\n  password \"a b\"\n\
                    macdef init\nmachine one.example login x\n\n\
                    default login guest password guest\n";
        assert_eq!(of(text, &["two.example"]), "machine two.example login bob password \"a b\" ");
        assert_eq!(of(text, &["one.example"]), "machine one.example login ada password word ");
        assert_eq!(of(text, &[]), "");
        assert_eq!(of(text, &["guest"]), "");
    }

    #[test]
    fn a_word_in_the_place_of_a_key_begins_no_entry() {
        let text =
            "machine one.example login machine password default machine two.example login a password b";
        assert_eq!(of(text, &["two.example"]), "machine two.example login a password b ");
        assert_eq!(of("machine one.example password \\\"machine login two.example", &["two.example"]), "");
    }
}

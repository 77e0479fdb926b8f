//! The hosts and ports of the addresses in a text.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// A host, and the port where one is named or follows from the address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::pyenv) struct Address {
    /// In lower case, that of IPv6 in brackets.
    pub(in crate::pyenv) host: String,
    /// `None` for any.
    pub(in crate::pyenv) port: Option<u16>,
}

/// All that a text names, whatever it is written in: settings, requirements, lists.
pub(in crate::pyenv) fn addresses_in(text: &str) -> Vec<Address> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        // Whatever stands before it, also in lists that are no text.
        let scheme = text[..at].rsplit(|letter: char| !letter.is_ascii_alphanumeric()).next();
        let of_scheme = match scheme.unwrap_or_default().to_ascii_lowercase().as_str() {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        let rest = &text[at + 3..];
        let is_end = |letter: char| letter.is_whitespace() || "/?#\"',;<>)}".contains(letter);
        let place = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
        found.extend(address(place).map(|address| Address { port: address.port.or(of_scheme), ..address }));
    }
    found
}

/// `HOST`, `HOST:PORT`, `[::1]:PORT`.
pub(in crate::pyenv) fn address(place: &str) -> Option<Address> {
    let (host, rest) = match place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, rest)) => (format!("[{inner}]"), rest),
        None => {
            let (host, rest) = place.find(':').map_or((place, ""), |at| place.split_at(at));
            // Of a list that the address ends.
            (host.trim_end_matches(']').to_owned(), rest)
        }
    };
    let digits = rest.strip_prefix(':').unwrap_or_default();
    let digits = &digits[..digits.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(digits.len())];
    let host = host.trim_end_matches('.').to_lowercase();
    (!host.is_empty()).then(|| Address { host, port: digits.parse().ok() })
}

/// A line of requirements in which nothing is put in the place of `${NAME}` unless it goes to hosts of the user: what the
/// variables of a registry hold is for that registry, and a commit names whichever it likes.
pub(in crate::pyenv) fn without_keys_for_others(line: &str, own: &BTreeSet<Address>) -> String {
    /// Stands for a variable, whose braces would end a host.
    const VARIABLE: &str = "variable";
    static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\$\{\w+\}").ok());
    let plain = NAMED.as_ref().map_or(Cow::Borrowed(line), |named| named.replace_all(line, VARIABLE));
    let is_own = |address: &Address| {
        let mut same = own.iter().filter(|own| own.host == address.host);
        address.host == VARIABLE || same.any(|own| own.port.is_none() || own.port == address.port)
    };
    if plain == line || addresses_in(&plain).iter().all(is_own) {
        return line.to_owned();
    }
    line.replace("${", "%24%7B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_for_the_hosts_that_the_user_named() {
        let own: BTreeSet<Address> = addresses_in("https://own.example/simple").into_iter().collect();
        for line in [
            "--index-url https://${TOKEN}@own.example/simple",
            "--extra-index-url ${UV_INDEX_URL}",
            "--extra-index-url https://${HOST}/simple",
            "flask",
            "x @ https://other.example/x-1-py3-none-any.whl",
        ] {
            assert_eq!(without_keys_for_others(line, &own), line);
        }
        for (line, expected) in [
            ("--index-url https://other.example/${TOKEN}", "--index-url https://other.example/%24%7BTOKEN}"),
            ("x @ https://${TOKEN}.other.example/x.whl", "x @ https://%24%7BTOKEN}.other.example/x.whl"),
            ("x @ http://own.example/${TOKEN}/x.whl", "x @ http://own.example/%24%7BTOKEN}/x.whl"),
            (
                "--index-url https://own.example/ --extra-index-url https://o.example/${A}",
                "--index-url https://own.example/ --extra-index-url https://o.example/%24%7BA}",
            ),
        ] {
            assert_eq!(without_keys_for_others(line, &own), expected);
        }
    }

    #[test]
    fn hosts_are_found_in_settings_of_all_kinds() {
        let text = "index-url = \"https://ada:p@ss@One.example:8443/simple\"\nextra = ['http://[::1]:80/x', 'file:///x']\n\
                    UV_INDEX=mine=https://two.example\nx @ git+https://three.example./y [http://four.example]\n\
                    \u{201e}https://five.example/x\u{201c} \u{fffd}\u{fffd}http://six.example/";
        let found = addresses_in(text);
        let found: Vec<_> = found.iter().map(|address| (address.host.as_str(), address.port)).collect();
        let expected = [
            ("one.example", Some(8443)),
            ("[::1]", Some(80)),
            ("two.example", Some(443)),
            ("three.example", Some(443)),
            ("four.example", Some(80)),
            ("five.example", Some(443)),
            ("six.example", Some(80)),
        ];
        assert_eq!(found, expected);
    }
}

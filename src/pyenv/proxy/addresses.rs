//! The hosts and ports of the addresses in a text.

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
        let before = &text[..at];
        let begin = before.rfind(|letter: char| !letter.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
        let of_scheme = match before[begin..].to_ascii_lowercase().as_str() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_settings_of_all_kinds() {
        let text = "index-url = \"https://ada:p@ss@One.example:8443/simple\"\nextra = ['http://[::1]:80/x', 'file:///x']\n\
                    UV_INDEX=mine=https://two.example\nx @ git+https://three.example./y [http://four.example]";
        let found = addresses_in(text);
        let found: Vec<_> = found.iter().map(|address| (address.host.as_str(), address.port)).collect();
        let expected = [
            ("one.example", Some(8443)),
            ("[::1]", Some(80)),
            ("two.example", Some(443)),
            ("three.example", Some(443)),
            ("four.example", Some(80)),
        ];
        assert_eq!(found, expected);
    }
}

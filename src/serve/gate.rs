//! Who may look at incidents and give leave: whoever has the token, in a header or, in a browser, by a cookie made of it.

use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use ring::hmac;

use super::auth::{Keys, hex};

/// The cookie's name.
const COOKIE: &str = "pybisect";
/// For this long a browser is let in.
const LASTS: i64 = 12 * 3600;

/// Who is let in.
#[derive(Debug)]
pub(super) struct Gate {
    tokens: Keys,
    key: hmac::Key,
    is_tls: bool,
    /// What a browser takes the server for that reaches it by way of another.
    public: Option<String>,
}

/// How somebody was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum In {
    /// By the token itself, which no other page can make a browser send.
    Token,
    /// By a cookie, and then what changes something needs this with it.
    Cookie {
        /// What a form of ours has in it.
        csrf: String,
    },
}

impl Gate {
    /// `link` is where people reach its pages.
    pub(super) fn new(tokens: Keys, is_tls: bool, link: Option<&str>) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, tokens.first());
        let is_tls = is_tls || link.is_some_and(|link| link.starts_with("https://"));
        let host = link.and_then(|link| Some(link.split_once("://")?.1.split('/').next()?.to_owned()));
        Self { tokens, key, is_tls, public: host }
    }

    /// Whether this is the token.
    pub(super) fn has(&self, token: &str) -> bool {
        self.tokens.has(token.as_bytes())
    }

    fn code(&self, what: &str, text: &str) -> hmac::Tag {
        hmac::sign(&self.key, format!("{what}:{text}").as_bytes())
    }

    /// The header that lets a browser in: also one that comes by a link from a chat. What changes something needs more.
    pub(super) fn cookie(&self, now: Timestamp) -> String {
        let until = (now.as_second() + LASTS).to_string();
        let code = hex(self.code("until", &until).as_ref());
        let secure = if self.is_tls { "; Secure" } else { "" };
        format!("{COOKIE}={until}.{code}; Path=/; Max-Age={LASTS}; HttpOnly; SameSite=Lax{secure}")
    }

    /// How a request is let in, if it is.
    pub(super) fn opens(&self, headers: &HeaderMap, now: Timestamp) -> Option<In> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        if let Some(value) = given.next() {
            let token = value.to_str().ok()?.strip_prefix("Bearer ")?;
            return (given.next().is_none() && self.has(token.trim())).then_some(In::Token);
        }
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find_map(|(name, value)| {
            let (until, code) = value.split_once('.').filter(|_| name == COOKIE)?;
            let is_ours = Keys::of_lines(&hex(self.code("until", until).as_ref()))?.has(code.as_bytes());
            let is_in = is_ours && until.parse::<i64>().is_ok_and(|until| now.as_second() < until);
            is_in.then(|| In::Cookie { csrf: hex(self.code("form", value).as_ref()) })
        })
    }

    /// Whether a form is one of ours: by what is in it, and by what the browser says of where it comes from.
    pub(super) fn is_own_form(&self, by: &In, headers: &HeaderMap, csrf: &str) -> bool {
        let In::Cookie { csrf: expected } = by else { return true };
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let site = text(header::HeaderName::from_static("sec-fetch-site"));
        // An origin that is told as `null` is not ours, unless the browser says so: some hide it for the sake of their users.
        let origin = text(header::ORIGIN)
            .filter(|origin| *origin != "null" || site != Some("same-origin"))
            .map(|origin| origin.split_once("://").map(|(_, host)| host));
        let is_from_here = site.is_none_or(|site| site == "same-origin")
            && origin.is_none_or(|origin| {
                origin.is_some() && (origin == text(header::HOST) || origin == self.public.as_deref())
            });
        is_from_here && Keys::of_lines(expected).is_some_and(|keys| keys.has(csrf.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_796_000_000 + second).unwrap()
    }

    fn gate() -> Gate {
        Gate::new(Keys::of_lines("a-token-of-this-length").unwrap(), false, Some("https://p.example/x"))
    }

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &str)| {
            (header::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        given.iter().map(header).collect()
    }

    #[test]
    fn the_token_or_a_cookie_made_of_it_lets_in() {
        let gate = gate();
        let opens = |given: &[(&'static str, &str)], second| gate.opens(&headers(given), at(second));
        assert_eq!(opens(&[], 0), None);
        assert_eq!(opens(&[("authorization", "Bearer a-token-of-this-length")], 0), Some(In::Token));
        assert_eq!(opens(&[("authorization", "Bearer a-token")], 0), None);
        assert_eq!(opens(&[("authorization", "Basic x")], 0), None);
        let set = gate.cookie(at(0));
        assert!(set.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{set}");
        let cookie = set.split(';').next().unwrap();
        let sent = format!("a=b; {cookie}");
        assert!(matches!(opens(&[("cookie", &sent)], 10), Some(In::Cookie { .. })));
        assert_eq!(opens(&[("cookie", &sent)], LASTS), None, "it is over");
        let longer = cookie.replacen("=1", "=9", 1);
        assert_eq!(opens(&[("cookie", &longer)], 0), None, "nobody prolongs it");
        let other = Gate::new(Keys::of_lines("another-token-of-length").unwrap(), true, None);
        assert_eq!(other.opens(&headers(&[("cookie", cookie)]), at(0)), None);
    }

    #[test]
    fn a_form_is_one_of_ours_or_nothing() {
        let gate = gate();
        let set = gate.cookie(at(0));
        let cookie = set.split(';').next().unwrap();
        let by = gate.opens(&headers(&[("cookie", cookie)]), at(0)).unwrap();
        let In::Cookie { csrf } = &by else { panic!("{by:?}") };
        let own = |given: &[(&'static str, &str)], csrf: &str| gate.is_own_form(&by, &headers(given), csrf);
        assert!(own(&[], csrf));
        assert!(own(&[("host", "a:1"), ("origin", "https://a:1"), ("sec-fetch-site", "same-origin")], csrf));
        assert!(own(&[("host", "127.0.0.1:1"), ("origin", "https://p.example")], csrf));
        assert!(!own(&[], ""));
        assert!(!own(&[("host", "a:1"), ("origin", "https://b:1")], csrf));
        assert!(!own(&[("host", "a:1"), ("origin", "null")], csrf));
        assert!(!own(&[("host", "a:1"), ("origin", "null"), ("sec-fetch-site", "cross-site")], csrf));
        assert!(own(&[("host", "a:1"), ("origin", "null"), ("sec-fetch-site", "same-origin")], csrf));
        assert!(!own(&[("sec-fetch-site", "cross-site")], csrf));
        assert!(gate.is_own_form(&In::Token, &HeaderMap::new(), ""));
    }
}

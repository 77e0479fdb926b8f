//! Secrets in what a log's lines say, taken out before anything is shown or written.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::{Captures, Regex};

/// What stands where a secret stood.
const MASK: &str = "[redacted]";

/// Names of values that are secrets, whole words of a longer name.
const NAMES: &str = r"pass(?:word|wd|phrase|code)?|pwd|passwd|secrets?|tokens?|api[_-]?key|apikey|access[_-]?key(?:[_-]id)?|private[_-]?key|secret[_-]?key|encryption[_-]?key|credentials?|auth|authorization|cookies?|sessionid|session|csrf[a-z_-]*|xsrf[a-z_-]*|signature|sig|bearer|dsn|otp|jwt|connection[_-]?string";

/// Of these a value is a secret also where it is told in words: `password: x`.
static STRONG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i-u)pass(?:word|wd|phrase)|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key")
        .expect("a valid pattern")
});

/// What stands in every text that a rule matches, in small letters.
static HINTS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let names = [
        "pass",
        "pwd",
        "secret",
        "token",
        "key",
        "credential",
        "auth",
        "cookie",
        "session",
        "csrf",
        "xsrf",
        "sig",
        "bearer",
        "dsn",
        "otp",
        "jwt",
        "string",
    ];
    let forms = [
        "x-",
        "://",
        "eyj",
        "akia",
        "asia",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xox",
        "k_live",
        "k_test",
        "aiza",
        "npm_",
        "pypi-",
        "sk-",
        "sg.",
        "basic",
        "digest",
        "negotiate",
        "code",
        "hash",
        "access",
    ];
    let hints = AhoCorasick::builder().ascii_case_insensitive(true).build(names.iter().chain(&forms));
    hints.expect("few short words")
});

/// Each rule; the named group `s` is the secret.
static RULES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let name = format!(
        r"(?-u:\b)(?:(?i-u:(?:[A-Za-z0-9_.-]*[_.-])?(?:{NAMES})(?:[_.-][A-Za-z0-9_.-]*)?)|[a-z][A-Za-z0-9_]*(?:Token|Secret|Password|ApiKey|AccessKey|Credentials))"
    );
    let rules = [
        // Headers, to the line's end or the string's: `Authorization: Bearer x`, `Cookie: a=b; c=d`.
        r#"(?i-u:(?:proxy-)?authorization|(?:set-)?cookie2?|x-(?:api-key|auth[a-z-]*|csrf-?token|amz-[a-z-]+|[a-z-]*token|[a-z-]*secret)|api-key)(?:\\*["'])? *(?::|=>?|,) *(?:\\*b?\\*["'(])?(?P<s1>[^"'\r\n\\]+)"#.to_owned(),
        // `-----BEGIN RSA PRIVATE KEY-----`, whole or its first line.
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<s2>(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|$))".to_owned(),
        // `scheme://user:password@host`.
        r#"[A-Za-z][A-Za-z0-9+.-]{0,30}://(?P<s3>[^\s/@"'<>]+)@"#.to_owned(),
        // JSON Web Tokens.
        r"(?-u:\b)(?P<s4>eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)".to_owned(),
        // Keys with a form of their own: AWS, GitHub, GitLab, Slack, Stripe, Google, npm, PyPI, OpenAI.
        r"(?-u:\b)(?P<s5>(?-u:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abposr]-[\w-]{8,}|[sr]k_(?:live|test)_\w{8,}|AIza[\w-]{30,}|npm_\w{30,}|pypi-[\w-]{30,}|sk-[\w-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}))".to_owned(),
        r"(?i-u:\b(?:bearer|basic|digest|negotiate)) (?P<s6>[A-Za-z0-9_+/=.~-]{8,})".to_owned(),
        // `"password": "x"`, `'api_key': 'x'`, `token="x"`, and escaped ones.
        format!(r#"{name}(?:\\*["'])?\]? *(?::|=>?|,) *[bur]?(?:\\*"(?P<s7>[^"\\\n]+)|\\*'(?P<s8>[^'\\\n]+))"#),
        // `?token=x&`, `SECRET_KEY=x`.
        format!(r#"{name}(?:=|%3D)(?P<s9>[^\s&"'<>;,)\]}}]+)"#),
        r#"[?&](?:key|code|sig|hash|access)=(?P<s10>[^\s&"'<>;,)\]}]+)"#.to_owned(),
        // `password: x`
        format!(r#"(?P<told>{name})(?:\\*["'])?: ?(?P<s11>[^\s&"'<>;,)\]}}:][^\s&"'<>;,)\]}}]*)"#),
    ];
    rules.iter().map(|rule| Regex::new(rule).expect("a valid pattern")).collect()
});

const GROUPS: [&str; 11] = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11"];

/// The text with its secrets masked.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if !HINTS.is_match(text.as_bytes()) {
        return text;
    }
    for rule in RULES.iter() {
        if let Cow::Owned(masked) = rule.replace_all(&text, mask) {
            text = Cow::Owned(masked);
        }
    }
    text
}

/// What stands for a match: the same without its secret.
fn mask(found: &Captures<'_>) -> String {
    let whole = &found[0];
    let named = GROUPS.iter().find_map(|name| found.name(name));
    let (Some(secret), Some(start)) = (named, found.get(0).map(|whole| whole.start())) else {
        return whole.to_owned();
    };
    let told = found.name("told").map(|name| name.as_str());
    // `tests/test_secrets.py:12: in test_login`, `PASS: test_login_2`
    if told.is_some_and(|name| name.ends_with(".py") || name.eq_ignore_ascii_case("pass")) {
        return whole.to_owned();
    }
    let in_words = told.is_some_and(|name| !STRONG.is_match(name));
    if harmless(secret.as_str()) || in_words && !random(secret.as_str()) {
        return whole.to_owned();
    }
    format!("{}{MASK}{}", &whole[..secret.start() - start], &whole[secret.end() - start..])
}

/// Source code and words that stand where a secret might: `token=request.token`, `password: None`.
fn harmless(secret: &str) -> bool {
    matches!(secret, "None" | "null" | "True" | "False" | "true" | "false" | "***" | "****" | MASK)
        || secret.starts_with("[redacted")
        || secret.starts_with("self.")
        || secret.contains('(') && !secret.contains(' ')
}

/// Whether a word of a sentence is rather a key.
fn random(word: &str) -> bool {
    word.len() >= 8 && word.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let lines = [
            "Authorization: Bearer s3cr3t-abc",
            "  Cookie: id=s3cr3t; theme=dark",
            "\"authorization\": \"Basic s3cr3t\", \"x\": 1",
            "[b'authorization', b'Token s3cr3t']",
            "connecting to postgres://app:s3cr3t@db/shop",
            "GET /rate?item=1&token=s3cr3t&x=2 HTTP/1.1",
            "GET /rate?key=s3cr3t",
            "SECRET_KEY=s3cr3t",
            "{'DB_PASSWORD': 's3cr3t', 'HOME': '/root'}",
            "{\\\"api_key\\\": \\\"s3cr3t\\\"}",
            "environ({'AWS_SECRET_ACCESS_KEY': 's3cr3t'})",
            "connect(host='db', password='s3cr3t')",
            "password: s3cr3t",
            "clientSecret: \"s3cr3t\"",
            "X-Api-Key: s3cr3t",
            "-----BEGIN RSA PRIVATE KEY----- s3cr3t -----END RSA PRIVATE KEY-----",
        ];
        for line in lines {
            let told = redact(line);
            assert!(!told.contains("s3cr3t") && told.contains(MASK), "{told}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for line in [
            "ValueError: not a rate: four",
            "unexpected token: four",
            "author: Ada, authors=3",
            "token=self.token, password=None",
            "KeyError: 'mint'",
            "http://kiosk.example/rate?item=mint",
            "session closed, cookie missing",
            "return connect(password=get_password())",
            "FAILED tests/test_secrets.py::test_login_v2 - KeyError",
            "tests/test_password.py:12345: KeyError",
            "PASS: test_login_2",
            "tests.test_secret_key::Case::test_rotate PASSED",
        ] {
            assert_eq!(redact(line), line);
        }
    }
}

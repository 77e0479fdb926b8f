//! What a page may run and fetch.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) const STYLE: &str = include_str!("page.css");
pub(super) const SCRIPT: &str = include_str!("page.js");

/// Nothing is fetched, and nothing runs, but what is in the page.
pub(super) fn policy(styles: &[&str], scripts: &[&str]) -> String {
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hashes(styles),
        hashes(scripts)
    )
}

/// The hashes by which a policy names texts.
pub(super) fn hashes(texts: &[&str]) -> String {
    let hash = |text: &&str| {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        format!("'sha256-{}'", STANDARD.encode(digest))
    };
    texts.iter().map(hash).collect::<Vec<_>>().join(" ")
}

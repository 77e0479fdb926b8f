//! Which environment variables can change what a test does.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Variables of the terminal, the desktop and the login: they differ from window to window, and no
/// outcome should be thought new for them.
const PRIVATE: &[&str] = &[
    "_",
    "COLUMNS",
    "DISPLAY",
    "HISTFILE",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LINES",
    "LS_COLORS",
    "MAIL",
    "OLDPWD",
    "PS1",
    "PWD",
    "SHLVL",
    "STY",
    "TMUX",
    "TMUX_PANE",
    "WINDOWID",
    "COLORTERM",
    "TERM",
];

const PRIVATE_PREFIXES: &[&str] = &[
    "SSH_", "XDG_", "DBUS_", "GNOME_", "GTK_", "KDE_", "KONSOLE_", "TERM_", "VTE_", "WAYLAND_", "WEZTERM_",
    "KITTY_",
];

/// Whether a variable belongs to the terminal or login, not to the program's environment.
#[must_use]
pub fn is_private(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    PRIVATE.contains(&&*name) || PRIVATE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A fingerprint of an environment, without what [`is_private`], and of further facts.
#[must_use]
pub fn fingerprint(variables: &BTreeMap<OsString, OsString>, facts: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part);
    };
    for (name, value) in variables.iter().filter(|(name, _)| !is_private(name)) {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    for fact in facts {
        add(fact.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_terminal_is_the_same_environment() {
        let variables = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
        };
        let facts = ["python 3.11.7".to_owned()];
        let one = fingerprint(&variables(&[("PATH", "/bin"), ("TERM", "xterm")]), &facts);
        let two = fingerprint(&variables(&[("PATH", "/bin"), ("TERM", "dumb"), ("SSH_TTY", "x")]), &facts);
        let other = fingerprint(&variables(&[("PATH", "/usr/bin")]), &facts);
        assert_eq!(one, two);
        assert_ne!(one, other);
        assert_ne!(one, fingerprint(&variables(&[("PATH", "/bin")]), &[]));
    }
}

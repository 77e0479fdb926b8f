//! Which variables of the user's environment a confined command gets.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Variables that programs need to be found, to speak the user's language, and to behave as in his shell.
const NAMES: [&str; 66] = [
    // Where programs and libraries are.
    "PATH",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "VIRTUAL_ENV",
    "JAVA_HOME",
    "CUDA_HOME",
    "CUDA_PATH",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "ASDF_DIR",
    "ASDF_DATA_DIR",
    "MISE_DATA_DIR",
    "NVM_DIR",
    // Language, time, terminal, user.
    "LANG",
    "LANGUAGE",
    "TZ",
    "TZDIR",
    "TERM",
    "COLORTERM",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "USER",
    "LOGNAME",
    "SHELL",
    "HOME",
    "HOSTNAME",
    "PWD",
    "CI",
    // Builds of extension modules.
    "CC",
    "CXX",
    "AR",
    "CFLAGS",
    "CXXFLAGS",
    "CPPFLAGS",
    "LDFLAGS",
    "MAKEFLAGS",
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "LIBRARY_PATH",
    "PKG_CONFIG_PATH",
    "SOURCE_DATE_EPOCH",
    "SETUPTOOLS_USE_DISTUTILS",
    // Certificates, not keys.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    // git, where its configuration holds no credentials.
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_DATE",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_DATE",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "EMAIL",
    // Settings that decide how Python programs run.
    "DJANGO_SETTINGS_MODULE",
    "FLASK_APP",
    "FLASK_ENV",
    "MPLBACKEND",
    "QT_QPA_PLATFORM",
    "SDL_VIDEODRIVER",
    "SDL_AUDIODRIVER",
    "CUDA_VISIBLE_DEVICES",
];

/// The same by the beginning of the name.
const PREFIXES: [&str; 17] = [
    "LC_",
    "PYTHON",
    "PYTEST_",
    "PYENV_",
    "CONDA_",
    "TOX_",
    "NOX_",
    "COVERAGE_",
    "HYPOTHESIS_",
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "NUMBA_",
    "NUMEXPR_",
    "RUST_",
    "ASAN_",
    "UBSAN_",
];

/// Proxies: of use only with the host's network.
const PROXIES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// A name with one of these in it is a secret, whatever it begins with.
const SECRETS: [&str; 7] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "_KEY", "AUTH"];

/// A user's environment, divided.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Variables {
    /// What a command gets.
    pub kept: BTreeMap<OsString, OsString>,
    /// Names of what it does not get, sorted.
    pub withheld: Vec<String>,
}

/// Divide an environment: a command gets what is on the list and what `passed` names (`NAME`, or `PREFIX*`).
/// Proxies belong to the list when the command `has_internet`, unless they hold a password.
#[must_use]
pub fn filter_environment(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    passed: &[String],
    has_internet: bool,
) -> Variables {
    let mut variables = Variables::default();
    for (name, value) in environment {
        let text = name.to_string_lossy().into_owned();
        let is_proxy = PROXIES.contains(&text.to_uppercase().as_str());
        let keeps = passed.iter().any(|pattern| matches(pattern, &text))
            || (is_proxy && has_internet && !value.to_string_lossy().contains('@'))
            || is_listed(&text);
        if keeps {
            variables.kept.insert(name, value);
        } else {
            variables.withheld.push(text);
        }
    }
    variables.withheld.sort();
    variables
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

fn is_listed(name: &str) -> bool {
    if NAMES.contains(&name) {
        return true;
    }
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && !SECRETS.iter().any(|secret| name.to_uppercase().contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(names: &[(&str, &str)], passed: &[&str], has_internet: bool) -> (Vec<String>, Vec<String>) {
        let environment = names.iter().map(|&(name, value)| (name.into(), value.into()));
        let passed: Vec<String> = passed.iter().map(|&name| name.to_owned()).collect();
        let variables = filter_environment(environment, &passed, has_internet);
        let kept = variables.kept.into_keys().map(|name| name.into_string().unwrap()).collect();
        (kept, variables.withheld)
    }

    #[test]
    fn secrets_and_strangers_are_withheld() {
        let names = [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("PYTHONPATH", "src"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("SSH_AUTH_SOCK", "/x"),
            ("GITHUB_TOKEN", "x"),
            ("PYTEST_TOKEN", "x"),
            ("DATABASE_URL", "x"),
        ];
        let (kept, withheld) = divided(&names, &[], false);
        assert_eq!(kept, ["LC_ALL", "PATH", "PYTHONPATH"]);
        let secrets = ["AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "GITHUB_TOKEN", "PYTEST_TOKEN"];
        assert_eq!(withheld, [&secrets[..], &["SSH_AUTH_SOCK"]].concat());
    }

    #[test]
    fn what_is_passed_by_name_or_prefix_comes_through() {
        let names = [("DATABASE_URL", "x"), ("APP_MODE", "x"), ("APP_KEY", "x"), ("OTHER", "x")];
        let (kept, withheld) = divided(&names, &["DATABASE_URL", "APP_*"], false);
        assert_eq!(kept, ["APP_KEY", "APP_MODE", "DATABASE_URL"]);
        assert_eq!(withheld, ["OTHER"]);
    }

    #[test]
    fn a_proxy_is_passed_when_it_can_be_reached_and_holds_no_password() {
        let names = [("http_proxy", "http://proxy:3128"), ("HTTPS_PROXY", "http://ada:secret@proxy:3128")];
        assert_eq!(divided(&names, &[], true).0, ["http_proxy"]);
        assert!(divided(&names, &[], false).0.is_empty());
    }
}

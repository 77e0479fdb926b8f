//! `[tool.pybisect.serve]`: who may send alarms, who may look, who is told.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// How `serve` is reached, and by whom. Secrets are named, never written here.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct Serve {
    pub(crate) listen: Option<String>,
    /// A certificate and its key, in PEM.
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) token_env: Option<String>,
    /// What stands before `/incidents` for people.
    pub(crate) public_url: Option<String>,
    pub(crate) max_body: Option<String>,
    pub(crate) hooks: BTreeMap<String, HookTable>,
    pub(crate) notify: Vec<Notify>,
}

/// A sender of alarms.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct HookTable {
    pub(crate) secret_file: Option<PathBuf>,
    pub(crate) secret_env: Option<String>,
    pub(crate) auth: Option<Auth>,
    pub(crate) header: Option<String>,
    pub(crate) timestamp_header: Option<String>,
    /// Labels that an alarm has to have.
    pub(crate) only: BTreeMap<String, String>,
}

/// How a sender shows who it is, where it can do both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Auth {
    Secret,
    Signature,
}

/// Who is told of what happens.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct Notify {
    pub(crate) command: Option<String>,
    pub(crate) url_file: Option<PathBuf>,
    pub(crate) url_env: Option<String>,
    /// `json`, `slack` or `teams`.
    pub(crate) form: Option<String>,
}

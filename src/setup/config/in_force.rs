//! What is in force in a place, and from where.

use toml::Table;

use super::files::{self, Found};
use super::{Place, Trust, keys};
use crate::setup::error::Error;

/// A key with its value.
pub(crate) struct Setting {
    pub(crate) key: String,
    /// As TOML.
    pub(crate) value: String,
    /// The file.
    pub(crate) file: String,
    /// Why it does not count; `None` when it does.
    pub(crate) ignored: Option<&'static str>,
}

/// All keys of all files, those of the user first.
pub(crate) fn in_force(place: &Place<'_>) -> Result<Vec<Setting>, Error> {
    let own = files::of_user()?;
    let found = files::of_checkout(place.folder, place.top)?;
    let own_table = own.as_ref().map(|own| own.table.clone()).unwrap_or_default();
    let not = found.as_ref().map(|found| not_trusted(found, &own_table, place)).unwrap_or_default();
    let is_over = |key: &str| {
        found.as_ref().is_some_and(|found| found.table.contains_key(key))
            && !not.iter().any(|other| other == key)
    };
    let mut settings = Vec::new();
    for (file, is_own) in [(&own, true), (&found, false)] {
        let Some(file) = file else { continue };
        for (key, value) in &file.table {
            let ignored = if !keys::is_known(key) {
                Some("no such key")
            } else if is_own && is_over(key) {
                Some("the repository's counts")
            } else if !is_own && not.contains(key) {
                Some("not without `pybisect trust`")
            } else {
                None
            };
            let (key, value) = (key.clone(), value.to_string());
            settings.push(Setting { key, value, file: file.name.clone(), ignored });
        }
    }
    Ok(settings)
}

/// Keys of a repository's file that do not count.
fn not_trusted(found: &Found, own: &Table, place: &Place<'_>) -> Vec<String> {
    let trust = Trust::of_user();
    let is_trusted = place
        .repository
        .is_some_and(|repository| trust.as_ref().is_some_and(|trust| trust.has(repository, found)));
    if is_trusted { Vec::new() } else { keys::restrict(&mut found.table.clone(), own) }
}

//! Versions that are far behind the date.
//!
//! When a registry no longer has the old files of one package, a resolver finds an answer all the same: years older
//! versions of what needs it. Nothing is wrong with such an answer, but it is not what was installed in its day.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use toml::{Table, Value};

use super::declared::{name_of, normalised};
use super::pip_compile::PipCompile;
use crate::model::CancelToken;

/// Further behind than this is told of.
const FAR: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A version, and when it was uploaded.
type Uploaded = (String, Timestamp);

/// Notes on packages that were required without an exact version and of which a much newer one was there, seen alone.
/// `ask` is the question that `packages` answer.
pub(super) fn far_behind(ask: PipCompile<'_>, packages: &[String], cancel: &CancelToken) -> Vec<String> {
    let is_open = |line: &&String| !line.contains("==") && !line.contains('@');
    let open: Vec<String> = ask.lines.iter().filter(is_open).cloned().collect();
    if ask.date.is_none() || open.iter().all(|line| line.starts_with("--")) {
        return Vec::new();
    }
    let alone = PipCompile { lines: &open, deep: false, as_lock: true, ..ask };
    // Where uv cannot say, nothing is said.
    let Ok(text) = alone.text(cancel) else { return Vec::new() };
    let newest = uploads(&text);
    let chosen: Vec<String> = packages
        .iter()
        .filter(|line| {
            let newest = name_of(line).and_then(|name| newest.get(&name));
            newest.is_some_and(|(version, _)| line.split_once("==").is_some_and(|(_, own)| own != version))
        })
        .cloned()
        .collect();
    if chosen.is_empty() {
        return Vec::new();
    }
    let exact = PipCompile { lines: &chosen, constraints: &[], date: None, ..alone };
    let Ok(text) = exact.text(cancel) else { return Vec::new() };
    let chosen = uploads(&text);
    chosen.iter().filter_map(|(name, own)| note(name, own, newest.get(name)?)).collect()
}

fn note(name: &str, (version, uploaded): &Uploaded, (newest, later): &Uploaded) -> Option<String> {
    let day = |at: &Timestamp| at.strftime("%F").to_string();
    (later.duration_since(*uploaded) > FAR).then(|| {
        format!(
            "{name} {version} of {} was chosen, far behind {newest} of {}: something that the newer one needs does not \
             fit or is gone from the registry (--with '{name}=={newest}' says what)",
            day(uploaded),
            day(later)
        )
    })
}

/// The versions in a lock file, and when their first file was uploaded.
fn uploads(lock: &str) -> BTreeMap<String, Uploaded> {
    let table: Table = lock.parse().unwrap_or_default();
    let packages = table.get("packages").and_then(Value::as_array).into_iter().flatten();
    packages
        .filter_map(|package| {
            let name = normalised(package.get("name")?.as_str()?);
            let version = package.get("version")?.as_str()?.to_owned();
            let wheels = package.get("wheels").and_then(Value::as_array).into_iter().flatten();
            let files = wheels.chain(package.get("sdist"));
            let times =
                files.filter_map(|file| file.get("upload-time")?.as_datetime()?.to_string().parse().ok());
            Some((name, (version, times.min()?)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_years_behind_is_told_of() {
        let lock = |version: &str, day: &str| {
            format!(
                "[[packages]]\nname = 'PyTest'\nversion = '{version}'\nsdist = {{ upload-time = {day}T15:11:51Z }}\nwheels = [{{ upload-time = 2030-01-01T00:00:00Z }}]\n"
            )
        };
        let old = uploads(&lock("2.6.4", "2014-10-24"));
        let new = uploads(&lock("5.3.5", "2020-01-29"));
        let said = note("pytest", &old["pytest"], &new["pytest"]).unwrap();
        assert!(
            said.starts_with("pytest 2.6.4 of 2014-10-24 was chosen, far behind 5.3.5 of 2020-01-29"),
            "{said}"
        );
        assert_eq!(note("pytest", &new["pytest"], &new["pytest"]), None);
        assert!(uploads("no lock").is_empty());
    }
}

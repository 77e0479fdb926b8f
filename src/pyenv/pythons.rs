//! The interpreters that are there, and which one fits a version of a project.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::declared::PythonHints;
use super::prober::Prober;
use super::python_version::{PythonVersion, RELEASED, supported_since};

/// The interpreters of this machine, one for each minor version from 3.6 on.
#[derive(Debug, Clone, Default)]
pub struct InterpreterSet {
    found: BTreeMap<PythonVersion, PathBuf>,
}

impl InterpreterSet {
    /// Look on `PATH`, among pyenv's and among uv's own. `first` is the interpreter that the user's command runs.
    #[must_use]
    pub fn find(first: Option<&Path>, prober: &Prober<'_>) -> Self {
        let mut pythons = Self::default();
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = variable("HOME").unwrap_or_default();
        if let Some(first) = first {
            pythons.add(first, None, prober);
        }
        for folder in std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()) {
            for (minor, _) in RELEASED {
                pythons.add(
                    &folder.join(format!("python3.{minor}")),
                    Some(PythonVersion::three(minor)),
                    prober,
                );
            }
            pythons.add(&folder.join("python3"), None, prober);
        }
        let pyenv = variable("PYENV_ROOT").unwrap_or_else(|| home.join(".pyenv")).join("versions");
        let data = variable("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
        let own = variable("UV_PYTHON_INSTALL_DIR").unwrap_or_else(|| data.join("uv/python"));
        for versions in [pyenv, own] {
            let Ok(entries) = std::fs::read_dir(versions) else { continue };
            let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            folders.sort();
            for folder in folders {
                let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let is_cpython =
                    name.starts_with("cpython-") || name.starts_with(|c: char| c.is_ascii_digit());
                if let Some(minor) = PythonVersion::parse(&name).filter(|_| is_cpython) {
                    pythons.add(&folder.join(format!("bin/python{minor}")), Some(minor), prober);
                }
            }
        }
        pythons
    }

    /// The interpreters' versions, oldest first.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = PythonVersion> + '_ {
        self.found.keys().copied()
    }

    /// The interpreter of a version.
    #[must_use]
    pub fn get(&self, version: PythonVersion) -> Option<&Path> {
        self.found.get(&version).map(PathBuf::as_path)
    }

    /// Add an interpreter by its path; whether it was there and new.
    pub fn add(&mut self, python: &Path, version: Option<PythonVersion>, prober: &Prober<'_>) -> bool {
        if !python.is_file() || is_shim(python) || (prober.refuses)(python) {
            return false;
        }
        let Some(version) = version.or_else(|| prober.version(python).ok()) else { return false };
        let is_new = version >= PythonVersion::three(RELEASED[0].0) && !self.found.contains_key(&version);
        if is_new {
            self.found.insert(version, python.to_owned());
        }
        is_new
    }

    /// The version for a project as of a date, and why.
    pub(super) fn choose(
        &self,
        hints: &PythonHints,
        date: Timestamp,
        common: Option<PythonVersion>,
    ) -> Option<(PythonVersion, String)> {
        let versions: Vec<PythonVersion> = self.versions().collect();
        if let Some(pin) =
            hints.pin.as_deref().and_then(PythonVersion::parse).filter(|pin| versions.contains(pin))
        {
            return Some((pin, ".python-version".to_owned()));
        }
        let allowed: Vec<PythonVersion> = match &hints.requires {
            Some(requires) => versions.iter().copied().filter(|&version| admits(requires, version)).collect(),
            None => versions.clone(),
        };
        let because = |reason: &str| match &hints.requires {
            Some(requires) => format!("requires-python {requires}, {reason}"),
            None => reason.to_owned(),
        };
        if let Some(common) = common.filter(|common| allowed.contains(common)) {
            return Some((common, because("as for the other commits")));
        }
        let allowed = if allowed.is_empty() { versions } else { allowed };
        let in_time: Vec<PythonVersion> =
            allowed.iter().copied().filter(|&version| is_supported(version, date)).collect();
        let named: Vec<PythonVersion> =
            in_time.iter().copied().filter(|version| hints.classifiers.contains(&version.minor)).collect();
        if let Some(&version) = named.last() {
            return Some((version, because("the newest in the classifiers that was out for half a year")));
        }
        if let Some(&version) = in_time.last() {
            return Some((version, because("the newest that was out for half a year")));
        }
        allowed.first().map(|&version| (version, because("the oldest that is here")))
    }
}

/// Whether packages of this date can be expected to run on a version.
fn is_supported(version: PythonVersion, date: Timestamp) -> bool {
    supported_since(version).is_some_and(|since| since <= date)
}

/// Whether `requires-python` admits a minor version: some patch release of it.
fn admits(requires: &str, version: PythonVersion) -> bool {
    requires.split(',').all(|clause| {
        let clause = clause.trim();
        let operator: String = clause.chars().take_while(|c| "<>=!~^".contains(*c)).collect();
        let text = clause[operator.len()..].trim();
        let Some(bound) = PythonVersion::parse(text).or_else(|| {
            text.trim_end_matches(['.', '*']).parse().ok().map(|major| PythonVersion { major, minor: 0 })
        }) else {
            return true;
        };
        let is_patch = text.trim_end_matches(".*").split('.').filter(|part| *part != "0").count() > 2;
        let is_major = !text.contains('.') || text.ends_with(".*") && text.matches('.').count() == 1;
        match operator.as_str() {
            ">=" | ">" => version >= bound,
            "<" if is_patch => version <= bound,
            "<" => version < bound,
            "<=" => version <= bound,
            "==" | "===" | "" if is_major => version.major == bound.major,
            "==" | "===" | "" => version == bound,
            "~=" if text.matches('.').count() == 1 => version >= bound && version.major == bound.major,
            "~=" => version == bound,
            "!=" if is_patch => true,
            "!=" => version != bound,
            _ => true,
        }
    })
}

/// A program of a version manager that only looks for the real one.
fn is_shim(python: &Path) -> bool {
    let mut start = [0_u8; 2];
    let read = std::fs::File::open(python).and_then(|mut file| file.read_exact(&mut start));
    read.is_err() || &start == b"#!"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pythons(minors: &[u32]) -> InterpreterSet {
        let found = minors
            .iter()
            .map(|&minor| (PythonVersion::three(minor), PathBuf::from(format!("/{minor}"))))
            .collect();
        InterpreterSet { found }
    }

    #[test]
    fn requires_python_is_read_as_pip_does() {
        let three = PythonVersion::three;
        for (requires, version, expected) in [
            (">=3.6", three(6), true),
            (">=3.6", three(5), false),
            (">=2.7, !=3.0.*, !=3.1.*", three(8), true),
            (">=3.6,<4", three(11), true),
            (">=3.7,<3.10", three(10), false),
            (">3.5.1", three(6), true),
            ("==3.8.*", three(9), false),
            ("~=3.7", three(9), true),
            ("3.9", three(9), true),
        ] {
            assert_eq!(admits(requires, version), expected, "{requires} {version}");
        }
    }

    #[test]
    fn the_choice_follows_what_is_declared_then_the_date() {
        let date = "2020-02-08T00:00:00Z".parse().unwrap();
        let here = pythons(&[6, 7, 8, 11]);
        let choose = |hints: &PythonHints, common| here.choose(hints, date, common).unwrap();
        let hints = PythonHints::default();
        assert_eq!(choose(&hints, None).0, PythonVersion::three(7), "3.8 was four months old");
        assert_eq!(choose(&hints, Some(PythonVersion::three(6))).0, PythonVersion::three(6));
        let pinned = PythonHints { pin: Some("3.8.1".into()), ..PythonHints::default() };
        assert_eq!(choose(&pinned, Some(PythonVersion::three(6))).0, PythonVersion::three(8));
        let new = PythonHints { requires: Some(">=3.8".into()), ..PythonHints::default() };
        assert_eq!(choose(&new, Some(PythonVersion::three(6))).0, PythonVersion::three(8));
        let old = PythonHints { classifiers: [6].into(), ..PythonHints::default() };
        assert_eq!(choose(&old, None).0, PythonVersion::three(6));
    }
}

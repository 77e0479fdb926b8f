//! A minor version of Python, and since when there is one.

use std::fmt;

use jiff::Timestamp;

/// A minor version of Python, such as 3.11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PythonVersion {
    /// 3.
    pub major: u32,
    /// 11.
    pub minor: u32,
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl PythonVersion {
    /// Read `3.11`, `3.11.7`, `python3.11`, `cpython-3.11.7-linux`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_start_matches(|first: char| !first.is_ascii_digit());
        let mut numbers = digits.split(|other: char| !other.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next()?.parse().ok()?;
        Some(Self { major, minor })
    }

    pub(super) const fn three(minor: u32) -> Self {
        Self { major: 3, minor }
    }
}

/// When each version of Python 3 was first released, and the oldest that environments can be made for.
pub(super) const RELEASED: [(u32, &str); 9] = [
    (6, "2016-12-23T00:00:00Z"),
    (7, "2018-06-27T00:00:00Z"),
    (8, "2019-10-14T00:00:00Z"),
    (9, "2020-10-05T00:00:00Z"),
    (10, "2021-10-04T00:00:00Z"),
    (11, "2022-10-24T00:00:00Z"),
    (12, "2023-10-02T00:00:00Z"),
    (13, "2024-10-07T00:00:00Z"),
    (14, "2025-10-07T00:00:00Z"),
];

/// From when on packages can be expected to run on a version; `None` of one that is not known here.
pub(super) fn supported_since(version: PythonVersion) -> Option<Timestamp> {
    let released = RELEASED.iter().find(|(minor, _)| version.major == 3 && *minor == version.minor);
    let released = released.and_then(|(_, date)| date.parse::<Timestamp>().ok());
    released.map(|released| released + UNTIL_SUPPORTED)
}

/// Packages take about half a year to support a new Python.
pub(super) const UNTIL_SUPPORTED: jiff::SignedDuration = jiff::SignedDuration::from_hours(183 * 24);

//! The order of a package's versions, and the constraint that holds one back, by PEP 440.

use std::cmp::Ordering;
use std::str::FromStr as _;

use pep440_rs::Version;

/// How two versions stand to each other: 2.0rc1 is before 2.0. What is none by PEP 440 is before all others.
pub(super) fn compared(one: &str, other: &str) -> Ordering {
    let [one, other] = [one, other].map(|text| Version::from_str(text).ok());
    one.cmp(&other)
}

/// A constraint that lets in the version that passes and keeps out the one that fails; the first that fails, where all
/// between were tested. It never names a pre-release: pip takes that as leave to install others.
pub(super) fn constraint(name: &str, (good, bad): (&str, &str), all_were_tested: bool) -> String {
    let is_early = |text: &str| Version::from_str(text).is_ok_and(|version| version.any_prerelease());
    match (compared(good, bad), all_were_tested) {
        (Ordering::Less, true) => format!("{name}<{}", released(bad)),
        (Ordering::Less, false) if is_early(good) => format!("{name}<{}", released(good)),
        (Ordering::Less, false) => format!("{name}<={good}"),
        (Ordering::Greater, true) if !is_early(bad) => format!("{name}>{bad}"),
        (Ordering::Greater, _) => format!("{name}>={}", released(good)),
        (Ordering::Equal, _) => format!("{name}!={}", released(bad)),
    }
}

/// The release that a pre-release comes before: `2.4.0` for `2.4.0rc1`. `<2.4.0` leaves both out.
fn released(text: &str) -> String {
    match Version::from_str(text) {
        Ok(version) if version.any_prerelease() => version.only_release().to_string(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_pep_440_says() {
        for (earlier, later) in [
            ("2.9.1", "2.10"),
            ("2024.1", "1!1.0"),
            ("2.0rc1", "2.0"),
            ("2.0.dev3", "2.0a1"),
            ("2.0", "2.0.post1"),
            ("no version", "0.1"),
        ] {
            assert_eq!(compared(earlier, later), Ordering::Less, "{earlier} {later}");
        }
        assert_eq!(compared("2.0", "2.0.0"), Ordering::Equal);
    }

    #[test]
    fn a_constraint_names_no_pre_release() {
        for (good, bad, all, expected) in [
            ("2.3.1", "2.4.0", true, "x<2.4.0"),
            ("2.3.1", "2.4.0rc1", true, "x<2.4.0"),
            ("2.4.0b1", "2.4.0rc1", true, "x<2.4.0"),
            ("2.3.1", "2.4.0.dev5", false, "x<=2.3.1"),
            ("1.0", "1.0.post1", true, "x<1.0.post1"),
            ("2.0", "1.9", true, "x>1.9"),
            ("2.0", "2.0rc2", true, "x>=2.0"),
            ("2.0", "1.8", false, "x>=2.0"),
        ] {
            assert_eq!(constraint("x", (good, bad), all), expected);
        }
    }
}

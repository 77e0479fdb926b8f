//! What a search came to, in one word.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a search came, of the failure or of one of several tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Status {
    /// The commit, or the packages, are known and proven.
    Found,
    /// It is one of several commits that no trial can tell apart, or one without a proof.
    Ambiguous,
    /// The search ended without an answer.
    Inconclusive,
    /// Bad does not fail, or good does not pass.
    NotReproduced,
    /// Nothing was searched for. Reports of earlier versions have no word for it.
    #[default]
    #[serde(alias = "")]
    NotSearched,
}

impl Status {
    /// The word of the JSON report: `found`, `not-reproduced`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Ambiguous => "ambiguous",
            Self::Inconclusive => "inconclusive",
            Self::NotReproduced => "not-reproduced",
            Self::NotSearched => "not-searched",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_report() {
        for status in [
            Status::Found,
            Status::Ambiguous,
            Status::Inconclusive,
            Status::NotReproduced,
            Status::NotSearched,
        ] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.word());
        }
    }
}

//! Object ids of git and what the reports say about a commit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text is not the id of a git object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not 40 hexadecimal digits")]
pub struct InvalidId(pub String);

fn parse_hex(text: &str) -> Result<[u8; 20], InvalidId> {
    let invalid = || InvalidId(text.to_owned());
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.ok_or_else(invalid)?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] * 16 + pair[1]).collect();
    if digits.len() % 2 == 1 {
        return Err(invalid());
    }
    bytes.try_into().map_err(|_| invalid())
}

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 20]);

        impl $name {
            /// The id with these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 20]) -> Self {
                Self(bytes)
            }

            /// The id's bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 20] {
                &self.0
            }

            /// The first nine hexadecimal digits, for people.
            #[must_use]
            pub fn short(&self) -> String {
                self.to_string()[..9].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_hex(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

object_id!(
    /// The id of a commit.
    CommitId
);
object_id!(
    /// The id of a tree: two commits with the same tree have the same outcome.
    TreeId
);
object_id!(
    /// The id of a file's content.
    BlobId
);

/// What people want to know of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitInfo {
    /// The commit.
    pub id: CommitId,
    /// The commit's tree, without any overlay.
    pub tree: TreeId,
    /// The commit's parents, in git's order.
    pub parents: Vec<CommitId>,
    /// `Name <address>`.
    pub author: String,
    /// Author time, seconds since 1970-01-01 UTC.
    pub author_time: i64,
    /// Author's offset from UTC, minutes.
    pub author_offset: i32,
    /// Committer time, seconds since 1970-01-01 UTC. Need not follow ancestry.
    pub commit_time: i64,
    /// First line of the message.
    pub subject: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_printed_and_read_as_hexadecimal() {
        let text = "75ccfd450ad72fd16e14be7545e66333709e5f19";
        let id: CommitId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(id.short(), "75ccfd450");
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
        assert!("75ccfd4".parse::<CommitId>().is_err());
        assert!("é".repeat(20).parse::<CommitId>().is_err());
        assert!("g".repeat(40).parse::<CommitId>().is_err());
    }
}

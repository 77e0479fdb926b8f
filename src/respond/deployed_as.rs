//! Versions that a service tells by another name: on a branch that goes on, the commit with their files has one of its own.

use super::record::{Happened, Service};
use crate::model::DeployedVersion;

impl Service {
    /// The version that was deployed last as the commit that the service tells.
    #[must_use]
    pub fn deployed_as(&self, told: &str) -> Option<&DeployedVersion> {
        let begun = self.entries.iter().rev().filter_map(|entry| match &entry.happened {
            Happened::Begun { version, .. } => Some(version),
            _ => None,
        });
        begun.into_iter().find(|version| version.as_commit.is_some() && version.is_told_as(told))
    }
}

//! `[tool.pybisect.respond]`: what a response does, and what of it may happen without a person.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::model::StepKind;

/// How `respond` goes about an outage; how it deploys and asks is said for `rollback`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct Respond {
    /// What may happen without a person; without it, nothing is done but said.
    pub(crate) auto: Option<BTreeSet<Automatic>>,
    pub(crate) fallback: Option<String>,
    pub(crate) fallback_off: Option<String>,
    pub(crate) logs_command: Option<String>,
    pub(crate) verify: Option<String>,
    pub(crate) onto: Option<String>,
    pub(crate) branch: Option<String>,
    pub(crate) push: Option<String>,
    /// Downtime that is allowed.
    pub(crate) sla: Option<String>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) limits: StepLimits,
}

/// One stage of a rollout. What it does not say is as for `rollback`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct Stage {
    pub(crate) name: Option<String>,
    pub(crate) deploy: Option<String>,
    pub(crate) reload: Option<String>,
    pub(crate) restart: Option<String>,
    pub(crate) health: Option<String>,
    pub(crate) health_version: Option<String>,
    /// How long it has to be well before the next one begins.
    pub(crate) soak: Option<String>,
}

/// The longest time for a step.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct StepLimits {
    pub(crate) logs: Option<String>,
    pub(crate) find: Option<String>,
    pub(crate) fixes: Option<String>,
}

/// Steps that act on something outside of pybisect's own folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Automatic {
    Fallback,
    Rollback,
    Branch,
    Push,
    Rollout,
}

impl From<Automatic> for StepKind {
    fn from(automatic: Automatic) -> Self {
        match automatic {
            Automatic::Fallback => Self::Fallback,
            Automatic::Rollback => Self::Rollback,
            Automatic::Branch => Self::Branch,
            Automatic::Push => Self::Push,
            Automatic::Rollout => Self::Rollout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_that_acts_can_be_automatic_and_no_other() {
        let read = |word: &str| {
            toml::from_str::<Respond>(&format!("auto = ['{word}']")).ok().map(|respond| respond.auto.unwrap())
        };
        for kind in StepKind::ALL {
            let kinds =
                read(kind.word()).map(|auto| auto.into_iter().map(StepKind::from).collect::<Vec<_>>());
            assert_eq!(kinds, kind.acts().then(|| vec![kind]), "{}", kind.word());
        }
        assert!(toml::from_str::<Respond>("stages = [{ deploi = 'x' }]").is_err());
    }
}

//! `[tool.pybisect.respond]`: what a response does, and what of it may happen without a person.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::model::StepKind;

/// How `respond` goes about an outage; how it deploys and asks is said for `rollback`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(in crate::cli) struct Respond {
    /// What may happen without a person; without it, nothing is done but said.
    pub(in crate::cli) auto: Option<BTreeSet<Automatic>>,
    pub(in crate::cli) fallback: Option<String>,
    pub(in crate::cli) fallback_off: Option<String>,
    pub(in crate::cli) logs_command: Option<String>,
    pub(in crate::cli) verify: Option<String>,
    pub(in crate::cli) onto: Option<String>,
    pub(in crate::cli) branch: Option<String>,
    pub(in crate::cli) push: Option<String>,
    pub(in crate::cli) stages: Vec<Stage>,
    pub(in crate::cli) limits: Limits,
}

/// One stage of a rollout. What it does not say is as for `rollback`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(in crate::cli) struct Stage {
    pub(in crate::cli) name: Option<String>,
    pub(in crate::cli) deploy: Option<String>,
    pub(in crate::cli) reload: Option<String>,
    pub(in crate::cli) restart: Option<String>,
    pub(in crate::cli) health: Option<String>,
    pub(in crate::cli) health_version: Option<String>,
    /// How long it has to be well before the next one begins.
    pub(in crate::cli) soak: Option<String>,
}

/// The longest time for a step.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(in crate::cli) struct Limits {
    pub(in crate::cli) logs: Option<String>,
    pub(in crate::cli) find: Option<String>,
    pub(in crate::cli) fixes: Option<String>,
}

/// Steps that act on something outside of pybisect's own folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Automatic {
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

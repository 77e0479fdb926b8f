//! What can happen in an incident.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::step::{StepId, StepResult, StepState};
use crate::model::DeployedVersion;

/// What an incident came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentOutcome {
    /// A tested fix is deployed.
    Fixed,
    /// An older version serves.
    RolledBack,
    /// Neither.
    Unresolved,
    /// Another incident of the same service took its place.
    Superseded,
}

/// Somebody or something that said that the service is broken, or well again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// When the alarm was told here.
    pub at: Timestamp,
    /// Who told: `command`, `alertmanager`, …
    pub source: String,
    /// What the alarm said, in one line.
    pub title: String,
    /// Whether the alarm says that something is wrong, rather than well again.
    pub firing: bool,
    /// By which it is known again: one that is told twice is told once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<String>,
}

/// An event of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: IncidentEventKind,
}

/// What can happen in an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum IncidentEventKind {
    /// It began to be worked on.
    Opened {
        /// [`INCIDENT_SCHEMA`](super::INCIDENT_SCHEMA).
        schema: String,
        /// Its name.
        id: String,
        /// What is broken.
        service: String,
        /// The repository's folder.
        repository: String,
        /// When the outage began, as far as the alarm tells.
        began: Option<Timestamp>,
        /// What is going to be done, in order.
        steps: Vec<(StepId, String)>,
    },
    /// An alarm came, the first or another.
    Alarmed {
        /// What it says.
        alarm: Alarm,
    },
    /// Somebody else goes on with it: who worked on it ended, or was killed.
    Resumed,
    /// What was deployed when it began.
    Deployed {
        /// The version.
        version: DeployedVersion,
        /// Since when, where that is known.
        since: Option<Timestamp>,
    },
    /// The log's first error of this kind.
    FirstError {
        /// When.
        when: Timestamp,
    },
    /// A step waits for a person's leave.
    Waiting {
        /// The step.
        step: StepId,
        /// Why.
        why: String,
    },
    /// A person gave leave.
    Approved {
        /// The step.
        step: StepId,
    },
    /// A person wants a step done again that failed, and what was skipped for it.
    Retried {
        /// The step.
        step: StepId,
    },
    /// A step began.
    Begun {
        /// The step.
        step: StepId,
        /// What is done, when that is known better now.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        what: Option<String>,
    },
    /// Something is told of a step that runs.
    Progress {
        /// The step.
        step: StepId,
        /// What.
        text: String,
    },
    /// A step ended.
    Ended {
        /// The step.
        step: StepId,
        /// Done, failed or skipped.
        state: StepState,
        /// What came of it, in one line.
        outcome: String,
        /// What it brought.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        result: Option<StepResult>,
    },
    /// A version serves that is well.
    Recovered {
        /// Since when.
        when: Timestamp,
        /// Which.
        version: DeployedVersion,
    },
    /// No version is known to be well any more.
    Lost {
        /// Why.
        why: String,
    },
    /// Something to know.
    Note {
        /// What.
        text: String,
    },
    /// There is nothing left to do.
    Closed {
        /// What it came to.
        outcome: IncidentOutcome,
    },
}

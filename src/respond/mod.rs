//! What is done about an outage: rolling back, and looking whether that took.
//!
//! [`roll_back`] deploys an older version by the user's own command and watches what answers then. It believes nothing
//! but the version that the service itself tells: servers go on with the old code after a reload, or answer with both for
//! a while, and say 200 all along.
//!
//! | file | what it does |
//! |---|---|
//! | `template` | commands with places for the version |
//! | `deploy` | ways to deploy a version |
//! | `health` | asking a service what it is |
//! | `http` | the same over HTTP |
//! | `watch` | when answers are enough to call it healthy, or not; pure |
//! | `record` | what was begun and what came of it, on disk, and the lock of a service |
//! | `deployed_as` | versions that a service tells by another name |
//! | `incidents` | incidents on disk: what happens, as it happens |
//! | `leave` | steps that a person gives leave to, or wants done again; pure |
//! | `migrations` | files that change a database's schema |
//! | `response` | all of a response, in the order in which time matters |
//! | `rollback` | all of it, in order |
//! | `health_error` | why a service cannot be asked |
//! | `version_source` | where an answer says which version gave it |

mod deploy;
mod deployed_as;
mod health;
mod health_error;
mod http;
mod incidents;
mod leave;
mod migrations;
mod record;
mod response;
mod rollback;
mod template;
mod version_source;
mod watch;

pub use deploy::{Deploy, DeployError, check_remote, run_once};
pub use health::{Health, HealthBaseline, Probe};
pub use health_error::HealthError;
pub use incidents::{IncidentLock, Incidents, Journal};
pub use leave::{LeaveError, step_to_retry, steps_to_approve};
pub use migrations::is_migration;
pub use record::{Happened, RecordEntry, RecordError, Service};
pub use response::{Desk, Hands, Job, Response, StepEnd};
pub use rollback::{NextVersion, Rollback, Steps, roll_back, worktrees};
pub use template::{Template, TemplateError};
pub use version_source::VersionSource;
pub use watch::Terms;

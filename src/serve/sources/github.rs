//! GitHub's webhooks: a workflow or a deployment that failed. What a pull request did, or a fork, is no alarm: anybody
//! could sound it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::message::{Message, json, moment, text_or_number};
use crate::serve::message::{Told, Unread};
use crate::serve::source::AlarmSource;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    action: String,
    repository: Option<Named>,
    workflow_run: Option<Run>,
    deployment: Option<Deployment>,
    deployment_status: Option<Status>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Named {
    full_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Run {
    #[serde(deserialize_with = "text_or_number")]
    workflow_id: String,
    name: Option<String>,
    head_branch: Option<String>,
    event: String,
    conclusion: Option<String>,
    run_started_at: Option<String>,
    created_at: String,
    updated_at: String,
    head_repository: Option<Named>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Deployment {
    environment: String,
    task: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    state: String,
    created_at: String,
    updated_at: String,
}

pub(super) fn read(event: &str, body: &[u8]) -> Result<Message, Unread> {
    let body: Body = json(body)?;
    let repository = body.repository.unwrap_or_default().full_name;
    match (event, body.workflow_run, body.deployment, body.deployment_status) {
        ("workflow_run", Some(run), ..) if body.action == "completed" => Ok(of_run(run, repository)),
        ("deployment_status", _, Some(deployment), Some(status)) => {
            Ok(of_deployment(deployment, &status, repository))
        }
        _ => Ok(Message::default()),
    }
}

fn of_run(run: Run, repository: String) -> Message {
    let is_foreign = run.event.starts_with("pull_request")
        || run.head_repository.is_none_or(|head| head.full_name != repository);
    let firing = match run.conclusion.as_deref() {
        Some("failure" | "timed_out" | "startup_failure") => true,
        Some("success") => false,
        _ => return Message::default(),
    };
    if is_foreign {
        return Message::default();
    }
    let branch = run.head_branch.unwrap_or_default();
    let name = run.name.unwrap_or_default();
    let started = run.run_started_at.as_deref().and_then(moment).or_else(|| moment(&run.created_at));
    let told = Told {
        source: AlarmSource::Github,
        fingerprint: format!("{repository}/workflow/{}/{branch}", run.workflow_id),
        start: started.filter(|_| firing),
        cycle: None,
        title: format!("workflow {name} on {branch}: {}", run.conclusion.unwrap_or_default()),
        firing,
        labels: labels([("repository", repository), ("workflow", name), ("branch", branch)]),
    };
    Message { made: moment(&run.updated_at), ..Message::of(told) }
}

fn of_deployment(deployment: Deployment, status: &Status, repository: String) -> Message {
    let firing = match status.state.as_str() {
        "failure" | "error" => true,
        "success" => false,
        _ => return Message::default(),
    };
    let Deployment { environment, task } = deployment;
    let told = Told {
        source: AlarmSource::Github,
        fingerprint: format!("{repository}/deployment/{environment}/{task}"),
        start: moment(&status.created_at).filter(|_| firing),
        cycle: None,
        title: format!("deployment to {environment}: {}", status.state),
        firing,
        labels: labels([("repository", repository), ("environment", environment)]),
    };
    Message { made: moment(&status.updated_at), ..Message::of(told) }
}

fn labels<const N: usize>(pairs: [(&str, String); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

//! `/api/v1`: incidents for programs, as `openapi.json` describes it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

use super::app::{Answered, App, busy, object, problem};
use super::gate::In;
use super::server::peer;
use crate::model::{Incident, IncidentEventKind};
use crate::respond::{LeaveError, RecordError, step_to_retry, steps_to_approve};

/// The description of all of it.
const DESCRIPTION: &str = include_str!("openapi.json");
/// Incidents that are listed.
const MOST_INCIDENTS: usize = 100;
/// How often it is looked whether an incident grew.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/openapi.json", get(description))
        .route("/api/v1/incidents", get(incidents))
        .route("/api/v1/incidents/{id}", get(incident))
        .route("/api/v1/incidents/{id}/events", get(events))
        .route("/api/v1/incidents/{id}/approve", post(approve))
        .route("/api/v1/incidents/{id}/retry", post(retry))
}

fn closed(app: &App, request: &Request) -> Response {
    let why = (StatusCode::UNAUTHORIZED, "the token is missing, or another: Authorization: Bearer TOKEN");
    match peer(request) {
        Some(peer) if request.headers().contains_key(header::AUTHORIZATION) => {
            app.refused(peer, "a token", why)
        }
        _ => problem(why.0, why.1),
    }
}

async fn description() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
}

/// An incident in short.
fn summary(incident: &Incident) -> Value {
    let steps: Vec<Value> = incident
        .steps
        .iter()
        .map(|step| json!({ "step": step.id.to_string(), "state": step.state, "outcome": step.outcome }))
        .collect();
    json!({
        "id": incident.id,
        "service": incident.service,
        "title": incident.title(),
        "source": incident.source(),
        "opened": incident.opened,
        "recovered": incident.recovered,
        "closed": incident.closed,
        "outcome": incident.outcome,
        "alarms": incident.alarms.len(),
        "downtime_seconds": incident.downtime_seconds(),
        "steps": steps,
    })
}

async fn incidents(State(app): State<Arc<App>>, request: Request) -> Response {
    if app.opens(request.headers()).is_none() {
        return closed(&app, &request);
    }
    let made = tokio::task::spawn_blocking(move || {
        let ids = app.incidents.ids();
        let read = ids.iter().take(MOST_INCIDENTS).filter_map(|id| app.incidents.read(id).ok());
        read.map(|incident| summary(&incident)).collect::<Vec<_>>()
    });
    match made.await {
        Ok(list) => object(StatusCode::OK, &json!({ "incidents": list })),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the incidents cannot be listed"),
    }
}

async fn incident(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    if app.opens(request.headers()).is_none() {
        return closed(&app, &request);
    }
    let made = tokio::task::spawn_blocking(move || -> Answered<Value> {
        let incident = app.incident(&id)?;
        serde_json::to_value(&incident)
            .map_err(|_| problem(StatusCode::INTERNAL_SERVER_ERROR, "the incident cannot be told").into())
    });
    match made.await {
        Ok(Ok(value)) => object(StatusCode::OK, &value),
        Ok(Err(response)) => *response,
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the incident cannot be told"),
    }
}

/// A look at an incident that grows.
struct Look {
    app: Arc<App>,
    id: String,
    size: u64,
    _permit: OwnedSemaphorePermit,
}

/// Tells each time that something was added to an incident how much is written down of it now.
async fn events(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    if app.opens(&headers).is_none() {
        return closed(&app, &request);
    }
    if app.incidents.size(&id) == 0 {
        return problem(StatusCode::NOT_FOUND, "there is no such incident");
    }
    let Ok(permit) = Arc::clone(&app.streams).try_acquire_owned() else {
        return busy("too many look at incidents");
    };
    let known = |text: &str| text.trim().parse().ok();
    let of_query = request.uri().query().and_then(|query| known(query.strip_prefix("since=")?));
    let size = headers.get("last-event-id").and_then(|id| known(id.to_str().ok()?)).or(of_query).unwrap_or(0);
    let look = Look { app, id, size, _permit: permit };
    let grown = stream::unfold(look, |mut look| async move {
        loop {
            let size = look.app.incidents.size(&look.id);
            if size > look.size {
                look.size = size;
                let text = size.to_string();
                let event = Event::default().event("grown").id(&text).data(text);
                return Some((Ok::<_, Infallible>(event), look));
            }
            sleep(BETWEEN_LOOKS).await;
        }
    });
    Sse::new(grown).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

fn refused(error: &RecordError) -> Response {
    match error {
        RecordError::NoIncident { .. } => problem(StatusCode::NOT_FOUND, "there is no such incident"),
        _ => busy("it cannot be written down now"),
    }
}

fn unfit(error: &LeaveError) -> Response {
    match error {
        LeaveError::Unknown { .. } => problem(StatusCode::BAD_REQUEST, "there is no such step"),
        LeaveError::Over { .. } | LeaveError::NotFailed { .. } => {
            problem(StatusCode::CONFLICT, &error.to_string())
        }
    }
}

/// Give leave to steps, by a person who was let in.
pub(super) fn approved(app: &App, id: &str, word: &str) -> Answered<()> {
    let mut journal = app.incidents.journal(id).map_err(|error| Box::new(refused(&error)))?;
    let steps = steps_to_approve(journal.incident(), word).map_err(|error| Box::new(unfit(&error)))?;
    for step in steps {
        journal.note(IncidentEventKind::Approved { step }).map_err(|error| Box::new(refused(&error)))?;
    }
    app.shared.say(&format!("incident {id}: leave given for {word}"));
    app.shared.wake();
    Ok(())
}

/// Have a step done again that failed.
pub(super) fn retried(app: &App, id: &str, word: &str) -> Answered<()> {
    let mut journal = app.incidents.journal(id).map_err(|error| Box::new(refused(&error)))?;
    if app.incidents.ids().first().is_none_or(|latest| latest != id) {
        return Err(problem(StatusCode::CONFLICT, "another incident took its place").into());
    }
    let step = step_to_retry(journal.incident(), word).map_err(|error| Box::new(unfit(&error)))?;
    journal.note(IncidentEventKind::Retried { step }).map_err(|error| Box::new(refused(&error)))?;
    app.shared.say(&format!("incident {id}: {step} is to be done again"));
    app.shared.wake();
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    step: String,
}

/// The step of a request of a program: by the token itself, which no page of others can send.
async fn wish(app: &App, request: Request) -> Answered<String> {
    if app.opens(request.headers()) != Some(In::Token) {
        return Err(closed(app, &request).into());
    }
    let (parts, body) = request.into_parts();
    let bytes = app.read(&parts.headers, body).await?;
    let wish: Result<Wish, _> = serde_json::from_slice(&bytes);
    wish.map(|wish| wish.step).map_err(|_| {
        problem(StatusCode::BAD_REQUEST, r#"it has to be {"step": "rollback"}, or another step"#).into()
    })
}

fn told(app: &App, id: &str) -> Answered<Response> {
    Ok(object(StatusCode::OK, &summary(&app.incident(id)?)))
}

async fn approve(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    let done = async {
        let step = wish(&app, request).await?;
        approved(&app, &id, &step)?;
        told(&app, &id)
    };
    done.await.unwrap_or_else(|response: Box<Response>| *response)
}

async fn retry(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    let done = async {
        let step = wish(&app, request).await?;
        retried(&app, &id, &step)?;
        told(&app, &id)
    };
    done.await.unwrap_or_else(|response: Box<Response>| *response)
}

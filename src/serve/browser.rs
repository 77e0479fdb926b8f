//! The pages for people, and their forms.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use jiff::Timestamp;

use super::api::{approved, retried};
use super::app::{Answered, App, problem};
use super::gate::In;
use super::pages::Controls;
use super::server::peer;

/// Incidents that the first page shows.
const MOST_INCIDENTS: usize = 50;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(index))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/incidents/{id}", get(incident))
        .route("/incidents/{id}/approve", post(approve))
        .route("/incidents/{id}/retry", post(retry))
}

fn page(status: StatusCode, bytes: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], Body::from(bytes)).into_response()
}

fn to(place: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, place.to_owned())]).into_response()
}

/// Where one comes in; from there on to an incident, where that was asked for.
fn closed(app: &App, to: &str) -> Response {
    page(StatusCode::UNAUTHORIZED, app.pages.login(app.incidents.service(), to, false))
}

/// Something that takes a while, beside the rest.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answered<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| problem(StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be made").into())
}

async fn index(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if app.opens(&headers).is_none() {
        return closed(&app, "");
    }
    let made = beside(move || {
        let ids = app.incidents.ids();
        let incidents = ids.iter().take(MOST_INCIDENTS).filter_map(|id| app.incidents.read(id).ok());
        app.pages.index(app.incidents.service(), &incidents.collect::<Vec<_>>())
    });
    made.await.map_or_else(|response| *response, |bytes| page(StatusCode::OK, bytes))
}

async fn incident(State(app): State<Arc<App>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let csrf = match app.opens(&headers) {
        None => return closed(&app, &id),
        Some(In::Cookie { csrf }) => csrf,
        Some(In::Token) => String::new(),
    };
    let made = beside(move || -> Answered<Vec<u8>> {
        // What is added while this is read is told of afterwards.
        let size = app.incidents.size(&id);
        let incident = app.incident(&id)?;
        app.pages.incident(incident, &Controls { csrf, size }).map_err(|why| {
            app.shared.say(&format!("incident {id} cannot be shown: {why}"));
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be made").into()
        })
    });
    match made.await {
        Ok(Ok(bytes)) => page(StatusCode::OK, bytes),
        Ok(Err(response)) | Err(response) => *response,
    }
}

/// The fields of a form.
async fn form(app: &App, request: Request) -> Answered<(HeaderMap, Vec<(String, String)>)> {
    let (parts, body) = request.into_parts();
    let bytes = app.read(&parts.headers, body).await?;
    let fields = url_fields(&bytes);
    Ok((parts.headers, fields))
}

fn url_fields(bytes: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(bytes)
        .take(10)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

async fn login(State(app): State<Arc<App>>, request: Request) -> Response {
    let Some(peer) = peer(&request) else { return closed(&app, "") };
    let (_, fields) = match form(&app, request).await {
        Ok(form) => form,
        Err(response) => return *response,
    };
    if app.gate.has(field(&fields, "token").trim()) {
        let cookie = app.gate.cookie(Timestamp::now());
        // No other place than one of ours.
        let id = field(&fields, "to");
        let place = if app.incidents.size(id) > 0 { format!("/incidents/{id}") } else { "/".to_owned() };
        let mut response = to(&place);
        if let Ok(cookie) = cookie.parse() {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        return response;
    }
    let refused = app.refused(peer, "a token", (StatusCode::UNAUTHORIZED, "it is another"));
    if refused.status() == StatusCode::TOO_MANY_REQUESTS {
        return refused;
    }
    page(StatusCode::UNAUTHORIZED, app.pages.login(app.incidents.service(), field(&fields, "to"), true))
}

async fn logout() -> Response {
    let mut response = to("/");
    let gone = "pybisect=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
    if let Ok(cookie) = gone.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// A form of ours: its step.
async fn step_of(app: &App, request: Request) -> Answered<String> {
    let Some(by) = app.opens(request.headers()) else { return Err(closed(app, "").into()) };
    let (headers, fields) = form(app, request).await?;
    if !app.gate.is_own_form(&by, &headers, field(&fields, "csrf")) {
        return Err(problem(
            StatusCode::FORBIDDEN,
            "this form is not from here, or too old: load the page again",
        )
        .into());
    }
    Ok(field(&fields, "step").to_owned())
}

/// Back to the incident; also for who pressed a button that another one had pressed already: the page shows how it stands.
fn done(id: &str, what: Answered<()>) -> Response {
    let there = || to(&format!("/incidents/{id}"));
    match what {
        Err(response) if response.status() != StatusCode::CONFLICT => *response,
        _ => there(),
    }
}

async fn approve(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    let step = match step_of(&app, request).await {
        Ok(step) => step,
        Err(response) => return *response,
    };
    done(&id, approved(&app, &id, &step))
}

async fn retry(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Response {
    let step = match step_of(&app, request).await {
        Ok(step) => step,
        Err(response) => return *response,
    };
    retried(&app, &id, &step).map_or_else(|response| *response, |()| to(&format!("/incidents/{id}")))
}

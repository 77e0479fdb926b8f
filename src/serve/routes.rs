//! Which request leads where.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde_json::json;

use super::app::{App, busy, object, problem};
use super::hook::Accepted;
use super::metrics;
use super::server::peer;
use super::source::AlarmSource;
use super::{api, browser};

/// All of them.
pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/hooks/{source}", post(hook))
        .route("/healthz", get(health))
        .route("/metrics", get(numbers))
        .merge(api::routes())
        .merge(browser::routes())
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is nothing here") })
        .method_not_allowed_fallback(|| async {
            problem(StatusCode::METHOD_NOT_ALLOWED, "this is not done with this method")
        })
        .layer(from_fn_with_state(Arc::clone(&app), around))
        .with_state(app)
}

/// What holds for all of them: nobody asks too often, nothing is kept by what is in between, nothing is framed.
async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match peer(&request) {
        Some(peer) if app.admits(peer) => next.run(request).await,
        _ => busy("too many requests"),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Nobody else hears where somebody was. With `no-referrer` browsers say of our own forms that they are from nowhere.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A message of a sender: stored, then answered; what is done about it is done afterwards.
async fn hook(State(app): State<Arc<App>>, Path(word): Path<String>, request: Request) -> Response {
    let Some(hook) = AlarmSource::of_word(&word).and_then(|source| app.hooks.get(&source)) else {
        return problem(StatusCode::NOT_FOUND, "no alarms are taken here");
    };
    let Some(peer) = peer(&request) else { return busy("nobody asks") };
    let (parts, body) = request.into_parts();
    let source = hook.source.word();
    let response = match app.read(&parts.headers, body).await {
        Err(response) => *response,
        Ok(body) => match hook.look_at(&parts.headers, &body, Timestamp::now()) {
            Err(refusal) if refusal.is_foreign => {
                app.refused(peer, &format!("a message as of {source}"), (refusal.status, &refusal.why))
            }
            Err(refusal) => {
                app.shared.say(&format!("a message of {source}: {}", refusal.why));
                problem(refusal.status, &refusal.why)
            }
            Ok(accepted) => taken(&app, source, accepted).await,
        },
    };
    let labels = format!("source=\"{source}\",status=\"{}\"", response.status().as_u16());
    app.shared.count("pybisect_requests_total", labels, 1);
    response
}

async fn taken(app: &App, source: &str, accepted: Accepted) -> Response {
    let Accepted { delivery, note, ignored } = accepted;
    let count = |result: &str, by| {
        app.shared.count("pybisect_alarms_total", format!("source=\"{source}\",result=\"{result}\""), by);
    };
    if let Some(note) = &note {
        app.shared.say(note);
    }
    count("ignored", ignored);
    let taken = if delivery.told.is_empty() {
        super::message::Taken::default()
    } else {
        match app.take(delivery).await {
            Ok(taken) => taken,
            Err(response) => return *response,
        }
    };
    count("new", taken.new);
    count("known", taken.known);
    if taken.new > 0 {
        app.shared.wake();
    }
    // What is about something else is no error: it would be sent again and again.
    let status = if taken.new > 0 { StatusCode::ACCEPTED } else { StatusCode::OK };
    object(status, &json!({ "new": taken.new, "known": taken.known, "ignored": ignored }))
}

async fn health(State(app): State<Arc<App>>) -> Response {
    if app.shared.is_alive() {
        (StatusCode::OK, "ok\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "nobody takes up alarms\n").into_response()
    }
}

async fn numbers(State(app): State<Arc<App>>) -> Response {
    let made =
        tokio::task::spawn_blocking(move || metrics::text(&app.shared, &app.incidents, &app.summaries));
    match made.await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], Body::from(text)).into_response(),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the numbers cannot be told"),
    }
}

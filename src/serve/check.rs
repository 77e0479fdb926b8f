//! The server asks itself: each door once with a test alarm as its sender would send it, and once with a forged one.

use std::io;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use hyper::service::Service as _;
use jiff::Timestamp;

use super::server::Peer;
use super::{Parts, begin, runtime};

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What was asked.
    pub what: String,
    /// The status of the answer.
    pub status: u16,
    /// Whether the answer is the right one.
    pub is_right: bool,
}

/// Ask itself. Nothing is done about the alarms, which are kept in a folder of their own.
///
/// # Errors
/// When it cannot be made.
pub fn ask_itself(parts: Parts) -> io::Result<Vec<Asked>> {
    let folder = tempfile::tempdir()?;
    let hooks = parts.hooks.clone();
    let router = begin(Parts { folder: folder.path().to_owned(), ..parts }, false)?;
    let service = hyper_util::service::TowerToHyperService::new(router);
    let now = Timestamp::now();
    let mut requests = Vec::new();
    for hook in hooks {
        let (body, more) = hook.source.example(now, &hook.only);
        for (is_forged, what) in [(false, "a test alarm"), (true, "a forged one")] {
            let keys = if is_forged { &super::Keys::forged() } else { &hook.keys };
            let mut request = Request::post(format!("/hooks/{}", hook.source.word()));
            for (name, value) in hook.proof.headers(keys, body.as_bytes(), now) {
                request = request.header(name, value);
            }
            for (name, value) in &more {
                request = request.header(*name, *value);
            }
            let wanted = if is_forged { StatusCode::FORBIDDEN } else { StatusCode::ACCEPTED };
            let request = request.extension(Peer(([127, 0, 0, 1], 0).into())).body(Body::from(body.clone()));
            requests.push((
                format!("{}: {what}", hook.source.word()),
                wanted,
                request.map_err(io::Error::other)?,
            ));
        }
    }
    let runtime = runtime()?;
    let asked = requests.into_iter().map(|(what, wanted, request)| {
        let answer = runtime.block_on(service.call(request));
        let status = answer.map_or(StatusCode::INTERNAL_SERVER_ERROR, |answer| answer.status());
        Asked { what, status: status.as_u16(), is_right: status == wanted }
    });
    Ok(asked.collect())
}

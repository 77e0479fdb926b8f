//! A request as a session: prepared, run, and kept.

use super::error::Error;
use super::prepare::{Prepared, prepare};
use super::request::Request;
use super::stored_request::remember;
use crate::model::{CancelToken, Event, EventKind, Report};
use crate::session;

/// Find the commit that broke a command, and in it the edits that did.
///
/// All that happens is told as [`Event`]s, in order, from the calling thread. Outcomes of trials are kept in the cache
/// folder: the same request again goes on where it was cancelled. The repository and its work tree stay as they are.
///
/// ```no_run
/// let mut request = pybisect::Request::default();
/// request.repo = Some("/srv/shop".into());
/// request.range = Some("v1.4..main".to_owned());
/// request.command = ["python", "smoke.py"].map(Into::into).to_vec();
///
/// let report = pybisect::find(&request, &pybisect::CancelToken::new(), &mut |_event| {})?;
/// for culprit in &report.culprits {
///     println!("{} {}", culprit.commit.id, culprit.commit.subject);
/// }
/// # Ok::<(), pybisect::Error>(())
/// ```
///
/// # Errors
/// When the request cannot be carried out: what is wrong and what to do about it. That no commit could be found is no
/// error but a report that says why.
pub fn find(
    request: &Request,
    cancel: &CancelToken,
    on_event: &mut dyn FnMut(&Event),
) -> Result<Report, Error> {
    search(request, &prepare(request)?, cancel, on_event)
}

/// The session itself, where it was prepared already. What was asked is kept, for `fix`.
pub(crate) fn search(
    request: &Request,
    prepared: &Prepared,
    cancel: &CancelToken,
    on_event: &mut dyn FnMut(&Event),
) -> Result<Report, Error> {
    let mut kept = Ok(());
    let mut heard = |event: &Event| {
        // At once: whoever kills it goes on with it as well.
        if let EventKind::Started { session, .. } = &event.kind {
            kept = remember(request, prepared, session);
        }
        on_event(event);
    };
    let report = session::find(&prepared.plan, &prepared.workshop(cancel), &mut heard)?;
    kept.map(|()| report)
}

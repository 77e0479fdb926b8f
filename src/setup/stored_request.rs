//! What a search was asked, kept with its session.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::corrected_command::CorrectedCommand;
use super::error::Error;
use super::location::named_or_current;
use super::prepare::{Prepared, prepare};
use super::request::Request;
use crate::model::trial::HomeFile;
use crate::session::OverlayFile;
use crate::store::Store;

/// The form in which requests are kept; it grows when a field changes its meaning.
const VERSION: u32 = 1;

/// What it takes to run the command of a session again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredRequest {
    version: u32,
    /// What was asked, without the files that were read for it.
    pub(crate) request: Request,
    /// Files that were laid over every tree.
    pub(crate) overlay: Vec<OverlayFile>,
    /// Files in the home of trials; searches of earlier versions left none.
    #[serde(default)]
    pub(crate) home: Vec<HomeFile>,
    /// The words of the command line, where a user typed them; searches of earlier versions left none.
    #[serde(default)]
    typed: Vec<String>,
}

impl StoredRequest {
    /// That of a session.
    ///
    /// # Errors
    /// When it was not kept, or in a form that is not known.
    pub(crate) fn of_session(store: &Store, session: &str) -> Result<Self, Error> {
        Self::of(store, session).ok_or_else(|| {
            Error::usage(format!("session {session} does not say how it was run"))
                .hinted("run the same pybisect find again: its outcomes are known")
        })
    }

    /// That of a session, where it was kept in a form that is known.
    pub(crate) fn of(store: &Store, session: &str) -> Option<Self> {
        Self::read(&store.request(session).ok()??)
    }

    fn read(text: &str) -> Option<Self> {
        let mut stored: Value = serde_json::from_str(text).ok()?;
        let fields = stored.as_object_mut()?;
        if !fields.contains_key("version") {
            // Before there was a version, it held the arguments of the command line, of the same names but one.
            let mut request = fields.remove("args")?;
            let config = request.get("config").and_then(|config| config.get("no_config")).cloned();
            request.as_object_mut()?.insert("no_config".to_owned(), config.unwrap_or(Value::Bool(false)));
            fields.insert("request".to_owned(), request);
            fields.insert("version".to_owned(), VERSION.into());
        }
        serde_json::from_value(stored).ok().filter(|stored: &Self| stored.version == VERSION)
    }

    /// All that a session needs to run it again, with something changed.
    ///
    /// # Errors
    /// When it cannot be carried out any more.
    pub(crate) fn prepare(self, change: impl FnOnce(&mut Request)) -> Result<(Request, Prepared), Error> {
        let typed = self.typed();
        let mut request = self.request;
        change(&mut request);
        let mut prepared = prepare(&request)?;
        // Only now: mistakes in these words were looked for when they were typed.
        request.typed = typed;
        prepared.plan.overlay = self.overlay;
        prepared.plan.recipe.home = self.home;
        Ok((request, prepared))
    }

    /// The words of the command line, where a user typed them.
    pub(crate) fn typed(&self) -> Option<CorrectedCommand> {
        let words = self.typed.iter().map(OsString::from);
        (!self.typed.is_empty()).then(|| CorrectedCommand::of(words))
    }

    /// What the user typed, with other ends of the range, and all of it run again.
    pub(crate) fn retyped(&self, ends: &[(String, String)]) -> Option<String> {
        let (subcommand, rest) = self.typed.split_first()?;
        let is_find = matches!(subcommand.as_str(), "find" | "bisect");
        let words = std::iter::once("find").chain(rest.iter().map(String::as_str)).map(OsString::from);
        let mut typed = CorrectedCommand::of(words).without("--good").without("--bad").without("--json");
        if let Some(range) = &self.request.range {
            typed = typed.without_word(range);
        }
        if !self.request.fresh {
            typed = typed.with_more(&["--fresh"]);
        }
        let with =
            |typed: CorrectedCommand, (option, value): &(String, String)| typed.with_more(&[option, value]);
        is_find.then(|| ends.iter().fold(typed, with).to_string())
    }
}

/// Keep what a search was asked, so that its command can be run again.
///
/// # Errors
/// When the store cannot be written.
pub(crate) fn remember(request: &Request, prepared: &Prepared, session: &str) -> Result<(), Error> {
    let place = named_or_current(request.repo.as_deref())?;
    let typed = request.typed.as_ref().map(|typed| typed.words().to_vec()).unwrap_or_default();
    let request = Request {
        repo: Some(place.canonicalize().unwrap_or(place)),
        with_file: Vec::new(),
        no_with_file: true,
        ..request.clone()
    };
    let plan = &prepared.plan;
    let stored = StoredRequest {
        version: VERSION,
        request,
        overlay: plan.overlay.clone(),
        home: plan.recipe.home.clone(),
        typed,
    };
    let json = serde_json::to_string(&stored).map_err(Error::internal)?;
    Ok(prepared.store.keep_request(session, &json)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_the_first_form_is_read() {
        let text = r#"{"args":{"good":["v1"],"confidence":0.9,"quiet":true,"config":{"no_config":true},
            "environment":{"env":"current"},"command":[{"Unix":[115,104]}]},"overlay":[]}"#;
        let stored = StoredRequest::read(text).unwrap();
        assert_eq!(stored.request.good, ["v1"]);
        assert_eq!(stored.request.command, ["sh"]);
        assert_eq!(stored.request.confidence, Some(0.9));
        assert!(stored.request.no_config);
    }

    #[test]
    fn a_request_of_a_later_form_is_not_guessed_at() {
        let request = Request { good: vec!["v1".to_owned()], ..Request::default() };
        let stored =
            StoredRequest { version: VERSION, request, overlay: vec![], home: vec![], typed: vec![] };
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(StoredRequest::read(&text).unwrap().request, stored.request);
        let later = text.replace("\"version\":1", "\"version\":2");
        assert!(StoredRequest::read(&later).is_none());
    }
}

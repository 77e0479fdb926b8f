//! What was resolved before: in this session by date, and in earlier ones on disk.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::resolved::{EnvironmentError, Resolved};

type Answer = Result<Arc<Resolved>, EnvironmentError>;
/// What came of a question, by date.
type Dated = BTreeMap<Timestamp, Answer>;

/// Answers to the question which packages satisfy declarations as of a date.
#[derive(Debug)]
pub(super) struct ResolutionCache {
    folder: PathBuf,
    known: Mutex<HashMap<String, Dated>>,
}

impl ResolutionCache {
    /// Kept in a folder.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Dated>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this session knows of a question as of a moment; of now, when there is none.
    pub(super) fn of_session(&self, question: &str, at: Option<Timestamp>) -> Option<Answer> {
        self.known().get(question).and_then(|dated| known_at(dated, moment(at)))
    }

    /// What an earlier session found. Of now nothing is kept.
    pub(super) fn of_earlier(&self, question: &str, at: Option<Timestamp>) -> Option<Answer> {
        let text = fs::read(self.file(question, at?)).ok()?;
        serde_json::from_slice(&text).ok().map(|resolved| Ok(Arc::new(resolved)))
    }

    /// Note an answer, in the place of an earlier one.
    pub(super) fn keep(&self, question: &str, at: Option<Timestamp>, answer: &Answer) {
        self.known().entry(question.to_owned()).or_default().insert(moment(at), answer.clone());
        if let (Ok(resolved), Some(at)) = (answer, at)
            && let Ok(text) = serde_json::to_vec(resolved.as_ref())
        {
            // An answer that is not kept is found again.
            drop(fs::create_dir_all(&self.folder).and_then(|()| fs::write(self.file(question, at), text)));
        }
    }

    fn file(&self, question: &str, at: Timestamp) -> PathBuf {
        self.folder.join(format!("{question}-{}.json", at.as_second()))
    }
}

/// For a moment's packages there is one answer in a session.
fn moment(at: Option<Timestamp>) -> Timestamp {
    at.unwrap_or(Timestamp::MAX)
}

/// What is known for a date: it was asked before, or the answers for an earlier and a later date are the same. What
/// there was to choose from only grows, so the best choice from more that was there already is also the best from less.
fn known_at(dated: &Dated, at: Timestamp) -> Option<Answer> {
    if let Some(known) = dated.get(&at) {
        return Some(known.clone());
    }
    let (_, before) = dated.range(..at).next_back()?;
    let (_, after) = dated.range(at..).next()?;
    match (before, after) {
        (Ok(before), Ok(after)) if before.packages == after.packages => Some(Ok(Arc::clone(before))),
        (Err(_), Err(_)) => Some(after.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    fn some(version: &str) -> Answer {
        Ok(Arc::new(Resolved { packages: vec![format!("flask=={version}")], ..Resolved::default() }))
    }

    #[test]
    fn a_date_between_equal_answers_has_the_same() {
        let failed = || Err(EnvironmentError::Failed("no".to_owned()));
        let dated =
            Dated::from([(at(1), some("1")), (at(9), some("1")), (at(20), some("2")), (at(30), failed())]);
        assert_eq!(known_at(&dated, at(5)), Some(some("1")));
        assert_eq!(known_at(&dated, at(20)), Some(some("2")));
        assert_eq!(known_at(&dated, at(15)), None);
        assert_eq!(known_at(&dated, at(25)), None);
        assert_eq!(known_at(&dated, at(40)), None);
    }

    #[test]
    fn answers_for_a_date_outlive_the_session_and_those_of_now_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let first = ResolutionCache::new(folder.path().to_owned());
        first.keep("q", Some(at(1)), &some("1"));
        first.keep("q", None, &some("2"));
        assert_eq!(first.of_session("q", None), Some(some("2")));
        let second = ResolutionCache::new(folder.path().to_owned());
        assert_eq!(second.of_session("q", Some(at(1))), None);
        assert_eq!(second.of_earlier("q", Some(at(1))), Some(some("1")));
        assert_eq!(second.of_earlier("q", None), None);
    }
}

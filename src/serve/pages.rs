//! What people see: made elsewhere, of what is known here.

use crate::model::Incident;

/// What a page can do beside showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controls {
    /// What a form has to have in it to be taken for one of ours.
    pub csrf: String,
    /// How much is written down of the incident that is shown.
    pub size: u64,
}

/// Makes pages.
pub trait Pages: Send + Sync {
    /// An incident, which grows while it is looked at.
    ///
    /// # Errors
    /// Why it cannot be shown.
    fn incident(&self, incident: Incident, controls: &Controls) -> Result<Vec<u8>, String>;
    /// All incidents of a service, the latest first.
    fn index(&self, service: &str, incidents: &[Incident]) -> Vec<u8>;
    /// Where one comes in, after a wrong token or before any, to look at this incident, or at all of them.
    fn login(&self, service: &str, to: &str, is_wrong: bool) -> Vec<u8>;
}

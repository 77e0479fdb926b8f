//! Pages: those of reports, with what a server adds.

use crate::cli::commands::report::of_incident;
use crate::model::{DowntimeBudget, Incident};
use crate::report::{IncidentList, Live, ReportHtml, TokenForm};
use crate::serve::{Controls, Pages};

pub(super) struct Shown {
    /// Downtime that is allowed.
    pub(super) sla: Option<DowntimeBudget>,
}

impl Pages for Shown {
    fn incident(&self, incident: Incident, controls: &Controls) -> Result<Vec<u8>, String> {
        let told = of_incident(incident, self.sla).map_err(|error| error.told())?;
        let live = Live { csrf: controls.csrf.clone(), size: controls.size };
        let mut page = Vec::new();
        ReportHtml.render_live(&told, &live, &mut page).map_err(|error| error.to_string())?;
        Ok(page)
    }

    fn index(&self, service: &str, incidents: &[Incident]) -> Vec<u8> {
        let mut page = Vec::new();
        // Writing to memory does not fail.
        let _never = IncidentList { service, incidents }.render(&mut page);
        page
    }

    fn login(&self, service: &str, to: &str, is_wrong: bool) -> Vec<u8> {
        let mut page = Vec::new();
        let _never = TokenForm { service, to, is_wrong }.render(&mut page);
        page
    }
}

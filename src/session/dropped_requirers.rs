//! Packages that are gone because the one that required them does so no more.
//!
//! The cause is the requirer's release, and what mends it is to hold that back: a pin of what is gone mends the symptom, and
//! nobody who reads it later knows why it is there.

use super::error::EarlyExit;
use super::package_bisect::{Change, PackageRegression};
use super::state::Session;
use crate::model::{Dropped, Verdict};

/// Requirers of requirers are followed no further than this.
const DEEPEST: usize = 6;

impl Session<'_> {
    /// The causes with each package that is gone told of with the one that dropped it.
    pub(super) fn with_requirers(
        &mut self,
        swap: &PackageRegression,
        changes: &[Change],
        causes: Vec<Vec<Change>>,
    ) -> Result<Vec<Vec<Change>>, EarlyExit> {
        let mut told: Vec<Vec<Change>> = Vec::new();
        for cause in causes {
            let mut own: Vec<Change> = Vec::new();
            for change in cause {
                let requirer =
                    if change.after.is_none() { self.requirer(swap, changes, &change) } else { None };
                let change = match requirer {
                    Some(requirer) if self.breaks_it(swap, &requirer)? => requirer,
                    _ => change,
                };
                match own.iter_mut().find(|known| known.name == change.name) {
                    Some(known) => known.dropped.extend(change.dropped),
                    None => own.push(change),
                }
            }
            let is_known = told.iter().any(|known| {
                known.iter().map(|change| &change.name).eq(own.iter().map(|change| &change.name))
            });
            if !is_known {
                told.push(own);
            }
        }
        Ok(told)
    }

    /// The package whose new version requires a package no more that is gone.
    fn requirer(&self, swap: &PackageRegression, changes: &[Change], gone: &Change) -> Option<Change> {
        let packages = self.workshop.packages?;
        let mut name = gone.name.clone();
        let mut dropped = Vec::new();
        for _ in 0..DEEPEST {
            let required_by = packages.requirers_of(swap.passes, &name, self.workshop.cancel);
            let still = packages.requirers_of(swap.origin, &name, self.workshop.cancel);
            let mut changed = changes.iter().filter(|change| {
                let requires = |(requirer, extra): &&(String, Option<String>)| {
                    *requirer == change.name && extra.is_none()
                };
                required_by.iter().any(|by| requires(&by)) && !still.iter().any(|by| requires(&by))
            });
            let change = changed.next()?;
            let extra =
                still.into_iter().find(|(requirer, _)| *requirer == change.name).and_then(|(_, extra)| extra);
            dropped.push(Dropped { name: name.clone(), extra });
            if change.after.is_some() && change.before.is_some() {
                return Some(Change { dropped, ..change.clone() });
            }
            // It is gone as well: who required that?
            name.clone_from(&change.name);
        }
        None
    }

    /// Whether the good version fails with the new version of the requirer, and what follows from it, alone.
    fn breaks_it(&mut self, swap: &PackageRegression, requirer: &Change) -> Result<bool, EarlyExit> {
        let Some(after) = requirer.after.clone() else { return Ok(false) };
        let mixture = self.with_version(swap, requirer, &after);
        if requirer.dropped.iter().any(|dropped| mixture.packages.contains_key(&dropped.name)) {
            return Ok(false);
        }
        Ok(self.verdicts_of_mixtures(&[mixture])?.iter().all(|tried| tried.verdict == Verdict::Bad))
    }
}

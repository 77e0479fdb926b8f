//! Where an alarm belongs: to an incident that is open, to one that is over, or to none yet; pure.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Incident, ReceivedAlarm, StepState};

/// An alarm joins an incident to which something was added within this time.
pub(super) const JOINS: SignedDuration = SignedDuration::from_hours(1);
/// Alarms that an incident tells of, one by one.
pub(super) const MOST_ALARMS: usize = 50;

/// Where an alarm belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// To this incident, which is to be told of it.
    Joins(String),
    /// To this one, which knows it, or knows enough.
    Known(String),
    /// To none: a response is to begin.
    Begins,
    /// To none, and it is well: nothing is to be done.
    Over,
}

/// An incident, and when something was added to it.
pub(super) struct Seen<'a> {
    pub(super) incident: &'a Incident,
    pub(super) latest: Option<Timestamp>,
}

/// Where an alarm belongs, by what is known of the last incidents, the latest first.
pub(super) fn place(received: &ReceivedAlarm, incidents: &[Seen<'_>], now: Timestamp) -> Place {
    let alarm = &received.alarm;
    let has_key = |seen: &&Seen<'_>| seen.incident.alarms.iter().any(|known| known.key == alarm.key);
    let family = format!("{}@", received.family);
    let has_family = |seen: &&Seen<'_>| {
        let mut alarms = seen.incident.alarms.iter();
        alarms.any(|known| known.key.as_ref().is_some_and(|key| key.starts_with(&family)))
    };
    let joined = |seen: &Seen<'_>| {
        let id = seen.incident.id.clone();
        let is_told = seen
            .incident
            .alarms
            .iter()
            .rfind(|known| known.key == alarm.key)
            .is_some_and(|known| known.firing == alarm.firing);
        if is_told || seen.incident.alarms.len() >= MOST_ALARMS { Place::Known(id) } else { Place::Joins(id) }
    };
    if let Some(seen) = incidents.iter().find(has_key) {
        return joined(seen);
    }
    if !alarm.firing {
        return incidents.iter().find(has_family).map_or(Place::Over, joined);
    }
    let is_cut_short =
        |incident: &Incident| incident.steps.iter().any(|step| step.state == StepState::Running);
    let is_recent = |seen: &Seen<'_>| seen.latest.is_some_and(|latest| now.duration_since(latest) <= JOINS);
    let Some(latest) = incidents.first() else { return Place::Begins };
    match latest.incident.closed {
        None if is_recent(latest) || is_cut_short(latest.incident) => joined(latest),
        // It began to fire before the end, and was told after it: it flaps.
        Some(closed) if has_family(&latest) && received.began.is_some_and(|began| began <= closed) => {
            joined(latest)
        }
        _ => Place::Begins,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::incident::INCIDENT_SCHEMA;
    use crate::model::{Alarm, IncidentEvent, IncidentEventKind, IncidentOutcome};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_796_000_000 + second).unwrap()
    }

    fn received(name: &str, began: i64, firing: bool) -> ReceivedAlarm {
        let key = Some(format!("generic:{name}@{began}"));
        let alarm =
            Alarm { at: at(began), source: "generic".to_owned(), title: name.to_owned(), firing, key };
        ReceivedAlarm { alarm, began: Some(at(began)), family: format!("generic:{name}") }
    }

    /// An incident of an alarm, opened and perhaps closed.
    fn incident(id: &str, name: &str, opened: i64, closed: Option<i64>) -> (Incident, Timestamp) {
        let mut events = vec![
            (
                opened,
                IncidentEventKind::Opened {
                    schema: INCIDENT_SCHEMA.to_owned(),
                    id: id.to_owned(),
                    service: "shop".to_owned(),
                    repository: String::new(),
                    began: None,
                    steps: vec![],
                },
            ),
            (opened, IncidentEventKind::Alarmed { alarm: received(name, opened, true).alarm }),
        ];
        events.extend(
            closed.map(|closed| (closed, IncidentEventKind::Closed { outcome: IncidentOutcome::Fixed })),
        );
        let latest = at(events.last().unwrap().0);
        let events: Vec<_> =
            events.into_iter().map(|(second, kind)| IncidentEvent { at: at(second), kind }).collect();
        (Incident::from_events(&events), latest)
    }

    fn placed(received: &ReceivedAlarm, incidents: &[(Incident, Timestamp)], now: i64) -> Place {
        let seen: Vec<_> =
            incidents.iter().map(|(incident, latest)| Seen { incident, latest: Some(*latest) }).collect();
        place(received, &seen, at(now))
    }

    #[test]
    fn what_is_open_is_joined_for_an_hour_and_what_is_known_stays_where_it_is() {
        let (a, b) = (|id: &str| Place::Joins(id.to_owned()), |id: &str| Place::Known(id.to_owned()));
        assert_eq!(placed(&received("a", 0, true), &[], 0), Place::Begins);
        assert_eq!(placed(&received("a", 0, false), &[], 0), Place::Over);
        let open = [incident("2", "a", 0, None), incident("1", "b", -9000, Some(-8000))];
        assert_eq!(placed(&received("c", 5, true), &open, 5), a("2"));
        assert_eq!(placed(&received("c", 3601, true), &open, 3601), Place::Begins);
        assert_eq!(placed(&received("a", 0, true), &open, 9), b("2"));
        assert_eq!(placed(&received("a", 0, false), &open, 9), a("2"));
        // The same alarm, long after the end: it is the same outage, and no other response.
        assert_eq!(placed(&received("b", -9000, true), &open, 9), b("1"));
        assert_eq!(placed(&received("b", -9000, false), &open, 9), a("1"));
        // Well again, by another name of the outage.
        assert_eq!(placed(&received("b", -7777, false), &open, 9), a("1"));
    }

    #[test]
    fn after_the_end_another_outage_begins_a_response_and_a_flap_does_not() {
        let over = [incident("1", "a", 0, Some(60))];
        assert_eq!(placed(&received("a", 30, true), &over, 90), Place::Joins("1".to_owned()));
        assert_eq!(placed(&received("a", 61, true), &over, 90), Place::Begins);
        assert_eq!(placed(&received("c", 30, true), &over, 90), Place::Begins);
    }
}

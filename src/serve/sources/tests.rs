//! What is read of each sender's messages.

use axum::http::HeaderValue;
use serde_json::Value;

use super::*;
use jiff::Timestamp;

const STARTS: &str = "2026-11-29T09:00:00Z";

fn fixture(name: &str) -> String {
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/alarms").join(format!("{name}.json"));
    let text = std::fs::read_to_string(file).unwrap();
    let millis = STARTS.parse::<Timestamp>().unwrap().as_millisecond().to_string();
    text.replace("STARTS", STARTS).replace("MILLIS", &millis)
}

fn read(
    source: AlarmSource,
    header: Option<(&'static str, &'static str)>,
    body: &str,
) -> Result<Message, Unread> {
    let headers = header
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect();
    source.read(&headers, body.as_bytes())
}

/// Key, title, whether it fires, of each alarm.
fn told(
    source: AlarmSource,
    header: Option<(&'static str, &'static str)>,
    body: &str,
) -> Vec<(String, String, bool)> {
    let message = read(source, header, body).unwrap();
    message.alarms.into_iter().map(|told| (told.key(), told.title, told.firing)).collect()
}

/// A fixture with a value somewhere in it replaced.
fn changed(name: &str, pointer: &str, value: impl Into<Value>) -> String {
    let mut body: Value = serde_json::from_str(&fixture(name)).unwrap();
    *body.pointer_mut(pointer).unwrap() = value.into();
    body.to_string()
}

fn one(key: &str, title: &str, firing: bool) -> Vec<(String, String, bool)> {
    vec![(key.to_owned(), title.to_owned(), firing)]
}

#[test]
fn each_alarm_of_a_group_is_read_by_itself() {
    let body = fixture("alertmanager");
    let all = told(AlarmSource::Alertmanager, None, &body);
    assert_eq!(all[0].0, format!("alertmanager:c6f9a8a1b1a44a5c@{STARTS}"));
    assert_eq!((all[0].1.as_str(), all[0].2), ("ErrorsHigh: 1 of 2 requests fails", true));
    assert_eq!((all[1].1.as_str(), all[1].2, all.len()), ("DiskFull: 1 of 2 requests fails", false, 2));
    let message = read(AlarmSource::Alertmanager, None, &body).unwrap();
    assert_eq!(message.note.as_deref(), Some("alertmanager left out 2 more alarms of ErrorsHigh"));
    assert!(message.alarms[0].is_about(&[("severity".to_owned(), "critical".to_owned())].into()));
    assert!(!message.alarms[0].is_about(&[("severity".to_owned(), "warning".to_owned())].into()));
    let all = told(AlarmSource::Grafana, None, &fixture("grafana"));
    assert_eq!(all[0].0, format!("grafana:c6f9a8a1b1a44a5c@{STARTS}"));
    for (pointer, value) in [("/alerts/0/status", "maybe"), ("/alerts/0/fingerprint", "")] {
        assert!(read(AlarmSource::Grafana, None, &changed("grafana", pointer, value)).is_err(), "{pointer}");
    }
}

#[test]
fn datadog_fires_by_its_transition() {
    let key = "datadog:4711/service:short@8123456789";
    assert_eq!(told(AlarmSource::Datadog, None, &fixture("datadog")), one(key, "Errors are high", true));
    for (transition, firing) in [("Re-Triggered", true), ("Renotify", true), ("Recovered", false)] {
        let body = changed("datadog", "/transition", transition);
        assert_eq!(told(AlarmSource::Datadog, None, &body), one(key, "Errors are high", firing));
    }
    for transition in ["No Data", "Warn", "Re-No Data"] {
        assert_eq!(told(AlarmSource::Datadog, None, &changed("datadog", "/transition", transition)), []);
    }
    // Its own payload, as it comes without one of ours.
    let own = r#"{"title": "[Recovered on {host:a}] Errors", "date": "1764406800000", "id": "1", "org": {"id": 2}}"#;
    assert!(
        matches!(told(AlarmSource::Datadog, None, own).as_slice(), [(key, _, false)] if key == "datadog:Errors@")
    );
    assert!(read(AlarmSource::Datadog, None, r#"{"title": "x"}"#).is_err());
}

#[test]
fn sentry_tells_of_issues_and_of_rules() {
    let header = |kind| Some(("sentry-hook-resource", kind));
    let title = "TypeError: the JSON object must be str";
    let fires = told(AlarmSource::Sentry, header("event_alert"), &fixture("sentry"));
    assert_eq!(fires, one(&format!("sentry:issue/1170820242@{STARTS}"), title, true));
    let over = told(AlarmSource::Sentry, header("issue"), &fixture("sentry_issue"));
    assert_eq!(over, one("sentry:issue/1170820242@", title, false));
    let again = changed("sentry_issue", "/action", "unresolved");
    assert_eq!(
        told(AlarmSource::Sentry, header("issue"), &again)[0].0,
        format!("sentry:issue/1170820242@{STARTS}")
    );
    assert_eq!(
        told(AlarmSource::Sentry, header("issue"), &changed("sentry_issue", "/action", "assigned")),
        []
    );
    let metric = told(AlarmSource::Sentry, header("metric_alert"), &fixture("sentry_metric"));
    assert_eq!(metric, one(&format!("sentry:metric/7@{STARTS}"), "Critical: Errors of short", true));
    assert_eq!(
        told(AlarmSource::Sentry, header("metric_alert"), &changed("sentry_metric", "/action", "warning")),
        []
    );
    // The header is not signed: with another, the message is about nothing.
    assert_eq!(told(AlarmSource::Sentry, header("metric_alert"), &fixture("sentry")), []);
    assert_eq!(told(AlarmSource::Sentry, None, &fixture("sentry")), []);
}

#[test]
fn pagerduty_fires_when_an_incident_is_triggered_or_opened_again() {
    let key = format!("pagerduty:PGR0VU2@{STARTS}");
    assert_eq!(
        told(AlarmSource::Pagerduty, None, &fixture("pagerduty")),
        one(&key, "short answers 500", true)
    );
    let over = changed("pagerduty", "/event/event_type", "incident.resolved");
    assert_eq!(told(AlarmSource::Pagerduty, None, &over), one(&key, "short answers 500", false));
    let mut again: Value = serde_json::from_str(&fixture("pagerduty")).unwrap();
    again["event"]["event_type"] = "incident.reopened".into();
    again["event"]["occurred_at"] = "2026-11-29T10:00:00Z".into();
    assert_eq!(
        told(AlarmSource::Pagerduty, None, &again.to_string())[0].0,
        "pagerduty:PGR0VU2@2026-11-29T10:00:00Z"
    );
    for kind in ["incident.acknowledged", "incident.escalated", "pagey.ping"] {
        assert_eq!(told(AlarmSource::Pagerduty, None, &changed("pagerduty", "/event/event_type", kind)), []);
    }
    let made = read(AlarmSource::Pagerduty, None, &fixture("pagerduty")).unwrap().made;
    assert_eq!(made, STARTS.parse().ok());
}

#[test]
fn github_fires_for_what_failed_in_the_repository_itself() {
    let run = |body: &str| told(AlarmSource::Github, Some(("x-github-event", "workflow_run")), body);
    let key = format!("github:acme/short/workflow/159038/main@{STARTS}");
    assert_eq!(run(&fixture("github")), one(&key, "workflow smoke on main: failure", true));
    let well = run(&changed("github", "/workflow_run/conclusion", "success"));
    assert!(matches!(well.as_slice(), [(key, _, false)] if key == "github:acme/short/workflow/159038/main@"));
    for (pointer, value) in [
        ("/workflow_run/conclusion", "cancelled"),
        ("/action", "requested"),
        // Anybody could sound it.
        ("/workflow_run/event", "pull_request"),
        ("/workflow_run/event", "pull_request_target"),
        ("/workflow_run/head_repository/full_name", "mallory/short"),
    ] {
        assert_eq!(run(&changed("github", pointer, value)), [], "{pointer}");
    }
    let header = Some(("x-github-event", "deployment_status"));
    let key = format!("github:acme/short/deployment/production/deploy@{STARTS}");
    let fires = told(AlarmSource::Github, header, &fixture("github_deployment"));
    assert_eq!(fires, one(&key, "deployment to production: failure", true));
    for (event, body) in [("ping", r#"{"zen": "x"}"#), ("push", r#"{"ref": "refs/heads/main"}"#)] {
        let all = told(AlarmSource::Github, Some(("x-github-event", event)), body);
        assert_eq!(all, [], "{event}");
    }
}

#[test]
fn what_is_something_else_is_told_by_its_place_and_not_by_its_content() {
    assert_eq!(told(AlarmSource::Generic, None, &fixture("generic")).len(), 1);
    for source in AlarmSource::ALL {
        for body in [
            "",
            "[",
            "[]",
            "null",
            "{\"alerts\": 3, \"password\": \"hunter2hunter2\"}",
            "\u{0}",
            "\"hunter2\"",
        ] {
            let header = Some(("x-github-event", "workflow_run"));
            match read(source, header, body) {
                Err(error) => assert!(!error.to_string().contains("hunter"), "{error}"),
                Ok(message) => assert_eq!(message.alarms, [], "{source:?}: {body}"),
            }
        }
        let deep = "[".repeat(100_000);
        assert!(read(source, None, &deep).is_err(), "{source:?}");
    }
}

#[test]
fn an_example_is_an_alarm_with_the_labels_that_are_asked_for() {
    let now = Timestamp::from_second(1_796_000_000).unwrap();
    for (source, label) in [
        (AlarmSource::Alertmanager, "severity"),
        (AlarmSource::Grafana, "severity"),
        (AlarmSource::Datadog, "env"),
        (AlarmSource::Sentry, "project"),
        (AlarmSource::Pagerduty, "service"),
        (AlarmSource::Github, "branch"),
        (AlarmSource::Github, "environment"),
        (AlarmSource::Generic, "service"),
    ] {
        let only = [(label.to_owned(), "x".to_owned())].into();
        let (body, headers) = source.example(now, &only);
        let message = read(source, headers.first().copied(), &body).unwrap();
        assert!(message.alarms[0].firing && message.alarms[0].is_about(&only), "{source:?}: {body}");
    }
}

//! Who sends alarms, by name.

/// Who sends alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmSource {
    /// Prometheus' Alertmanager.
    Alertmanager,
    /// Datadog's webhooks.
    Datadog,
    /// Sentry's integrations.
    Sentry,
    /// PagerDuty's webhooks, version 3.
    Pagerduty,
    /// Grafana's alerting.
    Grafana,
    /// GitHub's webhooks: workflows and deployments that failed.
    Github,
    /// Whoever can send JSON.
    Generic,
}

impl AlarmSource {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Alertmanager,
        Self::Datadog,
        Self::Sentry,
        Self::Pagerduty,
        Self::Grafana,
        Self::Github,
        Self::Generic,
    ];

    /// The sender's name in an address and in the configuration.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Datadog => "datadog",
            Self::Sentry => "sentry",
            Self::Pagerduty => "pagerduty",
            Self::Grafana => "grafana",
            Self::Github => "github",
            Self::Generic => "generic",
        }
    }

    /// The one that is called so.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.word() == word)
    }
}

//! How much downtime is allowed, and how much of it an outage took.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A stretch of time for which downtime is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Period {
    /// 365 days.
    Year,
    /// A quarter of that.
    Quarter,
    /// 30 days.
    Month,
    /// Seven days.
    Week,
}

impl Period {
    /// How long it is.
    #[must_use]
    pub const fn seconds(self) -> f64 {
        const DAY: f64 = 86_400.0;
        match self {
            Self::Year => 365.0 * DAY,
            Self::Quarter => 365.0 * DAY / 4.0,
            Self::Month => 30.0 * DAY,
            Self::Week => 7.0 * DAY,
        }
    }

    /// One word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Quarter => "quarter",
            Self::Month => "month",
            Self::Week => "week",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Some(match word.trim() {
            "y" | "year" => Self::Year,
            "q" | "quarter" => Self::Quarter,
            "m" | "mo" | "month" => Self::Month,
            "w" | "week" => Self::Week,
            _ => return None,
        })
    }
}

/// A text is no budget of downtime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no budget of downtime: such as 99.997% (of the year), 99.9%/month, 15m/y")]
pub struct InvalidBudget(pub String);

/// Downtime that is allowed in a period: of what a service promises, what may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DowntimeBudget {
    /// Seconds of downtime that are allowed, above 0.
    pub allowed_seconds: f64,
    /// In so long.
    pub period: Period,
}

impl DowntimeBudget {
    /// Which part of it an outage took: above 1 where it took more than there is.
    #[must_use]
    pub fn share(&self, down_seconds: f64) -> f64 {
        down_seconds / self.allowed_seconds
    }

    /// `23 of 15 minutes of the year`.
    #[must_use]
    pub fn told(&self, down_seconds: f64) -> String {
        let (unit, seconds) = match self.allowed_seconds {
            allowed if allowed < 120.0 => ("seconds", 1.0),
            allowed if allowed < 120.0 * 60.0 => ("minutes", 60.0),
            _ => ("hours", 3600.0),
        };
        let count = |all: f64| {
            let count = all / seconds;
            let text = if count < 10.0 { format!("{count:.1}") } else { format!("{count:.0}") };
            text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
        };
        let period = self.period.word();
        format!("{} of {} {unit} of the {period}", count(down_seconds), count(self.allowed_seconds))
    }
}

impl FromStr for DowntimeBudget {
    type Err = InvalidBudget;

    fn from_str(text: &str) -> Result<Self, InvalidBudget> {
        let invalid = || InvalidBudget(text.to_owned());
        let (amount, period) = match text.split_once('/') {
            Some((amount, period)) => (amount, Some(Period::of_word(period).ok_or_else(invalid)?)),
            None => (text, None),
        };
        let amount = amount.trim();
        let (allowed_seconds, period) = if let Some(percent) = amount.strip_suffix('%') {
            let percent: f64 = percent.trim().parse().map_err(|_| invalid())?;
            let period = period.unwrap_or(Period::Year);
            ((100.0 - percent) / 100.0 * period.seconds(), period)
        } else {
            let allowed: SignedDuration = amount.parse().map_err(|_| invalid())?;
            (allowed.as_secs_f64(), period.ok_or_else(invalid)?)
        };
        // Nobody allows a service to be down half of the time: that is the share which may be missing, taken for the other.
        let is_one = allowed_seconds > 0.0 && allowed_seconds < period.seconds() / 2.0;
        if is_one { Ok(Self { allowed_seconds, period }) } else { Err(invalid()) }
    }
}

impl fmt::Display for DowntimeBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} s a {}", self.allowed_seconds, self.period.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_told_as_shares_or_as_times() {
        let told = |text: &str, down: f64| text.parse::<DowntimeBudget>().unwrap().told(down);
        assert_eq!(told("15m/y", 23.0 * 60.0), "23 of 15 minutes of the year");
        assert_eq!(told("99.997%", 23.0 * 60.0), "23 of 16 minutes of the year");
        assert_eq!(told("99.9 % / month", 90.0), "1.5 of 43 minutes of the month");
        assert_eq!(told("30s/w", 7.25), "7.2 of 30 seconds of the week");
        assert_eq!(told("99%/q", 3600.0), "1 of 22 hours of the quarter");
        let budget: DowntimeBudget = "15m/year".parse().unwrap();
        assert!((budget.share(1380.0) - 1380.0 / 900.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_budget_is_refused() {
        for text in ["", "15m", "99", "100%", "101%", "-1%", "x%", "0s/y", "2y/y", "15m/day", "nan%", "inf%"]
        {
            assert!(text.parse::<DowntimeBudget>().is_err(), "{text}");
        }
        for text in ["0%", "0.003%", "1%/month", "6d/w"] {
            assert!(text.parse::<DowntimeBudget>().is_err(), "{text}");
        }
    }
}

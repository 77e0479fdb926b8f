//! Words for sizes, times and numbers, as options and the configuration have them.

use std::time::Duration;

use super::error::Error;

/// A number of bytes, with a unit: `500M`, `2G`.
pub(crate) fn parse_size(text: &str) -> Result<u64, Error> {
    let wrong = || Error::usage(format!("'{text}' is not a size")).hinted("like this: 2G, 500M");
    let units = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let upper = text.trim().trim_end_matches(['b', 'B', 'i']).to_uppercase();
    let unit = units.iter().find(|(letter, _)| upper.ends_with(*letter));
    let (digits, shift) =
        unit.map_or((upper.as_str(), 0), |(letter, shift)| (upper.trim_end_matches(*letter), *shift));
    let number: u64 = digits.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// `90s`, `2m`, `1m30s`, or a number of seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, Error> {
    let wrong = || {
        Error::usage(format!("'{text}' is not a duration"))
            .hinted("like this: --timeout 90s, --timeout 2m, --timeout 1m30s")
    };
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok().filter(|limit| !limit.is_zero()).ok_or_else(wrong);
    }
    let span: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(span).ok().filter(|limit| !limit.is_zero()).ok_or_else(wrong)
}

/// A number of processes.
pub(crate) fn parse_number(text: &str) -> Result<u64, Error> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
        Error::usage(format!("'{text}' is not a number of processes"))
            .hinted("like this: --max-processes 500")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("2G").unwrap(), 2 << 30);
        assert_eq!(parse_size("500 MiB").unwrap(), 500 << 20);
        assert_eq!(parse_size("123").unwrap(), 123);
        assert!(parse_size("much").is_err());
    }
}

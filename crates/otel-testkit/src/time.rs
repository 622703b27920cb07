//! Timestamps as text.

use std::time::{Duration, UNIX_EPOCH};

/// Formats nanoseconds since 1970 as RFC 3339 in UTC with microseconds, like `otel_log`.
pub(crate) fn rfc3339(unix_nano: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_nanos(unix_nano);
    humantime::format_rfc3339_micros(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days_and_at_both_ends() {
        let day = 86_400 * 1_000_000_000;
        let cases = [
            (0, "1970-01-01T00:00:00.000000Z"),
            (59 * day - 1, "1970-02-28T23:59:59.999999Z"),
            (11_016 * day, "2000-02-29T00:00:00.000000Z"),
            (11_017 * day + 1_500, "2000-03-01T00:00:00.000001Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551Z"),
        ];
        for (nanos, expected) in cases {
            assert_eq!(rfc3339(nanos), expected, "{nanos}");
        }
    }
}

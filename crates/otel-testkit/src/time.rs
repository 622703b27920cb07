//! Times as text.

/// Writes nanoseconds since 1970 as RFC 3339 in UTC with microseconds, as `otel_log` does.
pub(crate) fn rfc3339(unix_nano: u64) -> String {
    let micros = unix_nano / 1_000;
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (year, month, day) = civil_from_days(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// The Gregorian date of a day counted from 1970-01-01, by counting years from March, so that the leap day is the last.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
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

//! The time of a line.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::json;

/// How the time of a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timestamp {
    /// RFC 3339 in UTC with microseconds, always 27 characters: `2026-11-22T10:20:30.000456Z`.
    Micros,
    /// RFC 3339 in UTC with nanoseconds, always 30 characters: `2026-11-22T10:20:30.000456789Z`.
    Nanos,
    /// Milliseconds since 1970 as a number.
    EpochMillis,
    /// Nanoseconds since 1970 as a number.
    EpochNanos,
}

/// The text of the second of the thread's last line. The next line is mostly written in the same second.
#[derive(Debug, Default)]
pub(crate) struct LastSecond {
    second: Option<i64>,
    text: Vec<u8>,
}

impl LastSecond {
    fn text(&mut self, second: i64) -> &[u8] {
        if self.second != Some(second) {
            self.second = Some(second);
            self.text.clear();
            date_and_time(&mut self.text, second);
        }
        &self.text
    }
}

/// Appends the time as a JSON string or number.
///
/// A time outside of the years 0 to 9999 has no RFC 3339 form (section 5.6: four digits). It is moved to the nearest time that
/// has one.
pub(crate) fn write(out: &mut Vec<u8>, last: &mut LastSecond, time: SystemTime, form: Timestamp) {
    let time = SinceEpoch::new(time);
    match form {
        Timestamp::Micros => rfc_3339::<6>(out, last.text(time.seconds), time.nanos / 1_000),
        Timestamp::Nanos => rfc_3339::<9>(out, last.text(time.seconds), time.nanos),
        Timestamp::EpochMillis => json::integer(out, time.seconds * 1_000 + time.nanos / 1_000_000),
        Timestamp::EpochNanos => {
            let seconds = i128::from(time.seconds);
            json::integer(out, seconds * 1_000_000_000 + i128::from(time.nanos));
        }
    }
}

fn rfc_3339<const DIGITS: usize>(out: &mut Vec<u8>, second: &[u8], fraction: i64) {
    out.push(b'"');
    out.extend_from_slice(second);
    out.push(b'.');
    digits::<DIGITS>(out, fraction);
    out.extend_from_slice(b"Z\"");
}

/// Appends the time of day with milliseconds: `10:20:30.000`.
pub(crate) fn write_time_of_day(out: &mut Vec<u8>, time: SystemTime) {
    let time = SinceEpoch::new(time);
    time_of_day(out, time.seconds.rem_euclid(SECONDS_PER_DAY));
    out.push(b'.');
    digits::<3>(out, time.nanos / 1_000_000);
}

/// Seconds since the epoch, and the nanoseconds of the next second. The seconds are rounded down before 1970 too, so that
/// leaving out digits never moves a time forward.
#[derive(Clone, Copy)]
struct SinceEpoch {
    seconds: i64,
    nanos: i64,
}

impl SinceEpoch {
    fn new(time: SystemTime) -> Self {
        let (seconds, nanos) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => {
                let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
                (seconds, i64::from(after.subsec_nanos()))
            }
            Err(error) => {
                let before = error.duration();
                let seconds = i64::try_from(before.as_secs()).map_or(i64::MIN, |seconds| -seconds);
                match i64::from(before.subsec_nanos()) {
                    0 => (seconds, 0),
                    nanos => (seconds.saturating_sub(1), NANOS_PER_SECOND - nanos),
                }
            }
        };
        match seconds {
            ..MIN_SECONDS => Self {
                seconds: MIN_SECONDS,
                nanos: 0,
            },
            MIN_SECONDS..=MAX_SECONDS => Self { seconds, nanos },
            _ => Self {
                seconds: MAX_SECONDS,
                nanos: NANOS_PER_SECOND - 1,
            },
        }
    }
}

/// Appends `YYYY-MM-DDThh:mm:ss`.
fn date_and_time(out: &mut Vec<u8>, seconds: i64) {
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    digits::<4>(out, year);
    out.push(b'-');
    digits::<2>(out, month);
    out.push(b'-');
    digits::<2>(out, day);
    out.push(b'T');
    time_of_day(out, seconds.rem_euclid(SECONDS_PER_DAY));
}

fn time_of_day(out: &mut Vec<u8>, second: i64) {
    digits::<2>(out, second / 3600);
    out.push(b':');
    digits::<2>(out, second / 60 % 60);
    out.push(b':');
    digits::<2>(out, second % 60);
}

/// Returns year, month and day in the proleptic Gregorian calendar of a day counted from 1970-01-01.
///
/// Counts years from 1 March, so that the leap day is the last day of its year, and in eras of 400 years.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468; // days since 0000-03-01
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// Appends the last digits of a value that is not negative, with leading zeros.
fn digits<const WIDTH: usize>(out: &mut Vec<u8>, value: i64) {
    let mut value = u32::try_from(value).unwrap_or_default();
    let mut text = [0; WIDTH];
    for place in text.iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&text);
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const MIN_SECONDS: i64 = -62_167_219_200; // 0000-01-01T00:00:00Z
const MAX_SECONDS: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(time: SystemTime, form: Timestamp) -> String {
        let mut out = Vec::new();
        write(&mut out, &mut LastSecond::default(), time, form);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_are_rfc_3339_with_fixed_width() {
        let after = |seconds, nanos| UNIX_EPOCH + Duration::new(seconds, nanos);
        let before = |seconds, nanos| UNIX_EPOCH - Duration::new(seconds, nanos);
        let cases = [
            ("epoch", after(0, 0), "1970-01-01T00:00:00.000000Z"),
            (
                "part of a microsecond is cut",
                after(0, 1_999),
                "1970-01-01T00:00:00.000001Z",
            ),
            (
                "leap day of a century",
                after(951_782_400, 0),
                "2000-02-29T00:00:00.000000Z",
            ),
            (
                "last second of a leap day",
                after(1_709_251_199, 999_999_999),
                "2024-02-29T23:59:59.999999Z",
            ),
            (
                "first of March",
                after(1_709_251_200, 0),
                "2024-03-01T00:00:00.000000Z",
            ),
            (
                "end of year",
                after(1_798_761_599, 10_000),
                "2026-12-31T23:59:59.000010Z",
            ),
            (
                "no leap day in 2100",
                after(4_107_542_400, 0),
                "2100-03-01T00:00:00.000000Z",
            ),
            (
                "before the epoch",
                before(1, 0),
                "1969-12-31T23:59:59.000000Z",
            ),
            (
                "just before the epoch",
                before(0, 1),
                "1969-12-31T23:59:59.999999Z",
            ),
            (
                "last that has a form",
                after(253_402_300_799, 0),
                "9999-12-31T23:59:59.000000Z",
            ),
            (
                "too late",
                after(253_402_300_800, 0),
                "9999-12-31T23:59:59.999999Z",
            ),
            (
                "too early",
                before(62_167_219_201, 0),
                "0000-01-01T00:00:00.000000Z",
            ),
        ];
        for (name, time, expected) in cases {
            assert_eq!(
                text(time, Timestamp::Micros),
                format!("{expected:?}"),
                "{name}"
            );
        }
    }

    #[test]
    fn other_forms_of_the_same_time() {
        let time = UNIX_EPOCH + Duration::new(1_795_342_830, 456_789);
        let before = UNIX_EPOCH - Duration::new(0, 1);
        let cases = [
            (time, Timestamp::Nanos, "\"2026-11-22T10:20:30.000456789Z\""),
            (time, Timestamp::EpochMillis, "1795342830000"),
            (time, Timestamp::EpochNanos, "1795342830000456789"),
            (
                before,
                Timestamp::Nanos,
                "\"1969-12-31T23:59:59.999999999Z\"",
            ),
            (before, Timestamp::EpochMillis, "-1"),
            (before, Timestamp::EpochNanos, "-1"),
        ];
        for (time, form, expected) in cases {
            assert_eq!(text(time, form), expected, "{form:?}");
        }
        let mut out = Vec::new();
        write_time_of_day(&mut out, time);
        assert_eq!(out, b"10:20:30.000");
    }

    #[test]
    fn every_day_of_800_years_follows_the_day_before() {
        let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let (mut year, mut month, mut day) = (1600, 1, 1);
        for days in -135_140..157_054 {
            assert_eq!(civil_from_days(days), (year, month, day), "day {days}");
            let length = match month {
                2 if leap(year) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!((year, month, day), (2400, 1, 1));
    }
}

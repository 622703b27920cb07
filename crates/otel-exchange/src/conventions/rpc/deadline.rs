//! The deadline of a gRPC call.

use std::time::{Duration, Instant};

use ::http::{HeaderMap, HeaderName};

static GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The time that a caller allows, from the moment when its request arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    seen: Instant,
    timeout: Duration,
}

impl Deadline {
    /// Reads `grpc-timeout`. Returns `None` if the header is missing or invalid.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let timeout = parse(headers.get(&GRPC_TIMEOUT)?.as_bytes())?;
        let seen = Instant::now();
        Some(Self { seen, timeout })
    }

    /// Returns `true` if a call that is cancelled now was cancelled because of its deadline.
    ///
    /// Both sides measure the time, and the caller's clock started a little earlier, so it may run out first. Therefore the last
    /// twentieth of the time counts as passed, and at least the last five milliseconds.
    pub(crate) fn has_passed(self) -> bool {
        has_passed(self.timeout, self.seen.elapsed())
    }
}

fn has_passed(timeout: Duration, elapsed: Duration) -> bool {
    let tolerance = (timeout / 20).max(Duration::from_millis(5));
    elapsed.saturating_add(tolerance) >= timeout
}

/// Up to eight digits and a unit (gRPC over HTTP/2, "Requests").
fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    let is_number = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    if !is_number {
        return None;
    }
    let number = digits
        .iter()
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Some(Duration::from_secs(number * 3600)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_up_to_eight_digits_and_a_unit() {
        let table = [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("100m", Some(Duration::from_millis(100))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("99999999H", Some(Duration::from_secs(359_999_996_400))),
            ("", None),
            ("S", None),
            ("1", None),
            ("1s", None),
            ("+1S", None),
            ("-1S", None),
            ("1.5S", None),
            ("100000000S", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_deadline_passes_a_little_early_and_no_more() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(&GRPC_TIMEOUT, value.parse().unwrap());
            Deadline::from_headers(&headers)
        };
        assert!(of("4m").unwrap().has_passed());
        assert!(!of("1H").unwrap().has_passed());
        assert!(of("soon").is_none());
        let passed = |elapsed| {
            let (timeout, elapsed) = (Duration::from_secs(1000), Duration::from_secs(elapsed));
            has_passed(timeout, elapsed)
        };
        assert!(passed(950) && passed(2000));
        assert!(!passed(949) && !passed(0));
    }
}

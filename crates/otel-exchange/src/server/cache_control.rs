//! Whether a cache may keep a response and send it to other callers.

use std::time::SystemTime;

use http::header::{CACHE_CONTROL, EXPIRES};
use http::{HeaderMap, HeaderName};

/// Returns `true` if the response says that a shared cache may answer other requests with it.
///
/// This is the case if `Cache-Control` says `public`, `s-maxage`, or a `max-age` above 0 without `private`. The same is read in the
/// headers for one kind of cache, such as `CDN-Cache-Control` (RFC 9213). A date in `Expires` that is in the future counts as a
/// `max-age` above 0, unless `Cache-Control` has a `max-age`. nginx reads `X-Accel-Expires`.
///
/// Doubtful values count as a permission, because an id that a cache repeats is worse than a missing id.
pub(super) fn is_for_shared_caches(headers: &HeaderMap) -> bool {
    let mut targeted = headers.keys().filter(|name| is_targeted(name));
    let is_accelerated = headers.get_all(&X_ACCEL_EXPIRES).iter();
    let mut is_accelerated = is_accelerated.map(|seconds| is_above_zero(seconds.as_bytes()));
    let control = Directives::from_headers(headers, &CACHE_CONTROL);
    control.allow_sharing(|| expires_later(headers))
        || targeted.any(|name| Directives::from_headers(headers, name).allow_sharing(|| false))
        || is_accelerated.any(|above| above)
}

/// Returns `true` for the headers that only some caches read, such as `CDN-Cache-Control`. Their form is that of `Cache-Control`.
fn is_targeted(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.ends_with("-cache-control") || name == "surrogate-control"
}

/// What `Cache-Control` says about shared caches, in all of its lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Directives {
    is_public: bool,
    is_private: bool,
    has_shared_age: bool,
    /// A `max-age`, and whether it is above 0. Of two values the larger counts.
    max_age: Option<bool>,
    /// A quoted string has no end, so it is unclear what the rest of the line means.
    is_broken: bool,
}

impl Directives {
    fn from_headers(headers: &HeaderMap, name: &HeaderName) -> Self {
        let mut directives = Self::default();
        for line in headers.get_all(name) {
            directives.read_line(line.as_bytes());
        }
        directives
    }

    fn read_line(&mut self, line: &[u8]) {
        let mut is_quoted = false;
        let mut is_escaped = false;
        // Some applications write semicolons, and some caches accept them.
        let parts = line.split(|byte| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' => is_quoted = !is_quoted,
                b',' | b';' => return !is_quoted,
                _ => {}
            }
            false
        });
        for part in parts {
            self.read_directive(part);
        }
        self.is_broken |= is_quoted;
    }

    fn read_directive(&mut self, directive: &[u8]) {
        let mut parts = directive.splitn(2, |byte| *byte == b'=');
        let name = parts.next().unwrap_or_default().trim_ascii();
        let value = parts.next();
        if name.eq_ignore_ascii_case(b"public") {
            self.is_public = true;
        } else if name.eq_ignore_ascii_case(b"s-maxage") {
            self.has_shared_age = true;
        } else if name.eq_ignore_ascii_case(b"max-age") {
            let is_above = value.is_some_and(is_above_zero);
            self.max_age = self.max_age.max(Some(is_above));
        } else if name.eq_ignore_ascii_case(b"private") {
            // With field names only these fields are private (RFC 9111, 5.2.2.7).
            self.is_private |= value.is_none();
        }
    }

    /// Returns `true` if a shared cache may keep the response. `expires_later` is called only without a `max-age`.
    fn allow_sharing(&self, expires_later: impl FnOnce() -> bool) -> bool {
        let is_fresh = || self.max_age.unwrap_or_else(expires_later);
        let is_shared = self.is_public || self.has_shared_age || self.is_broken;
        is_shared || (!self.is_private && is_fresh())
    }
}

/// Returns `true` for a number above 0, of any length and with or without quotes, and for text that some caches could read as one.
fn is_above_zero(number: &[u8]) -> bool {
    let number = number.trim_ascii();
    let number = number.strip_prefix(b"\"").unwrap_or(number).trim_ascii();
    !number.starts_with(b"-") && number.iter().any(|byte| (b'1'..=b'9').contains(byte))
}

/// Returns `true` if `Expires` is a date in the future. Anything else, such as `0`, is in the past (RFC 9111, 5.3).
fn expires_later(headers: &HeaderMap) -> bool {
    let date = headers.get(EXPIRES).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok());
    date.is_some_and(|date| date > SystemTime::now())
}

static X_ACCEL_EXPIRES: HeaderName = HeaderName::from_static("x-accel-expires");

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;

    use super::*;

    /// Reads `name: value` lines; a line without a name is one of `Cache-Control`.
    fn is_shared(lines: &str) -> bool {
        let headers = lines.lines().map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or(("cache-control", line));
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        is_for_shared_caches(&headers.collect())
    }

    #[test]
    fn cache_control_is_read_by_its_grammar() {
        let shared = [
            "public",
            "Public",
            "no-cache, public",
            "max-age=0,public",
            "private, public",
            "s-maxage=60",
            "S-MaxAge=60",
            "s-maxage=0",
            "private, s-maxage=60",
            "max-age=1",
            "MAX-AGE=1",
            "max-age=\"60\"",
            "max-age=060",
            "max-age=99999999999999999999999999",
            "max-age = 60",
            "no-cache , max-age=60 ,must-revalidate",
            "\tmax-age=60\t",
            ",,max-age=60",
            "no-store, max-age=60",
            "max-age=0, max-age=60",
            "max-age=60, max-age=0",
            "max-age=0\nmax-age=60",
            "max-age=60, private=\"set-cookie\"",
            "max-age=60, private=set-cookie",
            "private=\"a, private, b\", max-age=60",
            "ext=\"\\\"\", max-age=60",
            "max-age=60, x=\u{e9}",
            "max-age=60s",
            "no-cache; max-age=60",
            "ext=\"max-age=0",
        ];
        let not_shared = [
            "",
            "no-store",
            "no-cache",
            "private",
            "Private",
            "private, max-age=60",
            "max-age=60, PRIVATE",
            "max-age=60\nprivate",
            "private\nmax-age=60",
            "max-age=60;private",
            "max-age=0",
            "max-age=\"0\"",
            "max-age=000",
            "max-age=-1",
            "max-age",
            "max-age=",
            "max-age=soon",
            "max-age=0, must-revalidate, no-store",
            "publicly, x-public",
            "x-max-age=60, max-age-x=60",
            "min-fresh=60, stale-if-error=60",
            "ext=\"public, max-age=60\"",
            "ext=\"\\\", public\"",
            "ext=public",
            "60",
        ];
        for (expected, rows) in [(true, shared.as_slice()), (false, not_shared.as_slice())] {
            for lines in rows {
                assert_eq!(is_shared(lines), expected, "{lines:?}");
            }
        }
    }

    #[test]
    fn headers_for_one_kind_of_cache_count_by_themselves() {
        let table = [
            ("cdn-cache-control: max-age=60", true),
            ("private\ncdn-cache-control: max-age=60", true),
            ("no-store\ncloudflare-cdn-cache-control: public", true),
            (
                "no-store\nsurrogate-control: content=\"ESI/1.0\", max-age=60",
                true,
            ),
            ("max-age=60\ncdn-cache-control: private", true),
            ("x-accel-expires: 60", true),
            ("x-accel-expires: @1893456000", true),
            ("cdn-cache-control: no-store", false),
            (
                "cdn-cache-control: max-age=60\ncdn-cache-control: private",
                false,
            ),
            ("surrogate-control: max-age=0", false),
            ("x-accel-expires: 0", false),
            ("x-dns-prefetch-control: public", false),
        ];
        for (lines, expected) in table {
            assert_eq!(is_shared(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_date_in_the_future_is_an_age() {
        let date = |seconds: u64| {
            let later = SystemTime::now() + Duration::from_secs(seconds);
            format!("expires: {}", httpdate::fmt_http_date(later))
        };
        let soon = date(3600);
        let table = [
            (soon.clone(), true),
            (format!("no-cache\n{soon}"), true),
            (format!("private\n{soon}"), false),
            (format!("max-age=0\n{soon}"), false),
            ("expires: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), false),
            ("expires: 0".to_owned(), false),
            ("expires: -1".to_owned(), false),
            ("expires: tomorrow".to_owned(), false),
            ("max-age=60\nexpires: 0".to_owned(), true),
        ];
        for (lines, expected) in table {
            assert_eq!(is_shared(&lines), expected, "{lines:?}");
        }
    }
}

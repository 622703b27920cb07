//! Removes secrets from URLs.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

const REDACTED: &str = "REDACTED";
const REDACTED_USER_INFO: &str = "REDACTED:REDACTED";

/// The keys that the conventions name. The conventions ask for a case-sensitive comparison.
const CONVENTION: [&str; 7] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Goog-Signature",
];

/// Other keys that hold secrets in most services. The comparison ignores case.
const USUAL: [&str; 27] = [
    "access_key",
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "assertion",
    "auth",
    "auth_token",
    "authorization",
    "client_assertion",
    "client_secret",
    "credential",
    "credentials",
    "id_token",
    "jwt",
    "key",
    "otp",
    "passwd",
    "password",
    "private_key",
    "pwd",
    "refresh_token",
    "secret",
    "session",
    "sessionid",
    "token",
    "x-api-key",
];

/// Replaces user info and the values of secret query keys with `REDACTED`. All other bytes stay unchanged.
///
/// Keys are compared after percent-decoding, so `%73ig=` is `sig=`. `&`, `;`, `?` and `#` separate parameters, so
/// parameters of a nested URL and of a fragment are found too.
///
/// The default list has the keys of the
/// [conventions](https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/), which are case-sensitive, and
/// usual names such as `token`, `api_key` and `password` in any case.
#[derive(Debug, Clone)]
pub struct Redaction(Arc<Rules>);

#[derive(Debug, Clone)]
struct Rules {
    exact: Cow<'static, [&'static str]>,
    any_case: Vec<Cow<'static, str>>,
    shapes: Shapes,
    is_on: bool,
}

/// For each key length, the set of first letters of the listed keys. Most keys are not secret and fail this test.
#[derive(Debug, Clone, Default)]
struct Shapes([u32; 32]);

impl Default for Redaction {
    fn default() -> Self {
        let any_case = USUAL.into_iter().map(Cow::Borrowed).collect();
        Self(Arc::new(Rules::new(&CONVENTION, any_case)))
    }
}

impl Redaction {
    /// Adds query keys to the list. The comparison ignores case.
    #[must_use]
    pub fn also(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let rules = Arc::make_mut(&mut self.0);
        for key in owned(keys) {
            rules.shapes.add(&key);
            rules.any_case.push(key);
        }
        self
    }

    /// Replaces the list with these query keys. The comparison ignores case. User info is still replaced.
    #[must_use]
    pub fn only(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(Arc::new(Rules::new(&[], owned(keys).collect())))
    }

    /// Disables redaction. Passwords and signatures in URLs are then exported unchanged.
    #[must_use]
    pub fn dangerously_off() -> Self {
        let mut off = Self::only([""; 0]);
        Arc::make_mut(&mut off.0).is_on = false;
        off
    }

    /// Returns the query with secrets replaced. Pass the query without `?`. Borrows if there is nothing to replace.
    #[must_use]
    pub fn query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        let mut secrets = Vec::new();
        if self.0.is_on {
            self.find_parameters(query, 0, &mut secrets);
        }
        replace(query, &secrets)
    }

    /// Returns the absolute URL with secrets replaced, for `url.full`. Borrows if there is nothing to replace.
    #[must_use]
    pub fn url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        let mut secrets = Vec::new();
        if self.0.is_on {
            if has(url, b'@') {
                secrets.extend(find_user_info(url));
            }
            if has(url, b'=') {
                if let Some((start, parameters)) = parameters(url) {
                    self.find_parameters(parameters, start, &mut secrets);
                }
            }
        }
        replace(url, &secrets)
    }

    fn find_parameters(&self, text: &str, offset: usize, secrets: &mut Vec<Secret>) {
        let (mut start, mut equals) = (0, None);
        let mut end = |at: usize, start: usize, equals: Option<usize>| {
            let Some(equals) = equals else { return };
            let key = text.get(start..equals).unwrap_or_default();
            let value = equals + 1..at;
            if !value.is_empty() && self.is_secret(key) {
                secrets.push((value.start + offset..value.end + offset, REDACTED));
            }
        };
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'=' if equals.is_none() => equals = Some(at),
                b'&' | b';' | b'?' | b'#' => {
                    end(at, start, equals.take());
                    start = at + 1;
                }
                _ => {}
            }
        }
        end(text.len(), start, equals);
    }

    fn is_secret(&self, key: &str) -> bool {
        let Rules {
            exact,
            any_case,
            shapes,
            ..
        } = &*self.0;
        if !has(key, b'%') {
            if !shapes.include(key) {
                return false;
            }
            return exact.contains(&key) || any_case.iter().any(|it| it.eq_ignore_ascii_case(key));
        }
        exact
            .iter()
            .any(|it| percent_decode_str(key).eq(it.bytes()))
            || any_case.iter().any(|it| {
                let lower = percent_decode_str(key).map(|byte| byte.to_ascii_lowercase());
                lower.eq(it.bytes().map(|byte| byte.to_ascii_lowercase()))
            })
    }
}

impl Rules {
    fn new(exact: &'static [&'static str], any_case: Vec<Cow<'static, str>>) -> Self {
        let mut shapes = Shapes::default();
        exact.iter().for_each(|key| shapes.add(key));
        any_case.iter().for_each(|key| shapes.add(key));
        Self {
            exact: Cow::Borrowed(exact),
            any_case,
            shapes,
            is_on: true,
        }
    }
}

impl Shapes {
    fn add(&mut self, key: &str) {
        let (length, letter) = Self::position(key);
        if let Some(letters) = self.0.get_mut(length) {
            *letters |= letter;
        }
    }

    fn include(&self, key: &str) -> bool {
        let (length, letter) = Self::position(key);
        self.0
            .get(length)
            .is_some_and(|letters| letters & letter != 0)
    }

    /// Keys of 31 bytes and more share one entry. The last five bits of a letter do not depend on its case.
    fn position(key: &str) -> (usize, u32) {
        let first = key.bytes().next().unwrap_or_default();
        (key.len().min(31), 1 << (first & 31))
    }
}

/// Returns query and fragment with the offset at which they begin.
fn parameters(url: &str) -> Option<(usize, &str)> {
    let fragment = has(url, b'#').then(|| url.find('#')).flatten();
    let start = [url.find('?'), fragment].into_iter().flatten().min()?;
    Some((start, url.get(start..)?))
}

/// Visits every byte without an early exit, so that the compiler vectorizes the loop.
fn has(text: &str, wanted: u8) -> bool {
    text.bytes()
        .fold(false, |found, byte| found | (byte == wanted))
}

/// The range of a secret and its replacement.
type Secret = (Range<usize>, &'static str);

fn owned(
    keys: impl IntoIterator<Item = impl Into<String>>,
) -> impl Iterator<Item = Cow<'static, str>> {
    keys.into_iter().map(|key| Cow::Owned(key.into()))
}

/// RFC 3986, 3.2: the authority follows the first `//`, before any path or query. User info ends at its last `@`.
fn find_user_info(url: &str) -> Option<Secret> {
    let start = url.find(['/', '?', '#'])?;
    let after = url.get(start..)?.strip_prefix("//")?;
    let start = start + "//".len();
    let authority = after.get(..after.find(['/', '?', '#']).unwrap_or(after.len()))?;
    let (user_info, _) = authority.rsplit_once('@')?;
    let instead = if user_info.contains(':') {
        REDACTED_USER_INFO
    } else {
        REDACTED
    };
    (!user_info.is_empty()).then(|| (start..start + user_info.len(), instead))
}

/// Expects the secrets in ascending order and without overlap.
fn replace<'a>(text: &'a str, secrets: &[Secret]) -> Cow<'a, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + secrets.len() * REDACTED_USER_INFO.len());
    let mut from = 0;
    for (secret, instead) in secrets {
        safe.push_str(text.get(from..secret.start).unwrap_or_default());
        safe.push_str(instead);
        from = secret.end;
    }
    safe.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_query_values_are_replaced_and_nothing_else() {
        let table = [
            ("nothing to hide", "q=a&b=c", "q=a&b=c"),
            (
                "a key of the conventions",
                "color=blue&sig=abc",
                "color=blue&sig=REDACTED",
            ),
            ("its case counts", "SIG=abc", "SIG=abc"),
            ("a usual key", "token=abc", "token=REDACTED"),
            ("in any case", "API_Key=abc", "API_Key=REDACTED"),
            ("a percent-encoded key", "%73ig=abc", "%73ig=REDACTED"),
            (
                "a percent-encoded usual key",
                "%54oken=abc",
                "%54oken=REDACTED",
            ),
            (
                "a repeated key",
                "sig=a&x=1&sig=b",
                "sig=REDACTED&x=1&sig=REDACTED",
            ),
            ("a key without value", "sig&x=1", "sig&x=1"),
            ("a key with an empty value", "sig=&x=1", "sig=&x=1"),
            (
                "a value with an equals sign",
                "sig=a=b&x=1",
                "sig=REDACTED&x=1",
            ),
            ("semicolons", "x=1;token=a;y=2", "x=1;token=REDACTED;y=2"),
            (
                "a nested URL",
                "next=/cb?token=a&x=1",
                "next=/cb?token=REDACTED&x=1",
            ),
            (
                "other bytes stay",
                "q=%7e+%20&token=a&é=ü",
                "q=%7e+%20&token=REDACTED&é=ü",
            ),
            ("a longer key is another key", "mytoken=a", "mytoken=a"),
        ];
        for (name, query, expected) in table {
            assert_eq!(Redaction::default().query(query), expected, "{name}");
        }
    }

    #[test]
    fn all_keys_of_the_conventions_are_on_the_list() {
        for key in CONVENTION {
            let redacted = Redaction::default()
                .query(&format!("{key}=abc"))
                .into_owned();
            assert_eq!(redacted, format!("{key}=REDACTED"));
        }
    }

    #[test]
    fn user_info_is_replaced() {
        let table = [
            (
                "both",
                "https://ada:pw@h.example/",
                "https://REDACTED:REDACTED@h.example/",
            ),
            (
                "user alone",
                "https://ada@h.example/",
                "https://REDACTED@h.example/",
            ),
            (
                "password alone",
                "https://:pw@h.example",
                "https://REDACTED:REDACTED@h.example",
            ),
            (
                "an at sign inside",
                "https://a:p@w@h.example",
                "https://REDACTED:REDACTED@h.example",
            ),
            ("none", "https://h.example/a@b", "https://h.example/a@b"),
            (
                "an at sign in the query",
                "https://h.example?x=a@b",
                "https://h.example?x=a@b",
            ),
            (
                "query too",
                "https://a@h.example/?sig=x#top",
                "https://REDACTED@h.example/?sig=REDACTED#top",
            ),
            (
                "fragment",
                "https://h.example/#access_token=x",
                "https://h.example/#access_token=REDACTED",
            ),
            ("no URL", "sig=x", "sig=x"),
            (
                "slashes and an at sign in a secret value",
                "mailto:ada?token=abc//a@b",
                "mailto:ada?token=REDACTED",
            ),
            ("two slashes in a path", "file:/a//b@c", "file:/a//b@c"),
        ];
        for (name, url, expected) in table {
            assert_eq!(Redaction::default().url(url), expected, "{name}");
        }
    }

    #[test]
    fn what_has_nothing_to_hide_is_borrowed() {
        let redaction = Redaction::default();
        assert!(matches!(redaction.query("q=a"), Cow::Borrowed(_)));
        assert!(matches!(
            redaction.url("https://h.example/?q=a"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn the_list_can_be_extended_replaced_and_switched_off() {
        let query = "pin=1&token=2";
        assert_eq!(
            Redaction::default().also(["PIN"]).query(query),
            "pin=REDACTED&token=REDACTED"
        );
        assert_eq!(
            Redaction::only(["pin"]).query(query),
            "pin=REDACTED&token=2"
        );
        assert_eq!(Redaction::dangerously_off().query(query), query);
        let url = "https://a:b@h.example/";
        assert_eq!(
            Redaction::only(["pin"]).url(url),
            "https://REDACTED:REDACTED@h.example/"
        );
        assert_eq!(Redaction::dangerously_off().url(url), url);
    }
}

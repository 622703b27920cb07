//! Secrets in URLs, queries, paths, texts and names: any text, and that text around a secret.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use otel_core::redact::Secrets;

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let secrets = Secrets::default();
    check_any(text, |it| secrets.url(it));
    check_any(text, |it| secrets.query(it));
    check_any(text, |it| secrets.path(it));
    check_any(text, |it| secrets.text(it));
    let off = Secrets::dangerously_off();
    assert_eq!(off.url(text), text);
    assert_eq!(off.text(text), text);
    check_name(&secrets, text);

    let Some((selector, rest)) = data.split_first_chunk::<4>() else {
        return;
    };
    if let Ok(rest) = std::str::from_utf8(rest) {
        let (before, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        check_secret(&secrets, *selector, before, behind);
    }
}

/// What is hidden once is not changed again, and nothing but secrets is changed.
fn check_any(text: &str, redact: impl Fn(&str) -> Cow<'_, str>) {
    let safe = redact(text).into_owned();
    // User info and values may overlap.
    if !text.contains('@') {
        assert_eq!(redact(&safe), safe, "of {text:?}: redaction is idempotent");
    }
    let mut left = text;
    for kept in safe.split("REDACTED") {
        // Between two secrets there is text of the original, in its order.
        let kept = kept.trim_matches(':');
        let at = left.find(kept);
        assert!(at.is_some(), "{text:?} became {safe:?}");
        left = &left[at.unwrap_or_default() + kept.len()..];
    }
}

/// The name of a secret is one in every spelling.
fn check_name(secrets: &Secrets, text: &str) {
    let _ = secrets.is_secret_header(text);
    if !secrets.is_secret(text) {
        return;
    }
    assert!(secrets.is_secret(&text.replace('_', "-")), "{text:?}");
    let mut attribute = KeyValue::new(text.to_owned(), SECRET);
    secrets.redact(&mut attribute);
    assert_eq!(attribute.value.as_str(), "REDACTED");
}

/// Puts the secret under a listed key, with some of the key's letters percent-encoded, into a nested URL, and behind a user's name.
fn check_secret(secrets: &Secrets, selector: [u8; 4], before: &str, behind: &str) {
    if before.contains("hunter2") || behind.contains("hunter2") {
        return;
    }
    let [key, separator, encoded, upper] = selector;
    let key = KEYS[usize::from(key) % KEYS.len()];
    let separator = SEPARATORS[usize::from(separator) % SEPARATORS.len()];
    let key: String = key
        .char_indices()
        .map(|(at, letter)| match encoded >> (at % 8) & 1 {
            1 => format!("%{:02x}", u32::from(letter)),
            _ if upper & 1 == 1 => letter.to_ascii_uppercase().to_string(),
            _ => letter.to_string(),
        })
        .collect();

    let query = format!("{before}{separator}{key}={SECRET}&{behind}");
    check_hidden(&query, &secrets.query(&query));
    let nested = percent_encoding::utf8_percent_encode(&query, percent_encoding::NON_ALPHANUMERIC);
    let query = format!("next={nested}&x=1");
    check_hidden(&query, &secrets.query(&query));
    let url = format!("{before}?{behind}{separator}{key}={SECRET}{separator}{behind}");
    check_hidden(&url, &secrets.url(&url));
    let url = format!("https://{before}?{separator}{key}={SECRET}{behind}");
    check_hidden(&url, &secrets.url(&url));
    if !before.contains(ends_url) && !before.contains(['/', '?', '#']) {
        let url = format!("https://{before}:{SECRET}@{behind}");
        check_hidden(&url, &secrets.url(&url));
        check_hidden(&url, &secrets.text(&url));
        let text = format!("{behind} postgres://{before}:{SECRET}@h/");
        check_hidden(&text, &secrets.text(&text));
    }
}

fn ends_url(letter: char) -> bool {
    "\"<>\\".contains(letter) || letter.is_ascii_whitespace() || letter.is_ascii_control()
}

fn check_hidden(text: &str, safe: &str) {
    // Percent-encoding leaves letters and digits as they are.
    assert!(!safe.contains("hunter2"), "{text:?} became {safe:?}");
}

const SECRET: &str = "hunter2-hunter2";
const SEPARATORS: [char; 4] = ['&', ';', '?', '#'];
const KEYS: [&str; 12] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "token",
    "api_key",
    "password",
    "client_secret",
    "user[password]",
    "reset_token",
    "SAMLResponse",
    "x-amz-security-token",
];

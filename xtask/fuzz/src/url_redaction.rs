//! Redaction of URLs and queries: any text, and that text around a secret.

use std::borrow::Cow;

use otel_core::secrets::Redaction;
use percent_encoding::percent_decode_str;

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let redaction = Redaction::default();
    check_any(text, "url", |it| redaction.url(it));
    check_any(text, "query", |it| redaction.query(it));
    let safe = redaction.url(text);
    assert_eq!(redaction.url(&safe), safe, "redaction is idempotent");
    assert_eq!(Redaction::dangerously_off().url(text), text);

    let Some((selector, rest)) = data.split_first_chunk::<4>() else {
        return;
    };
    if let Ok(rest) = std::str::from_utf8(rest) {
        let (before, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        check_secret(&redaction, *selector, before, behind);
    }
}

fn check_any<'a>(text: &'a str, what: &str, redact: impl Fn(&'a str) -> Cow<'a, str>) {
    let safe = redact(text);
    // What was put in may make up the end of a value that was taken out: `key=key=RED` becomes `key=REDACTED`.
    let left = safe.replace("REDACTED", "\n");
    let parameters = |text: &'a str| match what {
        "url" => text.find(['?', '#']).map_or("", |at| &text[at..]),
        _ => text,
    };
    for parameter in parameters(text).split(SEPARATORS) {
        let Some((key, value)) = parameter.split_once('=') else {
            continue;
        };
        // A long value is not there by chance; of a shorter one the same letters may stand elsewhere.
        let is_secret = is_listed(key) && value.len() > 8 && text.matches(value).count() == 1;
        let kept = is_secret && !value.contains('\n') && left.contains(value);
        assert!(!kept, "{what}: the value of {key:?} is in {safe:?}");
    }
}

/// Puts the secret under a listed key, with some of the key's letters percent-encoded, and behind a user's name.
fn check_secret(redaction: &Redaction, selector: [u8; 4], before: &str, behind: &str) {
    if before.contains(SECRET) || behind.contains(SECRET) {
        return;
    }
    let [key, separator, encoded, upper] = selector;
    let key = KEYS[usize::from(key) % KEYS.len()];
    let separator = SEPARATORS[usize::from(separator) % SEPARATORS.len()];
    let key: String = key
        .char_indices()
        .map(|(at, letter)| match encoded >> (at % 8) & 1 {
            1 => format!("%{:02x}", u32::from(letter)),
            // The conventions' own keys are compared with regard to case.
            _ if upper & 1 == 1 && !CONVENTION.contains(&key) => {
                letter.to_ascii_uppercase().to_string()
            }
            _ => letter.to_string(),
        })
        .collect();

    let query = format!("{before}{separator}{key}={SECRET}&{behind}");
    let safe = redaction.query(&query);
    assert!(!safe.contains(SECRET), "{query:?} became {safe:?}");
    let url = format!("{before}?{behind}{separator}{key}={SECRET}{separator}{behind}");
    check_url(redaction, &url);
    let url = format!("https://{before}?{separator}{key}={SECRET}{behind}");
    check_url(redaction, &url);
    if !before.contains(['/', '?', '#']) {
        check_url(redaction, &format!("https://{before}:{SECRET}@{behind}"));
    }
}

fn check_url(redaction: &Redaction, url: &str) {
    let safe = redaction.url(url);
    assert!(!safe.contains(SECRET), "{url:?} became {safe:?}");
    assert_eq!(
        redaction.url(&safe),
        safe,
        "redaction of {url:?} is idempotent"
    );
}

fn is_listed(key: &str) -> bool {
    let key: Vec<u8> = percent_decode_str(key).collect();
    KEYS.iter().any(|it| {
        if CONVENTION.contains(it) {
            it.as_bytes() == key
        } else {
            key.eq_ignore_ascii_case(it.as_bytes())
        }
    })
}

const SECRET: &str = "hunter2-hunter2";
const SEPARATORS: [char; 4] = ['&', ';', '?', '#'];
const CONVENTION: [&str; 4] = ["AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"];
const KEYS: [&str; 8] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "token",
    "api_key",
    "password",
    "client_secret",
];

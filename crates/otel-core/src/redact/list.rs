//! The list: which names hold secrets, and where.

use super::name::Name;

/// The kind of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A header or metadata. A match anywhere in the name counts.
    Header,
    /// The key of a query. A match inside a word counts anywhere, other matches at the end.
    Query,
    /// A field of a log line or span, or an attribute. A match at the end of the part after the last dot counts.
    Field,
}

/// How much of a name an entry must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// Part of a word, or words: `token` in `authtoken` and `auth_token`.
    Inside,
    /// The end of a word: `key` in `apikey`, not in `keyword`.
    WordEnd,
    /// One or more words, because the text is part of harmless words: `pin` in `user_pin`, not in `shipping`.
    Words,
    /// All of the name.
    Name,
}

#[derive(Debug)]
struct Entry {
    text: &'static str,
    fit: Fit,
    places: &'static [Place],
}

const fn entry(text: &'static str, fit: Fit, places: &'static [Place]) -> Entry {
    Entry { text, fit, places }
}

use Fit::{Inside, WordEnd, Words};
use Place::{Field, Header, Query};

const ALL: &[Place] = &[Header, Query, Field];

/// In alphabetical order, each without separators.
const LIST: [Entry; 88] = [
    entry("accesskey", Inside, ALL),
    entry("accesskeyid", Inside, ALL), // AWSAccessKeyId
    entry("accountkey", Inside, ALL),
    entry("apikey", Inside, ALL),
    entry("appkey", Inside, ALL),
    entry("assertion", Inside, &[Header, Query]), // x-goog-iap-jwt-assertion, client_assertion
    entry("auth", Words, ALL),
    entry("authcode", Inside, ALL),
    entry("authentication", Inside, &[Header]), // authentication-info
    entry("authkey", Inside, ALL),
    entry("authorization", Inside, ALL),
    entry("baggage", Inside, &[Header]), // application data of any kind
    entry("basicauth", Inside, ALL),
    entry("bearer", Words, ALL),
    entry("cert", Words, &[Header]),
    entry("certificate", Inside, &[Header]),
    entry("clientassertion", Inside, ALL),  // RFC 7523
    entry("clientcert", Inside, &[Header]), // x-forwarded-client-cert
    entry("clientkey", Inside, ALL),
    entry("codeverifier", Inside, ALL), // RFC 7636
    entry("connectionstring", Inside, &[Header, Query]),
    entry("consumerkey", Inside, ALL),
    entry("cookie", Inside, ALL),
    entry("credential", Inside, ALL),
    entry("csrf", Inside, ALL),
    entry("cvc", Words, &[Query, Field]),
    entry("cvv", Words, &[Query, Field]),
    entry("dbpass", Inside, ALL),
    entry("deploykey", Inside, ALL),
    entry("devicecode", Inside, ALL), // RFC 8628
    entry("dpop", Words, &[Header]),  // RFC 9449
    entry("dsn", Words, &[Header, Query]),
    entry("encryptionkey", Inside, ALL),
    entry("hmac", Inside, ALL),
    entry("jwt", Inside, ALL),
    entry("key", WordEnd, &[Header]), // x-api-key, ocp-apim-subscription-key, idempotency-key too
    entry("key", Fit::Name, &[Query]),
    entry("keys", WordEnd, &[Header]),
    entry("licensekey", Inside, ALL),
    entry("masterkey", Inside, ALL),
    entry("mfacode", Inside, ALL),
    entry("oauthverifier", Inside, ALL), // OAuth 1.0
    entry("oidc", Inside, &[Header]),    // x-amzn-oidc-data
    entry("otp", Words, ALL),
    entry("otpcode", Inside, ALL), // totp_code too
    entry("pass", Words, &[Header, Query]),
    entry("passcode", Inside, ALL),
    entry("passkey", Inside, ALL),
    entry("passphrase", Inside, ALL),
    entry("passwd", Inside, ALL),
    entry("password", Inside, ALL),
    entry("pin", Words, ALL),
    entry("principal", Words, &[Header]), // x-ms-client-principal
    entry("privatekey", Inside, ALL),
    entry("psk", Words, &[Header, Query]),
    entry("pwd", Words, ALL),
    entry("saml", Inside, &[Header, Query]),
    entry("samlassertion", Inside, &[Field]),
    entry("samlrequest", Inside, &[Field]),
    entry("samlresponse", Inside, &[Field]),
    entry("secret", Inside, ALL),
    entry("secretid", Inside, ALL), // Vault
    entry("secretkey", Inside, ALL),
    entry("securitycode", Inside, ALL),
    entry("secwebsocketprotocol", Fit::Name, &[Header]), // browsers have no other header for a token
    entry("seedphrase", Inside, ALL),
    entry("servicekey", Inside, ALL),
    entry("sessid", Inside, ALL),        // PHPSESSID
    entry("session", Inside, &[Header]), // its holder is logged in
    entry("session", Words, &[Query]),
    entry("sessionid", Inside, ALL),
    entry("sessionkey", Inside, ALL),
    entry("sharedkey", Inside, ALL),
    entry("sid", Words, &[Header, Query]),
    entry("sig", Words, ALL),
    entry("signature", Inside, ALL), // X-Amz-Signature, X-Goog-Signature, x-hub-signature-256
    entry("signingkey", Inside, ALL),
    entry("smtppass", Inside, ALL),
    entry("sshkey", Inside, ALL),
    entry("subscriptionkey", Inside, ALL),
    entry("token", Inside, ALL),
    entry("totp", Words, ALL),
    entry("usercode", Inside, ALL),       // RFC 8628
    entry("userinfo", Inside, &[Header]), // x-userinfo
    entry("userpass", Inside, ALL),
    entry("verificationcode", Inside, ALL),
    entry("wsse", Words, &[Header]),
    entry("xsrf", Inside, ALL),
];

/// The key of the code of an OAuth login.
pub(super) const CODE: &str = "code";

/// The other key of the response to an OAuth login.
pub(super) const STATE: &str = "state";

/// Returns each name of the list.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let listed = LIST.iter().map(|entry| entry.text);
    listed.chain([CODE])
}

/// Last words of names that describe a secret and do not hold it.
const DESCRIPTIONS: [&str; 30] = [
    "age", "at", "budget", "count", "counts", "domain", "duration", "enabled", "expired",
    "expires", "expiry", "in", "length", "len", "limit", "max", "min", "name", "path", "policy",
    "rate", "required", "size", "source", "status", "total", "ttl", "type", "usage", "valid",
];

/// Last words of names that are ignored: `password_hash`, `token_value`, `private_key_pem`, `token_v2`.
const QUALIFIERS: [&str; 28] = [
    "again",
    "base64",
    "b64",
    "bin",
    "confirm",
    "confirmation",
    "confirmed",
    "current",
    "data",
    "encoded",
    "encrypted",
    "hash",
    "hashed",
    "header",
    "hex",
    "md",
    "new",
    "old",
    "pem",
    "plain",
    "plaintext",
    "raw",
    "repeat",
    "sha",
    "string",
    "text",
    "v",
    "value",
];

/// Names of fields with connection strings.
const CONNECTIONS: [&str; 4] = ["connectionstring", "connstr", "connstring", "dsn"];

/// Last words of names whose values are URLs.
const URLS: [&str; 8] = [
    "href", "link", "location", "referer", "referrer", "refresh", "uri", "url",
];

/// Returns `true` if the list says that a value of this name is a secret.
pub(super) fn is_listed(name: &Name, place: Place) -> bool {
    let end = end_of_secret(name);
    LIST.iter()
        .any(|entry| entry.places.contains(&place) && entry.is_in(name, place, end))
        && !is_description(name, place)
}

impl Entry {
    fn is_in(&self, name: &Name, place: Place, end: usize) -> bool {
        let (letters, text) = (name.letters(), self.text.as_bytes());
        letters.iter().enumerate().any(|(start, letter)| {
            text.first() == Some(letter)
                && letters
                    .get(start..)
                    .is_some_and(|rest| rest.starts_with(text))
                && self.is_at(name, start, place, end)
        })
    }

    fn is_at(&self, name: &Name, start: usize, place: Place, end: usize) -> bool {
        let stop = start + self.text.len();
        let ends_word = name.is_boundary(stop) || stop == end;
        let fits = match self.fit {
            Inside => true,
            WordEnd => ends_word,
            Words => name.is_boundary(start) && ends_word,
            Fit::Name => start == 0 && name.letters().len() == stop,
        };
        let is_last = stop == end || (self.fit == Inside && is_plural(name, stop, end));
        fits && match place {
            Header => true,
            Query => self.fit == Inside || is_last,
            Field => is_last && start >= first_of_field(name, end),
        }
    }
}

/// Returns `true` if the name ends with these words, and does not only describe what has this name.
pub(super) fn is_at_end(name: &Name, words: &[u8], place: Place) -> bool {
    let letters = name.letters();
    let ends = [letters.len(), end_of_secret(name)];
    ends.into_iter().any(|end| {
        let before = letters.get(..end).and_then(|it| it.strip_suffix(words));
        before.is_some_and(|before| name.is_boundary(before.len()))
    }) && !is_description(name, place)
}

/// Returns where the name ends if numbers and [`QUALIFIERS`] at its end are left out.
fn end_of_secret(name: &Name) -> usize {
    let letters = name.letters();
    let mut end = letters.len();
    loop {
        let before = letters.get(..end).unwrap_or_default();
        let digits = before.iter().rev().take_while(|it| it.is_ascii_digit());
        let without_digits = end - digits.count();
        let start = name.word_before(without_digits);
        let word = letters.get(start..without_digits).unwrap_or_default();
        if without_digits == 0 {
            return letters.len();
        }
        if !is_one_of(&QUALIFIERS, word) || start == 0 {
            return without_digits;
        }
        end = start;
    }
}

/// Returns where the part of a field's name begins that decides: the part after the last dot, or the part before if the last
/// has only [`QUALIFIERS`].
fn first_of_field(name: &Name, end: usize) -> usize {
    if end <= name.last_part() {
        name.part_before()
    } else {
        name.last_part()
    }
}

fn is_plural(name: &Name, stop: usize, end: usize) -> bool {
    stop + 1 == end && name.letters().get(stop) == Some(&b's')
}

/// Returns `true` for `is_*`, `has_*`, `*_tokens` and names that end in one of [`DESCRIPTIONS`].
fn is_description(name: &Name, place: Place) -> bool {
    let letters = name.letters();
    let first = if place == Field { name.last_part() } else { 0 };
    let start = name.word_before(letters.len());
    let last = letters.get(start..).unwrap_or_default();
    let is_number_of_tokens = last == b"tokens" && (start > first || place == Field);
    let is_described = start > 0 && is_one_of(&DESCRIPTIONS, last);
    let asks = matches!(name.word_at(first), b"is" | b"has");
    is_number_of_tokens || is_described || asks
}

/// Returns `true` if a field of this name holds a connection string.
pub(super) fn is_connection(name: &Name) -> bool {
    let part = name.letters().get(name.last_part()..).unwrap_or_default();
    CONNECTIONS.iter().any(|it| {
        part.strip_suffix(it.as_bytes())
            .is_some_and(|before| name.is_boundary(name.last_part() + before.len()))
    })
}

/// Returns `true` if values of this name are URLs.
pub(super) fn is_url(name: &Name) -> bool {
    let letters = name.letters();
    let last = letters
        .get(name.word_before(letters.len())..)
        .unwrap_or_default();
    is_one_of(&URLS, last)
        || matches!(
            letters,
            b"urlfull" | b"urlquery" | b"urlfragment" | b"urlpath" | b"httptarget" | b"querystring"
        )
}

fn is_one_of(words: &[&str], word: &[u8]) -> bool {
    words.iter().any(|it| it.as_bytes() == word)
}

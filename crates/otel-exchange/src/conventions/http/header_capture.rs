//! `http.request.header.*` and `http.response.header.*`, and for RPC `rpc.request.header.*`, `rpc.response.header.*` and
//! `rpc.response.trailer.*`.

use std::sync::{Arc, LazyLock};

use ::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

use super::attribute::{HTTP_REQUEST_HEADER, HTTP_RESPONSE_HEADER};
use otel_core::secrets::{Redaction, is_secret_header};

use crate::conventions::rpc::attribute::{
    RPC_REQUEST_HEADER, RPC_RESPONSE_HEADER, RPC_RESPONSE_TRAILER,
};
use crate::conventions::rpc::metadata;

/// The headers that are recorded on spans. By default none.
///
/// Each header is named, or matched by a pattern with `*` for any run of characters. Case is ignored. A name that no header
/// can have matches nothing.
///
/// # What is never captured
///
/// These headers are never captured, even if they are named:
///
/// | headers | example |
/// | --- | --- |
/// | with `authorization`, `authentication` or the word `auth` in their name | `proxy-authorization`, `x-auth-user` |
/// | with `cookie`, `session`, `csrf` or `xsrf` | `set-cookie`, `x-session-id` |
/// | with `token`, `jwt`, `oidc`, `assertion` or the word `dpop` | `x-amz-security-token`, `x-amzn-oidc-data` |
/// | with `secret`, `credential`, `password`, `passwd`, `passphrase` or the words `pass`, `pwd`, `otp` | `x-client-secret` |
/// | with `signature` or the word `sig` | `x-hub-signature-256` |
/// | with a word that ends in `key` or `keys` | `x-api-key`, `apikey`; `idempotency-key` as well |
/// | with `baggage`, which has application data of any kind | `baggage`, `ot-baggage-user` |
/// | values that are [marked sensitive](HeaderValue::set_sensitive) | |
///
/// Only headers with URLs are redacted (`location`, `content-location`, `referer`, `refresh`, `link`, and names that end in
/// `-url` or `-uri`): user info and secret query values are replaced as [`Redaction`] does by default. Other values are
/// recorded unchanged.
///
/// # Limits
///
/// At most 16 lines of a header are captured, and at most 1,024 bytes of a line. Patterns match names of up to 128 bytes,
/// and at most 64 headers of one message.
///
/// # Examples
///
/// ```
/// use http::HeaderMap;
/// use otel_exchange::conventions::http::HeaderCapture;
///
/// let capture = HeaderCapture::new(["Content-Type", "x-tenant-*"]);
/// let mut headers = HeaderMap::new();
/// headers.insert("x-tenant-name", "blue".parse()?);
/// headers.insert("x-tenant-token", "hunter2".parse()?);
///
/// let attributes: Vec<_> = capture.request(&headers).collect();
/// assert_eq!(attributes.len(), 1);
/// assert_eq!(attributes[0].key.as_str(), "http.request.header.x-tenant-name");
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct HeaderCapture(Option<Arc<Rules>>);

#[derive(Debug, Clone, Default)]
struct Rules {
    names: Vec<Named>,
    globs: Vec<Glob>,
}

/// A header with its attribute keys, so that no key is built per request.
#[derive(Debug, Clone)]
struct Named {
    name: HeaderName,
    /// One key per place.
    keys: [Key; Place::ALL.len()],
}

/// A pattern with `*`: the text before, between and after.
#[derive(Debug, Clone)]
struct Glob {
    prefix: String,
    middle: Vec<String>,
    suffix: String,
}

/// The message and the conventions that a header belongs to.
#[derive(Clone, Copy, Debug)]
enum Place {
    Request,
    Response,
    RpcRequest,
    RpcResponse,
    RpcTrailer,
}

impl HeaderCapture {
    /// Captures the headers with these names.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let mut capture = Self::default();
        capture.add(names);
        capture
    }

    /// Adds headers.
    pub fn add<N: AsRef<str>>(&mut self, names: impl IntoIterator<Item = N>) {
        let mut rules = match self.0.take() {
            Some(rules) => Arc::unwrap_or_clone(rules),
            None => Rules::default(),
        };
        for name in names {
            rules.add(name.as_ref().trim());
        }
        self.0 = (!rules.is_empty()).then(|| Arc::new(rules));
    }

    /// Returns `true` if no header is captured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns a request's headers as `http.request.header.<name>`, with one item per line.
    ///
    /// Bytes that are not UTF-8 become U+FFFD.
    pub fn request(&self, headers: &HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.captured(headers, Place::Request)
    }

    /// Returns a response's headers as `http.response.header.<name>`, with one item per line.
    ///
    /// Bytes that are not UTF-8 become U+FFFD.
    pub fn response(&self, headers: &HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.captured(headers, Place::Response)
    }

    /// Returns the request headers of an RPC as `rpc.request.header.<name>`.
    ///
    /// Binary values (names that end in `-bin`) are in base64 with padding, one item per value. Bytes that are not UTF-8 are
    /// encoded in base64 too.
    pub fn rpc_request(&self, headers: &HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.captured(headers, Place::RpcRequest)
    }

    /// Returns the response headers of an RPC as `rpc.response.header.<name>`, with values as in
    /// [`rpc_request`](Self::rpc_request).
    pub fn rpc_response(&self, headers: &HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.captured(headers, Place::RpcResponse)
    }

    /// Returns the response trailers of an RPC as `rpc.response.trailer.<name>`, with values as in
    /// [`rpc_request`](Self::rpc_request).
    pub fn rpc_trailers(&self, trailers: &HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.captured(trailers, Place::RpcTrailer)
    }

    fn captured(&self, headers: &HeaderMap, place: Place) -> impl Iterator<Item = KeyValue> {
        self.0.iter().flat_map(move |rules| {
            let named = rules.captured_by_name(headers, place);
            named.chain(rules.captured_by_glob(headers, place))
        })
    }
}

impl Rules {
    fn add(&mut self, name: &str) {
        if name.contains('*') {
            self.globs.extend(Glob::new(&name.to_ascii_lowercase()));
            return;
        }
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return;
        };
        if !is_secret_header(name.as_str()) && !self.names(&name) {
            self.names.push(Named::new(name));
        }
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.globs.is_empty()
    }

    fn names(&self, name: &HeaderName) -> bool {
        self.names.iter().any(|named| named.name == name)
    }

    fn captured_by_name(
        &self,
        headers: &HeaderMap,
        place: Place,
    ) -> impl Iterator<Item = KeyValue> {
        self.names.iter().filter_map(move |named| {
            let values = values(headers, &named.name, place)?;
            Some(KeyValue::new(named.key(place), values))
        })
    }

    fn captured_by_glob(
        &self,
        headers: &HeaderMap,
        place: Place,
    ) -> impl Iterator<Item = KeyValue> {
        // Without patterns the map is not walked.
        let walked = (!self.globs.is_empty()).then(|| headers.keys());
        walked
            .into_iter()
            .flatten()
            .filter(|name| self.matches(name))
            .filter_map(move |name| {
                let values = values(headers, name, place)?;
                Some(KeyValue::new(place.key(name), values))
            })
            .take(MAX_HEADERS_BY_GLOB)
    }

    fn matches(&self, name: &HeaderName) -> bool {
        let text = name.as_str();
        text.len() <= MAX_NAME_BYTES
            && self.globs.iter().any(|glob| glob.matches(text))
            && !is_secret_header(text)
            && !self.names(name)
    }
}

impl Named {
    fn new(name: HeaderName) -> Self {
        let keys = Place::ALL.map(|place| place.key(&name));
        Self { name, keys }
    }

    fn key(&self, place: Place) -> Key {
        let [request, response, rpc_request, rpc_response, rpc_trailer] = &self.keys;
        let key = match place {
            Place::Request => request,
            Place::Response => response,
            Place::RpcRequest => rpc_request,
            Place::RpcResponse => rpc_response,
            Place::RpcTrailer => rpc_trailer,
        };
        key.clone()
    }
}

impl Place {
    const ALL: [Self; 5] = [
        Self::Request,
        Self::Response,
        Self::RpcRequest,
        Self::RpcResponse,
        Self::RpcTrailer,
    ];

    fn is_of_rpc(self) -> bool {
        matches!(
            self,
            Self::RpcRequest | Self::RpcResponse | Self::RpcTrailer
        )
    }

    /// Makes a key that shares its text with its clones. Hyphens stay hyphens (semconv, HTTP headers).
    fn key(self, name: &HeaderName) -> Key {
        let prefix = match self {
            Self::Request => HTTP_REQUEST_HEADER,
            Self::Response => HTTP_RESPONSE_HEADER,
            Self::RpcRequest => RPC_REQUEST_HEADER,
            Self::RpcResponse => RPC_RESPONSE_HEADER,
            Self::RpcTrailer => RPC_RESPONSE_TRAILER,
        };
        Key::from(Arc::<str>::from([prefix, name.as_str()].concat()))
    }
}

impl Glob {
    /// Returns `None` for a pattern without `*`.
    fn new(pattern: &str) -> Option<Self> {
        let (prefix, rest) = pattern.split_once('*')?;
        let mut middle: Vec<String> = rest.split('*').map(str::to_owned).collect();
        let suffix = middle.pop()?;
        Some(Self {
            prefix: prefix.to_owned(),
            middle,
            suffix,
        })
    }

    /// The first match of each middle part is as good as any later match, so there is no backtracking.
    fn matches(&self, name: &str) -> bool {
        name.strip_prefix(self.prefix.as_str())
            .and_then(|rest| rest.strip_suffix(self.suffix.as_str()))
            .and_then(|rest| {
                self.middle.iter().try_fold(rest, |rest, part| {
                    rest.split_once(part.as_str()).map(|(_, after)| after)
                })
            })
            .is_some()
    }
}

/// Returns `None` if the header is absent or if all its values are marked sensitive.
fn values(headers: &HeaderMap, name: &HeaderName, place: Place) -> Option<Value> {
    let mut lines = headers
        .get_all(name)
        .iter()
        .filter(|value| !value.is_sensitive())
        .take(MAX_VALUES)
        .peekable();
    lines.peek()?;
    let items = if carries_url(name.as_str()) {
        lines.map(redacted).collect()
    } else if !place.is_of_rpc() {
        lines.map(text).collect()
    } else if metadata::is_binary(name.as_str()) {
        let values =
            lines.flat_map(|line| metadata::binary_values(line.as_bytes(), MAX_VALUE_BYTES));
        values.take(MAX_VALUES).map(StringValue::from).collect()
    } else {
        let values = lines.map(|line| metadata::text_value(line.as_bytes(), MAX_VALUE_BYTES));
        values.map(StringValue::from).collect()
    };
    Some(Value::Array(Array::String(items)))
}

fn text(value: &HeaderValue) -> StringValue {
    String::from_utf8_lossy(shortened(value.as_bytes()))
        .into_owned()
        .into()
}

fn redacted(value: &HeaderValue) -> StringValue {
    static REDACTION: LazyLock<Redaction> = LazyLock::new(Redaction::default);
    let text = String::from_utf8_lossy(shortened(value.as_bytes()));
    REDACTION.url(&text).into_owned().into()
}

fn carries_url(name: &str) -> bool {
    matches!(
        name,
        "location" | "content-location" | "referer" | "refresh" | "link"
    ) || name.ends_with("-url")
        || name.ends_with("-uri")
}

/// Cuts between characters if the bytes are UTF-8.
fn shortened(bytes: &[u8]) -> &[u8] {
    let Some((kept, rest)) = bytes.split_at_checked(MAX_VALUE_BYTES) else {
        return bytes;
    };
    if !rest.first().is_some_and(|byte| is_continuation(*byte)) {
        return kept;
    }
    // The cut character begins at most three bytes before the cut.
    let begun = kept
        .iter()
        .rev()
        .take(3)
        .position(|byte| !is_continuation(*byte))
        .map_or(0, |continued| continued + 1);
    kept.get(..kept.len() - begun).unwrap_or(kept)
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

const MAX_VALUES: usize = 16;
const MAX_VALUE_BYTES: usize = 1024;
const MAX_HEADERS_BY_GLOB: usize = 64;
const MAX_NAME_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn headers<'a>(lines: impl IntoIterator<Item = (&'a str, &'a str)>) -> HeaderMap {
        lines
            .into_iter()
            .map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
            })
            .collect()
    }

    /// Keys and items, by key, as the map's order is its own.
    fn shown(attributes: impl Iterator<Item = KeyValue>) -> Vec<(String, Vec<String>)> {
        let mut shown: Vec<_> = attributes
            .map(|attribute| {
                let Value::Array(Array::String(items)) = attribute.value else {
                    panic!("{} is no list of strings", attribute.key);
                };
                let items = items.into_iter().map(String::from).collect();
                (attribute.key.to_string(), items)
            })
            .collect();
        shown.sort();
        shown
    }

    #[test]
    fn urls_in_values_hide_what_is_secret() {
        let table = [
            ("location", "/b?token=abc&x=1", "/b?token=REDACTED&x=1"),
            (
                "referer",
                "http://ada:pw@h/?a=1",
                "http://REDACTED:REDACTED@h/?a=1",
            ),
            (
                "refresh",
                "5; url=http://h/?sig=abc",
                "5; url=http://h/?sig=REDACTED",
            ),
            ("x-original-url", "/?token=abc", "/?token=REDACTED"),
            ("x-note", "/?token=abc", "/?token=abc"),
        ];
        for (name, value, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
            let captured: Vec<_> = HeaderCapture::new(["*"]).response(&headers).collect();
            let expected = Value::Array(Array::String(vec![expected.into()]));
            assert_eq!(captured[0].value, expected, "{name}");
        }
    }

    #[test]
    fn only_what_is_named_is_captured() {
        let sent = headers([
            ("X-Request-Id", "7"),
            ("X-Tenant-Name", "blue"),
            ("X-Tenant-Plan", "free"),
            ("Authorization", "Bearer hunter2"),
            ("X-Api-Key", "hunter2"),
            ("Via", "one"),
            ("Via", "two, three"),
            ("Empty", ""),
        ]);
        let all = [
            "empty",
            "via",
            "x-request-id",
            "x-tenant-name",
            "x-tenant-plan",
        ];
        let table: [(&str, &[&str], &[&str]); 18] = [
            ("nothing by default", &[], &[]),
            ("a name", &["x-request-id"], &["x-request-id"]),
            ("case does not matter", &["X-REQUEST-ID"], &["x-request-id"]),
            (
                "blanks around a name",
                &[" x-request-id "],
                &["x-request-id"],
            ),
            ("a name that is absent", &["x-other"], &[]),
            ("a name twice", &["via", "Via"], &["via"]),
            ("a header without value", &["empty"], &["empty"]),
            ("no header name", &["x request", "", "é"], &[]),
            (
                "a prefix",
                &["X-Tenant-*"],
                &["x-tenant-name", "x-tenant-plan"],
            ),
            ("a suffix", &["*-name"], &["x-tenant-name"]),
            ("a middle", &["x-*t-n*"], &["x-tenant-name"]),
            ("two stars", &["x-**-id"], &["x-request-id"]),
            ("a star for nothing", &["via*"], &["via"]),
            ("prefix and suffix do not overlap", &["via*via"], &[]),
            (
                "a name and a glob for it",
                &["x-tenant-name", "x-tenant-n*"],
                &["x-tenant-name"],
            ),
            ("two globs for one", &["x-r*", "*-id"], &["x-request-id"]),
            ("a secret by name", &["Authorization", "x-api-key"], &[]),
            ("everything but secrets", &["*"], &all),
        ];
        for (name, captured, expected) in table {
            let shown = shown(HeaderCapture::new(captured).request(&sent));
            let keys: Vec<&str> = shown
                .iter()
                .map(|(key, _)| key.strip_prefix("http.request.header.").unwrap())
                .collect();
            assert_eq!(keys, expected, "{name}");
        }
    }

    #[test]
    fn a_value_is_a_list_with_one_item_for_each_line() {
        let sent = headers([("via", "one"), ("x-other", "-"), ("via", "two, three")]);
        for capture in [HeaderCapture::new(["via"]), HeaderCapture::new(["v*"])] {
            let items = vec!["one".to_owned(), "two, three".to_owned()];
            assert_eq!(
                shown(capture.request(&sent)),
                [("http.request.header.via".to_owned(), items.clone())]
            );
            assert_eq!(
                shown(capture.response(&sent)),
                [("http.response.header.via".to_owned(), items)]
            );
        }
    }

    #[test]
    fn a_value_marked_sensitive_stays_out() {
        let mut sent = headers([("x-a", "shown"), ("x-b", "shown")]);
        let mut hidden = HeaderValue::from_static("hunter2");
        hidden.set_sensitive(true);
        sent.append("x-a", hidden.clone());
        sent.insert("x-b", hidden);
        for capture in [
            HeaderCapture::new(["x-a", "x-b"]),
            HeaderCapture::new(["*"]),
        ] {
            assert_eq!(
                shown(capture.request(&sent)),
                [(
                    "http.request.header.x-a".to_owned(),
                    vec!["shown".to_owned()]
                )]
            );
        }
    }

    #[test]
    fn a_value_that_is_not_utf_8_is_shown_as_far_as_it_goes() {
        let mut sent = HeaderMap::new();
        sent.insert("x-a", HeaderValue::from_bytes(b"caf\xe9!").unwrap());
        let shown = shown(HeaderCapture::new(["x-a"]).request(&sent));
        assert_eq!(shown[0].1, ["caf\u{fffd}!"]);
    }

    #[test]
    fn a_flood_is_cut() {
        let long = "x".repeat(64 * 1024);
        let lines = (0..1000).map(|_| ("via", long.as_str()));
        let shown_lines = shown(HeaderCapture::new(["via"]).request(&headers(lines)));
        assert_eq!(shown_lines[0].1.len(), MAX_VALUES);
        assert!(
            shown_lines[0]
                .1
                .iter()
                .all(|item| item.len() == MAX_VALUE_BYTES)
        );

        let names: Vec<String> = (0..1000).map(|index| format!("x-{index}")).collect();
        let many = headers(names.iter().map(|name| (name.as_str(), "-")));
        let capture = HeaderCapture::new(["*"]);
        assert_eq!(capture.request(&many).count(), MAX_HEADERS_BY_GLOB);

        let long_name = "x".repeat(MAX_NAME_BYTES + 1);
        let long_named = headers([(long_name.as_str(), "-")]);
        assert_eq!(capture.request(&long_named).count(), 0);
    }

    #[test]
    fn a_cut_leaves_characters_whole() {
        let table = [
            ("one byte", "x", 1024),
            ("two bytes", "é", 1024),
            ("three bytes", "€", 1023),
            ("four bytes", "🦀", 1024),
            ("four bytes and one before", "x🦀", 1021),
        ];
        for (name, character, expected) in table {
            let text = character.repeat(2000);
            let kept = shortened(text.as_bytes());
            assert!(std::str::from_utf8(kept).is_ok(), "{name}");
            assert_eq!(kept.len(), expected, "{name}");
        }
        for offset in 0..4 {
            let text = "x".repeat(offset) + &"🦀".repeat(2000);
            let kept = shortened(text.as_bytes());
            assert!(std::str::from_utf8(kept).is_ok(), "offset {offset}");
            assert!(kept.len() > MAX_VALUE_BYTES - 4, "offset {offset}");
        }
        assert_eq!(shortened(&[0x80; 2000]).len(), MAX_VALUE_BYTES);
    }

    #[test]
    fn a_list_that_can_match_nothing_is_empty() {
        assert!(HeaderCapture::default().is_empty());
        assert!(HeaderCapture::new([""; 0]).is_empty());
        assert!(HeaderCapture::new(["cookie", "no name"]).is_empty());
        assert!(!HeaderCapture::new(["via"]).is_empty());
        assert!(!HeaderCapture::new(["*"]).is_empty());
    }
}

//! `http.request.header.*` and `http.response.header.*`, and for RPC `rpc.request.header.*`, `rpc.response.header.*` and
//! `rpc.response.trailer.*`.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use ::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};

use super::attribute::{HTTP_REQUEST_HEADER, HTTP_RESPONSE_HEADER};
use otel_core::redact::{FieldKind, Secrets, SecretsChoice};

use crate::conventions::rpc::attribute::{
    RPC_REQUEST_HEADER, RPC_RESPONSE_HEADER, RPC_RESPONSE_TRAILER,
};
use crate::conventions::rpc::metadata;
use crate::path_redaction::PathRules;
use crate::text_limits::TextLimits;

/// The headers that are recorded on spans. By default none.
///
/// Each header is named, or matched by a pattern with `*` for any run of characters. Case is ignored. A name that no header
/// can have matches nothing.
///
/// # Secrets
///
/// A header is not captured if [`Secrets`] says that it holds one, even if it is named: `authorization`, `cookie`, `x-api-key`,
/// `x-session-id`, `x-forwarded-client-cert`, `baggage` and the like. [`Secrets::dangerously_except`] is the only way to capture
/// such a header. Values that are [marked sensitive](HeaderValue::set_sensitive) are never captured.
///
/// Secrets in URLs are redacted: user info in any value, and secret query values in `location`, `content-location`, `referer`,
/// `refresh`, `link` and headers whose names end in `-url` or `-uri`.
///
/// # Limits
///
/// At most 16 lines of a header are captured, and at most 1,024 bytes of a line. All captured headers of one message together have
/// at most 8,192 bytes, and each header counts as its names and values and 96 bytes more. The options of a layer change both numbers.
/// Patterns match names of up to 128 bytes, and at most 64 headers of one message.
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
pub struct HeaderCapture {
    rules: Option<Arc<Rules>>,
    secrets: SecretsChoice,
    limits: TextLimits,
    paths: PathRules,
}

#[derive(Debug, Clone, Default)]
struct Rules {
    names: Vec<Named>,
    globs: Vec<Glob>,
}

/// A header with its attribute keys, so that no key is built per request.
#[derive(Debug, Clone)]
struct Named {
    name: HeaderName,
    kind: OnceLock<FieldKind>,
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
        let mut rules = match self.rules.take() {
            Some(rules) => Arc::unwrap_or_clone(rules),
            None => Rules::default(),
        };
        for name in names {
            rules.add(name.as_ref().trim());
        }
        self.rules = (!rules.is_empty()).then(|| Arc::new(rules));
    }

    pub(crate) fn set_limits(&mut self, limits: TextLimits) {
        self.limits = limits;
    }

    /// Redacts the paths of captured URLs.
    pub(crate) fn set_paths(&mut self, paths: &PathRules) {
        self.paths = paths.clone();
    }

    /// Sets the list of secrets. By default that of the process applies.
    pub fn set_secrets(&mut self, secrets: Secrets) {
        if let Some(rules) = &mut self.rules {
            for named in &mut Arc::make_mut(rules).names {
                named.kind = OnceLock::new();
            }
        }
        self.secrets.set(secrets);
    }

    /// Returns `true` if no header is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_none()
    }

    /// Returns a request's headers as `http.request.header.<name>`, with one item per line.
    ///
    /// Bytes that are not UTF-8 become U+FFFD.
    pub fn request<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.captured(headers, Place::Request)
    }

    /// Returns a response's headers as `http.response.header.<name>`, with one item per line.
    ///
    /// Bytes that are not UTF-8 become U+FFFD.
    pub fn response<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.captured(headers, Place::Response)
    }

    /// Returns the request headers of an RPC as `rpc.request.header.<name>`.
    ///
    /// Binary values (names that end in `-bin`) are in base64 with padding, one item per value. Bytes that are not UTF-8 are
    /// encoded in base64 too.
    pub fn rpc_request<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.captured(headers, Place::RpcRequest)
    }

    /// Returns the response headers of an RPC as `rpc.response.header.<name>`, with values as in
    /// [`rpc_request`](Self::rpc_request).
    pub fn rpc_response<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.captured(headers, Place::RpcResponse)
    }

    /// Returns the response trailers of an RPC as `rpc.response.trailer.<name>`, with values as in
    /// [`rpc_request`](Self::rpc_request).
    pub fn rpc_trailers<'a>(&'a self, trailers: &'a HeaderMap) -> impl Iterator<Item = KeyValue> {
        self.captured(trailers, Place::RpcTrailer)
    }

    fn captured<'a>(
        &'a self,
        headers: &'a HeaderMap,
        place: Place,
    ) -> impl Iterator<Item = KeyValue> {
        let secrets = self.secrets.get();
        let mut left = self.limits.max_captured();
        let captured = self.rules.iter().flat_map(move |rules| {
            let named = rules.names.iter();
            let named = named.map(|named| (&named.name, named.kind(secrets), Some(named)));
            let matched = rules.matched(headers, secrets);
            named.chain(matched.map(|(name, kind)| (name, kind, None)))
        });
        captured.filter_map(move |(name, kind, named)| {
            let values = self.values(headers, name, (place, kind), &mut left)?;
            let key = named.map_or_else(|| place.key(name), |named| named.key(place));
            Some(KeyValue::new(key, values))
        })
    }

    /// Returns `None` if the header is absent or secret, if all its values are marked sensitive, or if it exceeds what is left of the
    /// limit.
    fn values(
        &self,
        headers: &HeaderMap,
        name: &HeaderName,
        (place, kind): (Place, FieldKind),
        left: &mut usize,
    ) -> Option<Value> {
        if kind == FieldKind::Secret {
            return None;
        }
        let mut lines = headers
            .get_all(name)
            .iter()
            .filter(|value| !value.is_sensitive())
            .take(MAX_VALUES)
            .peekable();
        lines.peek()?;
        *left = left.checked_sub(name.as_str().len() + HEADER_OVERHEAD)?;
        let mut values = Vec::with_capacity(1);
        for line in lines {
            if *left == 0 && !line.is_empty() {
                break;
            }
            let limits = self.limits.at_most(*left);
            let added = values.len();
            if place.is_of_rpc() && metadata::is_binary(name.as_str()) {
                let binary = metadata::binary_values(line.as_bytes(), limits.max_other());
                let secrets = self.secrets.get();
                let safe = binary.map(|value| secrets.text(&value).into_owned().into());
                values.extend(safe.take(MAX_VALUES - added));
            } else if place.is_of_rpc() && std::str::from_utf8(line.as_bytes()).is_err() {
                let text = metadata::text_value(line.as_bytes(), limits.max_other());
                values.push(text.into());
            } else {
                values.push(self.text(line, kind, limits));
            }
            let added = values.iter().skip(added).map(|text| text.as_str().len());
            *left = left.saturating_sub(added.sum());
        }
        (!values.is_empty()).then_some(Value::Array(Array::String(values)))
    }

    /// Redacts before it cuts: a cut could remove what marks a secret.
    fn text(&self, value: &HeaderValue, kind: FieldKind, limits: TextLimits) -> StringValue {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = match kind {
            FieldKind::Url => self.paths.url(&text, None),
            _ => Cow::Borrowed(&*text),
        };
        let safe = self.secrets.get().field_text(kind, &text);
        limits.cut_other(&safe).to_owned().into()
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
        if !self.names(&name) {
            self.names.push(Named::new(name));
        }
    }

    fn is_empty(&self) -> bool {
        self.names.is_empty() && self.globs.is_empty()
    }

    fn names(&self, name: &HeaderName) -> bool {
        self.names.iter().any(|named| named.name == name)
    }

    /// Returns the names of a message that match a pattern, and what happens to their values.
    fn matched<'a>(
        &'a self,
        headers: &'a HeaderMap,
        secrets: &'a Secrets,
    ) -> impl Iterator<Item = (&'a HeaderName, FieldKind)> {
        // Without patterns the map is not walked.
        let walked = (!self.globs.is_empty()).then(|| headers.keys());
        walked
            .into_iter()
            .flatten()
            .filter(|name| self.matches(name))
            .map(|name| (name, secrets.header_kind(name.as_str())))
            .filter(|(_, kind)| *kind != FieldKind::Secret)
            .take(MAX_HEADERS_BY_GLOB)
    }

    fn matches(&self, name: &HeaderName) -> bool {
        let text = name.as_str();
        text.len() <= MAX_NAME_BYTES
            && self.globs.iter().any(|glob| glob.matches(text))
            && !self.names(name)
    }
}

impl Named {
    fn new(name: HeaderName) -> Self {
        let keys = Place::ALL.map(|place| place.key(&name));
        Self {
            name,
            kind: OnceLock::new(),
            keys,
        }
    }

    fn kind(&self, secrets: &Secrets) -> FieldKind {
        *self
            .kind
            .get_or_init(|| secrets.header_kind(self.name.as_str()))
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

const MAX_VALUES: usize = 16;
/// What a header takes in memory beside its texts.
const HEADER_OVERHEAD: usize = 96;
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
            (
                "x-upstream",
                "postgres://ada:pw@h/db",
                "postgres://REDACTED:REDACTED@h/db",
            ),
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
    fn a_secret_header_is_recorded_only_by_a_dangerous_option() {
        let sent = headers([
            ("idempotency-key", "7"),
            ("x-forwarded-client-cert", "By=spiffe"),
            ("sec-websocket-protocol", "bearer.abc"),
            ("x-hmac", "abc"),
            ("x-saml", "abc"),
            ("x-plan", "free"),
        ]);
        let keys = |capture: &HeaderCapture| -> Vec<String> {
            shown(capture.request(&sent))
                .into_iter()
                .map(|(key, _)| key)
                .collect()
        };
        for captured in ["*", "idempotency-key"] {
            let mut capture = HeaderCapture::new([captured, "x-plan"]);
            assert_eq!(keys(&capture), ["http.request.header.x-plan"]);
            capture.set_secrets(Secrets::default().dangerously_except(["Idempotency-Key"]));
            let expected = [
                "http.request.header.idempotency-key",
                "http.request.header.x-plan",
            ];
            assert_eq!(keys(&capture), expected);
        }
    }

    #[test]
    fn metadata_that_is_not_ascii_hides_the_user_info_of_urls() {
        let url = "postgres://ada:hunter2@h/é";
        let sent = headers([("x-upstream", url), ("x-upstream-bin", url)]);
        let shown = shown(HeaderCapture::new(["*"]).rpc_request(&sent));
        assert_eq!(shown.len(), 2);
        for (key, items) in shown {
            assert_eq!(items, ["postgres://REDACTED:REDACTED@h/é"], "{key}");
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
    fn a_value_that_is_not_utf_8_is_within_the_limit() {
        let mut sent = HeaderMap::new();
        let value = HeaderValue::from_bytes(&[0xe9; 2000]).unwrap();
        sent.insert("x-a", value.clone());
        sent.insert("x-b-url", value);
        for (_, lines) in shown(HeaderCapture::new(["*"]).request(&sent)) {
            assert_eq!(lines[0], "\u{fffd}".repeat(341));
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
        let capture = HeaderCapture::new(["via"]);
        for (line, count, bytes) in [("x", MAX_VALUES, 1), (long.as_str(), 8, 1024)] {
            let lines = (0..1000).map(|_| ("via", line));
            let shown_lines = shown(capture.request(&headers(lines)));
            let (_, last_lines) = shown_lines[0].1.split_at(count - 1);
            assert_eq!(last_lines.len(), 1, "{bytes}");
            let first_lines = &shown_lines[0].1[..count - 1];
            assert!(first_lines.iter().all(|item| item.len() == bytes));
            let all: usize = shown_lines[0].1.iter().map(String::len).sum();
            assert!(all <= 8 * 1024, "{all}");
        }

        let names: Vec<String> = (0..1000).map(|index| format!("x-{index}")).collect();
        let many = headers(names.iter().map(|name| (name.as_str(), "-")));
        let capture = HeaderCapture::new(["*"]);
        assert_eq!(capture.request(&many).count(), MAX_HEADERS_BY_GLOB);

        let long_name = "x".repeat(MAX_NAME_BYTES + 1);
        let long_named = headers([(long_name.as_str(), "-")]);
        assert_eq!(capture.request(&long_named).count(), 0);
    }

    #[test]
    fn all_headers_of_a_message_share_one_limit() {
        let value = "v".repeat(1000);
        let names: Vec<String> = (0..100).map(|index| format!("x-{index}")).collect();
        let many = headers(names.iter().map(|name| (name.as_str(), value.as_str())));
        let mut capture = HeaderCapture::new(["*"]);
        for (other, most) in [
            (1024, 8 * 1024),
            (2048, 16 * 1024),
            (100, 64 * 130),
            (0, 64 * 30),
        ] {
            capture.set_limits(TextLimits::default().other(other));
            let shown = shown(capture.request(&many));
            let bytes: usize = shown
                .iter()
                .map(|(key, values)| key.len() + values.concat().len())
                .sum();
            assert!(bytes <= most && bytes >= most / 2, "{bytes} of {most}");
        }
    }

    #[test]
    fn a_list_that_can_match_nothing_is_empty() {
        assert!(HeaderCapture::default().is_empty());
        assert!(HeaderCapture::new([""; 0]).is_empty());
        assert!(HeaderCapture::new(["no name"]).is_empty());
        assert!(!HeaderCapture::new(["via"]).is_empty());
        assert!(!HeaderCapture::new(["*"]).is_empty());
    }
}

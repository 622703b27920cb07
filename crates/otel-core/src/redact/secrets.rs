//! Which names hold secrets, and texts without them.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::found::Found;
use super::list::{self, Place};
use super::name::Name;
use super::rules::Rules;
use super::view::{CUT_BYTE, View, has};
use super::{REDACTED, parameters, user_info};

/// The list of the names that hold secrets. It applies to query keys, headers, metadata, fields and attributes.
///
/// Names are compared by their words: `accessToken`, `access-token`, `user[access_token]` and `%61ccess_token` are the same name.
/// The default list has the keys of the
/// [conventions](https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/) in any case, and words such as `password`,
/// `secret`, `token`, `authorization`, `cookie`, `credential`, `signature` and `api_key`.
///
/// | name of | hidden if | example |
/// | --- | --- | --- |
/// | a header or metadata | a listed word is anywhere in it | `x-auth-user`, `idempotency-key` |
/// | a query key | it contains a listed word | `reset_token`, `password[]` |
/// | a field or attribute | the part after its last dot ends with a listed word | `user.password`, `apiKey` |
///
/// Names that only describe a secret are not hidden: `is_*`, `has_*`, `*_tokens`, `*_count`, `*_length`, `*_type`,
/// `*_expires_at` and the like.
///
/// ```
/// use otel_core::redact::Secrets;
///
/// let secrets = Secrets::default().also(["ticket"]);
/// assert_eq!(secrets.query("ticket=7&page=2"), "ticket=REDACTED&page=2");
/// assert_eq!(secrets.url("https://ada:pw@shop.example/"), "https://REDACTED:REDACTED@shop.example/");
/// assert!(secrets.is_secret("user.password") && !secrets.is_secret("prompt_tokens"));
/// ```
#[derive(Debug, Clone)]
pub struct Secrets(Arc<Rules>);

/// What happens to the value of a field with a certain name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "it is hidden, and our crates match all of it"
)]
pub enum FieldKind {
    /// The value is shown, without the user info of URLs.
    Shown,
    /// The value is hidden.
    Secret,
    /// The value is a URL, whose secrets are hidden.
    Url,
    /// The value is a connection string: a URL whose secrets are hidden, or a text that is hidden.
    Connection,
}

impl Secrets {
    /// The list of this crate.
    pub(super) fn standard() -> Self {
        Self(Arc::new(Rules::new(true)))
    }

    /// Adds names. A name is hidden if it ends with the words of an added name.
    #[must_use]
    pub fn also(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let rules = Arc::make_mut(&mut self.0);
        names.into_iter().for_each(|it| rules.add(it.as_ref()));
        self
    }

    /// Excepts these names: their values are shown, although the list says that they are secrets.
    ///
    /// Only the whole name is excepted, and of a field the part after its last dot. This is also the way to record a header such as
    /// `idempotency-key`, which the list takes for a key.
    #[must_use]
    pub fn dangerously_except(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let rules = Arc::make_mut(&mut self.0);
        names.into_iter().for_each(|it| rules.except(it.as_ref()));
        self
    }

    /// Creates a list of these names only, without the default list. User info in URLs is still hidden.
    #[must_use]
    pub fn dangerously_only(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(Arc::new(Rules::new(false))).also(names)
    }

    /// Disables redaction. Passwords, tokens and signatures are then recorded unchanged.
    #[must_use]
    pub fn dangerously_off() -> Self {
        let mut off = Self::dangerously_only([""; 0]);
        Arc::make_mut(&mut off.0).is_on = false;
        off
    }

    /// Returns `true` if a field or attribute of this name holds a secret.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        self.field_kind(name) == FieldKind::Secret
    }

    /// Returns `true` if a header or metadata of this name holds a secret.
    ///
    /// A wrong match costs one attribute. A missed match exports a credential on every span. The list prefers wrong matches.
    #[must_use]
    pub fn is_secret_header(&self, name: &str) -> bool {
        self.0.is_secret(name, Place::Header)
    }

    /// Returns the query without secrets. Pass the query without `?`. Borrows if there is no secret.
    ///
    /// The values of secret keys become `REDACTED`, also in nested URLs, raw or percent-encoded; so does the user info of nested
    /// URLs. `code` is a secret if there is also a `state` (OAuth). `&`, `;`, `?` and `#` separate parameters. All other bytes stay
    /// unchanged.
    #[must_use]
    #[inline]
    pub fn query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        if !self.0.is_on || !self.0.trigrams().may_hide_in(query.as_bytes()) {
            return Cow::Borrowed(query);
        }
        let mut found = Found::default();
        parameters::find(&self.0, View::new(query, 0), &mut found);
        found.redact(query)
    }

    /// Returns the path without secrets: the values of secret matrix parameters (`;jsessionid=…`), and what [`query`](Self::query)
    /// hides in a nested URL. Borrows if there is no secret.
    ///
    /// A secret that is a whole segment, as in `/reset/abc123`, has no name and is not found.
    #[must_use]
    #[inline]
    pub fn path<'a>(&self, path: &'a str) -> Cow<'a, str> {
        if !self.0.is_on || !may_hold_secret(path.as_bytes()) {
            return Cow::Borrowed(path);
        }
        let mut found = Found::default();
        user_info::find_in_url(View::new(path, 0), &mut found);
        self.find_in_path(View::new(path, 0), &mut found);
        found.redact(path)
    }

    /// Returns the URL without secrets: without user info, and path, query and fragment as [`path`](Self::path) and
    /// [`query`](Self::query) return them. Borrows if there is no secret.
    #[must_use]
    #[inline]
    pub fn url<'a>(&self, url: &'a str) -> Cow<'a, str> {
        let bytes = url.as_bytes();
        if !self.0.is_on || !may_hold_secret(bytes) {
            return Cow::Borrowed(url);
        }
        let fragment = has(bytes, b'#').then(|| url.find('#')).flatten();
        let query = url.find('?').into_iter().chain(fragment).min();
        let query = query.unwrap_or(url.len());
        let (path, parameters) = url.split_at_checked(query).unwrap_or((url, ""));
        let may_hide = may_hold_secret(path.as_bytes())
            || self.0.trigrams().may_hide_in(parameters.as_bytes());
        if !may_hide {
            return Cow::Borrowed(url);
        }
        self.redacted_url(url, query)
    }

    #[cold]
    fn redacted_url<'a>(&self, url: &'a str, query: usize) -> Cow<'a, str> {
        let mut found = Found::default();
        let view = View::new(url, 0);
        user_info::find_in_url(view, &mut found);
        self.find_in_path(view.part(0..query), &mut found);
        parameters::find(&self.0, view.part(query..url.len()), &mut found);
        found.redact(url)
    }

    /// Returns the text with the user info of each URL in it hidden. Borrows if there is no secret.
    #[must_use]
    #[inline]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !user_info::may_have_user_info(text.as_bytes()) || !self.0.is_on {
            return Cow::Borrowed(text);
        }
        let mut found = Found::default();
        user_info::find_in_text(View::new(text, 0), &mut found);
        found.redact(text)
    }

    /// Hides what a field of this kind must not show in the text that begins at `start`. Escapes of JSON stay whole.
    #[doc(hidden)]
    #[inline]
    pub fn redact_from(&self, start: usize, kind: FieldKind, text: &mut Vec<u8>) {
        let new = text.get(start..).unwrap_or_default();
        if kind != FieldKind::Shown || user_info::may_have_user_info(new) {
            self.redact_rest(start, kind, text);
        }
    }

    #[cold]
    fn redact_rest(&self, start: usize, kind: FieldKind, text: &mut Vec<u8>) {
        let new = text
            .get(start..)
            .and_then(|new| std::str::from_utf8(new).ok());
        if let Some(Cow::Owned(safe)) = new.map(|new| self.field_text(kind, new)) {
            text.truncate(start);
            text.extend_from_slice(safe.as_bytes());
        }
    }

    /// Hides the value of an attribute if its name says that it is a secret, and the secrets of URLs in its texts.
    pub fn redact(&self, attribute: &mut KeyValue) {
        let kind = self.field_kind(attribute.key.as_str());
        self.redact_value(kind, &mut attribute.value);
    }

    /// Decides by the name what happens to the values of a field. The decision can be kept.
    #[doc(hidden)]
    #[must_use]
    pub fn field_kind(&self, name: &str) -> FieldKind {
        if !self.0.is_on {
            return FieldKind::Shown;
        }
        if self.0.is_secret(name, Place::Field) {
            return FieldKind::Secret;
        }
        let name = Name::new(name.as_bytes());
        if list::is_connection(&name) {
            FieldKind::Connection
        } else if list::is_url(&name) {
            FieldKind::Url
        } else {
            FieldKind::Shown
        }
    }

    /// Decides by the name what happens to the values of a header. The decision can be kept.
    #[doc(hidden)]
    #[must_use]
    pub fn header_kind(&self, name: &str) -> FieldKind {
        if self.is_secret_header(name) {
            FieldKind::Secret
        } else {
            self.field_kind(name)
        }
    }

    /// Hides what a field of this kind must not show.
    #[doc(hidden)]
    pub fn redact_value(&self, kind: FieldKind, value: &mut Value) {
        match value {
            _ if kind == FieldKind::Secret => *value = REDACTED.into(),
            Value::String(text) => self.redact_string(kind, text),
            Value::Array(Array::String(texts)) => {
                texts
                    .iter_mut()
                    .for_each(|text| self.redact_string(kind, text));
            }
            _ => {}
        }
    }

    /// Hides what a text of a field of this kind must not show.
    #[doc(hidden)]
    pub fn redact_string(&self, kind: FieldKind, text: &mut StringValue) {
        if let Cow::Owned(safe) = self.field_text(kind, text.as_str()) {
            *text = safe.into();
        }
    }

    /// Returns the text of a field of this kind without its secrets.
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn field_text<'a>(&self, kind: FieldKind, text: &'a str) -> Cow<'a, str> {
        match kind {
            FieldKind::Shown => self.text(text),
            FieldKind::Url => self.url(text),
            FieldKind::Connection if is_url(text) => self.url(text),
            FieldKind::Secret | FieldKind::Connection => Cow::Owned(REDACTED.to_owned()),
        }
    }

    fn find_in_path(&self, path: View<'_>, found: &mut Found) {
        let mut start = 0;
        for segment in path.bytes.split(|&byte| byte == b'/') {
            let end = start + segment.len();
            parameters::find(&self.0, path.part(start..end), found);
            start = end + 1;
        }
    }
}

/// Returns `false` if the text has no parameter, no user info, nothing encoded and no cut.
///
/// Visits every byte without an early exit, so that the compiler vectorizes the loop.
#[inline]
fn may_hold_secret(text: &[u8]) -> bool {
    text.iter().fold(false, |found, &byte| {
        found | matches!(byte, b'=' | b'@' | b'%' | CUT_BYTE)
    })
}

/// Returns `true` if a connection string is a URL. A list of `key=value` is not a URL, even if a value is a URL: a `/` in a password
/// would end it.
fn is_url(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.as_bytes());
    scheme.is_some_and(|scheme| {
        scheme
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.:".contains(byte))
    }) && !text.contains(|it: char| it == ';' || it.is_ascii_whitespace())
}

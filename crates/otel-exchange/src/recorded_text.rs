//! Untrusted texts as they are recorded: without secrets, and not longer than the limits.
//!
//! Secrets are replaced first. A cut could otherwise remove what marks a secret, such as the `@` after user info.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::{KeyValue, StringValue, Value};

use crate::conventions::rpc::attribute::RPC_METHOD_ORIGINAL;
use crate::options::CommonOptions;
use crate::text_cache;

impl CommonOptions {
    /// Returns a path, or the route if that is recorded in its place.
    #[inline]
    pub(crate) fn recorded_path<'a>(&self, path: &'a str, route: Option<&str>) -> Cow<'a, str> {
        if self.paths.is_empty() {
            return self.cut_path(self.secrets().path(path));
        }
        self.redacted_path(path, route)
    }

    #[cold]
    fn redacted_path<'a>(&self, path: &'a str, route: Option<&str>) -> Cow<'a, str> {
        let path = match self.paths.path(path, route) {
            Cow::Borrowed(path) => self.secrets().path(path),
            Cow::Owned(path) => Cow::Owned(self.secrets().path(&path).into_owned()),
        };
        self.cut_path(path)
    }

    #[inline]
    fn cut_path<'a>(&self, path: Cow<'a, str>) -> Cow<'a, str> {
        match path {
            Cow::Borrowed(path) => Cow::Borrowed(self.text_limits.cut_url(path)),
            Cow::Owned(path) => Cow::Owned(cut(path, |path| self.text_limits.cut_url(path))),
        }
    }

    /// Returns a query.
    #[inline]
    pub(crate) fn recorded_query(&self, query: &str) -> String {
        match self.secrets().query(query) {
            Cow::Borrowed(query) => self.text_limits.cut_url(query).to_owned(),
            Cow::Owned(query) => cut(query, |query| self.text_limits.cut_url(query)),
        }
    }

    /// Returns an absolute URL.
    #[inline]
    pub(crate) fn recorded_url(&self, url: &str, route: Option<&str>) -> Arc<str> {
        let url = self.paths.url(url, route);
        self.text_limits.cut_url(&self.secrets().url(&url)).into()
    }

    /// Returns a text that is neither a URL nor a part of one.
    #[inline]
    pub(crate) fn recorded_text(&self, text: &str) -> StringValue {
        text_cache::text(self.text_limits.cut_other(text))
    }

    /// Returns host and port of a `Host` or `:authority` value. Returns `None` if it is invalid.
    #[inline]
    pub(crate) fn recorded_host(&self, authority: &str) -> Option<(StringValue, Option<u16>)> {
        text_cache::host(authority, self.text_limits.max_other())
    }

    /// Returns an attribute of a gRPC method. An unknown method is a path that the client has chosen.
    pub(crate) fn recorded_method(&self, attribute: KeyValue) -> KeyValue {
        let Value::String(text) = &attribute.value else {
            return attribute;
        };
        if attribute.key.as_str() != RPC_METHOD_ORIGINAL {
            return attribute;
        }
        let path = self.paths.path(text.as_str(), None);
        let path = self.secrets().path(&path);
        let path = self.text_limits.cut_other(&path);
        if path == text.as_str() {
            return attribute;
        }
        KeyValue::new(RPC_METHOD_ORIGINAL, path.to_owned())
    }
}

/// Cuts an owned text. A text within the limit is not copied.
fn cut(text: String, cut: impl Fn(&str) -> &str) -> String {
    let kept = cut(&text);
    if kept.len() == text.len() {
        return text;
    }
    kept.to_owned()
}

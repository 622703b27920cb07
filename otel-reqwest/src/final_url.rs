//! The URL that answered, where reqwest has followed redirects by itself.

use opentelemetry::KeyValue;
use otel_core::client::ClientCall;
use reqwest::Response;

use crate::redirect::{self, Redirects};

/// The last URL, redacted. `url.full` is the one as first asked.
const FINAL_URL: &str = "reqwest.response.url";

/// Notes the URL that answered, if it is another than `url.full`, and warns if no redirect should have been followed.
pub(crate) fn note(call: &ClientCall, response: &Response, redirects: Redirects) {
    let asked = call.url_full();
    let elsewhere = asked.and_then(|asked| elsewhere(call, response, asked));
    if let Some(url) = elsewhere {
        call.add(KeyValue::new(FINAL_URL, url));
        redirect::warn_if_ours(redirects);
    }
}

/// A fragment is never sent.
fn elsewhere(call: &ClientCall, response: &Response, asked: &str) -> Option<String> {
    let asked = without_fragment(asked);
    let url = response.url().as_str();
    if without_fragment(url) == asked {
        return None;
    }
    let redacted = call.config().redaction.url(url);
    (without_fragment(&redacted) != asked).then(|| redacted.into_owned())
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

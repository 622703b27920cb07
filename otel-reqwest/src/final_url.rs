//! The URL of the response, if reqwest has followed redirects itself.

use opentelemetry::KeyValue;
use otel_exchange::client::Exchange;
use reqwest::Response;

use crate::redirect::{self, Redirects};

/// The URL of the response, with secrets replaced. `url.full` is the URL of the request.
const FINAL_URL: &str = "reqwest.response.url";

/// Records the URL of the response if it differs from `url.full`. Warns if reqwest must not follow redirects itself.
pub(crate) fn record(exchange: &mut Exchange, response: &Response, redirects: Redirects) {
    let Some(requested) = exchange.url_full() else {
        return;
    };
    if let Some(url) = final_url(exchange, response, requested) {
        exchange.set_attribute(KeyValue::new(FINAL_URL, url));
        redirect::warn_if_unexpected(redirects);
    }
}

/// Returns the redacted URL of the response if it differs from the requested URL. Fragments are never sent, so they do not count.
fn final_url(exchange: &Exchange, response: &Response, requested: &str) -> Option<String> {
    let requested = without_fragment(requested);
    let url = response.url().as_str();
    if without_fragment(url) == requested {
        return None;
    }
    let redacted = exchange.redact(url);
    (without_fragment(&redacted) != requested).then_some(redacted)
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

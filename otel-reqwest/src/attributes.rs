//! The attributes of the CLIENT span, from the conventions' functions.

use std::borrow::Cow;
use std::sync::Arc;

use http::Extensions;
use http::header::USER_AGENT;
use opentelemetry::{KeyValue, StringValue};
use otel_core::http::attribute::{
    HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_REQUEST_RESEND_COUNT,
    HTTP_RESPONSE_STATUS_CODE, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION,
    SERVER_ADDRESS, SERVER_PORT, URL_FULL, URL_TEMPLATE, USER_AGENT_ORIGINAL,
};
use otel_core::http::{RequestMethod, protocol_version, span_name};
use reqwest::{Request, Response};

use crate::config::Config;
use crate::shared;

/// Where reqwest has followed redirects by itself: the last URL, redacted. `url.full` is the one as first asked.
const FINAL_URL: &str = "reqwest.response.url";

/// Room for what nearly every request has, so that the list does not grow.
const USUAL: usize = 12;

/// What name, attributes and metrics are made of.
pub(crate) struct Target<'a> {
    pub(crate) method: RequestMethod,
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
    pub(crate) template: Option<StringValue>,
    pub(crate) resends: u32,
}

impl<'a> Target<'a> {
    pub(crate) fn of(
        config: &Config,
        request: &'a Request,
        extensions: &Extensions,
        resends: u32,
    ) -> Self {
        let url = request.url();
        Self {
            method: config.methods.find(request.method()),
            host: without_brackets(url.host_str().unwrap_or_default()),
            // Required on a client, also where it is the scheme's own.
            port: url.port_or_known_default(),
            template: config.templates.find(url.path(), extensions),
            resends,
        }
    }

    pub(crate) fn name(&self) -> Cow<'static, str> {
        match &self.template {
            None => self.method.name(),
            Some(template) => span_name(&self.method, Some(template.as_str())).into(),
        }
    }
}

/// The second part is `url.full`.
pub(crate) fn at_start(
    config: &Config,
    request: &Request,
    target: &Target<'_>,
) -> (Vec<KeyValue>, Arc<str>) {
    let mut attributes = Vec::with_capacity(USUAL);
    attributes.push(KeyValue::new(HTTP_REQUEST_METHOD, target.method.value()));
    if target.method.is_other() {
        let original = request.method().as_str().to_owned();
        attributes.push(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    attributes.push(KeyValue::new(SERVER_ADDRESS, shared::host(target.host)));
    if let Some(port) = target.port {
        attributes.push(KeyValue::new(SERVER_PORT, i64::from(port)));
    }
    let full: Arc<str> = config.redaction.url(request.url().as_str()).into();
    attributes.push(KeyValue::new(
        URL_FULL,
        StringValue::from(Arc::clone(&full)),
    ));
    if let Some(template) = &target.template {
        attributes.push(KeyValue::new(URL_TEMPLATE, template.clone()));
    }
    if target.resends > 0 {
        let resends = i64::from(target.resends);
        attributes.push(KeyValue::new(HTTP_REQUEST_RESEND_COUNT, resends));
    }
    if config.user_agent.is_some() {
        let sent = request.headers().get(USER_AGENT);
        attributes.extend(sent.map(|sent| {
            let text = String::from_utf8_lossy(sent.as_bytes()).into_owned();
            KeyValue::new(USER_AGENT_ORIGINAL, text)
        }));
    }
    attributes.extend(config.request_headers.request(request.headers()));
    (attributes, full)
}

/// Hands out the attributes, and tells whether another URL than `asked`, which is `url.full`, has answered.
pub(crate) fn of_response(
    config: &Config,
    response: &Response,
    asked: &str,
    mut set: impl FnMut(KeyValue),
) -> bool {
    let status = i64::from(response.status().as_u16());
    set(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status));
    if let Some(version) = protocol_version(response.version()) {
        set(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
    }
    let mut is_elsewhere = false;
    // What never came over a socket, as in a test, has no URL to compare.
    if let Some(peer) = response.remote_addr() {
        let address = shared::peer(peer.ip());
        set(KeyValue::new(NETWORK_PEER_ADDRESS, address));
        set(KeyValue::new(NETWORK_PEER_PORT, i64::from(peer.port())));
        if let Some(url) = elsewhere(config, response, asked) {
            set(KeyValue::new(FINAL_URL, url));
            is_elsewhere = true;
        }
    }
    let headers = config.response_headers.response(response.headers());
    headers.for_each(set);
    is_elsewhere
}

/// The URL that answered, redacted, if that is not the one that was asked. A fragment is never sent.
fn elsewhere(config: &Config, response: &Response, asked: &str) -> Option<String> {
    let asked = without_fragment(asked);
    let url = response.url().as_str();
    if without_fragment(url) == asked {
        return None;
    }
    let redacted = config.redaction.url(url);
    (without_fragment(&redacted) != asked).then(|| redacted.into_owned())
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _)| url)
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

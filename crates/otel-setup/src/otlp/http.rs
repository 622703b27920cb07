//! OTLP over HTTP.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use tokio::time::timeout;

use super::endpoint::is_loopback;
use super::header;
use super::runtime::ExportRuntime;
use super::settings::Settings;
use super::under_way::UnderWay;
use crate::error::SetupError;
use crate::signal::Signal;

/// Makes the builder's exporter send over HTTP, with these settings.
pub(super) fn configure<B>(settings: &Settings, builder: B) -> Result<B, SetupError>
where
    B: WithExportConfig + WithHttpConfig,
{
    let client = reqwest::Client::builder()
        // A redirect would take the headers, and the keys in them, to another host.
        .redirect(Policy::none());
    // A proxy would send what is meant for a collector on this machine to one on the proxy's machine.
    let client = if is_loopback(&settings.endpoint) {
        client.no_proxy()
    } else {
        client
    };
    let client = settings.tls.configure_http(client)?;
    let client = client
        .build()
        .map_err(|error| SetupError::exporter(chain(&error)))?;
    let builder = builder
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(&settings.endpoint)
        .with_timeout(settings.timeout)
        .with_http_client(Client {
            client,
            signal: settings.signal,
            runtime: ExportRuntime::get()?,
            headers: header_map(&settings.headers),
            under_way: Arc::clone(&settings.under_way),
        });
    Ok(match settings.compression() {
        Some(compression) => builder.with_compression(compression),
        None => builder,
    })
}

fn header_map(headers: &[(String, String)]) -> HeaderMap {
    let headers = headers.iter().filter_map(|(name, value)| {
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name).ok()?, value))
    });
    headers.collect()
}

const TIMED_OUT: &str = "operation timed out";

/// Sends with our headers, and keeps the cause of a failure: opentelemetry-otlp only reports "network error".
struct Client {
    client: reqwest::Client,
    signal: Signal,
    /// The threads of the processors wait outside of any runtime.
    runtime: ExportRuntime,
    headers: HeaderMap,
    under_way: Arc<UnderWay>,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        header::replace(request.headers_mut(), &self.headers);
        let (client, left) = (self.client.clone(), self.under_way.left());
        let sending = self
            .runtime
            .spawn(async move { timeout(left, client.send_bytes(request)).await });
        let result = match sending.await? {
            Ok(result) => result,
            Err(_) => Err(TIMED_OUT.into()),
        };
        let mut result = result.map_err(|error| match error.downcast::<reqwest::Error>() {
            // The URL may contain a key.
            Ok(error) => error.without_url().into(),
            Err(other) => other,
        });
        let cause = match &mut result {
            Ok(response) => refuse_misdirected(response, self.signal),
            Err(error) => Some(chain(&**error)),
        };
        self.under_way.fail(cause);
        result
    }
}

/// A prefix is enough here: any kind of gRPC response is an error.
fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Returns what to change if the endpoint is not an OTLP endpoint over HTTP. A gRPC response becomes an error.
fn refuse_misdirected(response: &mut Response<Bytes>, signal: Signal) -> Option<String> {
    if is_grpc(response.headers()) {
        // The status is 200, and the meaning is UNIMPLEMENTED.
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let advice = "the port speaks gRPC; use that of OTLP over HTTP, 4318, or OTEL_EXPORTER_OTLP_PROTOCOL=grpc";
        return Some(advice.to_owned());
    }
    (response.status() == StatusCode::NOT_FOUND).then(|| {
        format!(
            "there is no such path; OTEL_EXPORTER_OTLP_ENDPOINT is a base URL, without /{}, and {} is used as it is, with it; \
             if that is right, the endpoint takes no {signal}",
            signal.path(),
            signal.own("ENDPOINT")
        )
    })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Returns the error with its causes. The error itself often says only "error sending request".
pub(super) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line = format!("{line}: {error}");
        source = error.source();
    }
    line
}

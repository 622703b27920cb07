//! OTLP over HTTP, with a blocking client for the processors' own threads.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::thread;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use reqwest::blocking;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;

use super::{Cause, Otlp};
use crate::error::SetupError;

impl Otlp {
    pub(super) fn http<B>(&self, builder: B) -> Result<B, SetupError>
    where
        B: WithExportConfig + WithHttpConfig,
    {
        let builder = builder
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&self.endpoint)
            .with_timeout(self.timeout)
            .with_http_client(Client {
                client: self.client()?,
                headers: self.header_map(),
                cause: Arc::clone(&self.cause),
            });
        Ok(match self.compression {
            Some(compression) => builder.with_compression(compression),
            None => builder,
        })
    }

    fn client(&self) -> Result<blocking::Client, SetupError> {
        let builder = blocking::Client::builder()
            .timeout(self.timeout)
            // A redirect would take the headers, and the keys in them, to another host.
            .redirect(Policy::none());
        let builder = self.tls.configure_http(builder)?;
        // The blocking client must not be made on a thread of a runtime.
        thread::spawn(|| builder.build())
            .join()
            .map_err(|_| SetupError::exporter("the HTTP client panicked while it was made"))?
            .map_err(|error| SetupError::exporter(chain(&error)))
    }

    fn header_map(&self) -> HeaderMap {
        let headers = self.headers.iter().filter_map(|(name, value)| {
            let mut value = HeaderValue::try_from(value).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::try_from(name).ok()?, value))
        });
        headers.collect()
    }
}

/// Sends with our headers and keeps why it could not: opentelemetry-otlp says no more than "network error".
struct Client {
    client: blocking::Client,
    headers: HeaderMap,
    cause: Arc<Cause>,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        for (name, value) in &self.headers {
            // Over what opentelemetry-otlp has read from the environment itself, so that code wins.
            request.headers_mut().insert(name, value.clone());
        }
        self.cause.clear();
        let result = self.client.send_bytes(request).await;
        result.map_err(|error| match error.downcast::<reqwest::Error>() {
            Ok(error) => {
                // Its URL may hold a key.
                let error = error.without_url();
                self.cause.set(chain(&error));
                error.into()
            }
            Err(other) => other,
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// The error with its causes: the first line is often no more than "error sending request".
pub(super) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line = format!("{line}: {error}");
        source = error.source();
    }
    line
}

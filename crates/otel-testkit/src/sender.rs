//! An HTTP client that sends requests unchanged.

use std::{error::Error as _, time::Duration};

use axum::http::{Request, StatusCode};
use reqwest::{blocking::Client, redirect::Policy};

/// A client that follows no redirects, uses no proxy and adds no trace context.
#[derive(Debug)]
pub(crate) struct Sender(Client);

impl Sender {
    pub(crate) fn new() -> Result<Self, String> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .build();
        Ok(Self(client.map_err(|error| describe(&error))?))
    }

    /// Sends a request, and reads the response to its end, since the SERVER span may end there.
    pub(crate) fn send(&self, request: Request<String>) -> Result<StatusCode, String> {
        if request.uri().scheme_str() == Some("https") {
            let host = request.uri().authority().map_or("", |it| it.as_str());
            return Err(format!(
                "cannot send a request to https://{host}: TLS is not supported, use an http:// URL"
            ));
        }
        let request = request.try_into().map_err(|error| describe(&error))?;
        let response = self.0.execute(request).map_err(|error| describe(&error))?;
        let status = response.status();
        response.bytes().map_err(|error| describe(&error))?;
        Ok(status)
    }
}

/// Describes an error with its causes, which reqwest's own text leaves out. The query of the URL is removed, since it may
/// contain a secret.
fn describe(error: &reqwest::Error) -> String {
    let mut text = match error.url().cloned() {
        Some(mut url) => {
            url.set_query(None);
            format!("cannot send a request to {url}")
        }
        None => "cannot send a request".to_owned(),
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

const TIMEOUT: Duration = Duration::from_secs(30);

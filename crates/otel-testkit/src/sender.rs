//! Sends requests as they are: no redirect is followed, no proxy asked, no trace context added.

use std::{error::Error as _, time::Duration};

use axum::http::{Request, StatusCode};
use reqwest::{blocking::Client, redirect::Policy};

/// An HTTP client for probes.
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

    /// Sends one request and reads its answer to the end, since a SERVER span may end there.
    pub(crate) fn send(&self, request: Request<String>) -> Result<StatusCode, String> {
        if request.uri().scheme_str() == Some("https") {
            let host = request.uri().authority().map_or("", |it| it.as_str());
            return Err(format!(
                "cannot ask https://{host}: there is no TLS in here, give its http:// address"
            ));
        }
        let request = request.try_into().map_err(|error| describe(&error))?;
        let response = self.0.execute(request).map_err(|error| describe(&error))?;
        let status = response.status();
        response.bytes().map_err(|error| describe(&error))?;
        Ok(status)
    }
}

/// The text of an error with its cause, which reqwest's own leaves out; the query may hold a secret.
fn describe(error: &reqwest::Error) -> String {
    let url = error.url().map(|url| {
        let mut url = url.clone();
        url.set_query(None);
        format!("cannot ask {url}")
    });
    let mut text = url.unwrap_or_else(|| "cannot send".to_owned());
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

const TIMEOUT: Duration = Duration::from_secs(30);

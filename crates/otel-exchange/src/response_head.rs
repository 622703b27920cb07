//! The head of a response.

use ::http::{Extensions, HeaderMap, Response, StatusCode, Version};

/// The head of a response: everything except the body.
///
/// Hooks get this view, so they do not depend on the type of the body.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'a> {
    status: StatusCode,
    version: Version,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> ResponseHead<'a> {
    /// Borrows the head of a response.
    #[must_use]
    pub fn from_response<B>(response: &'a Response<B>) -> Self {
        Self::new(
            response.status(),
            response.version(),
            response.headers(),
            response.extensions(),
        )
    }

    /// Makes a head from its parts, for response types other than [`Response`].
    #[must_use]
    pub fn new(
        status: StatusCode,
        version: Version,
        headers: &'a HeaderMap,
        extensions: &'a Extensions,
    ) -> Self {
        Self {
            status,
            version,
            headers,
            extensions,
        }
    }

    /// Returns the status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the HTTP version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// Returns the extensions.
    #[must_use]
    pub fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}

//! A response without its body.

use ::http::{Extensions, HeaderMap, Response, StatusCode, Version};

/// What is known of a response before its body is read.
///
/// Rules and hooks see this view, so that they do not depend on the type of the body.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'a> {
    status: StatusCode,
    version: Version,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> ResponseHead<'a> {
    /// Looks at the head of a response.
    #[must_use]
    pub fn of<B>(response: &'a Response<B>) -> Self {
        Self::new(
            response.status(),
            response.version(),
            response.headers(),
            response.extensions(),
        )
    }

    /// Looks at the parts of a response that is no [`Response`], such as a client's.
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

    /// The status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The HTTP version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// The extensions that the handler or inner layers have set.
    #[must_use]
    pub fn extensions(&self) -> &'a Extensions {
        self.extensions
    }
}

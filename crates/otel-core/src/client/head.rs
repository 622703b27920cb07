//! A copy of a request's head, for when the request has gone; its extensions stay where they are.

use ::http::Request;

use super::OutgoingRequest;

pub(super) fn copy(request: &impl OutgoingRequest) -> Request<()> {
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().into_owned();
    *head.version_mut() = request.version();
    *head.headers_mut() = request.headers().clone();
    head
}

//! The state of one gRPC call.

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, Method, StatusCode, Version};
use opentelemetry::KeyValue;
use otel_core::RequestHead;

use super::attribute::{RPC_METHOD, RPC_METHOD_ORIGINAL};
use super::code::GrpcCode;
use super::deadline::Deadline;
use super::method::{RpcMethod, RpcMethods};

/// One call, from its request to its status. Server and client use it in the same way.
#[derive(Debug)]
pub struct GrpcCall {
    methods: RpcMethods,
    method: RpcMethod,
    deadline: Option<Deadline>,
    code: Option<GrpcCode>,
    certainty: Certainty,
    /// The response contained the code.
    has_status: bool,
    /// The response head was that of a gRPC call.
    has_head: bool,
    has_message: bool,
}

/// Whether the request shows that it is a gRPC call. Otherwise its response decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Certain,
    /// The method is not known, and an untrusted client can send any request with the headers of gRPC.
    UnknownMethod,
    /// The client negotiates the version. `HTTP/1.1` is only the default of [`http`](::http).
    UnknownVersion,
}

impl GrpcCall {
    /// Reads a request that a server received. Returns `None` if the request is not POST over HTTP/2 or HTTP/3 with gRPC's
    /// `content-type`.
    ///
    /// gRPC-Web does not count as gRPC: its status is in the body. `path` is the path without the prefix of a nested router.
    #[must_use]
    #[inline]
    pub fn from_incoming(
        methods: &RpcMethods,
        request: &RequestHead<'_>,
        path: &str,
    ) -> Option<Self> {
        let is_call = request.method() == Method::POST
            && request.version() >= Version::HTTP_2
            && is_grpc(request.headers());
        is_call.then(|| Self::new(methods, path, request.headers(), request.version()))
    }

    /// Reads a request that a client is about to send. Returns `None` if the request is not POST with gRPC's `content-type`, or
    /// if its version is older than HTTP/1.1.
    ///
    /// A request with `HTTP/1.1` may still be sent over HTTP/2, because that is the version of a request that sets none.
    #[must_use]
    #[inline]
    pub fn from_outgoing(
        methods: &RpcMethods,
        method: &Method,
        version: Version,
        headers: &HeaderMap,
        path: &str,
    ) -> Option<Self> {
        let is_call = method == Method::POST && version >= Version::HTTP_11 && is_grpc(headers);
        is_call.then(|| Self::new(methods, path, headers, version))
    }

    fn new(methods: &RpcMethods, path: &str, headers: &HeaderMap, version: Version) -> Self {
        let method = methods.find(path);
        let certainty = if version < Version::HTTP_2 {
            Certainty::UnknownVersion
        } else if method.is_known() {
            Certainty::Certain
        } else {
            Certainty::UnknownMethod
        };
        Self {
            methods: methods.clone(),
            method,
            deadline: Deadline::from_headers(headers),
            code: None,
            certainty,
            has_status: false,
            has_head: false,
            has_message: false,
        }
    }

    /// Returns `true` if only the response shows whether the request is a gRPC call.
    #[must_use]
    #[inline]
    pub fn is_undecided(&self) -> bool {
        self.certainty != Certainty::Certain
    }

    /// Decides by the response head whether the request is a gRPC call. Returns `false` if it is a request of HTTP.
    ///
    /// The response of a call has gRPC's `content-type`, or `grpc-status` if nothing else follows. A call whose request shows
    /// that it is a call stays a call: another response is that of a proxy or of a layer in between.
    pub fn decide(&mut self, version: Version, headers: &HeaderMap) -> bool {
        let is_call = match self.certainty {
            Certainty::Certain => true,
            Certainty::UnknownMethod => is_answer(headers),
            Certainty::UnknownVersion => version >= Version::HTTP_2 && is_answer(headers),
        };
        self.certainty = Certainty::Certain;
        is_call
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &RpcMethod {
        &self.method
    }

    /// Returns the status if it is known.
    #[must_use]
    pub fn code(&self) -> Option<GrpcCode> {
        self.code
    }

    /// Returns `true` if the response contained the code. Otherwise the code follows from how the call ended.
    #[must_use]
    pub fn has_status(&self) -> bool {
        self.has_status
    }

    /// Reads the response head. It has the status if nothing else follows.
    pub fn respond(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.has_head = status == StatusCode::OK && is_grpc(headers);
        self.code = GrpcCode::from_headers(headers);
        if self.code.is_none() && status != StatusCode::OK {
            self.code = Some(GrpcCode::from_http(status));
        }
        self.has_status = self.code.is_some();
    }

    /// Records that a part of a response message has passed.
    pub fn message(&mut self) {
        self.has_message = true;
    }

    /// Reads the trailers. Their status replaces an earlier one.
    pub fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(code) = GrpcCode::from_headers(trailers) {
            (self.code, self.has_status) = (Some(code), true);
        }
    }

    /// Sets the status that an error contains, if there is no status yet.
    pub fn set_status(&mut self, code: GrpcCode) {
        self.has_status |= self.code.is_none();
        self.fail(code);
    }

    /// Records that the response is complete. Without a status the code is `UNKNOWN`.
    pub fn complete(&mut self) {
        self.code.get_or_insert(GrpcCode::Unknown);
    }

    /// Records that the call was cancelled. Without a status the code is `DEADLINE_EXCEEDED` if the deadline has passed, else
    /// `CANCELLED`.
    pub fn cancel(&mut self) {
        let has_passed = self.deadline.is_some_and(Deadline::has_passed);
        self.code.get_or_insert(if has_passed {
            GrpcCode::DeadlineExceeded
        } else {
            GrpcCode::Cancelled
        });
    }

    /// Sets the code of a call that failed before there was a status.
    pub fn fail(&mut self, code: GrpcCode) {
        self.code.get_or_insert(code);
    }

    /// Decides at the end of the call whether its method is known. Returns the method's attributes if that was open.
    pub fn settle(&mut self) -> MethodAttributes {
        if self.method.is_settled() {
            return MethodAttributes::default();
        }
        let is_answered = self.is_answered();
        self.methods.settle(&mut self.method, is_answered);
        self.method.attributes()
    }

    /// Returns `true` if a handler has answered, as far as the response shows. A page for unknown paths is not an answer.
    fn is_answered(&self) -> bool {
        self.has_head && (self.has_message || self.code.is_some_and(GrpcCode::is_of_a_handler))
    }
}

/// `rpc.method`, and `rpc.method_original` if it differs.
pub type MethodAttributes = [Option<KeyValue>; 2];

impl RpcMethod {
    /// Returns the attributes of the method. There are none until the method is settled.
    #[must_use]
    pub fn attributes(&self) -> MethodAttributes {
        if !self.is_settled() {
            return MethodAttributes::default();
        }
        let original = self.original();
        [
            Some(KeyValue::new(RPC_METHOD, self.value())),
            original.map(|original| KeyValue::new(RPC_METHOD_ORIGINAL, original)),
        ]
    }
}

/// Returns `true` if a response head is that of a gRPC call.
fn is_answer(headers: &HeaderMap) -> bool {
    is_grpc(headers) || GrpcCode::from_headers(headers).is_some()
}

/// Returns `true` if the `content-type` of a request or response is gRPC's: `application/grpc`, with or without `+proto` and
/// parameters (gRPC over HTTP/2, "Requests").
#[must_use]
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return false;
    };
    let rest = kind.as_bytes().strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

//! The status codes of gRPC, and which are errors on which side.

use ::http::{HeaderMap, HeaderName, StatusCode};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GrpcCode {
    /// It succeeded.
    Ok,
    /// It was cancelled, as a rule by its caller.
    Cancelled,
    /// It failed, and no more is known.
    Unknown,
    /// The caller has sent what no server could take.
    InvalidArgument,
    /// Its time had passed before it was done.
    DeadlineExceeded,
    /// What was asked for is not there.
    NotFound,
    /// What was to be made is there already.
    AlreadyExists,
    /// The caller may not do that.
    PermissionDenied,
    /// A quota, or a resource, is used up.
    ResourceExhausted,
    /// The state of the system does not allow it.
    FailedPrecondition,
    /// It gave way to another, and may be tried again.
    Aborted,
    /// It went past an end.
    OutOfRange,
    /// The server has no such method.
    Unimplemented,
    /// The server broke a rule of its own.
    Internal,
    /// The server cannot be reached, or not now.
    Unavailable,
    /// Data is lost for good.
    DataLoss,
    /// The caller has not said who it is.
    Unauthenticated,
}

static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// By their numbers.
const ALL: [GrpcCode; 17] = [
    GrpcCode::Ok,
    GrpcCode::Cancelled,
    GrpcCode::Unknown,
    GrpcCode::InvalidArgument,
    GrpcCode::DeadlineExceeded,
    GrpcCode::NotFound,
    GrpcCode::AlreadyExists,
    GrpcCode::PermissionDenied,
    GrpcCode::ResourceExhausted,
    GrpcCode::FailedPrecondition,
    GrpcCode::Aborted,
    GrpcCode::OutOfRange,
    GrpcCode::Unimplemented,
    GrpcCode::Internal,
    GrpcCode::Unavailable,
    GrpcCode::DataLoss,
    GrpcCode::Unauthenticated,
];

impl GrpcCode {
    /// Reads `grpc-status` from headers or trailers; what is no known number there is `UNKNOWN`.
    ///
    /// `None` where there is no such field.
    #[must_use]
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(&GRPC_STATUS)?.as_bytes();
        let found = place(value).and_then(|place| ALL.get(place));
        Some(found.copied().unwrap_or(Self::Unknown))
    }

    /// What a client makes of a response that has no `grpc-status` at all.
    ///
    /// gRPC's "HTTP to gRPC Status Code Mapping". A 200 has broken off, which says nothing.
    #[must_use]
    pub fn of_http(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_REQUEST => Self::Internal,
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::PermissionDenied,
            StatusCode::NOT_FOUND => Self::Unimplemented,
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Self::Unavailable,
            _ => Self::Unknown,
        }
    }

    /// Whether it tells that a handler was there to answer.
    ///
    /// The others are what a service says before it looks for the method, or instead: who is refused, what is overloaded, what
    /// broke. A stranger gets them for methods that no one has.
    pub(crate) fn is_of_a_handler(self) -> bool {
        matches!(
            self,
            Self::Ok
                | Self::InvalidArgument
                | Self::NotFound
                | Self::AlreadyExists
                | Self::FailedPrecondition
                | Self::Aborted
                | Self::OutOfRange
                | Self::DataLoss
        )
    }

    /// The code of this number; what is none is `UNKNOWN`.
    #[must_use]
    pub fn of_number(number: i32) -> Self {
        let place = usize::try_from(number).ok();
        let found = place.and_then(|place| ALL.get(place));
        found.copied().unwrap_or(Self::Unknown)
    }

    /// The name that `rpc.response.status_code` has.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }
}

/// `error.type` of a SERVER span: the codes that are the server's own failure. The others are the caller's.
#[must_use]
pub fn server_error_type(code: GrpcCode) -> Option<&'static str> {
    let is_error = matches!(
        code,
        GrpcCode::Unknown
            | GrpcCode::DeadlineExceeded
            | GrpcCode::Unimplemented
            | GrpcCode::Internal
            | GrpcCode::Unavailable
            | GrpcCode::DataLoss
    );
    is_error.then(|| code.as_str())
}

/// `error.type` of a CLIENT span: every code but `OK`.
#[must_use]
pub fn client_error_type(code: GrpcCode) -> Option<&'static str> {
    (code != GrpcCode::Ok).then(|| code.as_str())
}

/// One or two digits: `grpc-status` is a decimal number without leading zeros.
fn place(value: &[u8]) -> Option<usize> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| usize::from(byte - b'0'));
    match value {
        [one] => digit(*one),
        [b'1', one] => Some(10 + digit(*one)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_by_its_number() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(&GRPC_STATUS, value.parse().unwrap());
            GrpcCode::of_headers(&headers)
        };
        for (number, code) in ALL.into_iter().enumerate() {
            assert_eq!(read(&number.to_string()), Some(code));
            assert_eq!(GrpcCode::of_number(number as i32), code);
        }
        for wrong in [
            "", "17", "20", "00", "01", "-1", "+1", "OK", "100", "1 ", "²", "1&", "1/", ":", "@",
        ] {
            assert_eq!(read(wrong), Some(GrpcCode::Unknown), "{wrong:?}");
        }
        assert_eq!(GrpcCode::of_headers(&HeaderMap::new()), None);
        for number in [-1, 17, i32::MIN, i32::MAX] {
            assert_eq!(GrpcCode::of_number(number), GrpcCode::Unknown);
        }
    }

    #[test]
    fn every_code_has_a_name_and_most_are_no_error_of_the_server() {
        let servers = ALL.into_iter().filter_map(server_error_type);
        assert_eq!(
            servers.collect::<Vec<_>>(),
            [
                "UNKNOWN",
                "DEADLINE_EXCEEDED",
                "UNIMPLEMENTED",
                "INTERNAL",
                "UNAVAILABLE",
                "DATA_LOSS"
            ]
        );
        for code in ALL {
            let error = (code != GrpcCode::Ok).then_some(code.as_str());
            assert_eq!(client_error_type(code), error);
        }
    }

    #[test]
    fn a_response_without_grpc_status_is_read_by_its_http_status() {
        let table = [
            (200, "UNKNOWN"),
            (400, "INTERNAL"),
            (401, "UNAUTHENTICATED"),
            (403, "PERMISSION_DENIED"),
            (404, "UNIMPLEMENTED"),
            (418, "UNKNOWN"),
            (429, "UNAVAILABLE"),
            (500, "UNKNOWN"),
            (502, "UNAVAILABLE"),
            (503, "UNAVAILABLE"),
            (504, "UNAVAILABLE"),
        ];
        for (status, code) in table {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(GrpcCode::of_http(status).as_str(), code, "{status}");
        }
    }
}

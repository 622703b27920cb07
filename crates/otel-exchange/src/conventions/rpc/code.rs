//! The status codes of gRPC, and which are errors on which side.

use ::http::{HeaderMap, HeaderName, StatusCode};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GrpcCode {
    /// It succeeded.
    Ok,
    /// It was cancelled, usually by its caller.
    Cancelled,
    /// It failed for an unknown reason.
    Unknown,
    /// The caller sent an invalid argument.
    InvalidArgument,
    /// Its deadline passed before it was complete.
    DeadlineExceeded,
    /// The requested entity does not exist.
    NotFound,
    /// The entity to be created exists already.
    AlreadyExists,
    /// The caller does not have the permission.
    PermissionDenied,
    /// A quota or a resource is exhausted.
    ResourceExhausted,
    /// The system is not in the required state.
    FailedPrecondition,
    /// It was aborted because of a conflict and can be retried.
    Aborted,
    /// It went past the valid range.
    OutOfRange,
    /// The server does not implement the method.
    Unimplemented,
    /// The server has an internal error.
    Internal,
    /// The server is not available.
    Unavailable,
    /// Data is lost.
    DataLoss,
    /// The caller is not authenticated.
    Unauthenticated,
}

static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The codes, in the order of their numbers.
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
    /// Reads `grpc-status` from headers or trailers. An unknown value is `UNKNOWN`.
    ///
    /// Returns `None` if there is no such field.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(&GRPC_STATUS)?.as_bytes();
        let found = place(value).and_then(|place| ALL.get(place));
        Some(found.copied().unwrap_or(Self::Unknown))
    }

    /// Returns the code for a response without `grpc-status`.
    ///
    /// gRPC's "HTTP to gRPC Status Code Mapping". A 200 without a status is `UNKNOWN`.
    #[must_use]
    pub fn from_http(status: StatusCode) -> Self {
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

    /// Returns `true` if only a handler sends this code.
    ///
    /// A service sends the other codes before it looks up the method, for example to reject or to shed load. Untrusted clients
    /// receive them for methods that do not exist.
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

    /// Returns the code with this number. An unknown number is `UNKNOWN`.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        let place = usize::try_from(number).ok();
        let found = place.and_then(|place| ALL.get(place));
        found.copied().unwrap_or(Self::Unknown)
    }

    /// Returns the value of `rpc.status_code`.
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

/// Returns the `error.type` of a SERVER span, for the codes that are failures of the server.
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

/// Returns the `error.type` of a CLIENT span, for every code except `OK`.
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
            GrpcCode::from_headers(&headers)
        };
        for (number, code) in ALL.into_iter().enumerate() {
            assert_eq!(read(&number.to_string()), Some(code));
            assert_eq!(GrpcCode::from_number(number as i32), code);
        }
        for wrong in [
            "", "17", "20", "00", "01", "-1", "+1", "OK", "100", "1 ", "²", "1&", "1/", ":", "@",
        ] {
            assert_eq!(read(wrong), Some(GrpcCode::Unknown), "{wrong:?}");
        }
        assert_eq!(GrpcCode::from_headers(&HeaderMap::new()), None);
        for number in [-1, 17, i32::MIN, i32::MAX] {
            assert_eq!(GrpcCode::from_number(number), GrpcCode::Unknown);
        }
    }

    #[test]
    fn every_code_has_a_name_and_few_are_errors_of_the_server() {
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
            assert_eq!(GrpcCode::from_http(status).as_str(), code, "{status}");
        }
    }
}

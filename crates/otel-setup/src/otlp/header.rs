//! `OTEL_EXPORTER_OTLP_HEADERS`: `key=value,key=value`, values percent-encoded.

use std::mem;

use reqwest::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, USER_AGENT,
};

use crate::error::SetupError;
use crate::export::Protocol;
use crate::variables::{Found, percent_decoded};

/// Reads the list. An invalid header is an error, because the key that it holds would be missing.
pub(crate) fn parse(found: Found, protocol: Protocol) -> Result<Vec<(String, String)>, SetupError> {
    let mut headers = Vec::new();
    for part in found.value.split(',').map(str::trim) {
        if part.is_empty() {
            continue;
        }
        let header = part.split_once('=').and_then(|(name, value)| {
            let value = percent_decoded(value.trim())?;
            is_header(name.trim(), &value).then(|| (name.trim().to_owned(), value))
        });
        match header {
            Some((name, _)) if protocol == Protocol::Grpc && is_binary(&name) => {
                return Err(found.refuse("over gRPC, a name that ends with -bin is for bytes"));
            }
            Some(header) => headers.push(header),
            None => {
                return Err(found.refuse("use a list such as api-key=abc,tenant=shop"));
            }
        }
    }
    Ok(headers)
}

/// Checks the headers that code gave, too.
pub(crate) fn check(headers: &[(String, String)]) -> Result<(), SetupError> {
    match headers.iter().find(|(name, value)| !is_header(name, value)) {
        Some((name, _)) => Err(SetupError::exporter(format_args!(
            "the header {name:?} is invalid"
        ))),
        None => Ok(()),
    }
}

/// Returns `true` if metadata of this name holds bytes.
fn is_binary(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("-bin")
}

/// Keeps the headers of the protocol, and replaces all others by those of the settings.
///
/// opentelemetry-otlp adds the headers of the environment, also if [`override_variable`](crate::Builder::override_variable) replaces
/// them. Their keys may be those of another endpoint.
pub(super) fn replace(headers: &mut HeaderMap, settings: &HeaderMap) {
    let all = mem::take(headers);
    let of_protocol = all.iter().filter(|(name, _)| is_of_protocol(name));
    headers.extend(of_protocol.map(|(name, value)| (name.clone(), value.clone())));
    for (name, value) in settings {
        headers.insert(name, value.clone());
    }
}

fn is_of_protocol(name: &HeaderName) -> bool {
    [CONTENT_ENCODING, CONTENT_TYPE, TE, USER_AGENT].contains(name)
        || name.as_str().starts_with("grpc-")
}

fn is_header(name: &str, value: &str) -> bool {
    HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Result<Vec<(String, String)>, SetupError> {
        parsed_for(value, Protocol::HttpProtobuf)
    }

    fn parsed_for(value: &str, protocol: Protocol) -> Result<Vec<(String, String)>, SetupError> {
        let found = Found {
            name: "OTEL_EXPORTER_OTLP_HEADERS".to_owned(),
            value: value.to_owned(),
        };
        parse(found, protocol)
    }

    #[test]
    fn a_name_of_binary_metadata_is_an_error_only_over_grpc() {
        let value = "tenant=shop,Key-Bin=s3cret";
        assert_eq!(parsed_for(value, Protocol::HttpProtobuf).unwrap().len(), 2);
        let error = parsed_for(value, Protocol::Grpc).unwrap_err();
        assert!(error.is_invalid_variable(), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }

    #[test]
    fn a_list_of_headers_with_percent_encoded_values() {
        let headers = parsed(" api-key = a%20b=c ,, tenant=shop").unwrap();
        let expected = [("api-key", "a b=c"), ("tenant", "shop")];
        assert_eq!(
            headers,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn an_invalid_header_is_an_error_that_does_not_show_it() {
        for value in [
            "s3cret",
            "na me=s3cret",
            "key=s3cret%0A",
            "key=s3cret%FF",
            "=s3cret",
        ] {
            let error = parsed(value).unwrap_err();
            assert!(error.is_invalid_variable(), "{value}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}

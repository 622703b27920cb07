//! OTLP over HTTP with protobuf bodies (OTLP specification, "OTLP/HTTP").

use std::{io::Read, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use flate2::read::MultiGzDecoder;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use prost::Message;

use super::store::Store;
use crate::watched::Watched;

/// Creates the routes of the three signals. Metrics are not kept.
pub(super) fn router(store: Arc<Watched<Store>>, body_limit: usize) -> Router {
    Router::new()
        .route("/v1/traces", post(export_traces))
        .route("/v1/metrics", post(drop_metrics))
        .route("/v1/logs", post(export_logs))
        .layer(DefaultBodyLimit::max(body_limit))
        .with_state(Receiver { store, body_limit })
}

#[derive(Clone)]
struct Receiver {
    store: Arc<Watched<Store>>,
    body_limit: usize,
}

type Body = Result<Bytes, BytesRejection>;

async fn export_traces(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    require_protobuf(&headers)?;
    let request: ExportTraceServiceRequest = receiver.read(&headers, body)?;
    let answer = receiver.store.update(|store| store.export_traces(request));
    Ok(protobuf(StatusCode::OK, &answer))
}

async fn export_logs(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    if require_protobuf(&headers).is_ok() {
        let request: ExportLogsServiceRequest = receiver.read(&headers, body)?;
        receiver.store.update(|store| store.export_logs(request));
    } else {
        // JSON is accepted and dropped, so that the exporter does not report errors.
        receiver.store.update(|store| store.other_signals += 1);
    }
    Ok(protobuf(StatusCode::OK, &()))
}

/// Accepts metrics and drops them, so that the exporter does not report errors. The answer is an empty message, which has no
/// bytes.
async fn drop_metrics(
    State(receiver): State<Receiver>,
    body: Body,
) -> Result<Response, BytesRejection> {
    body?;
    receiver.store.update(|store| store.other_signals += 1);
    Ok(protobuf(StatusCode::OK, &()))
}

impl Receiver {
    fn read<T: Message + Default>(&self, headers: &HeaderMap, body: Body) -> Result<T, Refusal> {
        let limit = self.body_limit;
        let body = body.map_err(|rejection| {
            let message = format!("the body could not be read (limit: {limit} bytes)");
            Refusal(rejection.status(), message)
        })?;
        let body = decompress(headers, body, limit)?;
        T::decode(body).map_err(|error| {
            let message = format!("not an OTLP export request: {error}");
            Refusal(StatusCode::BAD_REQUEST, message)
        })
    }
}

fn require_protobuf(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = text(headers, header::CONTENT_TYPE);
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(PROTOBUF) {
        return Ok(());
    }
    let message = format!("this receiver reads only {PROTOBUF}: set the protocol to http/protobuf");
    Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

fn decompress(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Refusal> {
    match text(headers, header::CONTENT_ENCODING) {
        "" | "identity" => Ok(body),
        "gzip" => gunzip(&body, limit),
        other => {
            let message = format!(
                "this receiver does not unpack {other:?}: set the compression to gzip or none"
            );
            Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
        }
    }
}

/// Unpacks a body, which can grow to a thousand times its size.
fn gunzip(body: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    let mut unpacked = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(body)
        .take(most)
        .read_to_end(&mut unpacked);
    if let Err(error) = read {
        let message = format!("the body is not valid gzip: {error}");
        return Err(Refusal(StatusCode::BAD_REQUEST, message));
    }
    if unpacked.len() > limit {
        let message = format!("the unpacked body is longer than the limit of {limit} bytes");
        return Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok(unpacked.into())
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn protobuf(status: StatusCode, message: &impl Message) -> Response {
    let headers = [(header::CONTENT_TYPE, PROTOBUF)];
    (status, headers, message.encode_to_vec()).into_response()
}

/// An answer with a 4xx status, whose body is a `google.rpc.Status` (OTLP specification, "OTLP/HTTP Response").
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(status, message) = self;
        let code = INVALID_ARGUMENT;
        protobuf(status, &RpcStatus { code, message })
    }
}

/// `google.rpc.Status` without its details.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

const PROTOBUF: &str = "application/x-protobuf";
const INVALID_ARGUMENT: i32 = 3;

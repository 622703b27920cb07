//! OTLP over HTTP with protobuf bodies (OTLP specification, "OTLP/HTTP").

use std::{
    io::{self, Read},
    sync::Arc,
};

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

/// Creates the routes of the three signals. Metrics are not kept.
pub(super) fn router(store: Arc<Store>, body_limit: usize) -> Router {
    let traces = move |State(store): State<Arc<Store>>, headers: HeaderMap, body| async move {
        export_traces(&store, &headers, body, body_limit)
    };
    let logs = move |State(store): State<Arc<Store>>, headers: HeaderMap, body| async move {
        export_logs(&store, &headers, body, body_limit)
    };
    Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(drop_metrics))
        .route("/v1/logs", post(logs))
        .layer(DefaultBodyLimit::max(body_limit))
        .with_state(store)
}

fn export_traces(
    store: &Store,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    limit: usize,
) -> Result<Response, Refusal> {
    require_protobuf(headers)?;
    let request: ExportTraceServiceRequest = read(headers, body, limit)?;
    let answer = store.export_traces(request);
    Ok(protobuf(StatusCode::OK, &answer))
}

fn export_logs(
    store: &Store,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    limit: usize,
) -> Result<Response, Refusal> {
    if require_protobuf(headers).is_ok() {
        let request: ExportLogsServiceRequest = read(headers, body, limit)?;
        store.export_logs(request);
    } else {
        // JSON is accepted and dropped, so that the exporter does not report errors.
        store.count_other_signal();
    }
    Ok(protobuf(StatusCode::OK, &()))
}

fn read<T: Message + Default>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    limit: usize,
) -> Result<T, Refusal> {
    let body = body.map_err(|rejection| Refusal {
        status: rejection.status(),
        message: format!("the body could not be read (limit: {limit} bytes)"),
    })?;
    let body = decompress(headers, body, limit)?;
    T::decode(body).map_err(|error| Refusal {
        status: StatusCode::BAD_REQUEST,
        message: format!("not an OTLP export request: {error}"),
    })
}

/// Accepts metrics and drops them, so that the exporter does not report errors. The answer is an empty message, which has no
/// bytes.
async fn drop_metrics(
    State(store): State<Arc<Store>>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    match body {
        Ok(_) => {
            store.count_other_signal();
            protobuf(StatusCode::OK, &())
        }
        Err(rejection) => rejection.into_response(),
    }
}

fn require_protobuf(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = text(headers, header::CONTENT_TYPE);
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(PROTOBUF) {
        return Ok(());
    }
    Err(Refusal {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        message: format!("this receiver reads only {PROTOBUF}: set the protocol to http/protobuf"),
    })
}

fn decompress(headers: &HeaderMap, body: Bytes, limit: usize) -> Result<Bytes, Refusal> {
    match text(headers, header::CONTENT_ENCODING) {
        "" | "identity" => Ok(body),
        "gzip" => match gunzip(&body, limit) {
            Ok(Some(body)) => Ok(body.into()),
            Ok(None) => Err(Refusal {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                message: format!("the unpacked body is longer than the limit of {limit} bytes"),
            }),
            Err(_) => Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                message: "the body is not gzip".to_owned(),
            }),
        },
        _ => Err(Refusal {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            message: "this receiver unpacks only gzip: set the compression to gzip or none"
                .to_owned(),
        }),
    }
}

/// Unpacks a body, which can grow to a thousand times its size. Returns `None` if it grows beyond the limit.
fn gunzip(body: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut unpacked = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(body)
        .take(most)
        .read_to_end(&mut unpacked)?;
    Ok((unpacked.len() <= limit).then_some(unpacked))
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
struct Refusal {
    status: StatusCode,
    message: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = RpcStatus {
            code: INVALID_ARGUMENT,
            message: self.message,
        };
        protobuf(self.status, &status)
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

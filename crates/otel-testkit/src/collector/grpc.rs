//! OTLP over gRPC (OTLP specification, "OTLP/gRPC").

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response as HttpResponse},
};
use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use tonic::{Request, Response, Status, codec::CompressionEncoding, service::Routes};

use super::store::Store;
use crate::watched::Watched;

/// Creates the services of the three signals. Metrics are not kept.
pub(super) fn router(store: Arc<Watched<Store>>, body_limit: usize) -> Router {
    let receiver = Receiver { store };
    let traces = TraceServiceServer::new(receiver.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(body_limit);
    let logs = LogsServiceServer::new(receiver.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(body_limit);
    let metrics = MetricsServiceServer::new(receiver)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(body_limit);
    let routes = Routes::new(traces).add_service(logs).add_service(metrics);
    routes.into_axum_router().fallback(refuse)
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Answers requests for other paths. Requests without gRPC must not get a gRPC error: its HTTP status is 200, which an
/// exporter over HTTP takes for success.
async fn refuse(headers: HeaderMap) -> HttpResponse {
    if is_grpc(&headers) {
        return Status::unimplemented("this receiver accepts only traces, metrics and logs")
            .into_http();
    }
    let message =
        "this port accepts only OTLP over gRPC: use the HTTP port, or set the protocol to grpc";
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response()
}

#[derive(Clone)]
struct Receiver {
    store: Arc<Watched<Store>>,
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let request = request.into_inner();
        let answer = self.store.update(|store| store.export_traces(request));
        Ok(Response::new(answer))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let request = request.into_inner();
        self.store.update(|store| store.export_logs(request));
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        _: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.store.update(|store| store.other_signals += 1);
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

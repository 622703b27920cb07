//! OTLP over gRPC (OTLP specification, "OTLP/gRPC").

use std::sync::Arc;

use axum::Router;
use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use tonic::{Request, Response, Status, codec::CompressionEncoding, service::Routes};

use super::store::Store;

/// The services of traces and logs; tonic answers UNIMPLEMENTED for all others.
pub(super) fn router(store: Arc<Store>, body_limit: usize) -> Router {
    let receiver = Receiver { store };
    let traces = TraceServiceServer::new(receiver.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(body_limit);
    let logs = LogsServiceServer::new(receiver)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(body_limit);
    Routes::new(traces).add_service(logs).into_axum_router()
}

#[derive(Clone)]
struct Receiver {
    store: Arc<Store>,
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        Ok(Response::new(self.store.export(request.into_inner())))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.store.export_logs(request.into_inner());
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

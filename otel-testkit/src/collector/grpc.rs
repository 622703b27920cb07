//! OTLP over gRPC (OTLP specification, "OTLP/gRPC").

use std::sync::Arc;

use axum::Router;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tonic::{Request, Response, Status, codec::CompressionEncoding, service::Routes};

use super::store::Store;

/// The trace service; tonic answers UNIMPLEMENTED for all others.
pub(super) fn router(store: Arc<Store>, body_limit: usize) -> Router {
    let service = TraceServiceServer::new(Receiver { store })
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(body_limit);
    Routes::new(service).into_axum_router()
}

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

//! Run with `cargo run -p otel-examples --bin grpc_pricing`, together with `--bin pricing` and `--bin grpc_gateway`.
//!
//! The gRPC service `shop.Pricing`: `Quote` gets a price from the pricing service, `Watch` streams three prices.
//! Variables: `LISTEN` (127.0.0.1:8085), `PRICING_URL` (http://127.0.0.1:8081), and those of `otel_setup`.

use std::env;
use std::pin::Pin;

use futures_util::stream::{self, Stream, StreamExt as _};
use otel_examples::grpc::pricing_server::{Pricing, PricingServer};
use otel_examples::grpc::{FILE_DESCRIPTOR_SET, Quote, QuoteRequest};
use otel_examples::listen;
use otel_tower::ServerLayer;
use reqwest_middleware::ClientWithMiddleware;
use serde::Deserialize;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("grpc-pricing")?;
    let shop = Shop {
        client: otel_reqwest::wrap(reqwest::Client::new()),
        pricing: env::var("PRICING_URL").unwrap_or_else(|_| "http://127.0.0.1:8081".to_owned()),
    };
    let listener = listen("grpc_pricing", 8085).await?;
    Server::builder()
        // The methods are known from the first call on, also if that call fails.
        .layer(ServerLayer::new().grpc_descriptor_set(FILE_DESCRIPTOR_SET)?)
        .add_service(PricingServer::new(shop))
        .serve_with_incoming_shutdown(TcpIncoming::from(listener), otel_setup::shutdown_signal())
        .await?;
    Ok(())
}

#[derive(Clone)]
struct Shop {
    client: ClientWithMiddleware,
    pricing: String,
}

#[tonic::async_trait]
impl Pricing for Shop {
    async fn quote(&self, request: Request<QuoteRequest>) -> Result<Response<Quote>, Status> {
        let quote = self.price(request.into_inner().sku).await?;
        tracing::info!(sku = quote.sku, cents = quote.cents, "quoted");
        Ok(Response::new(quote))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<Quote, Status>> + Send>>;

    /// The call's span is active until the stream ends.
    async fn watch(
        &self,
        request: Request<QuoteRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (shop, sku) = (self.clone(), request.into_inner().sku);
        let quotes = stream::iter(1..=3).then(move |number| {
            let (shop, sku) = (shop.clone(), sku.clone());
            async move {
                tracing::info!(sku, number, "watched");
                shop.price(sku).await
            }
        });
        Ok(Response::new(quotes.boxed()))
    }
}

#[derive(Deserialize)]
struct Priced {
    cents: i64,
}

impl Shop {
    async fn price(&self, sku: String) -> Result<Quote, Status> {
        let url = format!("{}/quote/{sku}", self.pricing);
        let unavailable = |_| Status::unavailable("pricing cannot be reached");
        let response = self.client.get(url).send().await.map_err(unavailable)?;
        if response.status() == 404 {
            return Err(Status::not_found("no such article"));
        }
        let unreadable = |_| Status::internal("pricing's answer cannot be read");
        let priced: Priced = response.json().await.map_err(unreadable)?;
        let cents = priced.cents;
        Ok(Quote { sku, cents })
    }
}

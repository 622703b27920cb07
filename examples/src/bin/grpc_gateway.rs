//! Run with `cargo run -p otel-examples --bin grpc_gateway`, together with `--bin grpc_pricing` and `--bin pricing`.
//!
//! `GET /quote/{sku}` gets a price from the gRPC service. `GET /watch/{sku}` forwards its stream of prices, one per line.
//! Variables: `LISTEN` (127.0.0.1:8084), `GRPC_PRICING_URL` (http://127.0.0.1:8085), and those of `otel_setup`.

use std::env;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use futures_util::TryStreamExt as _;
use hyper_util::client::legacy::connect::HttpConnector;
use otel_examples::grpc::pricing_client::PricingClient;
use otel_examples::grpc::{Quote, QuoteRequest};
use otel_examples::serve;
use otel_tower::{ChannelPeer, ClientLayer, ClientService};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::Layer as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("grpc-gateway")?;
    let app = Router::new()
        .route("/quote/{sku}", get(quote))
        .route("/watch/{sku}", get(watch))
        .with_state(client()?)
        .layer(otel_tower::ServerLayer::new());
    serve("grpc_gateway", app, 8084).await
}

type Client = PricingClient<ClientService<Channel>>;

/// The first call connects. The channel adds the origin behind the layer, so the layer needs it too. The connector sees the
/// address of the other end, which the channel does not show.
fn client() -> anyhow::Result<Client> {
    let url = env::var("GRPC_PRICING_URL").unwrap_or_else(|_| "http://127.0.0.1:8085".to_owned());
    let origin: Uri = url.parse()?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let peer = ChannelPeer::default();
    let channel =
        Channel::builder(origin.clone()).connect_with_connector_lazy(peer.connector(connector));
    let layer = ClientLayer::new().grpc().origin(origin).channel_peer(peer);
    Ok(PricingClient::new(layer.layer(channel)))
}

async fn quote(
    State(mut client): State<Client>,
    Path(sku): Path<String>,
) -> Result<String, StatusCode> {
    let quote = client.quote(QuoteRequest { sku }).await;
    let quote = quote.map_err(|status| status_code(&status))?;
    Ok(line(&quote.into_inner()))
}

async fn watch(
    State(mut client): State<Client>,
    Path(sku): Path<String>,
) -> Result<Body, StatusCode> {
    let quotes = client.watch(QuoteRequest { sku }).await;
    let quotes = quotes.map_err(|status| status_code(&status))?;
    let lines = quotes.into_inner().map_ok(|quote| line(&quote));
    Ok(Body::from_stream(lines))
}

fn line(quote: &Quote) -> String {
    format!("{} costs {} cents\n", quote.sku, quote.cents)
}

fn status_code(status: &Status) -> StatusCode {
    match status.code() {
        Code::NotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_GATEWAY,
    }
}

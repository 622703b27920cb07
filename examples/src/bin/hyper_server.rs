//! Run with `cargo run -p otel-examples --bin hyper_server`, then `curl http://127.0.0.1:8097/hello/ada`.
//!
//! A server on hyper only, without tower. Its adapter is the function `traced`, which needs `otel_exchange` only.
//! Variables: `LISTEN` (127.0.0.1:8097), and those of `otel_setup`.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use otel_exchange::server::{Exchange, ResponseBody, ServerOptions};
use otel_exchange::server_span;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("hyper_server")?;
    let mut options = ServerOptions::new("hyper_server", env!("CARGO_PKG_VERSION"));
    options.set_tracing_span(Some(|text| server_span!("hyper_server", text)));
    options.set_route(|request| route(request.uri().path()));
    options.set_peer(|request| request.extensions().get().copied());
    let options = Arc::new(options);
    let listener = otel_examples::listen("hyper_server", 8097).await?;
    let mut shutdown = pin!(otel_setup::shutdown_signal());
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut shutdown => return Ok(()),
        };
        let options = Arc::clone(&options);
        let service = service_fn(move |mut request| {
            request.extensions_mut().insert(peer);
            traced(Arc::clone(&options), request)
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Runs the handler inside the request's span. The span ends at the end of the response body.
///
/// If the client disconnects before that, hyper drops this future or the body, and the request ends as cancelled.
async fn traced(
    options: Arc<ServerOptions>,
    mut request: Request<Incoming>,
) -> hyper::Result<Response<ResponseBody<AnyBody>>> {
    let Some((mut exchange, entry)) = Exchange::open(&options, &mut request) else {
        return Ok(handle(request).await.map(ResponseBody::untraced));
    };
    let mut handler = exchange.run_first(entry, || Box::pin(handle(request)));
    let response = poll_fn(|task| exchange.run(|| handler.as_mut().poll(task))).await;
    Ok(exchange.into_response(response))
}

type AnyBody = BoxBody<Bytes, hyper::Error>;

/// Sends the body back for `/echo`, and a body without an end for `/silence`.
async fn handle(request: Request<Incoming>) -> Response<AnyBody> {
    tracing::info!("handled");
    let mut response = Response::new(AnyBody::default());
    match route(request.uri().path()) {
        Some("/hello/{name}") => {
            let text = request.uri().path().replace("/hello/", "hello ");
            *response.body_mut() = Full::from(text).map_err(|never| match never {}).boxed();
        }
        Some("/echo") => *response.body_mut() = request.into_body().boxed(),
        Some("/silence") => *response.body_mut() = StreamBody::new(stream::pending()).boxed(),
        Some(_) => panic!("the span records that the handler panicked"),
        None => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}

/// Returns the template that the path matches.
fn route(path: &str) -> Option<&'static str> {
    match path {
        "/echo" => Some("/echo"),
        "/panic" => Some("/panic"),
        "/silence" => Some("/silence"),
        _ => path.starts_with("/hello/").then_some("/hello/{name}"),
    }
}

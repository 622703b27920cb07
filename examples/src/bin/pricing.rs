//! Run with `cargo run -p otel-examples --bin pricing`, together with `--bin gateway`.
//!
//! `GET /quote/{sku}` looks up a price in SQLite. An unknown sku is 404. With `?fail=1` the response is 500. With `?flaky=1` only
//! every third request succeeds, the others are 503.
//! Variables: `LISTEN` (127.0.0.1:8081), and those of `otel_setup`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use opentelemetry::trace::{SpanKind, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, global};
use otel_core::error::RecordError as _;
use otel_examples::{serve, with_span_layer};
use rusqlite::{Connection, OptionalExtension as _};
use serde::{Deserialize, Serialize};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let telemetry = otel_setup::builder().service_name("pricing");
    let _telemetry = with_span_layer(telemetry).init()?;
    let prices = Prices::open()?;
    let app = Router::new()
        .route("/quote/{sku}", get(quote))
        .with_state(prices)
        .layer(otel_tower::ServerLayer::new());
    serve("pricing", app, 8081).await
}

#[derive(Deserialize)]
struct Options {
    fail: Option<String>,
    flaky: Option<String>,
}

#[derive(Serialize)]
struct Quote {
    sku: String,
    cents: i64,
}

async fn quote(
    State(prices): State<Prices>,
    Path(sku): Path<String>,
    Query(options): Query<Options>,
) -> Result<Json<Quote>, StatusCode> {
    if options.flaky.is_some() && !prices.is_third_time() {
        tracing::warn!(sku, "not available at the moment");
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    // The archive does not exist, so the query fails.
    let table = if options.fail.is_some() {
        "archived_prices"
    } else {
        "prices"
    };
    match prices.find(table, sku.clone()).await {
        Ok(Some(cents)) => {
            tracing::info!(sku, cents, "quoted");
            Ok(Json(Quote { sku, cents }))
        }
        Ok(None) => {
            tracing::info!(sku, "no such article");
            Err(StatusCode::NOT_FOUND)
        }
        Err(error) => {
            tracing::error!(sku, %error, "price not found");
            Err(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

#[derive(Clone)]
struct Prices {
    db: Arc<Mutex<Connection>>,
    flaky: Arc<AtomicUsize>,
}

impl Prices {
    fn open() -> rusqlite::Result<Self> {
        let db = Connection::open_in_memory()?;
        db.execute_batch(
            "CREATE TABLE prices (sku TEXT PRIMARY KEY, cents INTEGER NOT NULL);
             INSERT INTO prices VALUES ('espresso', 250), ('ciabatta', 620);",
        )?;
        Ok(Self {
            db: Arc::new(Mutex::new(db)),
            flaky: Arc::default(),
        })
    }

    fn is_third_time(&self) -> bool {
        self.flaky.fetch_add(1, Ordering::Relaxed) % 3 == 2
    }

    /// Runs the query on a thread for blocking work, inside a CLIENT span of the database conventions.
    async fn find(&self, table: &'static str, sku: String) -> Result<Option<i64>, PriceError> {
        let query = format!("SELECT cents FROM {table} WHERE sku = ?1");
        let tracer = global::tracer("pricing");
        let span = tracer
            .span_builder(format!("SELECT {table}"))
            .with_kind(SpanKind::Client)
            .with_attributes([
                KeyValue::new("db.system.name", "sqlite"),
                KeyValue::new("db.namespace", "prices"),
                KeyValue::new("db.collection.name", table),
                KeyValue::new("db.operation.name", "SELECT"),
                KeyValue::new("db.query.summary", format!("SELECT {table}")),
                KeyValue::new("db.query.text", query.clone()),
            ])
            .start(&tracer);
        let context = Context::current_with_span(span);
        let db = Arc::clone(&self.db);
        let lookup = move || {
            // The other thread does not have the context of this request, so the context is moved there.
            let _active = context.clone().attach();
            let db = db.lock().unwrap_or_else(PoisonError::into_inner);
            let found = db
                .query_row(&query, [&sku], |row| row.get(0))
                .optional()
                .map_err(PriceError::Database)
                .record_err();
            tracing::info!(
                sku,
                table,
                found = matches!(found, Ok(Some(_))),
                "price looked up"
            );
            context.span().end();
            found
        };
        tokio::task::spawn_blocking(lookup)
            .await
            .unwrap_or(Err(PriceError::Interrupted))
    }
}

#[derive(Debug, thiserror::Error)]
enum PriceError {
    #[error("the price list cannot be read")]
    Database(#[source] rusqlite::Error),
    #[error("the look-up was interrupted")]
    Interrupted,
}

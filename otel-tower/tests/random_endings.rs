//! Ten thousand requests over four threads, hundreds at once, each with its own ending, in a process that is set up globally.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::get;
use futures_util::{StreamExt as _, future, stream};
use opentelemetry::global;
use opentelemetry::trace::Status;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use otel_core::propagation::CompositePropagator;
use otel_testkit::Recorder;
use otel_tower::ServerLayer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const REQUESTS: u32 = 10_000;
/// The requests that are open at a time.
const AT_ONCE: usize = 400;
const LIMIT: Duration = Duration::from_secs(60);

/// The endings, in turn: what the handler is asked for, the status code, `error.type`.
const ENDINGS: [(&str, Option<&str>, Option<&str>); 9] = [
    ("complete", Some("200"), None),
    ("empty", Some("204"), None),
    ("stream", Some("200"), None),
    ("refused", Some("503"), Some("503")),
    ("broken", Some("200"), Some("body_error")),
    ("panic", None, Some("panic")),
    ("panic-later", Some("200"), Some("panic")),
    ("hang", None, Some("cancelled")),
    ("endless", Some("200"), Some("cancelled")),
];

type Waiting = Arc<Mutex<HashMap<u32, oneshot::Sender<()>>>>;

async fn end(
    Path((ending, id)): Path<(String, u32)>,
    State(waiting): State<Waiting>,
) -> Response<Body> {
    let frame = || stream::iter([Ok::<_, io::Error>("frame")]);
    match ending.as_str() {
        "complete" => "hello".into_response(),
        "empty" => StatusCode::NO_CONTENT.into_response(),
        "stream" => Body::from_stream(frame().chain(frame())).into_response(),
        "refused" => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        "broken" => {
            let broken = stream::iter([Err(io::Error::other("disk gone"))]);
            Body::from_stream(frame().chain(broken)).into_response()
        }
        "panic" => panic!("on purpose"),
        "panic-later" => {
            let panics = stream::poll_fn(|_| panic!("on purpose"));
            Body::from_stream(frame().chain(panics)).into_response()
        }
        "hang" => {
            waiting
                .lock()
                .unwrap()
                .remove(&id)
                .unwrap()
                .send(())
                .unwrap();
            future::pending().await
        }
        "endless" => {
            let frames = stream::unfold((), |()| async {
                tokio::task::yield_now().await;
                Some((Ok::<_, io::Error>(vec![b'x'; 8192]), ()))
            });
            Body::from_stream(frames).into_response()
        }
        other => panic!("no ending is {other}"),
    }
}

/// Asks for an ending, and leaves where that is the ending.
async fn ask(address: SocketAddr, ending: &str, id: u32, waiting: Waiting) {
    let (sender, entered) = oneshot::channel();
    waiting.lock().unwrap().insert(id, sender);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /{ending}/{id} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = [0; 1024];
    match ending {
        "hang" => entered.await.unwrap(),
        "endless" => assert!(stream.read(&mut buffer).await.unwrap() > 0),
        // A connection that the server breaks off has ended as well.
        _ => while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {},
    }
}

#[test]
fn ten_thousand_random_endings_run_one_end_hook_each_and_leave_nothing_open() {
    let recorder = Recorder::new();
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let meters = SdkMeterProvider::builder().with_reader(reader).build();
    // A layer may be made before the providers are set.
    let ended = Arc::new(Mutex::new(HashMap::<String, u32>::new()));
    let sink = Arc::clone(&ended);
    let layer = ServerLayer::new()
        .active_requests()
        .on_end(move |request, _, _| {
            let path = request.uri().path().to_owned();
            *sink.lock().unwrap().entry(path).or_default() += 1;
        });
    global::set_tracer_provider(recorder.tracer_provider());
    global::set_meter_provider(meters.clone());
    global::set_text_map_propagator(CompositePropagator::default());
    tracing::subscriber::set_global_default(recorder.subscriber()).unwrap();
    // Hundreds of panics on purpose say nothing.
    std::panic::set_hook(Box::new(|_| {}));

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let asked = runtime.block_on(async {
        let waiting = Waiting::default();
        let app = Router::new()
            .route("/{ending}/{id}", get(end))
            .layer(layer)
            .with_state(Arc::clone(&waiting));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, app).await });
        let mut random = 1_u32;
        let mut asked = [0; ENDINGS.len()];
        let mut clients = VecDeque::new();
        for id in 0..REQUESTS {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let which = random as usize / 65_536 % ENDINGS.len();
            asked[which] += 1;
            if clients.len() == AT_ONCE {
                let client: tokio::task::JoinHandle<()> = clients.pop_front().unwrap();
                client.await.unwrap();
            }
            clients.push_back(tokio::spawn(ask(
                address,
                ENDINGS[which].0,
                id,
                Arc::clone(&waiting),
            )));
        }
        for client in clients {
            client.await.unwrap();
        }
        let started = Instant::now();
        while active(&meters, &exporter) != 0 || recorder.spans().len() < REQUESTS as usize {
            let ended = recorder.spans().len();
            assert!(
                started.elapsed() < LIMIT,
                "{ended} of {REQUESTS} have ended"
            );
            tokio::task::yield_now().await;
        }
        asked
    });
    drop(std::panic::take_hook());

    let ended = ended.lock().unwrap();
    assert_eq!(ended.len(), REQUESTS as usize);
    assert!(ended.values().all(|hooks| *hooks == 1));
    let spans = recorder.spans();
    assert_eq!(spans.len(), REQUESTS as usize);
    assert!(asked.iter().all(|count| *count > 50), "{asked:?}");
    for ((ending, status, error_type), count) in ENDINGS.into_iter().zip(asked) {
        let text = |span: &otel_testkit::Span, key| span.attribute(key).map(ToString::to_string);
        let is_it = |span: &&otel_testkit::Span| {
            let path = text(span, "url.path").unwrap();
            path.split('/').nth(1) == Some(ending)
        };
        let ended: Vec<_> = spans.iter().filter(is_it).collect();
        assert_eq!(ended.len(), count, "{ending}");
        for span in ended {
            assert_eq!(
                text(span, "http.response.status_code").as_deref(),
                status,
                "{span:?}"
            );
            assert_eq!(text(span, "error.type").as_deref(), error_type, "{span:?}");
            assert_eq!(
                span.status() != &Status::Unset,
                error_type.is_some(),
                "{span:?}"
            );
        }
    }
}

/// How many requests are being answered, by the gauge. It must have been seen at least once.
fn active(meters: &SdkMeterProvider, exporter: &InMemoryMetricExporter) -> i64 {
    exporter.reset();
    meters.force_flush().unwrap();
    let finished = exporter.get_finished_metrics().unwrap();
    let metrics = finished
        .iter()
        .flat_map(|it| it.scope_metrics())
        .flat_map(|it| it.metrics());
    let gauge = metrics.filter(|it| it.name() == "http.server.active_requests");
    let values: Vec<i64> = gauge
        .filter_map(|it| match it.data() {
            AggregatedMetrics::I64(MetricData::Sum(sum)) => Some(sum),
            _ => None,
        })
        .flat_map(|sum| sum.data_points().map(|point| point.value()))
        .collect();
    assert!(!values.is_empty());
    values.iter().sum()
}

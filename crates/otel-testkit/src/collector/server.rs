//! The thread that serves both protocols.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::Router;
use tokio::{
    net::TcpListener as Listener,
    runtime::{self, Runtime},
    sync::watch,
    time,
};

use super::{error::CollectorError, grpc, http, store::Store};
use crate::watched::Watched;

/// Serves both protocols until it is dropped. Then exports in flight have a second to finish.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) http: SocketAddr,
    pub(super) grpc: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Binds the ports and starts the thread. Exports with a body longer than `body_limit` bytes are refused.
    pub(super) fn start(
        http_port: u16,
        grpc_port: u16,
        body_limit: usize,
        store: &Arc<Watched<Store>>,
    ) -> Result<Self, CollectorError> {
        let bind = |port| bind(port).map_err(|error| CollectorError::bind(port, error));
        let (http_listener, http) = bind(http_port)?;
        let (grpc_listener, grpc) = bind(grpc_port)?;
        let http_router = http::router(Arc::clone(store), body_limit);
        let grpc_router = grpc::router(Arc::clone(store), body_limit);

        let (stop, stopped) = watch::channel(false);
        let (report, started) = mpsc::sync_channel(1);
        // The caller may run inside a runtime, where another runtime can neither be entered nor dropped.
        let run = move || match prepare(http_listener, grpc_listener) {
            Ok((runtime, http_listener, grpc_listener)) => {
                let _ = report.send(Ok(())); // the caller waits for this
                let http = serve(http_listener, http_router, stopped.clone());
                let grpc = serve(grpc_listener, grpc_router, stopped.clone());
                runtime.block_on(until_stopped(http, grpc, stopped));
            }
            Err(error) => {
                let _ = report.send(Err(error)); // the caller waits for this
            }
        };
        let thread = thread::Builder::new()
            .name("otlp-receiver".to_owned())
            .spawn(run)
            .map_err(CollectorError::runtime)?;
        started
            .recv()
            .unwrap_or_else(|gone| Err(io::Error::other(gone)))
            .map_err(CollectorError::runtime)?;
        Ok(Self {
            http,
            grpc,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic of the thread has already been printed
        }
    }
}

fn bind(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

fn prepare(http: TcpListener, grpc: TcpListener) -> io::Result<(Runtime, Listener, Listener)> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()?;
    let (http, grpc) = {
        let _entered = runtime.enter();
        (Listener::from_std(http)?, Listener::from_std(grpc)?)
    };
    Ok((runtime, http, grpc))
}

/// Serves both protocols until they have stopped, or until the grace period after the stop signal is over.
async fn until_stopped(
    http: impl Future<Output = io::Result<()>>,
    grpc: impl Future<Output = io::Result<()>>,
    stopped: watch::Receiver<bool>,
) {
    let limit = async {
        wait(stopped).await;
        time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = async { tokio::join!(http, grpc) } => {}
        () = limit => {}
    }
}

/// Serves HTTP/1 and HTTP/2 with prior knowledge, which gRPC uses.
async fn serve(
    listener: Listener,
    router: Router,
    stopped: watch::Receiver<bool>,
) -> io::Result<()> {
    axum::serve(listener, router)
        .with_graceful_shutdown(wait(stopped))
        .await
}

async fn wait(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await; // an error means that the sender is gone, which also stops
}

/// The time that exports in flight have after the receiver was dropped.
const GRACE: Duration = Duration::from_secs(1);

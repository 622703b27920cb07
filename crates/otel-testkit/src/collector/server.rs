//! The thread that serves both protocols, from the bound ports to the end.

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

use super::{CollectorBuilder, error::CollectorError, grpc, http, store::Store};

/// Serves until it is dropped; open exports then have a second to finish.
#[derive(Debug)]
pub(super) struct Server {
    http: SocketAddr,
    grpc: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(
        settings: &CollectorBuilder,
        store: &Arc<Store>,
    ) -> Result<Self, CollectorError> {
        let (http_listener, http) = bind(settings.http_port)?;
        let (grpc_listener, grpc) = bind(settings.grpc_port)?;
        let http_router = http::router(Arc::clone(store), settings.body_limit);
        let grpc_router = grpc::router(Arc::clone(store), settings.body_limit);

        let (stop, stopped) = watch::channel(false);
        let (report, started) = mpsc::sync_channel(1);
        // The runtime lives and dies on the thread: the caller may be within a runtime, where neither is allowed.
        let run = move || {
            let prepared = prepare(http_listener, grpc_listener);
            let (prepared, result) = match prepared {
                Ok(prepared) => (Some(prepared), Ok(())),
                Err(error) => (None, Err(error)),
            };
            let _ = report.send(result); // the caller waits for it
            if let Some((runtime, http_listener, grpc_listener)) = prepared {
                let http = serve(http_listener, http_router, stopped.clone());
                let grpc = serve(grpc_listener, grpc_router, stopped.clone());
                runtime.block_on(until_stopped(http, grpc, stopped));
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

    pub(super) fn http_addr(&self) -> SocketAddr {
        self.http
    }

    pub(super) fn grpc_addr(&self) -> SocketAddr {
        self.grpc
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // it has no panic to report: it serves, and ends
        }
    }
}

fn bind(port: u16) -> Result<(TcpListener, SocketAddr), CollectorError> {
    let bind = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        Ok((listener, addr))
    };
    bind().map_err(|error| CollectorError::bind(port, error))
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

/// Serves both until they have stopped, or the grace period after the call to stop is over.
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

/// Serves gRPC too: axum speaks HTTP/2 with prior knowledge.
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
    let _ = stopped.wait_for(|stop| *stop).await; // an error means the sender is gone: the same
}

/// How long open exports may take once the receiver is dropped.
const GRACE: Duration = Duration::from_secs(1);

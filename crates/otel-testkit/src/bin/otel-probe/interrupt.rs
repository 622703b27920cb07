//! Ctrl-C as something to look at, so that what came is still shown.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tokio::runtime;

/// Whether Ctrl-C was pressed since this was created; the process does not end by it any more.
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signal = {
            let _guard = runtime.enter();
            listen()?
        };
        let pressed = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&pressed);
        thread::spawn(move || {
            runtime.block_on(signal.recv());
            told.store(true, Ordering::Relaxed);
        });
        Ok(Self(pressed))
    }

    pub(crate) fn is_pressed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(unix)]
fn listen() -> io::Result<tokio::signal::unix::Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::interrupt())
}

#[cfg(windows)]
fn listen() -> io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}

//! The buffered writer: when it writes, what it keeps and what it counts.

#![allow(clippy::unwrap_used)] // clippy.toml allows it inside #[test] only

mod common;

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::{self, Command},
    sync::{Arc, Condvar, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use common::{Capture, fixed_clock};
use otel_log::BufferedWriter;
use tracing::{error, info, subscriber::with_default};
use tracing_subscriber::{fmt::MakeWriter as _, layer::SubscriberExt as _, registry};

const LIMIT: Duration = Duration::from_secs(20);

fn log_to(writer: &BufferedWriter, f: impl FnOnce()) {
    let layer = otel_log::layer().writer(writer.clone()).clock(fixed_clock);
    with_default(registry().with(layer.expect_ids(false)), f);
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        thread::yield_now();
    }
}

/// Holds each write up until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>, Capture);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

impl io::Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (lock, opened) = &*self.0;
        drop(
            opened
                .wait_while(lock.lock().unwrap(), |is_open| !*is_open)
                .unwrap(),
        );
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_are_written_in_order_and_many_at_once() {
    let capture = Capture::default();
    let writer = BufferedWriter::new(capture.clone());
    log_to(&writer, || {
        for number in 0..5_000 {
            info!(number, "a line");
        }
    });
    assert!(writer.flush(LIMIT));
    let text = capture.text();
    let numbers = text.lines().map(|line| {
        common::parse(&format!("{line}\n"))["number"]
            .as_u64()
            .unwrap()
    });
    assert!(numbers.eq(0..5_000));
    // 5,000 lines of a little over 100 bytes, 64 KiB at a time
    assert!(capture.writes() < 100, "{} writes", capture.writes());
    assert_eq!(writer.lost(), 0);
}

#[test]
fn a_line_does_not_wait_for_others_for_ever() {
    let capture = Capture::default();
    let writer = BufferedWriter::new(capture.clone());
    log_to(&writer, || info!("alone"));
    wait_for("the line", || !capture.text().is_empty());
}

#[test]
fn an_error_takes_those_before_it_along() {
    let capture = Capture::default();
    let writer = BufferedWriter::new(capture.clone());
    log_to(&writer, || {
        info!("before");
        error!("now");
    });
    wait_for("both lines", || capture.text().lines().count() == 2);
}

#[test]
fn a_reader_that_stands_still_holds_nobody_up_and_what_is_lost_is_counted() {
    let gate = Gate::default();
    let writer = BufferedWriter::new(gate.clone());
    let (done, is_done) = mpsc::channel();
    let (for_thread, long) = (writer.clone(), "x".repeat(10_000));
    thread::spawn(move || {
        log_to(&for_thread, || (0..2_000).for_each(|_| info!(long, "m")));
        done.send(()).unwrap();
    });
    is_done
        .recv_timeout(LIMIT)
        .expect("the thread that logs waits for the reader");
    let lost = writer.lost();
    assert!(
        (1_000..1_300).contains(&lost),
        "{lost} lost of 20 MB with room for 8"
    );
    assert!(
        !writer.flush(Duration::from_millis(1)),
        "nothing can be written yet"
    );
    gate.open();
    assert!(writer.flush(LIMIT));
    assert_eq!(gate.1.text().lines().count() as u64, 2_000 - lost);
    assert_eq!(writer.lost(), lost);
}

#[test]
fn a_flush_does_not_take_lost_lines_for_written_ones() {
    let gate = Gate::default();
    let writer = BufferedWriter::new(gate.clone());
    let long = "x".repeat(1024 * 1024);
    let mut line = writer.make_writer();
    while writer.lost() == 0 {
        line.write_all(long.as_bytes()).unwrap();
    }
    let for_thread = writer.clone();
    let losing = thread::spawn(move || {
        let mut line = for_thread.make_writer();
        for _ in 0..100 {
            line.write_all(long.as_bytes()).unwrap();
        }
    });
    assert!(
        !writer.flush(Duration::from_millis(200)),
        "nothing was written"
    );
    losing.join().unwrap();
    assert!(
        !writer.flush(Duration::from_millis(1)),
        "nothing was written"
    );
    gate.open();
    assert!(writer.flush(LIMIT));
}

#[test]
fn panics_wait_for_a_reader_that_stands_still_only_once() {
    let gate = Gate::default();
    let writer = BufferedWriter::new(gate.clone());
    log_to(&writer, || info!("m"));
    let start = Instant::now();
    for _ in 0..20 {
        assert!(std::panic::catch_unwind(|| panic!("in a handler")).is_err());
    }
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
    gate.open();
    assert!(writer.flush(LIMIT));
}

#[test]
fn lines_that_cannot_be_written_are_counted() {
    let writer = BufferedWriter::file("/dev/full").unwrap();
    log_to(&writer, || (0..10).for_each(|_| info!("m")));
    assert!(writer.flush(LIMIT));
    assert_eq!(writer.lost(), 10);
}

#[test]
fn a_writer_that_panics_loses_its_lines_and_no_more() {
    struct Panicking(Capture, bool);

    impl io::Write for Panicking {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !std::mem::replace(&mut self.1, true) {
                panic!("in a writer");
            }
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let capture = Capture::default();
    let writer = BufferedWriter::new(Panicking(capture.clone(), false));
    log_to(&writer, || info!("first"));
    assert!(writer.flush(LIMIT));
    log_to(&writer, || info!("second"));
    assert!(writer.flush(LIMIT));
    assert_eq!(capture.line()["message"], "second");
    assert_eq!(writer.lost(), 1);
}

#[test]
fn the_guard_and_the_last_clone_flush() {
    let capture = Capture::default();
    let writer = BufferedWriter::new(capture.clone());
    let guard = writer.guard();
    log_to(&writer, || info!("first"));
    drop(guard);
    assert_eq!(capture.text().lines().count(), 1);
    log_to(&writer, || info!("second"));
    drop(writer);
    assert_eq!(capture.text().lines().count(), 2);
}

#[test]
fn a_panic_flushes() {
    let capture = Capture::default();
    let writer = BufferedWriter::new(capture.clone());
    let thread = thread::spawn(move || {
        log_to(&writer, || info!("the last words"));
        let panicked = std::panic::catch_unwind(|| panic!("the end"));
        assert!(panicked.is_err());
        capture.text().lines().count()
    });
    assert_eq!(thread.join().unwrap(), 1);
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("otel-log-{}-{name}.log", process::id()))
}

/// Run by the test below, in a process of its own.
#[test]
fn exits_with_a_line_in_the_buffer() {
    let Some(path) = std::env::var_os("OTEL_LOG_EXIT_TO") else {
        return;
    };
    let writer = BufferedWriter::file(path).unwrap();
    // not in the thread that made it, as with a runtime's workers
    let worker = thread::spawn(move || {
        log_to(&writer, || info!("the last words"));
        process::exit(0);
    });
    worker.join().unwrap();
}

#[test]
fn exit_flushes() {
    let path = temporary("exit");
    let status = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "exits_with_a_line_in_the_buffer",
            "--test-threads=1",
        ])
        .env("OTEL_LOG_EXIT_TO", &path)
        .status()
        .unwrap();
    assert!(status.success());
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(common::parse(&text)["message"], "the last words");
}

#[cfg(all(feature = "sighup", unix))]
#[test]
fn a_file_is_opened_again_after_sighup() {
    let (path, rotated) = (temporary("now"), temporary("rotated"));
    let writer = BufferedWriter::file_reopened_on_sighup(&path).unwrap();
    let log = |message: &str| {
        log_to(&writer, || info!("{message}"));
        assert!(writer.flush(LIMIT));
    };
    log("first");
    fs::rename(&path, &rotated).unwrap();
    log("second");
    signal_hook::low_level::raise(signal_hook::consts::SIGHUP).unwrap();
    log("third");
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        fs::remove_file(path).unwrap();
        text.lines()
            .map(|line| common::parse(&format!("{line}\n"))["message"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(read(&rotated), ["first", "second"]);
    assert_eq!(read(&path), ["third"]);
}

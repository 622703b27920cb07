//! The web page in a real browser: its contents in light and dark mode, and the effects of clicks, wheel and buttons.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use std::{
    env, fs,
    io::Cursor,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use opentelemetry::trace::{
    Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use otel_testkit::{HtmlPage, LogLine, Recorder, Trace};

/// A request through two services. The second service fails, and its span has a log line.
fn failing_call() -> (Vec<Trace>, Vec<LogLine>) {
    let (shop, pricing) = (service("shop"), service("pricing"));
    let at = |millis: u64| std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_000 + millis);
    let start = |recorder: &Recorder, name, kind, parent: &Context, millis| {
        let tracer = recorder.tracer_provider().tracer("test");
        let span = tracer
            .span_builder(name)
            .with_kind(kind)
            .with_start_time(at(millis));
        parent.with_span(span.start_with_context(&tracer, parent))
    };
    let none = Context::new();
    let outer = start(&shop, "GET /checkout", SpanKind::Server, &none, 0);
    let call = start(&shop, "GET", SpanKind::Client, &outer, 10);
    let inner = start(&pricing, "GET /quote", SpanKind::Server, &call, 40);
    let id = inner.span().span_context().clone();
    inner
        .span()
        .set_attribute(KeyValue::new("error.type", "<b>500</b>"));
    inner.span().set_status(Status::error("out of stock"));
    inner.span().end_with_timestamp(at(70));
    call.span().end_with_timestamp(at(90));
    outer.span().end_with_timestamp(at(100));
    let mut other = shop.tracer_provider().tracer("test").start("another trace");
    other.end();

    let mut spans = shop.spans();
    spans.extend(pricing.spans());
    let line = format!(
        r#"{{"level":"ERROR","message":"no such price","trace_id":"{}","span_id":"{}"}}"#,
        id.trace_id(),
        id.span_id()
    );
    (Trace::group(spans), vec![LogLine::parse(&line).unwrap()])
}

fn service(name: &str) -> Recorder {
    Recorder::builder().service(name).build()
}

/// The page in a temporary file, with a script that acts like a user.
struct Page(PathBuf);

impl Page {
    fn write(script: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let (traces, logs) = failing_call();
        let page = HtmlPage::new(&traces, &logs).to_string();
        let page = page.replace("</body>", &format!("<script>{{{script}}}</script></body>"));
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("otel-testkit-page-{}-{number}.html", std::process::id());
        let file = env::temp_dir().join(name);
        fs::write(&file, page).unwrap();
        Self(file)
    }

    /// Runs the browser, and returns its output.
    fn open(&self, arguments: &[&str]) -> String {
        let browser = ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .filter_map(find_program)
            .next()
            .expect("this test needs Chromium: `cargo xtask tools` installs it on Debian, elsewhere install it by hand");
        let profile = self.0.with_extension("profile");
        let output = Command::new(browser)
            // The sandbox does not work for root, and the page is trusted.
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
            ])
            .args([
                "--disable-dev-shm-usage",
                "--window-size=1400,800",
                "--virtual-time-budget=2000",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(arguments)
            .arg(format!("file://{}", self.0.display()))
            .output()
            .unwrap();
        let _ = fs::remove_dir_all(profile); // it is below the temporary folder
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the findings of the script, which it writes into `data-found` of the body.
    fn found(&self) -> Vec<String> {
        let document = self.open(&["--dump-dom"]);
        let found = document.split_once("data-found=\"");
        let (_, rest) = found.unwrap_or_else(|| panic!("the script did not end:\n{document}"));
        let (found, _) = rest.split_once('"').unwrap();
        found.split('|').map(str::to_owned).collect()
    }

    fn screenshot(&self, arguments: &[&str]) -> Picture {
        let file = self.0.with_extension("png");
        let mut all = vec![format!("--screenshot={}", file.display())];
        all.extend(arguments.iter().map(|it| (*it).to_owned()));
        self.open(&all.iter().map(String::as_str).collect::<Vec<_>>());
        let picture = Picture::read(&fs::read(&file).unwrap());
        fs::remove_file(file).unwrap();
        picture
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // it is in the temporary folder
    }
}

fn find_program(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

struct Picture {
    width: usize,
    height: usize,
    channels: usize,
    bytes: Vec<u8>,
}

impl Picture {
    fn read(file: &[u8]) -> Self {
        let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        Self {
            width: info.width as usize,
            height: info.height as usize,
            channels: info.color_type.samples(),
            bytes,
        }
    }

    fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * self.channels;
        self.bytes[at..at + 3].try_into().unwrap()
    }

    /// Counts the pixels of the rectangle with exactly this colour.
    fn count(&self, rectangle: &[usize], color: [u8; 3]) -> usize {
        let [left, top, right, bottom] = rectangle[..] else {
            panic!("left, top, right, bottom")
        };
        let rows = top..bottom.min(self.height);
        rows.flat_map(|y| (left..right.min(self.width)).map(move |x| (x, y)))
            .filter(|(x, y)| self.pixel(*x, *y) == color)
            .count()
    }
}

/// Finds elements in the screenshot: `left,top,right,bottom` of the first element that matches.
const PLACES: &str = r#"
const place = (selector) => {
  const { left, top, right, bottom } = document.querySelector(selector).getBoundingClientRect();
  return [left, top, right, bottom].map(Math.round).join(",");
};
document.body.dataset.found = [".bar.error", ".gap-bar", ".bar:not(.error)"].map(place).join("|");
"#;

const LIGHT: [u8; 3] = [0xff, 0xff, 0xff];
const DARK: [u8; 3] = [0x14, 0x17, 0x1b];

#[test]
fn the_picture_shows_errors_red_and_gaps_hatched_in_light_and_dark() {
    let page = Page::write(PLACES);
    let places: Vec<Vec<usize>> = page
        .found()
        .iter()
        .map(|place| place.split(',').map(|it| it.parse().unwrap()).collect())
        .collect();
    // Argument, and the colours of background, error, gap and first service.
    let cases = [
        (
            "--blink-settings=preferredColorScheme=1",
            LIGHT,
            [0xc9, 0x2a, 0x2a],
            [0x9a, 0xa3, 0xad],
            [0x2f, 0x6f, 0xd6],
        ),
        (
            "--blink-settings=preferredColorScheme=0",
            DARK,
            [0xff, 0x6b, 0x6b],
            [0x6b, 0x76, 0x82],
            [0x6e, 0xa8, 0xfe],
        ),
    ];
    for (scheme, background, error, gap, service) in cases {
        let picture = page.screenshot(&[scheme]);
        assert_eq!(picture.pixel(700, 790), background, "{scheme}: background");
        let area = |place: &[usize]| (place[2] - place[0]) * (place[3] - place[1]);
        let filled =
            |place: &[usize], color| picture.count(place, color) * 100 / area(place).max(1);
        assert!(
            filled(&places[0], error) > 80,
            "{scheme}: the error's bar is red"
        );
        let hatched = filled(&places[1], gap);
        assert!(
            (15..95).contains(&hatched),
            "{scheme}: the gap is hatched, {hatched} %"
        );
        assert!(
            filled(&places[2], service) > 80,
            "{scheme}: the service's bar"
        );
    }
}

#[test]
fn rows_details_and_log_lines_are_there() {
    let page = Page::write(
        r##"
const text = (selector) => document.querySelector(selector).innerText.replaceAll("\n", " ");
const rows = [...document.querySelectorAll(".row .name")].map((row) => [...row.children].map((it) => it.textContent).join(" "));
document.body.dataset.found = [
  text("#title"), text("#summary"), rows.join("; "), document.querySelectorAll("#traces button").length,
  text("#details"), text("#logs"), document.querySelectorAll("b").length,
].join("|");
"##,
    );
    let found = page.found();
    assert_eq!(found[0], "GET /checkout");
    assert!(
        found[1].contains("100.0 ms · 3 spans · 2 services · 1 error"),
        "{}",
        found[1]
    );
    assert_eq!(
        found[2],
        "shop GET /checkout SERVER; shop GET CLIENT; pricing GET /quote SERVER"
    );
    assert_eq!(found[3], "2", "two traces to choose from");
    // The details first show the failed span.
    assert!(found[4].contains("GET /quote"), "{}", found[4]);
    assert!(found[4].contains("ERROR: out of stock"), "{}", found[4]);
    assert!(found[4].contains("no such price"), "{}", found[4]);
    assert!(found[5].contains("no such price"), "{}", found[5]);
    assert_eq!(found[6], "0", "an attribute is text, not markup");
}

#[test]
fn clicks_wheel_and_buttons_do_what_they_say() {
    let page = Page::write(
        r##"
const found = [];
const width = () => document.querySelector(".bar").style.width;
const rows = document.querySelectorAll(".row");
found.push(width());
document.querySelector("#zoom-in").click();
found.push(width());
document.querySelector("#fit").click();
found.push(width());
const track = rows[0].querySelector(".track");
const middle = track.getBoundingClientRect().left + track.clientWidth / 2;
track.dispatchEvent(new WheelEvent("wheel", { deltaY: -1, clientX: middle, bubbles: true, cancelable: true }));
found.push(width());
rows[2].dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
found.push(rows[2].querySelector(".bar").style.width);
rows[1].click();
found.push(document.querySelector("#details h2").innerText);
found.push(document.querySelector("#details").innerText.includes("30.0 ms before, 20.0 ms after"));
document.dispatchEvent(new KeyboardEvent("keydown", { key: "0" }));
found.push(width());
document.querySelectorAll("#traces button")[1].click();
found.push(document.querySelector("#title").innerText);
document.body.dataset.found = found.join("|");
"##,
    );
    let expected = [
        "100%",
        "200%",
        "100%",
        "125%",
        "100%",
        "GET",
        "true",
        "100%",
        "another trace",
    ];
    assert_eq!(page.found(), expected);
}

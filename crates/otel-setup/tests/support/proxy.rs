//! Processes with variables of proxies.

use std::net::TcpListener;
use std::thread;

use otel_setup::Telemetry;

/// The variable that the parent of a test's process names to its child.
pub(crate) const CASE: &str = "PROXY_TEST_CASE";
/// `user:p@ss`, which is `user:p%40ss` in a URL.
pub(crate) const CREDENTIALS: &str = "Basic dXNlcjpwQHNz";
const PROXIES: [&str; 9] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "REQUEST_METHOD",
];

/// Sets up the process with these variables, and no other variables of proxies.
pub(crate) fn set_up(variables: &[(&str, &str)]) -> Telemetry {
    let is_given = |name: &str| variables.iter().any(|(given, _)| *given == name);
    let none = PROXIES.iter().filter(|name| !is_given(name));
    let given = variables.iter().map(|(name, value)| (*name, Some(*value)));
    let variables: Vec<_> = none.map(|name| (*name, None)).chain(given).collect();
    temp_env::with_vars(variables, || otel_setup::init("checkout").unwrap())
}

pub(crate) fn export_a_span(telemetry: Telemetry) {
    tracing::info_span!("work").in_scope(|| ());
    telemetry.shutdown();
}

pub(crate) fn with_credentials(proxy: &str) -> String {
    proxy.replace("http://", "http://user:p%40ss@")
}

/// Returns the URL of a proxy that ends the process if anything connects.
pub(crate) fn unused_proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let stream = listener.accept();
        eprintln!("the proxy was used: {stream:?}");
        std::process::exit(1);
    });
    url
}

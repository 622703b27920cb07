//! The URL of one signal, and what its host says.

use std::net::IpAddr;

use reqwest::Url;

/// Returns the base URL with the path of a signal appended to its path. The query stays, and a fragment is dropped.
///
/// `http://collector:4318/otlp?tenant=a` and `v1/traces` make `http://collector:4318/otlp/v1/traces?tenant=a`.
pub(super) fn with_signal_path(base: &str, path: &str) -> String {
    let base = base.split_once('#').map_or(base, |(base, _)| base);
    let (base, query) = base.split_once('?').unwrap_or((base, ""));
    let base = base.trim_end_matches('/');
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{base}/{path}{mark}{query}")
}

/// Returns `true` if the host is this machine: `localhost` and names below it, addresses such as 127.0.0.1, and the unspecified
/// address.
pub(super) fn is_loopback(url: &str) -> bool {
    let url = Url::parse(url);
    let Some(host) = url.as_ref().ok().and_then(Url::host_str) else {
        return false;
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = address.parse::<IpAddr>() {
        let address = address.to_canonical(); // ::ffff:127.0.0.1 is 127.0.0.1
        return address.is_loopback() || address.is_unspecified();
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_signals_path_goes_before_the_query() {
        // base, expected
        let table = [
            ("http://h:4318", "http://h:4318/v1/traces"),
            ("http://h:4318/", "http://h:4318/v1/traces"),
            ("http://h:4318//", "http://h:4318/v1/traces"),
            ("http://h:4318/otlp", "http://h:4318/otlp/v1/traces"),
            ("http://h:4318/otlp/", "http://h:4318/otlp/v1/traces"),
            ("http://h/a/b%20c/", "http://h/a/b%20c/v1/traces"),
            ("http://h?tenant=a", "http://h/v1/traces?tenant=a"),
            ("http://h/?tenant=a", "http://h/v1/traces?tenant=a"),
            (
                "http://h:4318/otlp?tenant=a",
                "http://h:4318/otlp/v1/traces?tenant=a",
            ),
            (
                "http://h:4318/otlp/?tenant=a&zone=b",
                "http://h:4318/otlp/v1/traces?tenant=a&zone=b",
            ),
            (
                "https://h/in?path=/a/b/&next=http://x/?y",
                "https://h/in/v1/traces?path=/a/b/&next=http://x/?y",
            ),
            ("http://h/otlp?", "http://h/otlp/v1/traces"),
            ("http://h/otlp#part", "http://h/otlp/v1/traces"),
            ("http://h/otlp?a=b#part/?c", "http://h/otlp/v1/traces?a=b"),
            ("http://h#?a=b", "http://h/v1/traces"),
            ("http://[::1]:4318?a=b", "http://[::1]:4318/v1/traces?a=b"),
            (
                "http://[fe80::1]/otlp/?a=[b]",
                "http://[fe80::1]/otlp/v1/traces?a=[b]",
            ),
            (
                "https://user:pa%3Fss@h:1/otlp?a=b",
                "https://user:pa%3Fss@h:1/otlp/v1/traces?a=b",
            ),
        ];
        for (base, expected) in table {
            assert_eq!(with_signal_path(base, "v1/traces"), expected, "{base}");
        }
    }

    proptest! {
        #[test]
        fn only_the_path_changes(
            scheme in "https?",
            user in proptest::option::of("[a-z]{1,5}:[a-z]{1,5}@"),
            host in prop_oneof!["[a-z]{1,8}\\.example", Just("[2001:db8::1]".to_owned()), Just("10.0.0.1".to_owned())],
            port in proptest::option::of(1024_u16..),
            path in "(/[a-z0-9_~-]{0,6}){0,4}",
            query in proptest::option::of("[a-zA-Z0-9/?:@=&._~+,;-]{1,30}"),
            fragment in proptest::option::of("[a-z/?]{0,8}"),
            signal in prop_oneof![Just("v1/traces"), Just("v1/metrics"), Just("v1/logs")],
        ) {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let mark = |mark: &str, text: &Option<String>| {
                text.as_ref().map(|text| format!("{mark}{text}")).unwrap_or_default()
            };
            let base = format!(
                "{scheme}://{}{host}{port}{path}{}{}",
                user.unwrap_or_default(), mark("?", &query), mark("#", &fragment),
            );
            let url = Url::parse(&base);
            prop_assume!(url.is_ok()); // not with half an escape
            let url = url.unwrap();
            let made = Url::parse(&with_signal_path(&base, signal)).unwrap();
            prop_assert_eq!(made.query(), query.as_deref());
            prop_assert_eq!(made.fragment(), None);
            let expected = format!("{}/{signal}", url.path().trim_end_matches('/'));
            prop_assert_eq!(made.path(), expected);
            prop_assert_eq!(made.origin(), url.origin());
            prop_assert_eq!(made.username(), url.username());
            prop_assert_eq!(made.password(), url.password());
        }
    }

    #[test]
    fn loopback_hosts_are_known_in_every_form() {
        let loopback = [
            "http://localhost:4318",
            "http://LOCALHOST",
            "https://localhost./otlp",
            "http://collector.localhost:4318",
            "http://a.b.localhost.",
            "http://127.0.0.1:4318",
            "http://127.0.0.53",
            "http://127.1",
            "http://127.255.255.254/?a=b",
            "http://2130706433",
            "http://0x7f.0.0.1",
            "http://[::1]:4318",
            "http://[0:0:0:0:0:0:0:1]",
            "http://[::ffff:127.0.0.1]:4318",
            "http://[::ffff:7f00:1]",
            "http://user:pass@localhost:4318",
            "http://collector.example@127.0.0.1",
            "http://0.0.0.0:4318",
            "http://[::]:4318",
        ];
        for url in loopback {
            assert!(is_loopback(url), "{url}");
        }
        let others = [
            "http://collector:4318",
            "http://localhost.example",
            "http://localhosts",
            "http://mylocalhost",
            "http://localhost.localdomain.example",
            "http://127.0.0.1.example",
            "http://127.example",
            "http://128.0.0.1",
            "http://10.0.0.1",
            "http://[::2]",
            "http://[fe80::1]",
            "http://[::ffff:10.0.0.1]",
            "http://localhost@collector",
            "http://collector/localhost",
            "http://collector?localhost",
            "no URL",
            "",
        ];
        for url in others {
            assert!(!is_loopback(url), "{url}");
        }
    }
}

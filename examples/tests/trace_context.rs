//! The rules of W3C Trace Context level 2, seen from outside: what a service sends on for what it was sent.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use common::{LIMIT, gateway, start};

const TRACE: &str = "12345678901234567890123456789012";
const PARENT: &str = "1234567890123456";

/// What must come out at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sent {
    /// A new trace without tracestate.
    Restarted,
    /// The same trace with these flags and this tracestate.
    Continued(&'static str, Option<String>),
}

fn valid(flags: &str) -> String {
    format!("traceparent: 00-{TRACE}-{PARENT}-{flags}")
}

/// Rows about traceparent: name, header lines, what comes out.
fn traceparent_rows() -> Vec<(&'static str, Vec<String>, Sent)> {
    let continued = || Sent::Continued("01", None);
    let line = |value: String| vec![format!("traceparent: {value}")];
    let with = |parts: [&str; 4]| line(parts.join("-"));
    vec![
        ("none", vec![], Sent::Restarted),
        ("a valid one", vec![valid("01")], continued()),
        (
            "two of them",
            vec![valid("01"), valid("01")],
            Sent::Restarted,
        ),
        (
            "a list",
            line(format!("00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01")),
            Sent::Restarted,
        ),
        (
            "another name",
            vec![format!("trace-parent: 00-{TRACE}-{PARENT}-01")],
            Sent::Restarted,
        ),
        (
            "another name with a dot",
            vec![format!("trace.parent: 00-{TRACE}-{PARENT}-01")],
            Sent::Restarted,
        ),
        (
            "its name in capitals",
            vec![format!("TRACEPARENT: 00-{TRACE}-{PARENT}-01")],
            continued(),
        ),
        (
            "blanks around it",
            line(format!("\t 00-{TRACE}-{PARENT}-01 \t")),
            continued(),
        ),
        (
            "blanks within",
            line(format!("00-{TRACE} -{PARENT}-01")),
            Sent::Restarted,
        ),
        (
            "version 00 and more",
            line(format!("00-{TRACE}-{PARENT}-01.")),
            Sent::Restarted,
        ),
        (
            "version 00 and a dash",
            line(format!("00-{TRACE}-{PARENT}-01-")),
            Sent::Restarted,
        ),
        (
            "version 00 and a field",
            line(format!("00-{TRACE}-{PARENT}-01-what-will-be")),
            Sent::Restarted,
        ),
        (
            "a later version",
            with(["cc", TRACE, PARENT, "01"]),
            continued(),
        ),
        (
            "a later version and a field",
            line(format!("cc-{TRACE}-{PARENT}-01-what-will-be")),
            continued(),
        ),
        (
            "a later version and a dash",
            line(format!("cc-{TRACE}-{PARENT}-01-")),
            continued(),
        ),
        (
            "a later version and a dot",
            line(format!("cc-{TRACE}-{PARENT}-01.what")),
            Sent::Restarted,
        ),
        (
            "a later version and a third digit",
            line(format!("cc-{TRACE}-{PARENT}-010")),
            Sent::Restarted,
        ),
        (
            "version ff",
            with(["ff", TRACE, PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a version with a dot",
            with([".0", TRACE, PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a version in capitals",
            with(["CC", TRACE, PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a version of three digits",
            with(["000", TRACE, PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a version of one digit",
            with(["0", TRACE, PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a trace-id of zeros",
            with(["00", &"0".repeat(32), PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a trace-id with a dot",
            with(["00", &format!(".{}", &TRACE[1..]), PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a trace-id in capitals",
            with(["00", &"AB".repeat(16), PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a trace-id too long",
            with(["00", &format!("{TRACE}3"), PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a trace-id too short",
            with(["00", &TRACE[1..], PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a trace-id with a sign",
            with(["00", &format!("+{}", &TRACE[1..]), PARENT, "01"]),
            Sent::Restarted,
        ),
        (
            "a parent-id of zeros",
            with(["00", TRACE, "0000000000000000", "01"]),
            Sent::Restarted,
        ),
        (
            "a parent-id with a dot",
            with(["00", TRACE, ".234567890123456", "01"]),
            Sent::Restarted,
        ),
        (
            "a parent-id too long",
            with(["00", TRACE, "12345678901234567", "01"]),
            Sent::Restarted,
        ),
        (
            "a parent-id too short",
            with(["00", TRACE, "123456789012345", "01"]),
            Sent::Restarted,
        ),
        (
            "flags with a dot",
            with(["00", TRACE, PARENT, ".0"]),
            Sent::Restarted,
        ),
        (
            "flags too long",
            with(["00", TRACE, PARENT, "001"]),
            Sent::Restarted,
        ),
        (
            "flags too short",
            with(["00", TRACE, PARENT, "1"]),
            Sent::Restarted,
        ),
        (
            "not sampled",
            vec![valid("00")],
            Sent::Continued("00", None),
        ),
        ("random", vec![valid("02")], Sent::Continued("02", None)),
        (
            "sampled and random",
            vec![valid("03")],
            Sent::Continued("03", None),
        ),
        (
            "unknown flags",
            vec![valid("fe")],
            Sent::Continued("02", None),
        ),
        ("all flags", vec![valid("ff")], Sent::Continued("03", None)),
    ]
}

/// Rows about tracestate, beside a valid traceparent: name, values, what comes out.
fn tracestate_rows() -> Vec<(&'static str, Vec<String>, Option<String>)> {
    let one = |value: &str| vec![value.to_owned()];
    let some = |value: &str| Some(value.to_owned());
    let members = |count: usize| {
        let members: Vec<_> = (1..=count).map(|n| format!("bar{n:02}={n:02}")).collect();
        members.join(",")
    };
    let beside = |key: String| vec!["foo=1".to_owned(), format!("{key}=1")];
    let legal: String = ('\x20'..='\x7e').filter(|it| !",=".contains(*it)).collect();
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@a-z0-9_-*/";
    vec![
        ("two members", one("foo=1,bar=2"), some("foo=1,bar=2")),
        ("an empty header", one(""), None),
        (
            "an empty line after",
            vec!["foo=1".to_owned(), String::new()],
            some("foo=1"),
        ),
        (
            "an empty line before",
            vec![String::new(), "foo=1".to_owned()],
            some("foo=1"),
        ),
        ("empty members", one("foo=1,,bar=2,"), some("foo=1,bar=2")),
        (
            "several lines are one list in their order",
            vec![
                "foo=1,bar=2".to_owned(),
                "rojo=1,congo=2".to_owned(),
                "baz=3".to_owned(),
            ],
            some("foo=1,bar=2,rojo=1,congo=2,baz=3"),
        ),
        (
            "blanks around members",
            one("foo=1 \t , \t bar=2, \t baz=3"),
            some("foo=1,bar=2,baz=3"),
        ),
        (
            "all legal characters",
            one(&format!("{key}={legal}")),
            Some(format!("{key}={legal}")),
        ),
        (
            "a blank at the value's start",
            one("foo= 1"),
            some("foo= 1"),
        ),
        (
            "a key that starts with a digit",
            one("0foo=1"),
            some("0foo=1"),
        ),
        (
            "level 2: a key with two ats",
            one("foo@@bar=1,bar=2"),
            some("foo@@bar=1,bar=2"),
        ),
        (
            "level 2: a key that ends with an at",
            one("foo@=1,bar=2"),
            some("foo@=1,bar=2"),
        ),
        ("a key that starts with an at", one("@foo=1,bar=2"), None),
        ("a key with a blank", one("foo =1"), None),
        ("a key in capitals", one("FOO=1"), None),
        ("a key with a dot", one("foo.bar=1"), None),
        ("a member without value", one("foo,bar=3"), None),
        ("an empty value", one("foo=,bar=3"), None),
        ("two equals signs", one("foo=bar=baz"), None),
        ("32 members", one(&members(32)), Some(members(32))),
        ("33 members", one(&members(33)), None),
        (
            "a key of 256",
            beside("z".repeat(256)),
            Some(format!("foo=1,{}=1", "z".repeat(256))),
        ),
        ("a key of 257", beside("z".repeat(257)), None),
        (
            "a value of 256",
            one(&format!("foo={}", "z".repeat(256))),
            Some(format!("foo={}", "z".repeat(256))),
        ),
        (
            "a value of 257",
            one(&format!("foo={}", "z".repeat(257))),
            None,
        ),
    ]
}

#[test]
fn what_a_service_sends_on_follows_the_rules() {
    let (url, heads) = callee();
    let mut command = gateway();
    command
        .env("PRICING_URL", url)
        .env("OTEL_TRACES_EXPORTER", "none");
    let (_gateway, url) = start("gateway", &mut command);
    let address = url.strip_prefix("http://").unwrap();
    let mut failed = Vec::new();
    let mut check = |name: &str, lines: &[String], expected: Sent| {
        let sent = ask(address, lines, &heads);
        if sent != expected {
            failed.push(format!("{name}: {sent:?} instead of {expected:?}"));
        }
    };
    for (name, lines, expected) in traceparent_rows() {
        check(name, &lines, expected);
    }
    for (name, values, state) in tracestate_rows() {
        let mut lines = vec![valid("01")];
        lines.extend(values.iter().map(|value| format!("tracestate: {value}")));
        check(name, &lines, Sent::Continued("01", state));
        let without_parent = &lines[1..];
        check(name, without_parent, Sent::Restarted);
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn each_request_that_a_service_sends_has_a_parent_id_of_its_own() {
    let (url, heads) = callee();
    let mut command = gateway();
    command
        .env("PRICING_URL", url)
        .env("OTEL_TRACES_EXPORTER", "none");
    let (_gateway, url) = start("gateway", &mut command);
    let address = url.strip_prefix("http://").unwrap();
    let mut parents = HashSet::from([PARENT.to_owned()]);
    for _ in 0..3 {
        send(address, &[valid("01")]);
        let head = heads.recv_timeout(LIMIT).unwrap();
        let traceparent = values(&head, "traceparent").remove(0);
        assert!(
            parents.insert(traceparent[36..52].to_owned()),
            "{traceparent}"
        );
    }
}

/// Sends a request with these header lines and reads what arrives at the callee.
fn ask(address: &str, lines: &[String], heads: &Receiver<Vec<String>>) -> Sent {
    send(address, lines);
    let head = heads.recv_timeout(LIMIT).unwrap();
    let [traceparent] = &values(&head, "traceparent")[..] else {
        panic!("not one traceparent in {head:?}");
    };
    let state = values(&head, "tracestate");
    assert!(state.len() <= 1, "{head:?}");
    let [version, trace, parent, flags] = traceparent.split('-').collect::<Vec<_>>()[..] else {
        panic!("{traceparent}");
    };
    assert_eq!(
        (version, trace.len(), parent.len()),
        ("00", 32, 16),
        "{traceparent}"
    );
    assert_ne!(parent, PARENT, "the parent-id is the sender's own");
    if trace != TRACE {
        assert_eq!(state, [""; 0], "a new trace has no foreign tracestate");
        return Sent::Restarted;
    }
    let flags = ["00", "01", "02", "03"]
        .into_iter()
        .find(|known| *known == flags);
    Sent::Continued(flags.unwrap(), state.into_iter().next())
}

fn send(address: &str, lines: &[String]) {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head =
        "GET /checkout/breakfast HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n".to_owned();
    for line in lines {
        head += line;
        head += "\r\n";
    }
    head += "\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{lines:?}: {answer}");
}

/// The values of a header, without the blanks that HTTP takes off.
fn values(head: &[String], name: &str) -> Vec<String> {
    let value = |line: &String| {
        let (key, value) = line.split_once(':')?;
        (key == name).then(|| value.strip_prefix(' ').unwrap_or(value).to_owned())
    };
    head.iter().filter_map(value).collect()
}

/// A pricing service that hands out the head of every request.
fn callee() -> (String, Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, heads) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let body = r#"{"sku":"espresso","cents":250}"#;
            let length = body.len();
            let head_of_answer =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            write!(
                stream,
                "{head_of_answer}content-length: {length}\r\n\r\n{body}"
            )
            .unwrap();
            if sender.send(head).is_err() {
                return;
            }
        }
    });
    (url, heads)
}

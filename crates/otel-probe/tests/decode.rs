//! The command `otel-probe decode`: output, JSON, exit codes.
#![allow(clippy::unwrap_used, reason = "a failed call fails the test")]

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";

fn decode(arguments: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_otel-probe"))
        .arg("decode")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text)
}

#[test]
fn a_valid_header_is_explained_and_written_in_each_format() {
    let (code, text) = decode(&[VALID], b"");
    assert_eq!(code, Some(0), "{text}");
    for expected in [
        "version    00",
        "trace id   4bf92f3577b34da6a3ce929d0e0e4736",
        "parent id  00f067aa0ba902b7",
        "sampled    yes",
        "random     yes",
        "b3: 4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "X-B3-TraceId: 4bf92f3577b34da6a3ce929d0e0e4736",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn errors_have_a_position_a_rule_and_an_exit_code() {
    // Header, the character above the caret (empty at the end), a part of the message, a part of the rule.
    let cases = [
        (
            "traceparent: ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "f",
            "is ff",
            "3.2.2.1",
        ),
        (
            "traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "0",
            "all zeros",
            "3.2.2.3",
        ),
        (
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bX-01",
            "X",
            "no hex digit",
            "3.2.2.4",
        ),
        (
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "",
            "too early",
            "3.2.2.2",
        ),
        (
            "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "-",
            "followed by more",
            "3.2.2.5",
        ),
        (
            "tracestate: a=1,B=2",
            "B",
            "forbidden character",
            "tracestate key",
        ),
        ("tracestate: a=1,b", "b", "has no '='", "tracestate list"),
        (
            "b3: 80f198ee56343ba8-e457b5a2e4d86bd1-x",
            "x",
            "unknown",
            "B3, single",
        ),
        (
            "baggage: a=1,b=two words",
            " ",
            "forbidden character",
            "W3C Baggage",
        ),
        (
            "X-B3-TraceId: 80f198ee56343ba8",
            "",
            "x-b3-spanid is missing",
            "B3, SpanId",
        ),
    ];
    for (header, under_caret, message, rule) in cases {
        let (code, text) = decode(&[header], b"");
        assert_eq!(code, Some(1), "{text}");
        let lines: Vec<_> = text.lines().collect();
        let caret = lines[1]
            .find('^')
            .unwrap_or_else(|| panic!("no caret: {text}"));
        let found = lines[0].get(caret..caret + 1).unwrap_or_default();
        assert_eq!(found, under_caret, "{text}");
        assert!(lines[2].contains(message), "{text}");
        assert!(lines[3].contains(rule), "{text}");
    }
}

#[test]
fn a_block_from_curl_is_read_as_one_context() {
    let block = format!(
        "* Connected to localhost\r\n> GET / HTTP/1.1\r\n> Host: localhost\r\n> traceparent: {VALID}\r\n\
         > tracestate: congo=t61,rojo=00f\r\n> Baggage: user=J%C3%BCrgen;p=1\r\n>\r\n< HTTP/1.1 200 OK\r\n"
    );
    let (code, text) = decode(&[], block.as_bytes());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("congo = t61"), "{text}");
    assert!(text.contains("user = Jürgen (p=1)"), "{text}");
}

#[test]
fn json_has_the_same_contents() {
    let (code, text) = decode(&["--json", VALID, "tracestate: a=1"], b"");
    assert_eq!(code, Some(0));
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["valid"], true);
    assert_eq!(
        json["headers"][0]["fields"]["parent_id"],
        "00f067aa0ba902b7"
    );
    assert_eq!(json["headers"][1]["fields"]["members"][0], "a = 1");
    assert_eq!(json["formats"]["X-B3-Sampled"], "1");

    let (code, text) = decode(&["--json", "traceparent: 00"], b"");
    assert_eq!(code, Some(1));
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["valid"], false);
    assert_eq!(json["headers"][0]["error"]["position"], 2);
}

#[test]
fn two_formats_and_a_repeated_header_are_reported() {
    let other = "b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1";
    let (code, text) = decode(&[VALID, other], b"");
    assert_eq!(code, Some(0));
    assert!(text.contains("name different traces"), "{text}");

    let (code, text) = decode(&[VALID, VALID], b"");
    assert_eq!(code, Some(1));
    assert!(text.contains("more than once"), "{text}");
}

#[test]
fn nothing_to_read_is_not_valid() {
    for input in [&b""[..], b"Host: x\r\n", &[0xff, 0x00, b'\n']] {
        let (code, text) = decode(&[], input);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("no propagation header found"), "{text}");
    }
}

#[test]
fn a_control_character_does_not_reach_the_terminal() {
    let (code, text) = decode(&[], b"baggage: a=\x1b[31mred\n");
    assert_eq!(code, Some(1));
    assert!(!text.contains('\x1b'), "{text:?}");
}

//! Values that end too early: a slash in a connection string, and a text that was cut.

use opentelemetry::{KeyValue, Value};
use otel_core::redact::{REDACTED, Secrets};

fn redacted(name: &'static str, value: &'static str) -> Value {
    let mut attribute = KeyValue::new(name, value);
    Secrets::default().redact(&mut attribute);
    attribute.value
}

#[test]
fn a_slash_in_a_connection_string_does_not_end_its_password() {
    let table = [
        "Endpoint=sb://ns.example/;SharedAccessKeyName=n;SharedAccessKey=ab/hunter2=",
        "AccountName=n;AccountKey=ab/hunter2==;BlobEndpoint=https://x.example/",
        "jdbc:sqlserver://h:1433;user=sa;password=ab/hunter2;",
        "host=h password='ab/hunter2' sslrootcert=file://ca",
        "Server=tcp://h;Password=ab hunter2",
    ];
    for value in table {
        for name in ["dsn", "connection_string", "connStr"] {
            assert_eq!(redacted(name, value), Value::from(REDACTED), "{value}");
        }
    }
    assert_eq!(
        redacted("dsn", "jdbc:mysql://u:p@h/db?password=x&a=b"),
        Value::from("jdbc:mysql://REDACTED:REDACTED@h/db?password=REDACTED&a=b")
    );
}

#[test]
fn a_text_that_was_cut_does_not_show_part_of_a_password() {
    let table = [
        (
            "connect to postgres://user:hunt…[cut]",
            "connect to postgres://REDACTED:REDACTED…[cut]",
        ),
        (
            r#"{"a":"amqp://user:hunt…[cut]","b":"x"}"#,
            r#"{"a":"amqp://REDACTED:REDACTED…[cut]","b":"x"}"#,
        ),
        ("http://h.example/a…[cut]", "http://h.example/a…[cut]"),
        ("a text…[cut]", "a text…[cut]"),
    ];
    for (text, expected) in table {
        assert_eq!(Secrets::default().text(text), expected);
    }
    assert_eq!(
        Secrets::default().url("postgres://user:hunt…[cut]"),
        "postgres://REDACTED:REDACTED…[cut]"
    );
    assert_eq!(
        Secrets::default().query("u=amqp://user:hunt…[cut]"),
        "u=amqp://REDACTED:REDACTED…[cut]"
    );
    assert_eq!(
        Secrets::default().url("/cb?code=hunter2&a=b…[cut]"),
        "/cb?code=REDACTED&a=b…[cut]"
    );
}

//! Whatever is logged, a line is one JSON object with each key once, and the values come back.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use common::{Capture, log_layer};
use proptest::prelude::*;
use tracing::{info, info_span, subscriber::with_default};
use tracing_subscriber::{layer::SubscriberExt as _, registry};

#[derive(Debug)]
struct Raw<'a>(&'a str);

impl std::fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // In pieces, as most types write themselves.
        self.0.chars().try_for_each(|c| write!(f, "{c}"))
    }
}

proptest! {
    #[test]
    fn any_value_comes_back(
        message: String,
        text in any::<String>().prop_map(|text| text + "\u{0}\n\r\"\\\u{2028}"),
        level: String,
        signed: i64,
        unsigned: u64,
        float in proptest::num::f64::NORMAL,
        yes: bool,
        bytes: Vec<u8>,
        of_span: String,
        recorded: String,
    ) {
        let capture = Capture::default();
        with_default(registry().with(log_layer(&capture)), || {
            let span = info_span!(
                "s", of_span, message = "of the span", yes = "of the span", level = "of the span",
                recorded = tracing::field::Empty, number = unsigned,
            );
            let _entered = span.enter();
            span.record("recorded", "first");
            span.record("recorded", tracing::field::display(Raw(&recorded)));
            info!(
                text, shown = %Raw(&text), level, signed, unsigned, float, yes, bytes = &bytes[..],
                target = 1, "{}", Raw(&message),
            );
        });
        let line = capture.line();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(&line["message"], &message);
        prop_assert_eq!(&line["text"], &text);
        prop_assert_eq!(&line["shown"], &text);
        prop_assert_eq!(&line["level"], "INFO");
        prop_assert_eq!(&line["field.level"], &level);
        prop_assert_eq!(&line["field.target"], 1);
        prop_assert_eq!(&line["field.message"], "of the span");
        prop_assert_eq!(&line["signed"], signed);
        prop_assert_eq!(&line["unsigned"], unsigned);
        prop_assert_eq!(&line["number"], unsigned);
        let digits = format!(",\"float\":{},", ryu::Buffer::new().format(float)); // serde_json rounds
        prop_assert!(capture.text().contains(&digits));
        prop_assert_eq!(&line["yes"], yes);
        prop_assert_eq!(&line["bytes"], &hex);
        prop_assert_eq!(&line["of_span"], &of_span);
        prop_assert_eq!(&line["recorded"], &recorded);
        prop_assert_eq!(line.len(), 17);
    }
}

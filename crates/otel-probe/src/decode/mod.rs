//! `otel-probe decode`.

mod explain;
mod header;
mod ids;
mod problem;
mod show;

use std::{
    error::Error,
    io::{self, Read as _},
};

use clap::Args;

use self::explain::Explanation;
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  otel-probe decode 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
  otel-probe decode 'b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1' --json
  curl -sv http://localhost:8080/ 2>&1 | otel-probe decode

Exit codes: 0 all headers are valid, 1 a header is invalid or no header was found, 2 the input could not be read.")]
pub(crate) struct Options {
    /// Headers as `name: value`, or only the value of traceparent or b3; without headers, lines are read from standard input
    #[arg(value_name = "HEADER")]
    headers: Vec<String>,
    /// Prints the explanation as one JSON object
    #[arg(long)]
    json: bool,
}

/// Returns whether headers were found and all of them are valid.
pub(crate) fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let text = if options.headers.is_empty() {
        let mut bytes = Vec::new();
        io::stdin().take(MAX_INPUT).read_to_end(&mut bytes)?;
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        options.headers.join("\n")
    };
    let explanation = Explanation::new(&header::find_all(&text));
    let shown = if options.json {
        show::json(&explanation)
    } else {
        show::text(&explanation)
    };
    output::print(&shown)?;
    Ok(explanation.is_valid())
}

/// About a thousand times the size of a block of headers.
const MAX_INPUT: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(text: &str) -> (bool, String) {
        let explanation = Explanation::new(&header::find_all(text));
        let json = show::json(&explanation);
        assert!(
            serde_json::from_str::<serde_json::Value>(&json).is_ok(),
            "{json}"
        );
        (explanation.is_valid(), show::text(&explanation))
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            decode(&String::from_utf8_lossy(&bytes));
        }

        #[test]
        fn no_value_of_a_known_header_panics(
            name in "traceparent|tracestate|baggage|b3|X-B3-(TraceId|SpanId|ParentSpanId|Sampled|Flags)",
            value in "[ -~é\t]{0,80}|[0-9a-fA-F-]{50,60}",
        ) {
            let (_, shown) = decode(&format!("{name}: {value}"));
            prop_assert!(!shown.contains('\t'), "{}", shown);
        }
    }

    #[test]
    fn a_caret_points_at_the_character() {
        let (valid, shown) =
            decode("traceparent: 00-4bf92f3577b34dA6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert!(!valid);
        let lines: Vec<_> = shown.lines().collect();
        let caret = lines[1].find('^').unwrap();
        assert_eq!(lines[0].as_bytes()[caret], b'A', "{shown}");
        assert!(
            lines[2].contains("uppercase digit at position 17"),
            "{shown}"
        );
        assert!(
            lines[3].contains("W3C Trace Context, 3.2.2.3 trace-id"),
            "{shown}"
        );
    }
}

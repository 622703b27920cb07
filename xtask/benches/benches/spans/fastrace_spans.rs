//! Spans by fastrace, which has no other signals and hands spans of a request over when the request ends.

use std::hint::black_box;
use std::time::Duration;

use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::future::FutureExt as _;
use fastrace::local::LocalSpan;
use fastrace::{Span, set_reporter};
use futures_util::FutureExt as _;
use otel_benches::Contender;

use crate::{Form, Spans};

/// Collects spans, as without a reporter none would be made.
pub(crate) fn install() {
    let config = Config::default().report_interval(Duration::from_millis(100));
    set_reporter(Discard, config);
}

struct Discard;

impl Reporter for Discard {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        black_box(spans);
    }
}

pub(crate) fn request(name: &str, spans: Spans) -> Contender {
    let request = move || {
        let caller = SpanContext::random().sampled(spans.is_sampled);
        Span::root("request", caller)
    };
    Contender::new(name, request, move |request| {
        let _request = request.set_local_parent();
        for number in 0..spans.count {
            match spans.form {
                Form::Sync => {
                    let span = LocalSpan::enter_with_local_parent("work");
                    let _span = if spans.has_fields {
                        span.with_properties(|| five(number))
                    } else {
                        span.with_property(|| ("number", number.to_string()))
                    };
                    black_box(());
                }
                Form::Async => {
                    let span = Span::enter_with_local_parent("work");
                    let span = if spans.has_fields {
                        span.with_properties(|| five(number))
                    } else {
                        span.with_property(|| ("number", number.to_string()))
                    };
                    let future = async { black_box(()) }.in_span(span);
                    black_box(future.now_or_never());
                }
            }
        }
    })
}

/// Values are texts.
fn five(number: usize) -> [(&'static str, String); 5] {
    [
        ("number", number.to_string()),
        ("sku", "a-7".to_owned()),
        ("share", 0.37.to_string()),
        ("is_cached", true.to_string()),
        ("currency", "EUR".to_owned()),
    ]
}

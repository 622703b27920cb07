//! Describes an export as text. The text has everything that a variable can change, and is the same in each run.

use std::fmt::Write as _;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::receiver::Export;

/// The scopes of the signals, by which a receiver tells their messages apart.
pub(crate) const SPANS: &str = "scope of spans";
pub(crate) const METRICS: &str = "scope of metrics";
pub(crate) const RECORDS: &str = "scope of records";

fn has_scope(export: &Export, scope: &str) -> bool {
    let mut windows = export.message.windows(scope.len());
    windows.any(|window| window == scope.as_bytes())
}

fn traces(export: &Export) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(export.message.as_slice()).unwrap()
}

fn records(export: &Export) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest::decode(export.message.as_slice()).unwrap()
}

/// Returns how many spans or log records the export has.
pub(crate) fn count(export: &Export) -> usize {
    if has_scope(export, SPANS) {
        let scopes = traces(export)
            .resource_spans
            .into_iter()
            .flat_map(|it| it.scope_spans);
        return scopes.map(|scope| scope.spans.len()).sum();
    }
    let scopes = records(export)
        .resource_logs
        .into_iter()
        .flat_map(|it| it.scope_logs);
    scopes.map(|scope| scope.log_records.len()).sum()
}

/// Describes the request and its message.
pub(crate) fn described(export: &Export) -> String {
    let mut headers = export.headers.clone();
    if let Some(timeout) = headers.get_mut("grpc-timeout") {
        *timeout = rounded(timeout);
    }
    let mut text = format!("{} {} {headers:?}\n", export.transport, export.path);
    if has_scope(export, SPANS) {
        describe_spans(&mut text, traces(export));
    } else if has_scope(export, METRICS) {
        let message = ExportMetricsServiceRequest::decode(export.message.as_slice()).unwrap();
        describe_metrics(&mut text, message);
    } else {
        assert!(has_scope(export, RECORDS), "{export:?}");
        describe_records(&mut text, records(export));
    }
    text
}

/// Rounds a timeout of gRPC, which is what is left of it, to 100 ms.
fn rounded(timeout: &str) -> String {
    let (number, unit) = timeout.split_at(timeout.len() - 1);
    let number: u64 = number.parse().unwrap();
    let milliseconds = match unit {
        "H" => number * 3_600_000,
        "M" => number * 60_000,
        "S" => number * 1000,
        "m" => number,
        "u" => number / 1000,
        other => panic!("{other}"),
    };
    format!("{} ms", milliseconds.div_ceil(100) * 100)
}

fn describe_spans(text: &mut String, message: ExportTraceServiceRequest) {
    for group in message.resource_spans {
        describe_resource(text, group.resource);
        let spans = group.scope_spans.into_iter().flat_map(|it| it.spans);
        let (large, small): (Vec<_>, Vec<_>) = spans.partition(|span| span.name == "large");
        for name in ["root", "of a sampled trace", "of an unsampled trace"] {
            let count = small.iter().filter(|span| span.name == name).count();
            writeln!(text, "  {count} spans {name:?}").unwrap();
        }
        for span in large {
            describe_large(text, &span);
        }
    }
}

fn describe_large(text: &mut String, span: &Span) {
    writeln!(
        text,
        "  large span: {}, {} events, {} links",
        described_attributes(&span.attributes),
        span.events.len(),
        span.links.len()
    )
    .unwrap();
    if let Some(event) = span.events.first() {
        writeln!(text, "  event: {}", described_attributes(&event.attributes)).unwrap();
    }
    if let Some(link) = span.links.first() {
        writeln!(text, "  link: {}", described_attributes(&link.attributes)).unwrap();
    }
}

fn described_attributes(attributes: &[KeyValue]) -> String {
    let long = attributes.iter().find(|it| it.key == "text");
    let length = long.map_or(0, |it| value(it).len());
    format!("{} attributes and {length} characters", attributes.len())
}

fn value(attribute: &KeyValue) -> &str {
    match attribute.value.as_ref().and_then(|it| it.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        _ => "",
    }
}

fn describe_metrics(text: &mut String, message: ExportMetricsServiceRequest) {
    for group in message.resource_metrics {
        describe_resource(text, group.resource);
        let metrics = group.scope_metrics.into_iter().flat_map(|it| it.metrics);
        let described = metrics.map(|metric| {
            let data = match metric.data.unwrap() {
                Data::Sum(sum) => format!("sum, {:?}", sum.aggregation_temporality()),
                Data::Histogram(it) => format!("histogram, {:?}", it.aggregation_temporality()),
                Data::ExponentialHistogram(it) => {
                    format!("exponential histogram, {:?}", it.aggregation_temporality())
                }
                other => panic!("{other:?}"),
            };
            format!("  {}: {data}\n", metric.name)
        });
        let mut described: Vec<_> = described.collect();
        described.sort();
        *text += &described.concat();
    }
}

fn describe_records(text: &mut String, message: ExportLogsServiceRequest) {
    for group in message.resource_logs {
        describe_resource(text, group.resource);
        for record in group.scope_logs.into_iter().flat_map(|it| it.log_records) {
            let attributes = described_attributes(&record.attributes);
            writeln!(text, "  record: {attributes}").unwrap();
        }
    }
}

fn describe_resource(text: &mut String, resource: Option<Resource>) {
    let attributes = resource.unwrap_or_default().attributes;
    let attributes = attributes
        .iter()
        .filter(|it| !it.key.starts_with("telemetry.sdk."));
    let mut attributes: Vec<_> = attributes
        .map(|it| format!("{}={}", it.key, value(it)))
        .collect();
    attributes.sort();
    writeln!(text, "  resource {attributes:?}").unwrap();
}

//! A `tracing_subscriber` layer that makes OpenTelemetry spans.

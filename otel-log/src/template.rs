//! What all lines of a layer have in common, computed once.

use tracing_core::{Event, Metadata};

use otel_core::{callsites::Callsites, redact::FieldKind};

use crate::{
    config::{Config, Spans},
    fields::Fields,
    json,
    keys::Keys,
    plan::{EventPlan, FieldPlans},
    rate_limit,
};

/// The settings of a layer, its keys, the values that never change, and the decisions for callsites.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) config: Config,
    pub(crate) keys: Keys,
    /// The members that are the same in every line: the format's, and the application's fixed fields.
    pub(crate) fixed: Box<[u8]>,
    /// The fields whose values are read for each line, with their keys.
    pub(crate) extra: Vec<(Fields, Vec<ExtraKey>)>,
    events: Callsites<EventPlan>,
    spans: Callsites<FieldPlans>,
    /// Counts lines of the `log` crate, whose records have the same callsite.
    pub(crate) log_rates: rate_limit::Places,
}

/// A field that the application adds to every line.
#[derive(Debug)]
pub(crate) struct ExtraKey {
    pub(crate) key: Box<[u8]>,
    /// Whether its name says that it holds a secret.
    pub(crate) kind: FieldKind,
}

impl Template {
    pub(crate) fn new(mut config: Config) -> Self {
        if config.pretty {
            config.nested = false;
            if config.spans == Spans::List {
                config.spans = Spans::Merged;
            }
        }
        // An escaped byte takes up to six bytes, so the message does not fill the line.
        config.value_limit = config.value_limit.min(config.line_limit / 8);
        let mut keys = Keys::new(&config);
        let mut fixed = Vec::new();
        for (name, value) in config.format.constants {
            if let Some(key) = keys.reserve(name) {
                write_fixed(&mut fixed, &key, value);
            }
        }
        let mut extra = Vec::new();
        for fields in &config.extra {
            let names = fields.names().iter();
            let own = names.map(|name| ExtraKey {
                key: keys.reserve_free(name),
                kind: if fields.is_from_callers() {
                    config.secrets.get().field_kind(name)
                } else {
                    FieldKind::Shown
                },
            });
            let own: Vec<_> = own.collect();
            match (fields.fixed_value(), own.first()) {
                (Some(value), Some(own)) => write_fixed(&mut fixed, &own.key, value),
                _ => extra.push((fields.clone(), own)),
            }
        }
        Self {
            keys,
            fixed: fixed.into(),
            extra,
            events: Callsites::new(),
            spans: Callsites::new(),
            log_rates: rate_limit::Places::default(),
            config,
        }
    }

    /// Returns the decisions for the event's callsite.
    #[inline]
    pub(crate) fn event_plan(&self, event: &Event<'_>) -> &EventPlan {
        self.events.get(event.metadata(), || {
            EventPlan::new(event, &self.config, &self.keys)
        })
    }

    /// Returns the decisions for the fields of a span.
    #[inline]
    pub(crate) fn span_plan(&self, metadata: &'static Metadata<'static>) -> &FieldPlans {
        self.spans.get(metadata, || {
            FieldPlans::from_span(metadata, &self.config, &self.keys)
        })
    }

    /// Returns `true` if the layer's filter does not hide spans of this callsite. Their plan is made when it is registered.
    pub(crate) fn has_span_plan(&self, metadata: &'static Metadata<'static>) -> bool {
        self.spans.contains(metadata)
    }
}

fn write_fixed(out: &mut Vec<u8>, key: &[u8], value: &str) {
    out.extend_from_slice(key);
    json::string(out, value, usize::MAX);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Key, fields};

    fn key(key: Option<&[u8]>) -> Option<String> {
        key.map(|key| String::from_utf8_lossy(key).into_owned())
    }

    #[test]
    fn no_name_is_given_twice() {
        let template = Template::new(Config {
            format: Format::elastic().name(Key::Target, "log.level"),
            extra: vec![
                fields::fixed("message", "1"),
                fields::fixed("message", "2"),
                fields::fixed("ecs.version", "3"),
                fields::baggage(["trace.id", "tenant", "tenant"]),
            ],
            ..Config::default()
        });
        assert_eq!(
            key(template.keys.get(Key::Level)).as_deref(),
            Some(",\"log.level\":")
        );
        assert_eq!(template.keys.get(Key::Target), None);
        assert_eq!(
            String::from_utf8_lossy(&template.fixed),
            r#","ecs.version":"8.11.0","field.message":"1","field.field.message":"2","field.ecs.version":"3""#
        );
        let [(_, keys)] = &template.extra[..] else {
            panic!("{:?}", template.extra);
        };
        let keys: Vec<_> = keys.iter().filter_map(|it| key(Some(&it.key))).collect();
        assert_eq!(
            keys,
            [
                r#","field.trace.id":"#,
                r#","tenant":"#,
                r#","field.tenant":"#
            ]
        );
        // Fields of events cannot have these names either.
        assert_eq!(
            *template.keys.event_key("tenant"),
            *b",\"field.field.tenant\":"
        );
    }
}

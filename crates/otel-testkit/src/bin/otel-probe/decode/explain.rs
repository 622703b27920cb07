//! What the headers say, each and together.

use opentelemetry::{SpanId, TraceId};
use otel_core::propagation::{
    B3, B3Sampling, BaggagePropagator, ParseError, Traceparent, Tracestate,
};

use super::{input::Header, rule};

/// All headers, explained.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) headers: Vec<Explained>,
    /// The same context in every format, for each format that came: its name, and headers with their values.
    pub(crate) others: Vec<(&'static str, String)>,
    pub(crate) notes: Vec<&'static str>,
}

/// One header with what is in it, or what is wrong with it.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) header: Header,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) problem: Option<Problem>,
}

#[derive(Debug)]
pub(crate) struct Problem {
    /// In bytes.
    pub(crate) position: usize,
    pub(crate) message: String,
    pub(crate) rule: &'static str,
}

impl From<ParseError> for Problem {
    fn from(error: ParseError) -> Self {
        let message = error.to_string();
        let prefix = format!("{}: ", error.field());
        Self {
            position: error.position(),
            message: message.strip_prefix(&prefix).unwrap_or(&message).to_owned(),
            rule: rule::of(&error),
        }
    }
}

type Facts = Vec<(&'static str, String)>;

/// The one context that can be said in each format.
#[derive(Clone, Copy, PartialEq)]
struct Ids {
    trace_id: TraceId,
    span_id: SpanId,
    sampling: B3Sampling,
    random: bool,
}

impl Explanation {
    pub(crate) fn new(headers: &[Header]) -> Self {
        let mut this = Self {
            headers: Vec::new(),
            others: Vec::new(),
            notes: Vec::new(),
        };
        let (traceparent, b3) = (this.traceparent(headers), this.b3(headers));
        let multi = this.b3_multi(headers);
        this.lists(headers);
        this.add_notes(headers, traceparent, b3.or(multi));
        if let Some(ids) = traceparent.or(b3).or(multi) {
            this.others = other_formats(ids);
        }
        // In the order in which they came.
        this.headers.sort_by_key(|explained| {
            headers
                .iter()
                .position(|header| *header == explained.header)
        });
        this
    }

    pub(crate) fn is_valid(&self) -> bool {
        !self.headers.is_empty() && self.headers.iter().all(|it| it.problem.is_none())
    }

    fn traceparent(&mut self, headers: &[Header]) -> Option<Ids> {
        self.single(headers, "traceparent", |value| {
            let parsed: Traceparent = value.parse()?;
            let yes = |flag| if flag { "yes" } else { "no" }.to_owned();
            let facts = vec![
                ("version", value.chars().take(2).collect()),
                ("trace id", parsed.trace_id().to_string()),
                ("parent id", parsed.parent_id().to_string()),
                ("sampled", yes(parsed.is_sampled())),
                ("random", yes(parsed.is_random())),
            ];
            let sampling = if parsed.is_sampled() {
                B3Sampling::Accept
            } else {
                B3Sampling::Deny
            };
            let ids = Ids {
                trace_id: parsed.trace_id(),
                span_id: parsed.parent_id(),
                sampling,
                random: parsed.is_random(),
            };
            Ok((facts, Some(ids)))
        })
    }

    fn b3(&mut self, headers: &[Header]) -> Option<Ids> {
        self.single(headers, "b3", |value| {
            let parsed: B3 = value.parse()?;
            Ok((b3_facts(&parsed), b3_ids(&parsed)))
        })
    }

    /// Explains a header that may come once.
    fn single(
        &mut self,
        headers: &[Header],
        name: &str,
        parse: impl Fn(&str) -> Result<(Facts, Option<Ids>), ParseError>,
    ) -> Option<Ids> {
        let same: Vec<_> = headers.iter().filter(|it| it.name == name).collect();
        let mut found = None;
        for header in &same {
            let (facts, problem) = match parse(&header.value) {
                Ok((facts, ids)) if same.len() == 1 => {
                    found = ids;
                    (facts, None)
                }
                Ok((facts, _)) => (facts, Some(repeated())),
                Err(error) => (Vec::new(), Some(error.into())),
            };
            self.push(header, facts, problem);
        }
        found
    }

    /// The `X-B3-*` headers are one value together.
    fn b3_multi(&mut self, headers: &[Header]) -> Option<Ids> {
        let multi = || headers.iter().filter(|it| it.name.starts_with("x-b3-"));
        let twice = |name| multi().filter(|it| it.name == name).count() > 1;
        let get = |name: &str| {
            let header = multi().find(|it| it.name == name);
            header.map(|it| it.value.as_str())
        };
        let parsed = B3::from_headers(get);
        let mut blamed = false;
        for header in multi() {
            let problem = match &parsed {
                _ if twice(header.name) => Some(repeated()),
                Err(error) if error.field() == header.name => {
                    blamed = true;
                    Some(error.clone().into())
                }
                _ => None,
            };
            let fact = problem
                .is_none()
                .then(|| (multi_fact(header.name), header.value.clone()));
            self.push(header, fact.into_iter().collect(), problem);
        }
        match parsed {
            Ok(parsed) => parsed.as_ref().and_then(b3_ids),
            Err(error) if !blamed => {
                // The header that is wrong is one that did not come.
                if let Some(last) = self.headers.iter_mut().rfind(|it| it.problem.is_none()) {
                    last.problem = Some(Problem {
                        position: last.header.value.len(),
                        message: format!("{} is missing; send both ids or neither", error.field()),
                        rule: rule::of(&error),
                    });
                }
                None
            }
            Err(_) => None,
        }
    }

    /// `tracestate` and `baggage` may come in several lines.
    fn lists(&mut self, headers: &[Header]) {
        let states = || headers.iter().filter(|it| it.name == "tracestate");
        let together =
            Tracestate::from_lines(states().map(|it| it.value.as_str()).collect::<Vec<_>>());
        let alone_ok = states().all(|it| it.value.parse::<Tracestate>().is_ok());
        for header in states() {
            match header.value.parse::<Tracestate>() {
                Ok(state) => {
                    let members = state.members();
                    let facts = members.map(|(key, value)| ("member", format!("{key} = {value}")));
                    let problem = together.clone().err().filter(|_| alone_ok);
                    self.push(header, facts.collect(), problem.map(Problem::from));
                }
                Err(error) => self.push(header, Vec::new(), Some(error.into())),
            }
        }
        for header in headers.iter().filter(|it| it.name == "baggage") {
            let problem = BaggagePropagator::check(&header.value).err();
            let facts = if problem.is_some() {
                Vec::new()
            } else {
                let members = header.value.split(',').map(str::trim);
                let members = members.filter(|member| !member.is_empty());
                members
                    .map(|member| ("member", baggage_member(member)))
                    .collect()
            };
            self.push(header, facts, problem.map(Problem::from));
        }
    }

    fn add_notes(&mut self, headers: &[Header], w3c: Option<Ids>, b3: Option<Ids>) {
        let has = |name| headers.iter().any(|header| header.name == name);
        if has("tracestate") && w3c.is_none() {
            self.notes
                .push("tracestate counts only together with a valid traceparent");
        }
        if let (Some(w3c), Some(b3)) = (w3c, b3) {
            if w3c.trace_id != b3.trace_id {
                self.notes.push(
                    "traceparent and B3 name different traces: which one a service continues depends on its propagators",
                );
            } else if w3c.span_id != b3.span_id {
                self.notes
                    .push("traceparent and B3 name different spans of the same trace");
            }
        }
        let short = |ids: Ids| ids.trace_id.to_bytes().starts_with(&[0; 8]);
        if b3.or(w3c).is_some_and(short) {
            self.notes
                .push("the trace id has 64 bits only, padded with zeros on the left");
        }
    }

    fn push(&mut self, header: &Header, facts: Facts, problem: Option<Problem>) {
        self.headers.push(Explained {
            header: header.clone(),
            facts,
            problem,
        });
    }
}

fn repeated() -> Problem {
    Problem {
        position: 0,
        message: "is there more than once; send one".to_owned(),
        rule: rule::ONE_VALUE,
    }
}

fn b3_facts(b3: &B3) -> Facts {
    let mut facts = Vec::new();
    if let Some((trace_id, span_id)) = b3.ids() {
        facts.push(("trace id", trace_id.to_string()));
        facts.push(("span id", span_id.to_string()));
    }
    if let Some(parent) = b3.parent_span_id() {
        facts.push(("parent id", parent.to_string()));
    }
    let sampled = match b3.sampling() {
        B3Sampling::Accept => "yes",
        B3Sampling::Deny => "no",
        B3Sampling::Debug => "yes, debug",
        _ => "left to the receiver",
    };
    facts.push(("sampled", sampled.to_owned()));
    facts
}

fn b3_ids(b3: &B3) -> Option<Ids> {
    let (trace_id, span_id) = b3.ids()?;
    Some(Ids {
        trace_id,
        span_id,
        sampling: b3.sampling(),
        random: false,
    })
}

fn multi_fact(name: &str) -> &'static str {
    match name {
        "x-b3-traceid" => "trace id",
        "x-b3-spanid" => "span id",
        "x-b3-parentspanid" => "parent id",
        "x-b3-sampled" => "sampled",
        _ => "flags",
    }
}

fn baggage_member(member: &str) -> String {
    let (pair, properties) = member.split_once(';').unwrap_or((member, ""));
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8_lossy();
    let properties = match properties.trim() {
        "" => String::new(),
        some => format!(" ({some})"),
    };
    format!("{} = {value}{properties}", key.trim())
}

fn other_formats(ids: Ids) -> Vec<(&'static str, String)> {
    let sampled = ids.sampling != B3Sampling::Deny;
    let traceparent = Traceparent::new(ids.trace_id, ids.span_id, sampled)
        .map(|it| it.with_random(ids.random).to_string());
    let b3 = B3::new(ids.trace_id, ids.span_id, ids.sampling).map(|it| it.to_string());
    let mut formats = Vec::new();
    formats.extend(traceparent.map(|value| ("traceparent", value)));
    formats.extend(b3.map(|value| ("b3", value)));
    formats.push(("X-B3-TraceId", ids.trace_id.to_string()));
    formats.push(("X-B3-SpanId", ids.span_id.to_string()));
    match ids.sampling {
        B3Sampling::Accept => formats.push(("X-B3-Sampled", "1".to_owned())),
        B3Sampling::Deny => formats.push(("X-B3-Sampled", "0".to_owned())),
        B3Sampling::Debug => formats.push(("X-B3-Flags", "1".to_owned())),
        _ => {}
    }
    formats
}

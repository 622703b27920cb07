//! What headers say, each on its own and together.

use otel_core::propagation::{
    B3, B3Sampling, BaggagePropagator, ParseError, Traceparent, Tracestate,
};
use percent_encoding::percent_decode_str;

use super::{header::Header, ids::Ids, problem::Problem};

/// The explanation of all headers.
#[derive(Debug)]
pub(super) struct Explanation {
    /// The headers in the order of the input.
    pub(super) headers: Vec<ExplainedHeader>,
    /// The headers that carry the same context in each format, as names and values.
    pub(super) formats: Vec<(&'static str, String)>,
    pub(super) notes: Vec<&'static str>,
}

/// One header with its contents or its error.
#[derive(Debug)]
pub(super) struct ExplainedHeader {
    pub(super) header: Header,
    pub(super) facts: Facts,
    pub(super) problem: Option<Problem>,
}

/// The contents of a header, as names and values.
type Facts = Vec<(&'static str, String)>;

/// The contents of a header, and the context in it if it has ids.
type Contents = (Facts, Option<Ids>);

impl Explanation {
    pub(super) fn new(headers: &[Header]) -> Self {
        let mut this = Self {
            headers: Vec::new(),
            formats: Vec::new(),
            notes: Vec::new(),
        };
        let traceparent = this.add_single(headers, "traceparent", traceparent);
        let b3 = this.add_single(headers, "b3", b3);
        let b3_multi = this.add_b3_multi(headers);
        this.add_tracestate(headers);
        this.add_baggage(headers);
        this.add_notes(headers, traceparent, b3.or(b3_multi));
        if let Some(ids) = traceparent.or(b3).or(b3_multi) {
            this.formats = ids.headers();
        }
        this.headers.sort_by_key(|explained| {
            headers
                .iter()
                .position(|header| *header == explained.header)
        });
        this
    }

    /// Returns whether there are headers and all of them are valid.
    pub(super) fn is_valid(&self) -> bool {
        !self.headers.is_empty() && self.headers.iter().all(|it| it.problem.is_none())
    }

    /// Adds a header that may be sent once.
    fn add_single(
        &mut self,
        headers: &[Header],
        name: &str,
        parse: fn(&str) -> Result<Contents, ParseError>,
    ) -> Option<Ids> {
        let same: Vec<_> = headers.iter().filter(|it| it.name == name).collect();
        let mut found = None;
        for header in &same {
            let (facts, problem) = match parse(&header.value) {
                Ok((facts, ids)) if same.len() == 1 => {
                    found = ids;
                    (facts, None)
                }
                Ok((facts, _)) => (facts, Some(Problem::repeated())),
                Err(error) => (Vec::new(), Some(error.into())),
            };
            self.push(header, facts, problem);
        }
        found
    }

    /// Adds the `X-B3-*` headers, which carry one context together.
    fn add_b3_multi(&mut self, headers: &[Header]) -> Option<Ids> {
        let multi: Vec<_> = headers
            .iter()
            .filter(|it| it.name.starts_with("x-b3-"))
            .collect();
        let parsed = B3::from_headers(|name: &str| {
            let header = multi.iter().find(|it| it.name == name);
            header.map(|it| it.value.as_str())
        });
        let mut is_blamed = false;
        for header in &multi {
            let is_repeated = multi.iter().filter(|it| it.name == header.name).count() > 1;
            let problem = match &parsed {
                _ if is_repeated => Some(Problem::repeated()),
                Err(error) if error.field() == header.name => {
                    is_blamed = true;
                    Some(error.clone().into())
                }
                _ => None,
            };
            let facts = if problem.is_none() {
                vec![(b3_multi_fact(header.name), header.value.clone())]
            } else {
                Vec::new()
            };
            self.push(header, facts, problem);
        }
        match parsed {
            Ok(parsed) => parsed.as_ref().and_then(Ids::from_b3),
            Err(error) => {
                // A missing header is reported at the end of the last valid header.
                let last = self.headers.iter_mut().rfind(|it| it.problem.is_none());
                if let (false, Some(last)) = (is_blamed, last) {
                    last.problem = Some(Problem {
                        position: last.header.value.len(),
                        message: format!("{} is missing; send both ids or neither", error.field()),
                        ..Problem::from(error)
                    });
                }
                None
            }
        }
    }

    /// Adds the lines of `tracestate`, which form one list.
    fn add_tracestate(&mut self, headers: &[Header]) {
        let lines: Vec<_> = headers
            .iter()
            .filter(|it| it.name == "tracestate")
            .collect();
        let values: Vec<_> = lines.iter().map(|it| it.value.as_str()).collect();
        let each_is_valid = values.iter().all(|it| it.parse::<Tracestate>().is_ok());
        let list = Tracestate::from_lines(values);
        for header in lines {
            let (facts, problem) = match header.value.parse::<Tracestate>() {
                Ok(state) => {
                    let members = state.members();
                    let facts = members.map(|(key, value)| ("member", format!("{key} = {value}")));
                    (
                        facts.collect(),
                        list.clone().err().filter(|_| each_is_valid),
                    )
                }
                Err(error) => (Vec::new(), Some(error)),
            };
            self.push(header, facts, problem.map(Problem::from));
        }
    }

    fn add_baggage(&mut self, headers: &[Header]) {
        for header in headers.iter().filter(|it| it.name == "baggage") {
            match BaggagePropagator::check(&header.value) {
                Ok(_) => {
                    let members = header.value.split(',').map(str::trim);
                    let members = members.filter(|member| !member.is_empty());
                    let facts = members.map(|member| ("member", baggage_member(member)));
                    self.push(header, facts.collect(), None);
                }
                Err(error) => self.push(header, Vec::new(), Some(error.into())),
            }
        }
    }

    fn add_notes(&mut self, headers: &[Header], w3c: Option<Ids>, b3: Option<Ids>) {
        if w3c.is_none() && headers.iter().any(|header| header.name == "tracestate") {
            self.notes
                .push("tracestate is ignored without a valid traceparent");
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
        if b3.or(w3c).is_some_and(|ids| ids.has_short_trace_id()) {
            self.notes
                .push("the trace id has only 64 bits, padded with zeros on the left");
        }
    }

    fn push(&mut self, header: &Header, facts: Facts, problem: Option<Problem>) {
        self.headers.push(ExplainedHeader {
            header: header.clone(),
            facts,
            problem,
        });
    }
}

fn traceparent(value: &str) -> Result<Contents, ParseError> {
    let parsed: Traceparent = value.parse()?;
    let facts = vec![
        ("version", value.chars().take(2).collect()),
        ("trace id", parsed.trace_id().to_string()),
        ("parent id", parsed.parent_id().to_string()),
        ("sampled", yes_or_no(parsed.is_sampled())),
        ("random", yes_or_no(parsed.is_random())),
    ];
    Ok((facts, Some(Ids::from_traceparent(&parsed))))
}

fn yes_or_no(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

fn b3(value: &str) -> Result<Contents, ParseError> {
    let parsed: B3 = value.parse()?;
    let mut facts = Vec::new();
    if let Some((trace_id, span_id)) = parsed.ids() {
        facts.push(("trace id", trace_id.to_string()));
        facts.push(("span id", span_id.to_string()));
    }
    if let Some(parent) = parsed.parent_span_id() {
        facts.push(("parent id", parent.to_string()));
    }
    let sampled = match parsed.sampling() {
        B3Sampling::Accept => "yes",
        B3Sampling::Deny => "no",
        B3Sampling::Debug => "yes, debug",
        _ => "the receiver decides",
    };
    facts.push(("sampled", sampled.to_owned()));
    Ok((facts, Ids::from_b3(&parsed)))
}

fn b3_multi_fact(name: &str) -> &'static str {
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
    let value = percent_decode_str(value.trim()).decode_utf8_lossy();
    let properties = match properties.trim() {
        "" => String::new(),
        some => format!(" ({some})"),
    };
    format!("{} = {value}{properties}", key.trim())
}

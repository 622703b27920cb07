use std::sync::LazyLock;

use opentelemetry::{
    Context,
    baggage::{Baggage, BaggageExt as _},
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};

use super::{
    baggage_member::{MAX_LENGTH, Member, push_encoded},
    list,
    parse_error::{ParseError, Problem},
};

/// Carries the API's `Baggage` in the header `baggage` (W3C Baggage), independently of the trace.
///
/// Values are percent-decoded on the way in and encoded on the way out; properties stay as they are. Members that nobody
/// has changed leave byte by byte as they came and in their order, then follow those that were added. A malformed member
/// is dropped alone. Of members with the same key the last counts. At most 64 members and 8192 bytes are taken and sent;
/// beyond that whole members are dropped.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use opentelemetry::{baggage::BaggageExt as _, propagation::TextMapPropagator as _, Context};
/// use otel_core::propagation::BaggagePropagator;
///
/// let mut headers = HashMap::new();
/// headers.insert("baggage".to_owned(), "user=J%C3%BCrgen;secret,sum=1=2".to_owned());
///
/// let propagator = BaggagePropagator::new();
/// let cx = propagator.extract_with_context(&Context::new(), &headers);
/// assert_eq!(cx.baggage().get("user").unwrap().as_str(), "Jürgen");
///
/// let mut sent = HashMap::new();
/// propagator.inject_context(&cx, &mut sent);
/// assert_eq!(sent, headers);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct BaggagePropagator {
    _private: (),
}

/// The members as they came, without duplicate keys: the API's type keeps neither order nor encoding.
#[derive(Debug)]
struct Received(String);

impl BaggagePropagator {
    /// Creates a propagator.
    #[must_use]
    pub const fn new() -> Self {
        Self { _private: () }
    }

    /// Checks one header line as strictly as extracting does, for those who want to know what would be dropped and why.
    ///
    /// # Errors
    ///
    /// Fails for the first member that is malformed, or beyond the limits of 64 members and 8192 bytes. The position counts
    /// from the start of the line.
    ///
    /// # Examples
    ///
    /// ```
    /// use otel_core::propagation::BaggagePropagator;
    ///
    /// let error = BaggagePropagator::check("user=Ada,two words=1").unwrap_err();
    /// assert_eq!((error.part(), error.position()), ("key", 12));
    /// ```
    pub fn check(line: &str) -> Result<(), ParseError> {
        let members = list::items(line).filter(|(_, member)| !member.is_empty());
        let mut length = 0;
        for (index, (at, member)) in members.enumerate() {
            let error = |problem| ParseError::new(BAGGAGE, "list", at, problem);
            let member = Member::parse(member).map_err(|error| error.behind(at))?;
            if index == MAX_MEMBERS {
                return Err(error(Problem::TooMany { limit: MAX_MEMBERS }));
            }
            length += member.len() + usize::from(index > 0);
            if length > MAX_LENGTH {
                return Err(error(Problem::TooLong { limit: MAX_LENGTH }));
            }
        }
        Ok(())
    }
}

impl TextMapPropagator for BaggagePropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let baggage = cx.baggage();
        if baggage.is_empty() {
            return;
        }
        let received = cx
            .get::<Received>()
            .map_or("", |received| received.0.as_str());
        let mut unchanged = Vec::new();
        let mut list = String::with_capacity(received.len());
        for member in members([received]).filter(|member| is_unchanged(baggage, member)) {
            member.push_to(&mut list);
            unchanged.push(member.key);
        }
        if unchanged.len() < baggage.len() {
            for (key, (value, properties)) in baggage {
                if !unchanged.contains(&key.as_str()) {
                    push_encoded(&mut list, key.as_str(), value.as_str(), properties.as_str());
                }
            }
        }
        if !list.is_empty() {
            injector.set(BAGGAGE, list);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let Some(lines) = extractor.get_all(BAGGAGE) else {
            return cx.clone();
        };
        let mut baggage = Baggage::new();
        let mut kept: Vec<Member<'_>> = Vec::new();
        let mut length = 0;
        for member in members(lines.iter().copied()) {
            let known = baggage.get(member.key).is_some();
            let earlier = known.then(|| kept.iter().position(|earlier| earlier.key == member.key));
            let earlier = earlier.flatten();
            let freed = earlier
                .and_then(|at| kept.get(at))
                .map_or(0, |earlier| earlier.len() + 1);
            // Counted with a comma behind each member, so one more than the list will have.
            let grown = length - freed + member.len() + 1;
            if grown > MAX_LENGTH + 1 || (earlier.is_none() && kept.len() == MAX_MEMBERS) {
                continue;
            }
            baggage.insert_with_metadata(
                member.key.to_owned(),
                member.decoded().into_owned(),
                member.properties,
            );
            if let Some(at) = earlier {
                kept.remove(at);
            }
            kept.push(member);
            length = grown;
        }
        if kept.is_empty() {
            return cx.clone();
        }
        let mut received = String::with_capacity(length);
        kept.iter().for_each(|member| member.push_to(&mut received));
        cx.with_value(Received(received)).with_baggage(baggage)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(FIELDS.as_slice())
    }
}

/// Yields the well-formed members of all lines.
fn members<'a>(lines: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Member<'a>> {
    let items = lines.into_iter().flat_map(list::items);
    items.filter_map(|(_, member)| Member::parse(member).ok())
}

/// Returns true if the application still sees what this member says.
fn is_unchanged(baggage: &Baggage, member: &Member<'_>) -> bool {
    baggage
        .get_with_metadata(member.key)
        .is_some_and(|(value, properties)| {
            value.as_str() == member.decoded() && properties.as_str() == member.properties
        })
}

const BAGGAGE: &str = "baggage";
/// The limit of a list (W3C Baggage 3.3.2), and of the API's type.
const MAX_MEMBERS: usize = 64;
static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [BAGGAGE.to_owned()]);

use std::{borrow::Cow, sync::LazyLock};

use opentelemetry::{
    Context,
    baggage::{Baggage, BaggageExt as _},
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
};

use super::{
    baggage_member::{MAX_LENGTH, Member, encode_properties, push_value},
    found::FoundHeaders,
    list,
    parse_error::{ParseError, Problem},
};

/// Carries the API's `Baggage` in the header `baggage` (W3C Baggage), independently of the trace.
///
/// - Values are percent-decoded when they are read and encoded when they are sent.
/// - Members that the application has not changed are sent on in their order, with the encoding that they have. Only `=` and a `%`
///   that starts no escape are encoded in their values, unless the list would then exceed the limit. Added members follow.
/// - Received properties are sent on byte by byte. Properties that the application sets are encoded; an escape such as `%2C` in
///   them stays.
/// - A malformed member is dropped; the other members stay. If several members have the same key, the last one counts.
/// - At most 64 members and 8192 bytes are read and sent. [`max_bytes`](Self::max_bytes) sets a smaller limit for sending. A
///   member that exceeds a limit is dropped as a whole.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use opentelemetry::{baggage::BaggageExt as _, propagation::TextMapPropagator as _, Context};
/// use otel_core::propagation::BaggagePropagator;
///
/// let mut headers = HashMap::new();
/// headers.insert("baggage".to_owned(), "user=J%C3%BCrgen;secret,sum=1%3D2".to_owned());
///
/// let propagator = BaggagePropagator::new();
/// let cx = propagator.extract_with_context(&Context::new(), &headers);
/// assert_eq!(cx.baggage().get("user").unwrap().as_str(), "Jürgen");
///
/// let mut sent = HashMap::new();
/// propagator.inject_context(&cx, &mut sent);
/// assert_eq!(sent, headers);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BaggagePropagator {
    max_bytes: usize,
}

/// The header as it is sent on, without duplicate keys. The API's type keeps neither the order nor the encoding.
#[derive(Clone, Debug, Default)]
struct ReceivedList(String);

impl BaggagePropagator {
    /// Creates a propagator that sends at most 8192 bytes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_bytes: MAX_LENGTH,
        }
    }

    /// Sets how many bytes the value of the header may have when it is sent. The default, and the maximum, is 8192.
    ///
    /// Many servers and proxies limit a header line to 8 KiB with its name, and answer 400 to a longer line. Received members are
    /// added first, then those of the application. A member that does not fit is left out. The limits for reading do not
    /// change. A limit below 8192 bytes is stricter than W3C Baggage allows.
    #[must_use]
    pub const fn max_bytes(mut self, limit: usize) -> Self {
        self.max_bytes = if limit < MAX_LENGTH {
            limit
        } else {
            MAX_LENGTH
        };
        self
    }

    /// Checks one header line as strictly as extraction does. Use it to find out why a member would be dropped.
    ///
    /// # Errors
    ///
    /// Fails for the first member that is malformed or exceeds the limits of 64 members and 8192 bytes. The position is counted
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
            let member = Member::parse(member).map_err(|error| error.shifted(at))?;
            length += member.len() + usize::from(index > 0);
            let problem = if index == MAX_MEMBERS {
                Problem::TooMany { limit: MAX_MEMBERS }
            } else if length > MAX_LENGTH {
                Problem::TooLong { limit: MAX_LENGTH }
            } else {
                continue;
            };
            return Err(ParseError::new(BAGGAGE, "list", at, problem));
        }
        Ok(())
    }

    /// Reads the header into a child of `cx`. Returns `None` if it has no well-formed member.
    #[inline]
    pub(super) fn try_extract(cx: &Context, extractor: &dyn Extractor) -> Option<Context> {
        if FoundHeaders::for_extractor(extractor).is_some_and(|found| !found.has_baggage) {
            return None;
        }
        read(cx, &extractor.get_all(BAGGAGE)?)
    }
}

impl Default for BaggagePropagator {
    fn default() -> Self {
        Self::new()
    }
}

impl TextMapPropagator for BaggagePropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let baggage = cx.baggage();
        if baggage.is_empty() {
            return;
        }
        let received = cx
            .get::<ReceivedList>()
            .map_or("", |received| received.0.as_str());
        let mut unchanged = Vec::new();
        let mut list = String::with_capacity(received.len());
        for member in members([received]).filter(|member| is_unchanged(baggage, member)) {
            member.push_to(&mut list, self.max_bytes);
            unchanged.push(member.key);
        }
        if unchanged.len() < baggage.len() {
            for (key, (value, properties)) in baggage {
                let (key, properties) = (key.as_str(), properties.as_str());
                if unchanged.contains(&key) {
                    continue;
                }
                let are_received = members([received])
                    .any(|member| member.key == key && member.properties == properties);
                let properties = if are_received {
                    Cow::Borrowed(properties)
                } else {
                    Cow::Owned(encode_properties(properties))
                };
                push_value(&mut list, self.max_bytes, key, value.as_str(), &properties);
            }
        }
        if !list.is_empty() {
            injector.set(BAGGAGE, list);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        Self::try_extract(cx, extractor).unwrap_or_else(|| cx.clone())
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(FIELDS.as_slice())
    }
}

/// Returns `cx` with the baggage of `source`. Received members keep their order and encoding.
#[doc(hidden)]
#[must_use]
pub fn with_baggage_of(cx: &Context, source: &Context) -> Context {
    let received = source.get::<ReceivedList>().cloned();
    let members = source.baggage().iter();
    let baggage: Baggage = members
        .map(|(key, (value, properties))| (key.clone(), (value.clone(), properties.clone())))
        .collect();
    cx.with_value(received.unwrap_or_default())
        .with_baggage(baggage)
}

/// Reads the lines into a child of `cx`. Returns `None` if they have no well-formed member.
fn read(cx: &Context, lines: &[&str]) -> Option<Context> {
    let mut baggage = Baggage::new();
    let mut kept: Vec<Member<'_>> = Vec::new();
    let mut length = 0;
    for member in members(lines.iter().copied()) {
        let earlier = match baggage.get(member.key) {
            Some(_) => kept.iter().position(|earlier| earlier.key == member.key),
            None => None,
        };
        let freed = earlier
            .and_then(|at| kept.get(at))
            .map_or(0, |earlier| earlier.len() + 1);
        // Each member is counted with a comma, so the sum is 1 more than the length of the list.
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
        return None;
    }
    let received = ReceivedList(join(&kept, length));
    Some(cx.with_value(received).with_baggage(baggage))
}

/// Joins members whose length is at most the limit. What is encoded in values here stays as it is if the list would then exceed
/// the limit, so that no member is lost.
fn join(members: &[Member<'_>], length: usize) -> String {
    let mut list = String::with_capacity(length);
    let mut rest = members.iter();
    if !rest.all(|member| member.push_encoded_to(&mut list, MAX_LENGTH)) {
        list.clear();
        for member in members {
            member.push_to(&mut list, MAX_LENGTH);
        }
    }
    list
}

/// Yields the well-formed members of all lines.
fn members<'a>(lines: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Member<'a>> {
    let items = lines.into_iter().flat_map(list::items);
    items.filter_map(|(_, member)| Member::parse(member).ok())
}

/// Returns true if the application has not changed the value and properties of this member.
fn is_unchanged(baggage: &Baggage, member: &Member<'_>) -> bool {
    baggage
        .get_with_metadata(member.key)
        .is_some_and(|(value, properties)| {
            value.as_str() == member.decoded() && properties.as_str() == member.properties
        })
}

const BAGGAGE: &str = "baggage";
/// The limit of a list (W3C Baggage 3.3.2) and of the API's type.
const MAX_MEMBERS: usize = 64;
static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [BAGGAGE.to_owned()]);

//! Decides whose context is adopted and who receives ours: the trust boundary in both directions.
//!
//! # Incoming
//!
//! An untrusted client's `traceparent` can hide requests (`sampled` unset), force their export (`sampled` set) or add them
//! to another trace. Its baggage reaches every service behind this one. A service at a public edge sets a policy:
//!
//! ```
//! use otel_core::trust::{Trust, TrustPolicy};
//!
//! // every request starts a new trace that links to the caller's; baggage is dropped
//! let edge = TrustPolicy::from(Trust::Link);
//! // requests from our own services continue the caller's trace
//! let mixed = TrustPolicy::by(|request| match request.uri().path() {
//!     path if path.starts_with("/internal/") => Trust::Continue,
//!     _ => Trust::Link,
//! });
//! // behind a front end that sends `-00` with most requests: the caller's trace, and a sampling decision of our own
//! let resampled = TrustPolicy::from(Trust::Resample);
//! # let _ = (edge, mixed, resampled);
//! ```
//!
//! Both directions decide about the context, not about header names, so they apply to every propagator. The baggage is the
//! `Baggage` of the API. Everything else that a propagator extracts or injects counts as the trace, including other values of the
//! `Context`.
//!
//! # Outgoing
//!
//! [`OutgoingPolicy`] says which hosts receive the trace and which receive the baggage:
//!
//! ```
//! use otel_core::trust::{HostPolicy, OutgoingPolicy};
//!
//! let ours = HostPolicy::only(["api.example.com", "*.internal.example.com"])?;
//! assert!(ours.allows("pricing.internal.example.com"));
//! assert!(!ours.allows("api.example.com.evil.example"));
//! let policy = OutgoingPolicy::default().trace(ours.clone()).baggage(ours);
//! # let _ = policy;
//! # Ok::<(), otel_core::trust::HostPatternError>(())
//! ```

mod hosts;
mod incoming;
mod outgoing;

pub use self::hosts::{HostPatternError, HostPolicy};
pub use self::incoming::{Incoming, Trust, TrustPolicy};
pub use self::outgoing::OutgoingPolicy;

//! The builder methods that adapters share, written and documented once.

/// Adds the methods for [`CommonOptions`](crate::CommonOptions) to a builder.
///
/// The builder needs a method `fn common(self, change: impl FnOnce(&mut CommonOptions)) -> Self`. The arguments are the
/// adapter's crate and the expression that makes the builder, for the examples in the docs.
#[macro_export]
macro_rules! common_options {
    ($krate:literal, $builder:literal) => {
        /// Sets the tracer provider. By default the global provider is used.
        ///
        /// If the subscriber has the layer of otel-tracing and no provider is set here, SERVER spans are made by the provider of the
        /// layer. If it has the layer of tracing-opentelemetry, a SERVER span that is also a `tracing` span is made by the tracer of
        /// that layer. A second call replaces the provider.
        pub fn tracer_provider<P, T, S>(self, provider: &P) -> Self
        where
            P: $crate::opentelemetry::trace::TracerProvider<Tracer = T>,
            T: $crate::opentelemetry::trace::Tracer<Span = S> + Send + Sync + 'static,
            S: $crate::opentelemetry::trace::Span + Send + Sync + 'static,
        {
            self.common(|common| common.set_tracer_provider(provider))
        }

        /// Sets the meter provider. By default the global provider is used.
        ///
        /// Without a meter provider nothing is measured. A second call replaces the provider.
        pub fn meter_provider(
            self,
            provider: &impl $crate::opentelemetry::metrics::MeterProvider,
        ) -> Self {
            self.common(|common| common.set_meter_provider(provider))
        }

        /// Sets the propagator. By default the global propagator is used.
        ///
        /// A second call replaces the propagator.
        pub fn propagator(
            self,
            propagator: impl $crate::opentelemetry::propagation::TextMapPropagator
            + Send
            + Sync
            + 'static,
        ) -> Self {
            self.common(|common| common.set_propagator(propagator))
        }

        /// Skips matching requests: no span is opened and nothing is measured. By default no request is skipped.
        ///
        /// On a server the incoming context stays active, on a client the current context is injected. A further call adds a
        /// predicate; a request is skipped if one of them matches. If a predicate panics, the request is not skipped.
        ///
        /// ```
        #[doc = concat!("use ", $krate, "::predicate::{self, Predicate};")]
        ///
        #[doc = concat!("let traced = ", $builder)]
        ///     .skip(predicate::path_prefix("/health"))
        ///     .skip(Predicate::new(|request| request.headers().contains_key("x-probe")));
        /// # let _ = traced;
        /// ```
        pub fn skip(self, predicate: $crate::predicate::Predicate) -> Self {
            self.common(|common| common.add_skip(predicate))
        }

        /// Sets the known HTTP methods. Any other method is recorded as `_OTHER`. The default is the list of the conventions.
        ///
        /// If `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS` is set, its comma-separated list is used instead, and neither this option nor
        /// [`additional_known_methods`](Self::additional_known_methods) changes it. Methods are case-sensitive. An empty list gives
        /// the default. A second call replaces the list.
        pub fn known_methods<M: AsRef<str>>(self, methods: impl IntoIterator<Item = M>) -> Self {
            self.common(|common| common.set_known_methods(methods))
        }

        /// Adds known HTTP methods to the list of the conventions, or to the list that
        /// [`known_methods`](Self::known_methods) has set before. A further call adds methods.
        ///
        /// ```
        #[doc = concat!("use ", $krate, "::KnownMethods;")]
        ///
        #[doc = concat!("let traced = ", $builder)]
        ///     .additional_known_methods(KnownMethods::WEBDAV)
        ///     .additional_known_methods(["PURGE"]);
        /// # let _ = traced;
        /// ```
        pub fn additional_known_methods<M: AsRef<str>>(
            self,
            methods: impl IntoIterator<Item = M>,
        ) -> Self {
            self.common(|common| common.add_known_methods(methods))
        }

        /// Sets the list of secrets for URLs, headers, metadata, and the attributes of hooks and handlers. By default the list of the
        /// process applies, which `redact::set_default` sets.
        ///
        /// `Secrets::default().also(…)` adds names. `dangerously_except` and `dangerously_only` remove names. A second call replaces
        /// the list.
        pub fn secrets(self, secrets: $crate::redact::Secrets) -> Self {
            self.common(|common| common.set_secrets(secrets))
        }

        /// Redacts secrets in paths, such as the token in `/reset/{token}`. By default paths are recorded unchanged.
        ///
        /// It applies to `url.path`, `url.full`, the field `path` of the `tracing` span, and to the URLs in captured headers. A further
        /// call adds a redaction; all of them apply, in order.
        ///
        /// ```
        #[doc = concat!("use ", $krate, "::PathRedaction;")]
        ///
        #[doc = concat!("let traced = ", $builder)]
        ///     .redact_paths(PathRedaction::from_templates(["/reset/{token}"]));
        /// # let _ = traced;
        /// ```
        pub fn redact_paths(self, redaction: $crate::PathRedaction) -> Self {
            self.common(|common| common.add_path_redaction(redaction))
        }

        /// Limits the length of recorded texts that come from the network. By default URLs have at most 2,048 bytes, all other texts
        /// 1,024.
        ///
        /// A longer text is cut between two characters. A second call replaces the limits.
        pub fn text_limits(self, limits: $crate::TextLimits) -> Self {
            self.common(|common| common.set_text_limits(limits))
        }

        /// Records these request headers as `http.request.header.<name>`, or as `rpc.request.header.<name>` for gRPC calls. By default
        /// no header is recorded.
        ///
        /// A name may contain `*`. Headers that hold secrets are not recorded, even if named; see
        #[doc = concat!("[`HeaderCapture`](", $krate, "::HeaderCapture).")]
        /// A further call adds headers.
        pub fn capture_request_headers<N: AsRef<str>>(
            self,
            names: impl IntoIterator<Item = N>,
        ) -> Self {
            self.common(|common| common.add_request_headers(names))
        }

        /// Records these response headers as `http.response.header.<name>`, or as `rpc.response.header.<name>` for gRPC calls. By
        /// default no header is recorded.
        ///
        /// The names also apply to the trailers of gRPC calls, which are recorded as `rpc.response.trailer.<name>`. Binary metadata
        /// (`-bin`) is recorded in base64.
        ///
        /// The rules are those of [`capture_request_headers`](Self::capture_request_headers).
        pub fn capture_response_headers<N: AsRef<str>>(
            self,
            names: impl IntoIterator<Item = N>,
        ) -> Self {
            self.common(|common| common.add_response_headers(names))
        }

        /// Adds a function that names errors of the type `E`: its result is the `error.type` of a request that fails with such an error.
        ///
        /// By default an error is named by what happened (`service_error`, `connect`, `timeout`), or by its type. The function is
        /// called if the error, what a `Box` or an `Arc` holds, or one of the causes of an erased error is an `E`. It returns a
        /// name or an `Option` of a name; with `None` the default counts. Use few names, such as the variants of an enum: each is a
        /// time series of the metrics. A further call adds a function; the first that returns a name counts. If a function panics, the
        /// panic is caught and the default counts.
        ///
        /// ```
        /// use std::io;
        ///
        #[doc = concat!("let traced = ", $builder, ".error_type(|error: &io::Error| match error.kind() {")]
        ///     io::ErrorKind::BrokenPipe => Some("broken_pipe"),
        ///     _ => None,
        /// });
        /// # let _ = traced;
        /// ```
        pub fn error_type<E, N>(self, name: impl Fn(&E) -> N + Send + Sync + 'static) -> Self
        where
            E: std::error::Error + 'static,
            N: Into<Option<&'static str>> + 'static,
        {
            self.common(|common| common.add_error_type(name))
        }

        /// Sets when spans end. The default of a server is the end of the response body, the default of a client is the response
        /// head.
        ///
        /// The span of a gRPC call always ends with the call. A second call replaces the value.
        pub fn end_at(self, end_at: $crate::EndAt) -> Self {
            self.common(|common| common.set_end_at(end_at))
        }

        /// Records the sizes of the bodies, on the span and as `http.*.request.body.size` and `http.*.response.body.size` in
        /// bytes. By default they are not recorded.
        ///
        /// The size of a body that was read to its end is the number of its bytes. Otherwise it is the announced size, usually the
        /// `Content-Length`. The size of a server's response is the number of bytes that were sent. An unknown size is not recorded,
        /// nor an announced size above 1 TiB.
        pub fn body_sizes(self) -> Self {
            self.common(|common| common.enable_body_sizes())
        }

        /// Counts requests in flight as `http.*.active_requests`. By default they are not counted.
        pub fn active_requests(self) -> Self {
            self.common(|common| common.enable_active_requests())
        }

        /// Gives the sampler all attributes that are known when a span starts, whatever the parent. By default attributes are
        /// computed only if the span may be sampled: not if the caller's trace is not sampled.
        ///
        /// Samplers that decide by trace id, by rate or by the parent do not need this. Without this option the first request
        /// after the global provider was set is sampled without attributes, unless the subscriber has a span layer. If the layer is
        /// that of tracing-opentelemetry, the sampler sees only those attributes of a SERVER span that are texts and fields of its
        /// `tracing` span: method, route, host, path, query, scheme and gRPC method.
        pub fn attributes_for_sampler(self) -> Self {
            self.common(|common| common.enable_attributes_for_sampler())
        }

        /// Adds a hook that runs when the span is open: on a server before the handler, on a client before the context is injected.
        ///
        /// The hook runs inside the context of the request, also if the span is not sampled and without an SDK;
        /// `SpanUpdate::is_recording` tells. It does not run for a skipped request. A further call adds a hook. Hooks run in order.
        /// If a hook panics, the panic is caught and the request continues without the hook's changes.
        pub fn on_request(
            self,
            hook: impl Fn(&$crate::RequestHead<'_>, &mut $crate::hooks::SpanUpdate<'_>)
            + Send
            + Sync
            + 'static,
        ) -> Self {
            self.common(|common| common.add_request_hook(hook))
        }

        /// Adds a hook that runs when the response head is there. It does not run without a response.
        ///
        /// The hook sees the original request head; a copy is kept for this purpose. Everything else is as for
        /// [`on_request`](Self::on_request).
        ///
        /// ```
        #[doc = concat!("let traced = ", $builder, ".on_response(|request, response, span| {")]
        ///     if response.status() == 404 && request.uri().path().starts_with("/users/") {
        ///         span.clear_error(); // an expected answer
        ///     }
        /// });
        /// # let _ = traced;
        /// ```
        pub fn on_response(
            self,
            hook: impl Fn(
                &$crate::RequestHead<'_>,
                &$crate::ResponseHead<'_>,
                &mut $crate::hooks::SpanUpdate<'_>,
            ) + Send
            + Sync
            + 'static,
        ) -> Self {
            self.common(|common| common.add_response_hook(hook))
        }

        /// Adds a hook that runs exactly once at the end of every request: complete, failed, panicked or cancelled.
        ///
        #[doc = concat!("The [`Outcome`](", $krate, "::Outcome) has status, duration, `error.type` and how the request ended. The hook")]
        /// runs before the span ends and has the last word on its error. Everything else is as for
        /// [`on_response`](Self::on_response).
        ///
        /// ```
        #[doc = concat!("use ", $krate, "::End;")]
        ///
        #[doc = concat!("let traced = ", $builder, ".on_end(|request, outcome, span| {")]
        ///     if outcome.end() == End::Cancelled && request.uri().path() == "/search" {
        ///         span.clear_error(); // the user has typed on
        ///     }
        /// });
        /// # let _ = traced;
        /// ```
        pub fn on_end(
            self,
            hook: impl Fn(
                &$crate::RequestHead<'_>,
                &$crate::Outcome<'_>,
                &mut $crate::hooks::SpanUpdate<'_>,
            ) + Send
            + Sync
            + 'static,
        ) -> Self {
            self.common(|common| common.add_end_hook(hook))
        }
    };
}

/// Adds the methods for [`ClientOptions`](crate::client::ClientOptions) to a builder.
///
/// The builder needs a method `fn client(self, change: impl FnOnce(&mut ClientOptions)) -> Self`. The arguments are the
/// adapter's crate and the expression that makes the builder, for the examples in the docs.
#[macro_export]
macro_rules! client_options {
    ($krate:literal, $builder:literal) => {
        /// Sets which hosts receive the trace and the baggage. By default every host receives both.
        ///
        /// The policy must hold across redirects: each hop has to pass here. A
        #[doc = concat!("[`Propagate`](", $krate, "::Propagate)")]
        /// in a request's extensions restricts that request further. A second call replaces the policy.
        ///
        /// ```
        #[doc = concat!("use ", $krate, "::trust::{HostPolicy, OutgoingPolicy};")]
        ///
        /// let ours = HostPolicy::only(["*.internal.example.com"])?;
        #[doc = concat!("let traced = ", $builder)]
        ///     .outgoing(OutgoingPolicy::default().trace(ours.clone()).baggage(ours));
        /// # let _ = traced;
        #[doc = concat!("# Ok::<(), ", $krate, "::trust::HostPatternError>(())")]
        /// ```
        pub fn outgoing(self, policy: $crate::trust::OutgoingPolicy) -> Self {
            self.client(|client| client.set_outgoing(policy))
        }

        /// Sends this `User-Agent` with requests that have none, and records the one that is sent as `user_agent.original`.
        ///
        /// By default the header is neither set nor recorded. A second call replaces the value.
        pub fn user_agent(self, user_agent: $crate::http::HeaderValue) -> Self {
            self.client(|client| client.set_user_agent(user_agent))
        }

        /// Adds templates for paths. The first template that matches becomes `url.template` and part of the span's name.
        ///
        /// `{name}` matches one segment of the path, `{*name}` at the end matches all remaining segments. A
        #[doc = concat!("[`UrlTemplate`](", $krate, "::UrlTemplate)")]
        /// in a request's extensions wins. A further call adds templates.
        pub fn url_templates<T: Into<String>>(
            self,
            templates: impl IntoIterator<Item = T>,
        ) -> Self {
            self.client(|client| client.add_url_templates(templates))
        }
    };
}

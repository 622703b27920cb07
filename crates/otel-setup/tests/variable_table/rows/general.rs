//! Variables about the whole process.

use super::{
    NOT_BOOLEANS, ONLY_SPANS, accepted, boolean, exported, invalid, not_unicode, partly,
    used_instead,
};
use crate::check::{Row, Variable};

/// Booleans.
pub(crate) fn switches() -> Vec<Variable> {
    let strict = {
        let mut strict = boolean("OTEL_RUST_STRICT", &NOT_BOOLEANS);
        // Without another value that cannot be used, it changes nothing.
        strict.different = String::new();
        strict
    };
    vec![
        boolean("OTEL_SDK_DISABLED", &NOT_BOOLEANS),
        strict.with(&ONLY_SPANS),
    ]
}

/// The service, the resource and the propagators.
pub(crate) fn names() -> Vec<Variable> {
    let mut service_name = accepted(&[("  other\n", "other"), ("a=b,c%20d", "a=b,c%20d")]);
    service_name.extend(not_unicode().map(|value| Row::warned(value, "", used_instead(""))));

    let not_attributes = [
        "team",
        "=shop",
        "team=shop,zone",
        "team=shop,=b",
        "team=%FF",
        "%FF=a",
        "api_key=s3cret,zone",
        "team=shop;zone",
        "db=postgres://user:s3cret@host/x,zone",
    ];
    // `team=shop;zone` is one attribute.
    let not_attributes = not_attributes.iter().filter(|value| !value.contains(';'));
    let mut attributes = invalid(not_attributes.copied(), "", "");
    attributes.extend(accepted(&[
        (" team = shop ,, ", "team=shop"),
        ("team=sh%6Fp", "team=shop"),
        ("te%61m=shop", "team=shop"),
        ("team=a,team=shop", "team=shop"),
        ("team=a=b", "team=a%3Db"),
        (",", ""),
    ]));

    let mut propagators = invalid(
        [
            "xray",
            "jaeger",
            "ottrace",
            "b3 multi",
            "b3;baggage",
            "true",
            ",",
            ",,",
            "w3c",
            "traceparent",
        ],
        "tracecontext,baggage",
        "tracecontext,baggage",
    );
    propagators.extend(partly(&[
        ("b3,xray", "b3"),
        ("jaeger,tracecontext", "tracecontext"),
        ("none,b3", "b3"),
        ("b3multi,none,ottrace", "b3multi"),
    ]));
    propagators.extend(accepted(&[
        ("B3", "b3"),
        (" b3 , B3,b3", "b3"),
        (",b3,", "b3"),
        ("Baggage,TraceContext", "tracecontext,baggage"),
        ("NONE", "none"),
        ("none,none", "none"),
    ]));
    let default = "tracecontext,baggage";
    let mut variables = vec![
        exported("OTEL_SERVICE_NAME", "", "other", service_name),
        exported("OTEL_RESOURCE_ATTRIBUTES", "", "team=shop", attributes),
    ];
    for different in ["b3", "b3multi", "none", "tracecontext", "baggage"] {
        variables.push(exported(
            "OTEL_PROPAGATORS",
            default,
            different,
            propagators.clone(),
        ));
        // The values are the same each time.
        propagators.clear();
    }
    variables
        .into_iter()
        .map(|variable| variable.with(&ONLY_SPANS))
        .collect()
}

pub(crate) fn samplers() -> Vec<Variable> {
    let default = "parentbased_always_on";
    let mut samplers = invalid(
        [
            "jaeger_remote",
            "parentbased_jaeger_remote",
            "xray",
            "sometimes",
            "always-on",
            "on",
            "1",
            "true",
            "0.5",
            "always_on,always_off",
            "parentbased",
            "traceidratio=0.5",
        ],
        default,
        default,
    );
    samplers.extend(accepted(&[
        ("ALWAYS_OFF", "always_off"),
        (" Always_On\t", "always_on"),
        ("TraceIdRatio", "traceidratio"),
        ("PARENTBASED_always_off", "parentbased_always_off"),
        ("ParentBased_TraceIdRatio", "parentbased_traceidratio"),
        // Without an argument the ratio is 1.
        ("parentbased_traceidratio", "parentbased_always_on"),
    ]));
    let not_ratios = [
        "NaN",
        "nan",
        "inf",
        "-inf",
        "infinity",
        "1e400",
        "-1e400",
        "-0.1",
        "1.1",
        "1.0000001",
        "25%",
        "1/4",
        "0,25",
        "0x1p-2",
        "half",
        "2",
        "-1",
        "0.5.5",
        "\u{0661}",
    ];
    let mut ratios = invalid(not_ratios, "1.0", "1.0");
    ratios.extend(accepted(&[
        (".25", "0.25"),
        ("25e-2", "0.25"),
        (" +0.250 ", "0.25"),
        ("-0", "0"),
        ("1e-400", "0"),
        ("1", "1.0"),
        ("1.", "1.0"),
    ]));
    let argument = |sampler: &str, different| {
        let variable = exported("OTEL_TRACES_SAMPLER_ARG", "1.0", different, ratios.clone());
        variable.with(&[("OTEL_TRACES_SAMPLER", sampler)])
    };
    let variables = vec![
        exported("OTEL_TRACES_SAMPLER", default, "always_off", samplers),
        argument("traceidratio", "0.25"),
        argument("parentbased_traceidratio", "0"),
        // These samplers have no argument.
        argument("always_on", ""),
        argument("", ""),
    ];
    variables
        .into_iter()
        .map(|variable| variable.with(&ONLY_SPANS))
        .collect()
}

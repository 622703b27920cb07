#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| otel_fuzz::url_redaction::check(data));

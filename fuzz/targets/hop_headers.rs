#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| schoolgate_proxy::fuzzing::hop_headers(data));

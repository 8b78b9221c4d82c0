#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| schoolgate_identity::fuzzing::negotiate_token(data));

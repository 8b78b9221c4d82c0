#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| schoolgate_tls::fuzzing::revocation_list(data));

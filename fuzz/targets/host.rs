#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| schoolgate_base::fuzzing::host(data));

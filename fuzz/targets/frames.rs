#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| schoolgate_runtime::fuzzing::frames(data));

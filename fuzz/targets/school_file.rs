#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| schoolgate_policy::fuzzing::school_file(data));

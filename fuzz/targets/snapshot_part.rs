#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| schoolgate_snapshot::fuzzing::snapshot_part(data));

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| schoolgate_dns::fuzzing::dns_query(data));

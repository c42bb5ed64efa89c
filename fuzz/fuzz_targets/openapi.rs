#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conforme::fuzzing::openapi(bytes));

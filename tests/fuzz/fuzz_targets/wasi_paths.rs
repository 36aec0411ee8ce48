#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gristmill_tests::fuzz::wasi_paths::run(data));

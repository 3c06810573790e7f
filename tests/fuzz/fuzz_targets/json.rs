//! Any bytes as a JSON file: see [`dataset_fuzz::json`].

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| dataset_fuzz::json(file));

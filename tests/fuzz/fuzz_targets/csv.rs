//! Any bytes as a CSV file: see [`dataset_fuzz::csv`].

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| dataset_fuzz::csv(file));

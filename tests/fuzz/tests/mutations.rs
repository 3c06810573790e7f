//! A fuzzer that needs only the test runner: it combines and damages files of the corpus, by seed. `cargo
//! fuzz` finds more, since it is guided by coverage; this one runs everywhere.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long to run, in seconds. If it is not set, the run is short.
const SECONDS: &str = "DATASETS_FUZZ_SECONDS";

#[test]
fn csv() {
    run(
        "csv",
        dataset_fuzz::csv,
        &[",", ";", "\t", "\"", "\"\"", "\n", "\r", "\r\n", "a", "é", "\0", "sep=;\n", "\u{FEFF}", ""],
    );
}

#[test]
fn json() {
    run(
        "json",
        dataset_fuzz::json,
        &[
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\\u00e9",
            "\\ud83d",
            "1",
            "-0.5e3",
            "18446744073709551616",
            "null",
            "true",
            " ",
            "\n",
            "\"a\":",
            "\0",
            "",
        ],
    );
}

#[expect(clippy::print_stdout, reason = "the figures are worth seeing")]
fn run(name: &str, check: fn(&[u8]), tokens: &[&str]) {
    let directory = Path::new("corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let corpus: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(corpus.len() > 10, "the corpus is there");
    corpus.iter().for_each(|file| check(file));

    let seconds = std::env::var(SECONDS).ok().map_or(1, |seconds| seconds.parse().unwrap());
    let started = Instant::now();
    let mut seed = 0;
    while started.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..100 {
            let file = mutated(&corpus, tokens, &mut Random(seed));
            let outcome = std::panic::catch_unwind(|| check(&file));
            assert!(outcome.is_ok(), "seed {seed} makes {:?}", String::from_utf8_lossy(&file));
            seed += 1;
        }
    }
    println!("{name}: {} files of the corpus and {seed} made from them", corpus.len());
}

/// One file of the corpus with a part of another, and a few bytes changed.
fn mutated(corpus: &[Vec<u8>], tokens: &[&str], random: &mut Random) -> Vec<u8> {
    let mut file = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(file.len() + 1);
        match random.below(5) {
            0 => file.truncate(at),
            1 => {
                let other = &corpus[random.below(corpus.len())];
                let (from, length) = (random.below(other.len() + 1), random.below(40));
                let part = other[from..].iter().take(length).copied().collect::<Vec<_>>();
                file.splice(at..at, part);
            }
            2 if at < file.len() => file[at] ^= 1 << random.below(8),
            3 if at < file.len() => drop(file.drain(at..(at + 1 + random.below(8)).min(file.len()))),
            _ => drop(file.splice(at..at, tokens[random.below(tokens.len())].bytes())),
        }
    }
    file
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

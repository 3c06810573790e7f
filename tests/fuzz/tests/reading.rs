//! Bounds on the memory of reading a version, for versions of every shape.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use bytes::Bytes;
use dataset_formats::{Examples, Export, Limits, Search, Table, convert, diff};
use dataset_types::Format;
use dataset_types::dialect::Dialect;
use futures::{FutureExt, StreamExt};
use peak_alloc::PeakAlloc;
use std::fmt::Write;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;
const MAX_ANSWER_BYTES: usize = 4 * MIB;

fn version(csv: &str) -> Table<Bytes> {
    let mut out = vec![];
    convert(Format::Csv, &Dialect::default(), &mut || Ok(csv.as_bytes()), &mut out, &Limits::default(), None).unwrap();
    Table::open(Bytes::from(out)).now_or_never().unwrap().unwrap()
}

/// The peak memory of some work above what was held before, in MiB.
fn peak(work: impl FnOnce()) -> usize {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    work();
    (HEAP.peak_usage() - before).div_ceil(MIB)
}

/// The work on a version and on another: the names, and the peaks.
fn peaks(old: &Table<Bytes>, new: &Table<Bytes>, key: &str) -> [(&'static str, usize); 6] {
    let compare = |key| {
        let examples = Examples { rows: 5, max_bytes: MAX_ANSWER_BYTES };
        drop(diff(old, new, key, examples).now_or_never().unwrap().unwrap());
    };
    let search = Search { text: "77", after_row: 0, offset: 5, limit: 10, max_bytes: MAX_ANSWER_BYTES };
    [
        ("a page", peak(|| drop(new.page(new.row_count() / 2, 100, MAX_ANSWER_BYTES).now_or_never().unwrap()))),
        ("the columns", peak(|| drop(new.column_stats().now_or_never().unwrap().unwrap()))),
        ("a search", peak(|| drop(new.search(&search, || false).now_or_never().unwrap().unwrap()))),
        ("an export", {
            let parts = new.export(Export::JsonLines, 8 * MIB).unwrap();
            peak(|| parts.for_each(|part| async { drop(part.unwrap()) }).now_or_never().unwrap())
        }),
        ("a comparison", peak(|| compare(None))),
        ("a comparison by key", peak(|| compare(Some(key)))),
    ]
}

fn wide(rows: usize, seed: usize) -> String {
    let names: Vec<String> = (0..4_096).map(|column| format!("column_{column}")).collect();
    let mut csv = names.join(",");
    for row in 0..rows {
        for column in 0..4_096 {
            let separator = if column == 0 { '\n' } else { ',' };
            write!(
                csv,
                "{separator}{}",
                if column == 0 { row } else { (row * 7_919 + column * 104_729) % (1_000_003 + seed) }
            )
            .unwrap();
        }
    }
    csv
}

/// A single test, since the heap belongs to the whole process.
#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth seeing")]
fn memory_stays_within_its_bound_for_any_version() {
    let numbered = |rows: usize, from: usize| {
        (from..from + rows).fold("n\n".to_owned(), |mut csv, n| {
            writeln!(csv, "{n:x}").unwrap();
            csv
        })
    };
    let texts = |rows: usize| {
        let text = "some text that is long enough to be a page by itself ".repeat(2_000);
        (0..rows).fold("n,t\n".to_owned(), |mut csv, n| {
            writeln!(csv, "{n},{n} {text}").unwrap();
            csv
        })
    };
    for (name, key, old, new) in [
        ("as many columns as may be", "column_0", wide(300, 0), wide(300, 1)),
        ("rows that are all different", "n", numbered(1_000_000, 0), numbered(1_000_000, 10_000_000)),
        ("long texts", "n", texts(200), texts(250)),
    ] {
        let (old, new) = (version(&old), version(&new));
        for (work, mib) in peaks(&old, &new, key) {
            println!("{name}, {work}: {mib} MiB");
            assert!(mib <= if work == "a page" { 48 } else { 160 }, "{name}, {work}: {mib} MiB");
        }
        let before = HEAP.current_usage();
        for _ in 0..20 {
            drop(new.page(0, 100, MAX_ANSWER_BYTES).now_or_never().unwrap());
        }
        assert_eq!(HEAP.current_usage(), before, "{name}: what was read is given back");
    }
}

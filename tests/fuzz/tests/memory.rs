//! Bounds on the memory of a conversion, for files of every shape.

use dataset_formats::{Limits, convert};
use dataset_types::Format;
use dataset_types::dialect::Dialect;
use peak_alloc::PeakAlloc;
use std::io::{self, Read};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

/// A file that is generated while it is read: `head`, then `row(0)`, `row(1)` and so on, then `tail`.
struct Rows<F> {
    row: F,
    rows: std::ops::Range<usize>,
    tail: Vec<u8>,
    piece: Vec<u8>,
    at: usize,
}

impl<F: FnMut(usize) -> Vec<u8>> Read for Rows<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            self.at = 0;
            self.piece = match self.rows.next() {
                Some(number) => (self.row)(number),
                None => std::mem::take(&mut self.tail),
            };
        }
        let length = buffer.len().min(self.piece.len() - self.at);
        buffer[..length].copy_from_slice(&self.piece[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// Returns the peak memory above what was held before, in MiB, and whether the file was accepted.
fn peak(format: Format, head: &str, rows: usize, tail: &str, row: impl Fn(usize) -> Vec<u8> + Copy) -> (usize, bool) {
    let mut source =
        || Ok(Rows { row, rows: 0..rows, tail: tail.as_bytes().to_vec(), piece: head.as_bytes().to_vec(), at: 0 });
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let taken = convert(format, &Dialect::default(), &mut source, &mut io::sink(), &Limits::default(), None).is_ok();
    ((HEAP.peak_usage() - before).div_ceil(MIB), taken)
}

/// A single test, since the heap belongs to the whole process.
#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth seeing")]
fn memory_stays_within_its_bound_on_any_input() {
    let names = |n: usize| (0..n).map(|c| format!("c{c}")).collect::<Vec<_>>().join(",");
    let wide = format!("{}\n", names(4_096));
    let long = || vec![b'x'; 15 * MIB];
    let keys = (0..4_096).map(|c| format!("\"k{c}\":0")).collect::<Vec<_>>().join(",");
    let first = format!("[{{{keys}}}");
    let cases: [(&str, usize, (usize, bool)); 20] = [
        (
            "rows of text",
            16,
            peak(Format::Csv, "a,b\n", 400_000, "", |n| {
                format!("{n},\"some text of row {n}, which is long enough to be one of many\"\n").into_bytes()
            }),
        ),
        ("empty cells", 16, peak(Format::Csv, "a,b,c,d\n", 5_000_000, "", |_| b",,,\n".to_vec())),
        (
            "as many columns as may be",
            64,
            peak(Format::Csv, &wide, 1_000, "", |n| {
                (0..4_096)
                    .map(|c| format!("{}", n * c))
                    .collect::<Vec<_>>()
                    .join(",")
                    .into_bytes()
                    .into_iter()
                    .chain(*b"\n")
                    .collect()
            }),
        ),
        ("nothing but delimiters", 128, peak(Format::Csv, &wide, 24_000, "", |_| [&[b','; 4_095][..], b"\n"].concat())),
        // In each row a different column has the long value.
        (
            "long cells in turn",
            96,
            peak(Format::Csv, &wide, 480, "", |n| {
                let mut cells = vec![String::new(); 4_096];
                cells[n * 8 % 4_096] = "y".repeat(200 << 10);
                (cells.join(",") + "\n").into_bytes()
            }),
        ),
        ("rows as long as may be", 144, peak(Format::Csv, "a\n", 8, "", move |_| [&long()[..], b"\n"].concat())),
        ("a quote that is not closed", 64, peak(Format::Csv, "a\n\"", 100, "", move |_| vec![b'x'; MIB])),
        // All known readings go on side by side until they are too long.
        ("a quote that some readings close", 96, peak(Format::Csv, "a,b\n1,\"", 100, "", move |_| vec![b'x'; MIB])),
        (
            "the last row is short, and all are read as escaped",
            32,
            peak(Format::Csv, "a,b\n", 1_000_000, "1\n", |n| format!("{n},\"x \\\"{n}\\\" y\"\n").into_bytes()),
        ),
        (
            "another encoding, guessed and tried",
            32,
            peak(Format::Csv, "a;b\n", 500_000, "", |n| [format!("{n};na").as_bytes(), b"\xEFve\n"].concat()),
        ),
        (
            "rows within an object",
            32,
            peak(Format::Json, "{\"rows\":[{\"n\":0}", 500_000, "]}", |n| format!(",{{\"n\":{n}}}").into_bytes()),
        ),
        ("no line end", 64, peak(Format::Csv, "", 100, "", move |_| vec![b'x'; MIB])),
        (
            "objects",
            16,
            peak(Format::Json, "[{\"n\":0}", 1_000_000, "]", |n| {
                format!(",\n{{\"n\":{n},\"t\":\"text {n}\"}}").into_bytes()
            }),
        ),
        (
            "sparse objects",
            128,
            peak(Format::Json, "[{\"k\":0}", 300_000, "]", |n| format!(",{{\"k{}\":{n}}}", n % 4_000).into_bytes()),
        ),
        (
            "many rows with few of many keys",
            128,
            peak(Format::Json, &first, 12_000_000, "]", |_| b",{\"k1\":1}".to_vec()),
        ),
        (
            "short rows behind a long one",
            144,
            peak(Format::Csv, "a\n", 4_000_000, "", move |n| {
                if n == 0 { [&long()[..], b"\n"].concat() } else { format!("{n}\n").into_bytes() }
            }),
        ),
        ("a row far wider than the table", 96, peak(Format::Csv, "a,b\n", 15, "\n", move |_| vec![b','; MIB])),
        ("a header that is far too wide", 96, peak(Format::Csv, "a", 15, "\n1\n", move |_| b",a".repeat(MIB / 2))),
        (
            "an object that is far too wide",
            96,
            peak(Format::Json, "[{\"\":0", 15, "}]", move |_| b",\"\":0".repeat(MIB / 5)),
        ),
        ("an object that does not end", 64, peak(Format::Json, "[{\"k\":[", 100, "", move |_| b"1,".repeat(MIB / 2))),
    ];
    for (name, most, (mib, taken)) in cases {
        println!("{name}: {mib} MiB, {}", if taken { "taken" } else { "refused" });
        assert!(mib <= most, "{name} took {mib} MiB");
    }
}

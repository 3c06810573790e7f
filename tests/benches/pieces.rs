//! Measures the throughput of each stage of a conversion, in memory.
//!
//!     cargo bench --workspace --bench pieces

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use dataset_formats::{Examples, Export, Limits, RowSchema, Search, Table, convert, diff};
use dataset_types::Format;
use dataset_types::dialect::Dialect;
use divan::Bencher;
use divan::counter::BytesCount;
use futures::{FutureExt, TryStreamExt};
use std::io;

const ROWS: u64 = 50_000;

fn main() {
    divan::main();
}

/// A pseudo-random number for each row.
fn mixed(row: u64) -> u64 {
    row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40
}

fn file(head: &str, row: impl Fn(u64) -> String, tail: &str) -> String {
    [head.to_owned()].into_iter().chain((0..ROWS).map(row)).chain([tail.to_owned()]).collect()
}

fn numbers() -> String {
    file("a,b,c,d\n", |n| format!("{n},{},{},{}\n", mixed(n), mixed(n) % 100, mixed(n) >> 10), "")
}

fn quoted() -> String {
    let row = |n| format!("\"row {n}\",\"it says \"\"{:x}\"\" and\nmore\",\"{}\"\n", mixed(n), mixed(n) % 50);
    file("a,b,c\n", row, "")
}

fn objects() -> String {
    let row =
        |n| format!("{{\"n\": {n}, \"text\": \"text {:x}\\n\", \"more\": [{}, null]}},\n", mixed(n), mixed(n) % 9);
    file("[", row, "{\"n\": 1.5}]")
}

fn converting(bencher: Bencher<'_, '_>, format: Format, file: &str) {
    checking(bencher, format, file, None);
}

fn checking(bencher: Bencher<'_, '_>, format: Format, file: &str, schema: Option<&RowSchema>) {
    let bytes = file.as_bytes();
    bencher.counter(BytesCount::of_slice(bytes)).bench(|| {
        convert(format, &Dialect::default(), &mut || Ok(bytes), &mut io::sink(), &Limits::default(), schema).unwrap();
    });
}

#[divan::bench]
fn csv_numbers_by_a_schema(bencher: Bencher<'_, '_>) {
    let properties = ["a", "b", "c", "d"].map(|name| format!(r#""{name}": {{"type": "integer", "minimum": 0}}"#));
    let schema = format!(r#"{{"properties": {{{}}}, "required": ["a", "b", "c", "d"]}}"#, properties.join(","));
    checking(bencher, Format::Csv, &numbers(), Some(&RowSchema::parse(&schema).unwrap()));
}

#[divan::bench]
fn csv_numbers(bencher: Bencher<'_, '_>) {
    converting(bencher, Format::Csv, &numbers());
}

#[divan::bench]
fn csv_quoted(bencher: Bencher<'_, '_>) {
    converting(bencher, Format::Csv, &quoted());
}

/// The last row contradicts the type inferred from the first ones, so the file is read twice.
#[divan::bench]
fn json_with_a_late_surprise(bencher: Bencher<'_, '_>) {
    converting(bencher, Format::Json, &objects());
}

#[divan::bench]
fn a_page_of_100_rows(bencher: Bencher<'_, '_>) {
    let parquet = stored();
    bencher.bench(|| opened(&parquet).page(ROWS / 2, 100, usize::MAX).now_or_never().unwrap().unwrap());
}

#[divan::bench]
fn a_search_through_all_rows(bencher: Bencher<'_, '_>) {
    let table = opened(&stored());
    let search = Search { text: "no row has this", after_row: 0, offset: 0, limit: 100, max_bytes: usize::MAX };
    bencher
        .counter(BytesCount::of_str(&numbers()))
        .bench(|| table.search(&search, || false).now_or_never().unwrap().unwrap());
}

#[divan::bench]
fn all_rows_as_csv(bencher: Bencher<'_, '_>) {
    let table = opened(&stored());
    bencher.counter(BytesCount::of_str(&numbers())).bench(|| {
        let parts = table.export(Export::Csv, 5 << 20).unwrap();
        parts.try_for_each(|_| async { Ok(()) }).now_or_never().unwrap().unwrap();
    });
}

#[divan::bench]
fn a_version_beside_itself(bencher: Bencher<'_, '_>) {
    let table = opened(&stored());
    let examples = Examples { rows: 10, max_bytes: usize::MAX };
    bencher
        .counter(BytesCount::of_str(&numbers()))
        .bench(|| diff(&table, &table, None, examples).now_or_never().unwrap().unwrap());
}

/// The file of numbers as Parquet.
fn stored() -> Bytes {
    let file = numbers();
    let mut parquet = vec![];
    convert(Format::Csv, &Dialect::default(), &mut || Ok(file.as_bytes()), &mut parquet, &Limits::default(), None)
        .unwrap();
    parquet.into()
}

fn opened(parquet: &Bytes) -> Table<Bytes> {
    Table::open(parquet.clone()).now_or_never().unwrap().unwrap()
}

#[divan::bench]
fn a_request(bencher: Bencher<'_, '_>) {
    let content = STANDARD.encode(quoted());
    let body = format!(r#"{{"dataset_group_id":1,"file_name":"a.csv","file_content_base64":"{content}"}}"#);
    bencher
        .counter(BytesCount::of_str(&body))
        .with_inputs(|| Bytes::from(body.clone().into_bytes()))
        .bench_values(|body| dataset_api::unpack(body).ok().unwrap().file);
}

//! Properties that hold for any bytes that are uploaded, checked by fuzzers.
//!
//! Nothing panics. The result does not depend on how a file is split into chunks, pages and row groups. An
//! error is complete and reveals no content of the file. A file that is accepted has the cells that the
//! crates `csv` and `serde_json` read from it.
//!
//! ```sh
//! cargo +nightly fuzz run --fuzz-dir tests/fuzz --features libfuzzer csv tests/fuzz/corpus/csv
//! ```

#![expect(clippy::unwrap_used, reason = "a surprise is what a fuzzer looks for")]

use bytes::Bytes;
use dataset_formats::{DataError, Dialect, Error, Limits, Table, convert};
use dataset_types::Format;
use dataset_types::rows::CellValue;
use futures::FutureExt;
use serde_json::{Map, Value};

/// Checks a file that is uploaded as CSV.
pub fn csv(file: &[u8]) {
    let Some(page) = same_however_cut(Format::Csv, file) else { return };
    let text: String = match file {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).unwrap(),
        file => String::from_utf8(file.to_vec()).unwrap(),
    };
    let rows: Vec<Vec<String>> = page.rows.iter().map(|row| row.iter().map(cell_text).collect()).collect();
    let announced = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep="));
    let delimiter = page.dialect.unwrap().delimiter;
    // If the first line may have been a `sep=` line, the rest of it is not a row. But a header may begin
    // with those letters, too.
    let starts = if announced { [text.as_str(), text.get(5..).unwrap_or_default()] } else { [text.as_str(); 2] };
    let agrees = |text: &str| {
        // The crate removes a byte order mark, and ours has already been removed.
        let text = format!("\u{FEFF}{}", without_blank_lines(text));
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            // 0xFF is in no text, so nothing is split.
            .delimiter(delimiter.unwrap_or(0xFF))
            .from_reader(text.as_bytes());
        reader
            .records()
            .map(|record| record.map(|r| r.iter().map(str::to_owned).collect()))
            .collect::<Result<Vec<Vec<String>>, _>>()
            .ok()
            .as_ref()
            .is_some_and(|read: &Vec<Vec<String>>| {
                let [header, read @ ..] = &read[..] else { return false };
                names_of(header) == page.columns && read == rows
            })
    };
    assert!(
        starts.into_iter().any(agrees),
        "with {:?} between fields the csv crate reads other rows than {rows:?}",
        delimiter.map(char::from)
    );
}

/// The text from the first line on that has more than blanks.
fn without_blank_lines(text: &str) -> &str {
    let blanks = text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len();
    let line = text[..blanks].rfind(['\r', '\n']).map_or(0, |at| at + 1);
    if blanks == text.len() { "" } else { &text[line..] }
}

/// What the columns are called under such a header.
fn names_of(header: &[String]) -> Vec<String> {
    let mut names: Vec<String> = vec![];
    for (index, name) in header.iter().enumerate() {
        let is_blank = name.trim().is_empty();
        let base = if is_blank { format!("column_{}", index + 1) } else { name.clone() };
        let is_free = |name: &String| !names.contains(name) && !header.contains(name);
        let numbered = || (2..).map(|number| format!("{base}_{number}")).find(is_free).unwrap();
        let is_first = if is_blank { is_free(&base) } else { !names.contains(&base) };
        names.push(if is_first { base.clone() } else { numbered() });
    }
    names
}

/// Checks a file that is uploaded as JSON.
pub fn json(file: &[u8]) {
    let Some(page) = same_however_cut(Format::Json, file) else { return };
    let text = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    let is_array = text.trim_ascii_start().starts_with(b"[");
    let lines = || serde_json::Deserializer::from_slice(text).into_iter().collect();
    let rows: Vec<Map<String, Value>> = match if is_array { serde_json::from_slice(text) } else { lines() } {
        Ok(rows) => rows,
        // `serde_json` refuses numbers beyond a double; we keep their digits.
        Err(error) => return assert!(error.to_string().contains("number out of range"), "serde_json: {error}"),
    };
    assert_eq!(page.rows.len(), rows.len());
    for (cells, row) in page.rows.iter().zip(&rows) {
        for (name, cell) in page.columns.iter().zip(cells) {
            let (found, expected) = (serde_json::to_value(cell).unwrap(), row.get(name).unwrap_or(&Value::Null));
            // An integer in a column of decimals becomes a decimal of the same value.
            let same = found == *expected || (found.as_f64().is_some() && found.as_f64() == expected.as_f64());
            assert!(same, "{name:?}: {found} is not {expected}");
        }
        assert!(row.keys().all(|name| page.columns.contains(name)));
    }
}

/// Returns the table, or `None` if the file is refused.
fn same_however_cut(format: Format, file: &[u8]) -> Option<Read> {
    let whole = table(format, file, &Limits::default());
    for chunk_bytes in [1, 2, 3, 7, 64] {
        let limits = Limits {
            chunk_bytes,
            look_ahead_bytes: chunk_bytes,
            page_bytes: 8,
            row_group_bytes: 64,
            threads: 1 + chunk_bytes % 2,
            ..Limits::default()
        };
        match (&whole, table(format, file, &limits)) {
            (Ok(whole), Ok(cut)) => {
                assert_eq!(format!("{whole:?}"), format!("{cut:?}"), "chunks of {chunk_bytes}");
            }
            (Err(whole), Err(cut)) => assert_eq!(*whole, cut, "chunks of {chunk_bytes}"),
            (whole, cut) => panic!("{whole:?}, but {cut:?} in chunks of {chunk_bytes}"),
        }
    }
    match whole {
        Ok(page) => Some(page),
        Err(error) => {
            check_error(&error);
            None
        }
    }
}

/// Some clients can't take every character, so a message must be plain.
fn check_error(error: &DataError) {
    let message = &error.message;
    assert!(message.is_ascii() && !message.contains(['"', '\n', '\r', '\0']), "{message}");
    assert!(!message.contains(",[") && !message.contains(",{"), "{message}");
    assert!(error.line != Some(0) && error.row != Some(0) && error.column != Some(0));
}

/// Everything that was read back.
#[derive(Debug)]
struct Read {
    dialect: Option<Dialect>,
    columns: Vec<String>,
    rows: Vec<Vec<CellValue>>,
}

fn table(format: Format, file: &[u8], limits: &Limits) -> Result<Read, DataError> {
    let mut out = vec![];
    match convert(format, &mut || Ok(file), &mut out, limits) {
        Err(Error::Data(error)) => Err(error),
        summary => {
            let summary = summary.unwrap();
            let table = Table::open(Bytes::from(out)).now_or_never().unwrap().unwrap();
            let rows = table.page(0, usize::MAX, usize::MAX).now_or_never().unwrap().unwrap().rows;
            let columns: Vec<String> = table.columns().map(str::to_owned).collect();
            assert_eq!((summary.rows, summary.columns.len()), (rows.len() as u64, columns.len()));
            Ok(Read { dialect: summary.dialect, columns, rows })
        }
    }
}

fn cell_text(cell: &CellValue) -> String {
    match cell {
        CellValue::Text(text) => text.clone(),
        other => panic!("{other:?} is no text"),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16(&units).unwrap()
}

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
use dataset_formats::{DataError, Error, Limits, Table, convert};
use dataset_types::Format;
use dataset_types::dialect::{Dialect, EscapeChar, QuoteChar, ShortRows};
use dataset_types::rows::CellValue;
use futures::FutureExt;
use serde_json::{Map, Value};

/// Checks a file that is uploaded as CSV.
pub fn csv(file: &[u8]) {
    let Some(page) = same_however_cut(Format::Csv, file) else { return };
    let text = decoded(file, &page.dialect);
    let rows: Vec<Vec<String>> = page.rows.iter().map(|row| row.iter().map(cell_text).collect()).collect();
    let announced = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep="));
    // If the first line may have been a `sep=` line, the rest of it is not a row. But a header may begin
    // with those letters, too.
    let starts = if announced { [text.as_str(), text.get(5..).unwrap_or_default()] } else { [text.as_str(); 2] };
    let agrees = |read: Vec<Vec<String>>| {
        let [header, read @ ..] = &read[..] else { return false };
        names_of(header) == page.columns && read == rows
    };
    let dialect = &page.dialect;
    assert!(
        starts.into_iter().any(|text| agrees(plainly_read(text, dialect))),
        "with {dialect} a plain reader reads other rows than {rows:?}"
    );
    // The crate knows neither spaces before quotes nor backslashes that are text.
    if dialect.escape_char == Some(EscapeChar::None) && dialect.skip_initial_space == Some(false) {
        assert!(
            starts.into_iter().any(|text| crate_read(text, dialect).is_some_and(agrees)),
            "with {dialect} the csv crate reads other rows than {rows:?}"
        );
    }
}

/// The text of a file that is written in this dialect, without a byte order mark.
fn decoded(file: &[u8], dialect: &Dialect) -> String {
    let (text, _, is_malformed) = dialect.encoding.unwrap().get().decode(file);
    assert!(!is_malformed);
    text.into_owned()
}

fn quote_of(dialect: &Dialect) -> Option<char> {
    match dialect.quote_char.unwrap() {
        QuoteChar::Double => Some('"'),
        QuoteChar::Single => Some('\''),
        QuoteChar::None => None,
    }
}

/// The simplest reader of a text that is in order.
fn plainly_read(text: &str, dialect: &Dialect) -> Vec<Vec<String>> {
    let delimiter = dialect.delimiter.unwrap().get().map(char::from);
    let (quote, escapes) = (quote_of(dialect), dialect.escape_char == Some(EscapeChar::Backslash));
    let (mut rows, mut chars): (Vec<Vec<String>>, _) = (vec![], text.chars().peekable());
    while chars.peek().is_some() {
        let (mut row, mut was_quoted) = (vec![], false);
        let ends_file = 'row: loop {
            let mut field = String::new();
            while dialect.skip_initial_space == Some(true) && chars.peek() == Some(&' ') {
                chars.next();
            }
            if quote.is_some() && chars.peek().copied() == quote {
                was_quoted = true;
                chars.next();
                while let Some(char) = chars.next() {
                    let next = chars.peek().copied();
                    match char {
                        '\\' if escapes && (next == quote || next == Some('\\')) => field.extend(chars.next()),
                        char if Some(char) == quote && !escapes && next == quote => field.extend(chars.next()),
                        char if Some(char) == quote => break,
                        char => field.push(char),
                    }
                }
            }
            loop {
                let char = chars.next();
                match char {
                    Some(char) if Some(char) == delimiter => break,
                    None | Some('\r' | '\n') => {
                        row.push(field);
                        break 'row char.is_none();
                    }
                    Some(char) => field.push(char),
                }
            }
            row.push(field);
        };
        let columns = rows.first().map_or(usize::MAX, Vec::len);
        let is_blank = row.len() == 1 && !was_quoted && row[0].chars().all(|char| matches!(char, ' ' | '\t'));
        let is_end = row == ["\u{1A}"] && !was_quoted && ends_file;
        if !is_end && !(is_blank && (row[0].is_empty() || columns > 1)) {
            if dialect.short_rows == Some(ShortRows::Pad) && columns != usize::MAX {
                row.resize(row.len().max(columns), String::new());
            }
            rows.push(row);
        }
    }
    rows
}

/// What the crate `csv` reads.
fn crate_read(text: &str, dialect: &Dialect) -> Option<Vec<Vec<String>>> {
    let lines = without_blank_lines(text);
    // It takes a control-Z for a row, and a line of blanks for one of one field.
    let ends = |line: &str| {
        line.strip_suffix('\u{1A}').filter(|rest| rest.is_empty() || rest.ends_with(['\r', '\n'])).map(str::len)
    };
    let lines = &lines[..ends(lines).unwrap_or(lines.len())];
    // The crate removes a byte order mark, and ours has already been removed.
    let text = format!("\u{FEFF}{lines}");
    let mut reader = csv::ReaderBuilder::new();
    let quote = quote_of(dialect);
    reader.quoting(quote.is_some()).quote(quote.map_or(b'"', |quote| quote as u8));
    // 0xFF is in no text, so nothing is split.
    reader.has_headers(false).flexible(true).delimiter(dialect.delimiter.unwrap().get().unwrap_or(0xFF));
    let mut reader = reader.from_reader(text.as_bytes());
    let rows = reader.records().map(|record| record.map(|r| r.iter().map(str::to_owned).collect()));
    let mut rows = rows.collect::<Result<Vec<Vec<String>>, _>>().ok()?;
    let columns = rows.first()?.len();
    rows.retain(|row| columns == 1 || row.len() > 1 || !row[0].chars().all(|char| matches!(char, ' ' | '\t')));
    Some(rows)
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
    let text = decoded(file, &page.dialect);
    let text = text.as_bytes();
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
    dialect: Dialect,
    columns: Vec<String>,
    rows: Vec<Vec<CellValue>>,
}

fn table(format: Format, file: &[u8], limits: &Limits) -> Result<Read, DataError> {
    let mut out = vec![];
    match convert(format, &Dialect::default(), &mut || Ok(file), &mut out, limits, None) {
        Err(Error::Data(error)) => Err(*error),
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

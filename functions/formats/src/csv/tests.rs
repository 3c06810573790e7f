use super::*;
use crate::convert::{Format, convert as convert_any};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

type Table = (Vec<String>, Vec<Vec<String>>);

fn read_back(parquet: Vec<u8>) -> Vec<Vec<String>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(parquet)).unwrap().build().unwrap();
    let mut rows = vec![];
    for batch in reader {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cell = |c: &ArrayRef| arrow_array::cast::AsArray::as_string::<i32>(c).value(row).to_owned();
            rows.push(batch.columns().iter().map(cell).collect());
        }
    }
    rows
}

fn table_of(file: &[u8], chunk_bytes: usize) -> Result<Table> {
    let mut out = vec![];
    let limits = Limits { chunk_bytes, ..Limits::default() };
    let summary = convert_any(Format::Csv, || Ok(file), &mut out, &limits)?;
    let rows = read_back(out);
    assert_eq!(rows.len() as u64, summary.rows);
    Ok((summary.columns, rows))
}

/// The same at every chunk size.
fn table(file: &[u8]) -> Result<Table, DataError> {
    let whole = table_of(file, 1 << 16);
    for chunk in 1..file.len().min(24) {
        let cut = table_of(file, chunk);
        assert_eq!(format!("{cut:?}"), format!("{whole:?}"), "chunks of {chunk}");
    }
    whole.map_err(|e| match e {
        Error::Data(e) => e,
        other => panic!("{other:?}"),
    })
}

#[test]
fn what_is_taken_and_what_it_reads() {
    let long = "x".repeat(100);
    for (file, columns, rows) in [
        ("a,b\n1,2\n", vec!["a", "b"], vec![vec!["1", "2"]]),
        ("a,b\r\n1,2", vec!["a", "b"], vec![vec!["1", "2"]]),
        ("a,b\r1,2\r", vec!["a", "b"], vec![vec!["1", "2"]]),
        ("\u{FEFF}a,b\n\n1,2\n\r\n\r3,4\n\n", vec!["a", "b"], vec![vec!["1", "2"], vec!["3", "4"]]),
        ("a,b\n\"x\ny\",\"say \"\"hi\"\"\"\n", vec!["a", "b"], vec![vec!["x\ny", "say \"hi\""]]),
        ("a\n\"\"\n\"\"\"\"\n", vec!["a"], vec![vec![""], vec!["\""]]),
        ("a,b\n0012, x \nNULL,\n", vec!["a", "b"], vec![vec!["0012", " x "], vec!["NULL", ""]]),
        ("a;b\n1;2\n", vec!["a", "b"], vec![vec!["1", "2"]]),
        ("a\tb\n1\t2,5\n", vec!["a", "b"], vec![vec!["1", "2,5"]]),
        ("sep=;\r\na,x;b\n1;2\n", vec!["a,x", "b"], vec![vec!["1", "2"]]),
        ("a;x\n1\n", vec!["a;x"], vec![vec!["1"]]),
        ("a,b\n1;2,3;4\n", vec!["a", "b"], vec![vec!["1;2", "3;4"]]),
        ("a\n\u{85}\u{2028}\n=1+1\n", vec!["a"], vec![vec!["\u{85}\u{2028}"], vec!["=1+1"]]),
        (&format!("имя\n{long}\n"), vec!["имя"], vec![vec![&long]]),
    ] {
        let (got_columns, got_rows) = table(file.as_bytes()).unwrap_or_else(|e| panic!("{file:?}: {e:?}"));
        assert_eq!(got_columns, columns, "{file:?}");
        assert_eq!(got_rows, rows, "{file:?}");
    }
}

#[test]
fn what_is_refused_and_where() {
    for (file, code, row, line, column) in [
        (&b"\xEF\xBB\xBF"[..], "empty_file", None, None, None),
        (b"\n\r\n\n", "empty_file", None, None, None),
        (b"a,b\n", "no_rows", None, None, None),
        (b"a,a\n1,2\n", "duplicate_column", None, Some(1), Some(2)),
        (b"\n\na,\n1,2\n", "empty_column_name", None, Some(3), Some(2)),
        (b"a,b\n1,2\n\n\n3\n", "too_few_fields", Some(2), Some(5), Some(2)),
        (b"a,b\r1,2\r\r3,4,5\r", "too_many_fields", Some(2), Some(4), Some(3)),
        (b"a,b\n\"x\ny\",2\n3\n", "too_few_fields", Some(2), Some(4), Some(2)),
        (b"a,b\n1,\"2\n3,4\n", "unterminated_quote", Some(1), Some(2), Some(2)),
        (b"a,b\n1,2\n3,\"4\"x\n", "text_after_quote", Some(2), Some(3), Some(2)),
        (b"a,b\n1,2\"\n", "bare_quote", Some(1), Some(2), Some(2)),
        (b"a,b\n1,2\n3,\xE9t\xE9\n", "invalid_utf8", Some(2), Some(3), Some(2)),
        (b"a,b\n1,\0\n", "nul_byte", Some(1), Some(2), Some(2)),
        (b"\xE9,b\n1,2\n", "invalid_utf8", None, Some(1), Some(1)),
        (b"\x1F\x8B\x08", "unsupported_content", None, None, None),
        (b"PK\x03\x04...", "unsupported_content", None, None, None),
        (b"\xFF\xFEa\0", "unsupported_encoding", None, None, None),
        (b"a|b\n1|2\n", "wrong_delimiter", None, Some(1), None),
        (b"sep=|\na|b\n1|2\n", "wrong_delimiter", None, Some(1), None),
    ] {
        let shown = String::from_utf8_lossy(file);
        let error = table_of(file, 1 << 16).expect_err(&shown);
        let Error::Data(error) = error else { panic!("{shown:?}: {error:?}") };
        assert_eq!((error.code, error.row, error.line, error.column), (code, row, line, column), "{shown:?}");
        for chunk in 1..file.len() {
            assert_eq!(table_of(file, chunk).expect_err(&shown).to_string(), error.message);
        }
    }
}

#[test]
fn bounds_are_kept() {
    let limits = Limits { max_columns: 3, max_row_bytes: 64, chunk_bytes: 16, ..Limits::default() };
    let wide = Limits { max_row_bytes: 64, chunk_bytes: 1 << 10, ..Limits::default() };
    let file = format!("a\n1\n{}\n", "x".repeat(65));
    let error = convert_any(Format::Csv, || Ok(file.as_bytes()), vec![], &wide).unwrap_err();
    assert!(matches!(&error, Error::Data(e) if e.code == "row_too_large" && e.row == Some(2)), "{error:?}");
    for (file, code) in [
        ("a,b,c,d\n1,2,3,4\n".to_owned(), "too_many_columns"),
        (format!("a\n{}\n", "x".repeat(200)), "row_too_large"),
        (format!("a\n\"{}", "x\n".repeat(200)), "row_too_large"),
        (format!("{}\n1\n", "x".repeat(200)), "row_too_large"),
    ] {
        let error = convert_any(Format::Csv, || Ok(file.as_bytes()), vec![], &limits).expect_err(&file);
        assert!(matches!(&error, Error::Data(e) if e.code == code), "{file:?}: {error:?}");
    }
}

fn written(rows: &[Vec<String>], terminator: csv::Terminator, quotes: csv::QuoteStyle) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(terminator).quote_style(quotes).from_writer(vec![]);
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

proptest! {
    #[test]
    fn what_the_csv_crate_writes_reads_back(
        cells in prop::collection::vec(prop::collection::vec("[a-c,;\"\r\n é😀\t]{0,6}", 3), 1..6),
        crlf in any::<bool>(),
        always in any::<bool>(),
        chunk in 1usize..40,
    ) {
        let mut rows = vec![vec!["one".to_owned(), "two".to_owned(), "three".to_owned()]];
        rows.extend(cells);
        let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let quotes = if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
        let file = written(&rows, terminator, quotes);
        let (columns, read) = table_of(&file, chunk).unwrap();
        prop_assert_eq!(&columns, &rows[0]);
        prop_assert_eq!(&read, &rows[1..]);
    }

    #[test]
    fn no_bytes_make_it_panic(file in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b",;\"\r\na\t"[..])], 0..60), chunk in 1usize..20) {
        let whole = table_of(&file, 1 << 16).map_err(|e| e.to_string());
        let cut = table_of(&file, chunk).map_err(|e| e.to_string());
        prop_assert_eq!(whole, cut);
    }
}

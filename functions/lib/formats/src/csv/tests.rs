use super::*;
use crate::error::Result;
use crate::testing::{converted, parquet_of, table_of, texts, tight};
use proptest::prelude::*;

type Table = (Vec<String>, Vec<Vec<String>>);

fn read(file: &[u8], limits: &Limits) -> Result<Table> {
    let page = table_of(Format::Csv, file, limits)?;
    Ok((page.columns.clone(), texts(&page)))
}

/// The same at every chunk size.
fn table(file: &[u8]) -> Result<Table, DataError> {
    let whole = read(file, &Limits::default());
    for chunk in 1..file.len().min(24) {
        let cut = read(file, &tight(chunk));
        assert_eq!(format!("{cut:?}"), format!("{whole:?}"), "chunks of {chunk}");
    }
    whole.map_err(|e| match e {
        Error::Data(e) => *e,
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
        ("\u{FEFF}a,b\n\n1,2\n\r\n\r\r\n3,4\n\n", vec!["a", "b"], vec![vec!["1", "2"], vec!["3", "4"]]),
        ("a,b\n\"x\ny\",\"say \"\"hi\"\"\"\n", vec!["a", "b"], vec![vec!["x\ny", "say \"hi\""]]),
        ("a\n\"\"\n\"\"\"\"\n", vec!["a"], vec![vec![""], vec!["\""]]),
        ("a,b\n0012, x \nNULL,\n", vec!["a", "b"], vec![vec!["0012", " x "], vec!["NULL", ""]]),
        ("a;b\n1;2\n", vec!["a", "b"], vec![vec!["1", "2"]]),
        ("a\tb\n1\t2,5\n", vec!["a", "b"], vec![vec!["1", "2,5"]]),
        ("sep=;\r\na,x;b\n1;2\n", vec!["a,x", "b"], vec![vec!["1", "2"]]),
        ("a|b\n1|2\n", vec!["a", "b"], vec![vec!["1", "2"]]),
        ("a\ta,\n\t\n", vec!["a", "a,"], vec![vec!["", ""]]),
        ("sep=|\na,b|c\n1|2\n", vec!["a,b", "c"], vec![vec!["1", "2"]]),
        ("sep=:\na:b\n1:2,3\n", vec!["a", "b"], vec![vec!["1", "2,3"]]),
        // In the header a comma with a space behind it is punctuation.
        ("id;Preis, netto;n\n1;2,50;3\n", vec!["id", "Preis, netto", "n"], vec![vec!["1", "2,50", "3"]]),
        ("id\tcity, state\n1\tReno, NV\n", vec!["id", "city, state"], vec![vec!["1", "Reno, NV"]]),
        // No row but one fits the comma; every row fits the bar.
        ("a,x|b\n1|2\n3,4|5\n6|7\n", vec!["a,x", "b"], vec![vec!["1", "2"], vec!["3,4", "5"], vec!["6", "7"]]),
        // Delimiters in quotes are text.
        ("\"a;b\";c\n\"1;2\";3\n", vec!["a;b", "c"], vec![vec!["1;2", "3"]]),
        ("\"a,b\"\n1\n", vec!["a,b"], vec![vec!["1"]]),
        // Under the right delimiter all quotes are in order.
        ("\"n\";\"a,b\"\n\"x\";\"1,50\"\n", vec!["n", "a,b"], vec![vec!["x", "1,50"]]),
        ("id;\"a,b\"\n1;\"2,5\"", vec!["id", "a,b"], vec![vec!["1", "2,5"]]),
        // A header without a delimiter is that of one column.
        (
            "text\nHello, world; and | all\n\"a, b\"\n",
            vec!["text"],
            vec![vec!["Hello, world; and | all"], vec!["a, b"]],
        ),
        ("Which; and why?\nThis\nThat\n", vec!["Which; and why?"], vec![vec!["This"], vec!["That"]]),
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
fn each_column_has_a_name_of_its_own() {
    for (header, names, notices) in [
        (",a,b", vec!["column_1", "a", "b"], vec![("column_named", vec!["column_1"])]),
        ("a,\" \",column_2", vec!["a", "column_2_2", "column_2"], vec![("column_named", vec!["column_2_2"])]),
        ("a,a,a_2,a", vec!["a", "a_3", "a_2", "a_4"], vec![("column_renamed", vec!["a_3", "a_4"])]),
        (
            ",column_1,column_1",
            vec!["column_1_2", "column_1", "column_1_3"],
            vec![("column_named", vec!["column_1_2"]), ("column_renamed", vec!["column_1_3"])],
        ),
        ("1,-2.5,1e3", vec!["1", "-2.5", "1e3"], vec![("names_are_numbers", vec!["1", "-2.5", "1e3"])]),
        ("id,x,ID", vec!["id", "x", "ID"], vec![("names_differ_in_case", vec!["id", "ID"])]),
        ("inf,nan", vec!["inf", "nan"], vec![]),
        // Lines of blanks before it are none, but it may begin with blanks.
        ("  \n\n\t\n \ta,b", vec![" \ta", "b"], vec![]),
        ("\"\"", vec!["column_1"], vec![("column_named", vec!["column_1"])]),
        ("a,b", vec!["a", "b"], vec![]),
    ] {
        let file = format!("{header}\n{}\n", vec!["1"; names.len()].join(","));
        for limits in [tight(1), tight(7), Limits::default()] {
            let (summary, _) = converted(Format::Csv, file.as_bytes(), &limits).unwrap();
            assert_eq!(summary.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), names);
            let found: Vec<_> = summary
                .notices
                .iter()
                .map(|n| (n.code.as_str(), n.columns.iter().map(String::as_str).collect()))
                .collect();
            assert_eq!(found, notices, "{header}");
        }
    }
    let header = ",".repeat(4_095);
    let (summary, _) = converted(Format::Csv, format!("{header}\n{header}\n").as_bytes(), &Limits::default()).unwrap();
    assert_eq!((summary.notices[0].columns.len(), summary.notices[0].column_count), (20, Some(4_096)));
    let same = vec!["a"; 4_096].join(",");
    let (summary, _) = converted(Format::Csv, format!("{same}\n{same}\n").as_bytes(), &Limits::default()).unwrap();
    assert_eq!((summary.columns[4_095].name.as_str(), summary.notices[0].column_count), ("a_4096", Some(4_095)));
}

#[test]
fn what_is_refused_and_where() {
    for (file, code, row, line, column) in [
        (&b"\xEF\xBB\xBF"[..], "empty_file", None, None, None),
        (b"\n\r\n\n", "empty_file", None, None, None),
        (b"\n  \n \t", "empty_file", None, None, None),
        (b"a,b\n", "no_rows", None, None, None),
        (b"a,b\n1,2\n\n\n3\n", "too_few_fields", Some(2), Some(5), Some(2)),
        (b"a,b\r1,2\r\r3,4,5\r", "too_many_fields", Some(2), Some(4), Some(3)),
        (b"a,b\n\"x\ny\",2\n3\n", "too_few_fields", Some(2), Some(4), Some(2)),
        (b"a,b\n1,\"2\n3,4\n", "unterminated_quote", Some(1), Some(2), Some(2)),
        (b"a,b\n1,2\n3,\"4\"x\n", "text_after_quote", Some(2), Some(3), Some(2)),
        (b"a,b\n1,  \"2\n", "bare_quote", Some(1), Some(2), Some(2)),
        (b"a,b\n1,x\ry\n", "lone_cr", Some(1), Some(2), Some(2)),
        (b"a,b\r\n\r1,2\r\n", "lone_cr", Some(1), Some(2), Some(1)),
        (b"a,b\n\"x\ry\",1\n1,\"2\"\r3\n", "lone_cr", Some(2), Some(3), Some(2)),
        (b"a,b\n1,2\n\x1A\n", "too_few_fields", Some(2), Some(3), Some(2)),
        (b"a\0,b\n1,2\n", "nul_byte", None, Some(1), Some(1)),
        (b"a,b;c\n", "no_rows", None, None, None),
        (b"a;b,c\n1;2,3\n\x1A", "ambiguous_dialect", None, Some(1), None),
        (b"sep=;\r\r\na;b\r\r\n1\r\r\n", "too_few_fields", Some(1), Some(3), Some(2)),
        (b"a,b\n1, \"x\ry\"\n2,\xE9\n", "invalid_utf8", None, Some(3), None),
        // Every row has as many commas, but quotes are in order with semicolons alone.
        (b"a;\"b,c\";d\n1;\"2,3\"\n1;\"2,3\";4\n", "too_few_fields", Some(1), Some(2), Some(3)),
        (b"a\n\"x\"\xFF\n", "invalid_utf8", Some(1), Some(2), Some(1)),
        (b"\"x\"\xFF\n1\n", "invalid_utf8", None, Some(1), Some(1)),
        (b"a,b\n1,2\n3,\xE9t\xE9\n", "invalid_utf8", Some(2), Some(3), Some(2)),
        (b"a,b\n1,caf\xE9 \"x\"\n", "invalid_utf8", Some(1), Some(2), Some(2)),
        (b"a,b\n\"a\"\xE9,b\n", "invalid_utf8", Some(1), Some(2), Some(1)),
        (b"PAR1\x15\x04", "unsupported_content", None, None, None),
        (b"\xE9,b\n1,2\n", "invalid_utf8", None, Some(1), Some(1)),
        (b"\x1F\x8B\x08", "unsupported_content", None, None, None),
        (b"PK\x03\x04...", "unsupported_content", None, None, None),
        (b"\xFF\xFEa\0\n\0\0\xD8", "invalid_utf16", Some(1), Some(2), Some(1)),
        (b"\xFE\xFF\0a\0\n\0", "invalid_utf16", Some(1), Some(2), Some(1)),
        // None fits half of the rows, and it is in the header alone that there are any.
        (b"a;b;c\n1;2\n3;4,5\n", "too_few_fields", Some(1), Some(2), Some(3)),
        (b"id;name;\n1,5;x\n2,5;y\n", "too_few_fields", Some(1), Some(2), Some(3)),
        (b"a;b\n1;2;3\n4;5;6\n", "too_many_fields", Some(1), Some(2), Some(3)),
        // Semicolons fit most rows.
        (b"a;b;c\n1;2;3\n4;5\n", "too_few_fields", Some(2), Some(3), Some(3)),
        // Both fit half, and bars make more fields.
        (b"a,b|c|d\n1,2|3|4\n5,6|7\n8|9|10\n", "too_few_fields", Some(2), Some(3), Some(3)),
        (b"a,b;c,d\n1,2;3,4\n", "ambiguous_dialect", None, Some(1), None),
        (b"\na;b\tc\n1;2\t3\n", "ambiguous_dialect", None, Some(2), None),
        (b"a, b; c\n1, 2; 3\n", "ambiguous_dialect", None, Some(1), None),
    ] {
        let shown = String::from_utf8_lossy(file);
        let error = read(file, &Limits::default()).expect_err(&shown);
        let Error::Data(error) = error else { panic!("{shown:?}: {error:?}") };
        assert_eq!((error.code.name(), error.row, error.line, error.column), (code, row, line, column), "{shown:?}");
        for chunk in 1..file.len() {
            assert_eq!(read(file, &tight(chunk)).expect_err(&shown).to_string(), error.message, "chunks of {chunk}");
        }
    }
}

/// More blank lines than are looked at for the delimiter.
#[test]
fn blank_lines_before_the_header_are_skipped() {
    let lines = 17 << 20;
    let file = [vec![b'\n'; lines], b"a;b\n1;2\n3\n".to_vec()].concat();
    let Err(Error::Data(error)) = read(&file, &Limits::default()) else { panic!("a row is too short") };
    assert_eq!((error.code.name(), error.line), ("too_few_fields", Some(lines as u64 + 3)));
    for (chunk, ends) in [(1, "\r\n"), (2, "\r\r\n"), (3, "\n\r"), (4, "\r")] {
        let file = format!("{}a;b\n1;2\n3\n", ends.repeat(9));
        let Err(Error::Data(error)) = read(file.as_bytes(), &tight(chunk)) else { panic!("a row is too short") };
        assert_eq!((error.code.name(), error.line), ("too_few_fields", Some(12)), "{ends:?}");
    }
}

#[test]
fn bounds_are_kept() {
    let limits = Limits { max_columns: 3, max_row_bytes: 64, chunk_bytes: 16, ..Limits::default() };
    let wide = Limits { max_row_bytes: 64, chunk_bytes: 1 << 10, ..Limits::default() };
    let file = format!("a,b\n\"x\ny\",\"{}", "z".repeat(2 << 20));
    let Err(Error::Data(error)) = parquet_of(Format::Csv, file.as_bytes(), &wide) else { panic!("a quote is open") };
    assert_eq!((error.code.name(), error.line, error.column), ("row_too_large", Some(3), Some(2)));
    let file = format!("a\n1\n{}\n", "x".repeat(65));
    let error = parquet_of(Format::Csv, file.as_bytes(), &wide).unwrap_err();
    assert!(matches!(&error, Error::Data(e) if e.code.name() == "row_too_large" && e.row == Some(2)), "{error:?}");
    for (file, code) in [
        ("a,b,c,d\n1,2,3,4\n".to_owned(), "too_many_columns"),
        (format!("a\n{}\n", "x".repeat(200)), "row_too_large"),
        (format!("a\n\"{}", "x\n".repeat(1 << 20)), "row_too_large"),
        (format!("{}\n1\n", "x".repeat(200)), "row_too_large"),
    ] {
        let error = parquet_of(Format::Csv, file.as_bytes(), &limits).expect_err(code);
        assert!(matches!(&error, Error::Data(e) if e.code.name() == code), "{error:?}");
    }
}

#[test]
fn columns_that_repeat_and_columns_that_do_not_read_back() {
    let mut file = b"few,many,empty,some\n".to_vec();
    let row = |n: u32| {
        let many = n.wrapping_mul(0x9E37_79B9);
        // Few at first, then too many for a dictionary.
        let some = if n < 30_000 { format!("{}", n % 7) } else { format!("{many:08x} {n:0>40}") };
        [format!("topic {}", n % 50), format!("{many}"), String::new(), some]
    };
    for n in 0..80_000 {
        file.extend_from_slice(row(n).join(",").as_bytes());
        file.push(b'\n');
    }
    for threads in 1..4 {
        let limits = Limits { threads, ..Limits::default() };
        let (_, rows) = read(&file, &limits).unwrap();
        for (n, cells) in rows.iter().enumerate() {
            assert_eq!(*cells, row(n as u32), "row {n}");
        }
        // The same file gives the same bytes, whoever compressed which page.
        let alone = parquet_of(Format::Csv, &file, &Limits::default()).unwrap();
        assert!(alone == parquet_of(Format::Csv, &file, &limits).unwrap());
    }
}

#[test]
fn as_many_columns_as_are_taken_in() {
    let line = |prefix: &str| (0..4_096).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>().join(",");
    let file = format!("{}\n{}\n{}\n", line("c"), line("x"), line(""));
    let (columns, rows) = read(file.as_bytes(), &Limits::default()).unwrap();
    assert_eq!((columns.len(), &*columns[4_095], &*rows[0][4_095], &*rows[1][7]), (4_096, "c4095", "x4095", "7"));
    let file = format!("{},c4096\n", line("c"));
    let Err(Error::Data(error)) = read(file.as_bytes(), &Limits::default()) else { panic!() };
    assert_eq!(error.code.name(), "too_many_columns");
}

/// The `csv` crate writes no terminator of its own choice but CRLF, so it is given each row apart.
fn written(rows: &[Vec<String>], delimiter: u8, terminator: &str, quotes: csv::QuoteStyle) -> String {
    let row = |row: &Vec<String>| {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .quote_style(quotes)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_writer(vec![]);
        writer.write_record(row).unwrap();
        let line = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        format!("{}{terminator}", line.strip_suffix('\n').unwrap())
    };
    rows.iter().map(row).collect()
}

proptest! {
    #[test]
    fn what_the_csv_crate_writes_reads_back(
        cells in prop::collection::vec(prop::collection::vec("[a-c,;|\"\r\n é😀\t]{0,6}", 3), 1..6),
        terminator in prop::sample::select(&["\n", "\r\n", "\r"][..]),
        delimiter in prop::sample::select(&b",;\t|"[..]),
        always in any::<bool>(),
        is_announced in any::<bool>(),
        has_bom in any::<bool>(),
        is_utf16 in any::<bool>(),
        chunk in 1usize..40,
    ) {
        let mut rows = vec![vec!["one".to_owned(), "two".to_owned(), "three".to_owned()]];
        rows.extend(cells);
        let quotes = if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary };
        let mut text = String::new();
        if has_bom || is_utf16 {
            text.push('\u{FEFF}');
        }
        if is_announced {
            text.push_str(&format!("sep={}{terminator}", delimiter as char));
        }
        text.push_str(&written(&rows, delimiter, terminator, quotes));
        let file = if is_utf16 { text.encode_utf16().flat_map(u16::to_le_bytes).collect() } else { text.into_bytes() };
        let (columns, cells) = read(&file, &tight(chunk)).unwrap();
        prop_assert_eq!(&columns, &rows[0]);
        prop_assert_eq!(&cells, &rows[1..]);
    }

    /// Whatever other delimiters there are in the header and the cells, a table
    /// is read as it was meant, or refused for being ambiguous.
    #[test]
    fn no_delimiter_is_taken_for_another(
        header in prop::collection::vec("[a-c][a-c,;|\t]{0,3}( [,;|]?[a-c]|, [a-c])?", 2..5),
        cells in prop::collection::vec(prop::collection::vec("[a-c,;|\t ]{0,5}", 4), 1..8),
        delimiter in prop::sample::select(&b",;\t|"[..]),
    ) {
        let mut rows = vec![header.clone()];
        rows.extend(cells.into_iter().map(|row| row[..header.len()].to_vec()));
        prop_assume!(header.iter().collect::<std::collections::HashSet<_>>().len() == header.len());
        // A name that begins with a space would make its delimiter look like punctuation.
        let file = written(&rows, delimiter, "\n", csv::QuoteStyle::Necessary);
        match table(file.as_bytes()) {
            Ok((columns, cells)) => prop_assert_eq!((columns, cells), (header, rows[1..].to_vec())),
            Err(error) => prop_assert_eq!(error.code.name(), "ambiguous_dialect"),
        }
    }

    /// A table that is not written by RFC 4180 is read as it was meant, or one of the suggestions is what was meant.
    #[test]
    fn a_dialect_that_is_not_said_is_found_or_suggested(
        cells in prop::collection::vec(prop::collection::vec("[a-c,;\"'\\\\\n é]{0,5}", 3), 1..6),
        delimiter in prop::sample::select(&b",;\t|"[..]),
        quote in prop::sample::select(&['"', '\''][..]),
        escapes in any::<bool>(),
        is_spaced in any::<bool>(),
        always in any::<bool>(),
        windows in any::<bool>(),
    ) {
        let mut rows = vec![vec!["one".to_owned(), "two".to_owned(), "three".to_owned()]];
        rows.extend(cells);
        let field = |text: &String| {
            let must = [delimiter as char, quote, '\n', '\\'].iter().any(|c| text.contains(*c));
            if !always && !must && !text.starts_with(' ') {
                return text.clone();
            }
            let inside = match escapes {
                true => text.replace('\\', "\\\\").replace(quote, &format!("\\{quote}")),
                false => text.replace(quote, &format!("{quote}{quote}")),
            };
            format!("{quote}{inside}{quote}")
        };
        let between = format!("{}{}", delimiter as char, if is_spaced { " " } else { "" });
        let line = |row: &Vec<String>| row.iter().map(field).collect::<Vec<_>>().join(&between) + "\n";
        let text: String = rows.iter().map(line).collect();
        let is_quoted = text.contains(quote);
        let file = if windows { text.chars().map(|c| c as u8).collect() } else { text.into_bytes() };
        let said = api::Dialect { delimiter: Some(delimiter.into()), ..api::Dialect::default() };
        let read = |said: &api::Dialect| {
            let mut parquet = vec![];
            let summary = crate::convert(Format::Csv, said, &mut || Ok(&file[..]), &mut parquet, &tight(7), None)?;
            let page = crate::testing::page_of(crate::testing::InMemory::new(parquet), 0, 99);
            assert_eq!(summary.rows, page.total);
            Ok::<_, Error>([vec![page.columns.clone()], texts(&page)].concat())
        };
        // What is in order by RFC 4180 is read so, whatever was meant.
        let usual = Dialect::of(&said, delimiter).in_full(encoding_rs::UTF_8.into());
        let usual = api::Dialect { encoding: None, ..usual };
        if read(&usual).is_ok() {
            return Ok(());
        }
        match read(&said) {
            Ok(found) => prop_assert_eq!(found, rows),
            Err(Error::Data(error)) => {
                let followed: Vec<_> = error.suggestions.iter().map(|s| read(&s.dialect).unwrap()).collect();
                let is_expected = match error.code {
                    FailureCode::AmbiguousDialect => followed.contains(&rows),
                    FailureCode::InvalidUtf8 => windows,
                    // Without a single quote around anything, that is no dialect; with double quotes it is only suggested.
                    _ => !is_quoted || followed.contains(&rows),
                };
                prop_assert!(is_expected, "{:?} suggests {:?}", error.code, error.suggestions);
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(file in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b",;\"\r\na\t"[..])], 0..60), chunk in 1usize..20) {
        let whole = read(&file, &Limits::default());
        let cut = read(&file, &tight(chunk)).map_err(|e| e.to_string());
        if let Err(Error::Data(error)) = &whole {
            for suggestion in &error.suggestions {
                let said = serde_json::to_string(&suggestion.dialect).unwrap();
                let mut parquet = vec![];
                let summary = crate::convert(
                    Format::Csv, &serde_json::from_str(&said).unwrap(), &mut || Ok(&file[..]), &mut parquet, &tight(chunk), None,
                );
                prop_assert_eq!(summary.map(|summary| summary.rows).ok(), Some(suggestion.row_count), "{}", said);
            }
        }
        prop_assert_eq!(whole.map_err(|e| e.to_string()), cut);
    }
}

type Seen = (String, Option<u64>, Option<u64>, Option<u64>);

/// How a file is read: in which dialect, with which notices, and its cells.
fn found(file: &[u8]) -> (String, Vec<Seen>, Table) {
    let (summary, _) = converted(Format::Csv, file, &Limits::default()).unwrap_or_else(|e| panic!("{file:?}: {e:?}"));
    let notices = summary.notices.iter().map(|n| (n.code.clone(), n.count, n.row, n.line)).collect();
    let mut said = serde_json::to_value(&summary.dialect).unwrap();
    let usual = serde_json::json!({
        "encoding": "utf-8", "delimiter": ",", "quote_char": "\"", "escape_char": "", "skip_initial_space": false,
        "short_rows": "refuse"
    });
    said.as_object_mut().unwrap().retain(|word, value| usual[word] != *value);
    // Whatever was found out says the same again.
    let mut out = vec![];
    let again = crate::convert(Format::Csv, &summary.dialect, &mut || Ok(file), &mut out, &tight(5), None).unwrap();
    let page = crate::testing::page_of(crate::testing::InMemory::new(out), 0, 99);
    assert_eq!((&again.dialect, again.rows), (&summary.dialect, summary.rows));
    assert_eq!((page.columns.clone(), texts(&page)), table(file).unwrap());
    assert!(again.notices.iter().all(|notice| notice.code != "dialect_found"));
    let strict = api::Dialect { strict: Some(true), ..Default::default() };
    let is_strict =
        crate::convert(Format::Csv, &strict, &mut || Ok(file), &mut std::io::sink(), &tight(5), None).is_ok();
    assert_eq!(is_strict, summary.notices.is_empty());
    (said.to_string(), notices, table(file).unwrap())
}

#[test]
fn what_is_unusual_is_taken_and_noticed() {
    let seen = |code: &str, count, row, line| (code.to_owned(), count, row, line);
    let one = |code, count, row, line| vec![seen(code, Some(count), row, Some(line))];
    let dialect = || seen("dialect_found", None, None, None);
    let quotes = |more| [vec![dialect()], more].concat();
    for (file, said, notices, rows) in [
        (
            &b"a,b\n1,5\" x\n2,6'2\" \"y\"\n"[..],
            "{}",
            one("quotes_in_text", 2, Some(1), 2),
            vec![["1", "5\" x"], ["2", "6'2\" \"y\""]],
        ),
        (b"a,b\n1,{\"x\":\"\"}\n", "{}", one("quotes_in_text", 1, Some(1), 2), vec![["1", "{\"x\":\"\"}"]]),
        (b"a\"b,b\n1,2\n", "{}", one("quotes_in_text", 1, None, 1), vec![["1", "2"]]),
        (
            b"a,b\r\n1,2\r\n,\r\n\"\",\r\n\r\n   \r\n",
            "{}",
            one("blank_rows", 2, Some(2), 3),
            vec![["1", "2"], ["", ""], ["", ""]],
        ),
        (b"a,b\n1,x\0y\n\0,\0\n", "{}", one("nul_in_text", 3, Some(1), 2), vec![["1", "x\0y"], ["\0", "\0"]]),
        (b"a,b\n1,2\n\x1A", "{}", one("control_z", 1, None, 3), vec![["1", "2"]]),
        // Within quotes a CR counts no line, and CR CR LF is one end.
        (
            b"a,b\r\r\n1,\"x\ry\"\r\r\n2,5\"\r\r\n",
            "{}",
            one("quotes_in_text", 1, Some(2), 3),
            vec![["1", "x\ry"], ["2", "5\""]],
        ),
        (b"a;b\n1;2\n", r#"{"delimiter":";"}"#, quotes(vec![]), vec![["1", "2"]]),
        (b"<html>,b\n1,2\n", "{}", vec![], vec![["1", "2"]]),
        (b"sep=;\na;b\n1;2\n", r#"{"delimiter":";"}"#, vec![], vec![["1", "2"]]),
        (
            b"a,b\n1,\"x \\\"y\\\" \\z\\\\\"\n2,\"\\\"\"\n",
            r#"{"escape_char":"\\"}"#,
            quotes(vec![]),
            vec![["1", "x \"y\" \\z\\"], ["2", "\""]],
        ),
        (
            b"a, b\n1, \"x, y\"\n2,  z\n",
            r#"{"skip_initial_space":true}"#,
            quotes(vec![]),
            vec![["1", "x, y"], ["2", "z"]],
        ),
        (b"a,b\n1,'x, y'\n2,'it''s'\n", r#"{"quote_char":"'"}"#, quotes(vec![]), vec![["1", "x, y"], ["2", "it's"]]),
        (
            b"a;b\n'1;1';2\n3;'x\ny'\n4;5\n",
            r#"{"delimiter":";","quote_char":"'"}"#,
            quotes(vec![]),
            vec![["1;1", "2"], ["3", "x\ny"], ["4", "5"]],
        ),
        (b"a\0,\0b\0\n\x001\0,\0x\0", r#"{"encoding":"utf-16le"}"#, vec![], vec![["1", "x"]]),
        (
            b"\xFF\xFEa\0,\0b\0\n\x001\0,\0\0\0",
            r#"{"encoding":"utf-16le"}"#,
            one("nul_in_text", 1, Some(1), 2),
            vec![["1", "\0"]],
        ),
    ] {
        let shown = String::from_utf8_lossy(file);
        let (found_said, found_notices, (_, found_rows)) = found(file);
        assert_eq!((found_said.as_str(), found_notices), (said, notices), "{shown:?}");
        assert_eq!(found_rows, rows, "{shown:?}");
    }
    let (_, notices, (_, rows)) = found(b"a\r\n1\r\n\r\n\n2\r\n\"\"\r\n\x1A");
    assert_eq!(rows, [["1"], ["2"], [""]]);
    let expected = [("blank_rows", 1, Some(3), 6), ("blank_lines", 2, Some(2), 3), ("control_z", 1, None, 7)];
    assert_eq!(notices, expected.map(|(code, count, row, line)| seen(code, Some(count), row, Some(line))));
}

#[test]
fn a_refusal_says_what_would_work() {
    let json = |dialect: &api::Dialect| serde_json::to_string(dialect).unwrap();
    for (file, code, expected) in [
        (&b"a,b\n1,2\n3\n"[..], "too_few_fields", vec![(r#"{"short_rows":"pad"}"#, 2)]),
        (b"a,b\n1\n1,2,3\n", "too_few_fields", vec![]),
        (b"text, more\none, two, three\nfour\nfive, six, seven\n", "too_many_fields", vec![(r#"{"delimiter":""}"#, 3)]),
        (b"a,b;c,d\n1,2;3,4\n", "ambiguous_dialect", vec![(r#"{"delimiter":","}"#, 1), (r#"{"delimiter":";"}"#, 1)]),
        // With single quotes around it, or with escaped ones.
        (
            b"a,b\n\"x\\\"y\",'z'\n",
            "ambiguous_dialect",
            vec![
                (r#"{"delimiter":",","quote_char":"\"","escape_char":"\\","skip_initial_space":false}"#, 1),
                (r#"{"delimiter":",","quote_char":"'","escape_char":"","skip_initial_space":false}"#, 1),
            ],
        ),
        (
            b"a,b\n1,\"x\" y\n2,'z'\n",
            "text_after_quote",
            vec![(r#"{"delimiter":",","quote_char":"'","escape_char":"","skip_initial_space":false}"#, 2)],
        ),
        (b"a;b;c\n1;2\n3;4\n", "too_few_fields", vec![(r#"{"short_rows":"pad"}"#, 2)]),
        (b"a,b\n1,\"2\n3,4\n", "unterminated_quote", vec![]),
        (b"a,b\n1,x\ry\n", "lone_cr", vec![]),
        (
            b"frage;preis\nhei\xDFt;5 \x80\nna;\n",
            "invalid_utf8",
            vec![
                (r#"{"encoding":"windows-1252"}"#, 2),
                (r#"{"encoding":"shift_jis"}"#, 2),
                (r#"{"encoding":"gbk"}"#, 2),
            ],
        ),
        (
            b"frage;preis\nhei\xDFt;5 \x80\nna\n",
            "invalid_utf8",
            vec![(r#"{"encoding":"windows-1252","short_rows":"pad"}"#, 2)],
        ),
        (b"<!DOCTYPE html>\n<p>a, b</p>\n", "web_page", vec![]),
    ] {
        let shown = String::from_utf8_lossy(file);
        let Err(Error::Data(error)) = converted(Format::Csv, file, &Limits::default()) else { panic!("{shown:?}") };
        let suggestions: Vec<(String, u64)> =
            error.suggestions.iter().map(|s| (json(&s.dialect), s.row_count)).collect();
        assert_eq!(error.code.name(), code, "{shown:?}");
        if code == "invalid_utf8" {
            assert!(suggestions.len() <= 3 && suggestions[0].0 == expected[0].0, "{suggestions:?}");
        } else {
            let expected: Vec<_> = expected.iter().map(|(dialect, rows)| ((*dialect).to_owned(), *rows)).collect();
            assert_eq!(suggestions, expected, "{shown:?}");
        }
        for suggestion in &error.suggestions {
            let summary = crate::convert(
                Format::Csv,
                &suggestion.dialect,
                &mut || Ok(file),
                &mut std::io::sink(),
                &tight(4),
                None,
            );
            let summary = summary.unwrap();
            assert_eq!((summary.rows, summary.columns.len() as u64), (suggestion.row_count, suggestion.column_count));
        }
    }
    let Err(Error::Data(error)) = converted(Format::Csv, b"a,b\n1\n\n2,x\n3\n4\n5\n", &tight(3)) else { panic!() };
    assert_eq!(
        error.suggestions[0].why,
        "rows that are too short get empty cells at their end: 4, first at lines 2, 5 and 6"
    );
}

/// A character that the end of a head cuts tells nothing of the encoding.
#[test]
fn encodings_are_guessed_from_every_head() {
    let (text, _, _) =
        encoding_rs::SHIFT_JIS.encode("質問,答え\n日本の首都はどこですか,東京です\n一番高い山は,富士山です\n");
    for cut in 40..text.len() {
        let mut head = crate::Head { bytes: &text[..cut], is_whole: false };
        let read = crate::convert(Format::Csv, &api::Dialect::default(), &mut head, &mut vec![], &tight(9), None);
        let Err(Error::Data(error)) = read else { panic!("it is not UTF-8") };
        let names: Vec<String> = error.suggestions.iter().map(|s| s.dialect.encoding.unwrap().name()).collect();
        assert!(names.contains(&"shift_jis".to_owned()), "{cut}: {names:?}");
    }
}

#[test]
fn what_is_strict_says_how_it_is_taken() {
    let strict = api::Dialect { strict: Some(true), ..Default::default() };
    let read = |said: &api::Dialect, file: &[u8]| {
        crate::convert(Format::Csv, said, &mut || Ok(file), &mut vec![], &tight(4), None)
    };
    for file in [&b"a;b\n1;2\n"[..], b"a;b\n1;\xE9t\xE9\n2\n"] {
        let Err(Error::Data(error)) = read(&strict, file) else { panic!("it is not usual") };
        let suggestion = &error.suggestions[0];
        assert_eq!(suggestion.dialect.strict, Some(true));
        assert_eq!(read(&suggestion.dialect, file).unwrap().notices, []);
    }
    let Err(Error::Data(error)) = read(&strict, b"a,b\n1,x\"y\n") else { panic!("it is not usual") };
    assert_eq!((error.code.name(), error.line, error.suggestions.len()), ("not_strict", Some(2), 0));
}

/// What is read of the start of a file is what is read of it all, as far as it goes.
#[test]
fn of_a_head_the_last_row_is_left_out() {
    let whole = "a;b\r\n1;\"x\r\ny\"\r\n2;\"z\"\"\"\r\né;4\r\n".as_bytes();
    let read = |head: &[u8], is_whole| {
        let (mut head, mut out) = (crate::Head { bytes: head, is_whole }, vec![]);
        let summary = crate::convert(Format::Csv, &api::Dialect::default(), &mut head, &mut out, &tight(3), None)?;
        Ok::<_, Error>((summary, crate::testing::page_of(crate::testing::InMemory::new(out), 0, 9)))
    };
    let (_, all) = read(whole, true).unwrap();
    for cut in b"a;b\r\n".len()..whole.len() {
        let (summary, page) = read(&whole[..cut], false).unwrap();
        let expected = texts(&all)[..page.rows.len()].to_vec();
        assert_eq!((texts(&page), summary.rows as usize), (expected, page.rows.len()), "{cut}");
        let ends = [15, 24, 30];
        let complete = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(page.rows.len(), complete, "{cut}");
    }
    let Err(Error::Data(error)) = read(b"a;b\n1;2\n3\n4;", false) else { panic!("a row is short") };
    assert_eq!((error.suggestions[0].tried, error.suggestions[0].row_count), (api::Tried::Head, 2));
}

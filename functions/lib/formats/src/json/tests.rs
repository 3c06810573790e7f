use super::*;
use crate::convert;
use crate::testing::{InMemory, Page, converted, page_of, parquet_of, table_of, tight};
use crate::writer::ColumnType;
use bytes::Bytes;
use dataset_types::Format;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(file: &[u8], chunk_bytes: usize) -> Result<Page> {
    table_of(Format::Json, file, &Limits { chunk_bytes, ..Limits::default() })
}

fn error_of(file: &[u8], chunk_bytes: usize) -> DataError {
    match read(file, chunk_bytes) {
        Err(Error::Data(error)) => *error,
        other => panic!("{:?}: {other:?}", String::from_utf8_lossy(file)),
    }
}

#[test]
fn what_is_taken_and_what_it_reads() {
    for (file, columns, rows) in [
        (r#"[{"a":1,"b":"x"},{"b":"y","c":null}]"#, vec!["a", "b", "c"], json!([[1, "x", null], [null, "y", null]])),
        ("\u{FEFF} [ { \"a\" : true } ,\n{ \"a\":false}\t]\r\n ", vec!["a"], json!([[true], [false]])),
        (r#"[{"n":9223372036854775807},{"n":-9223372036854775808}]"#, vec!["n"], json!([[i64::MAX], [i64::MIN]])),
        (r#"[{"n":18446744073709551615},{"n":0}]"#, vec!["n"], json!([[u64::MAX], [0]])),
        (r#"[{"n":18446744073709551615},{"n":-1}]"#, vec!["n"], json!([[u64::MAX], [-1]])),
        (r#"[{"n":1},{"n":1.5}]"#, vec!["n"], json!([[1.0], [1.5]])),
        (
            r#"[{"v":1},{"v":"x"},{"v":[1,{"k":null}]},{"v":{}},{"v":true}]"#,
            vec!["v"],
            json!([[1], ["x"], [[1, {"k": null}]], [{}], [true]]),
        ),
        (r#"[{"s":"\u00e9\ud83d\ude00\n\/\u0000"},{"s":""}]"#, vec!["s"], json!([["é😀\n/\0"], [""]])),
        (
            r#"[{"\u0061":1},{"a":2},{"__proto__":{"x":1}}]"#,
            vec!["a", "__proto__"],
            json!([[1, null], [2, null], [null, {"x": 1}]]),
        ),
        (r#"[{"a":null},{}]"#, vec!["a"], json!([[null], [null]])),
    ] {
        for chunk in [1, 2, 3, 5, 7, 11, 1 << 16] {
            let page = read(file.as_bytes(), chunk).unwrap_or_else(|e| panic!("{file}: {e:?}"));
            assert_eq!(page.columns, columns, "{file}");
            assert_eq!(serde_json::to_string(&page.rows).unwrap(), rows.to_string(), "{file}");
        }
    }
}

#[test]
fn json_lines_are_rows() {
    for file in
        ["{\"a\":1}\n{\"a\":2,\"b\":[3]}\n", " {\"a\":1} {\"a\":2,\"b\":[3]}", "{\"a\":1}{\"a\":2,\"b\":[3]}\n\n"]
    {
        for limits in (1..24).map(tight).chain([Limits::default()]) {
            let page = table_of(Format::Json, file.as_bytes(), &limits).unwrap();
            assert_eq!(json!(page.rows), json!([[1, null], [2, [3]]]), "{file:?}");
            let (summary, _) = converted(Format::Json, file.as_bytes(), &limits).unwrap();
            assert_eq!(summary.notices.iter().map(|notice| notice.code.as_str()).collect::<Vec<_>>(), ["json_lines"]);
        }
    }
    assert!(converted(Format::Json, b"[{\"a\":1}]", &Limits::default()).unwrap().0.notices.is_empty());
}

#[test]
fn a_number_that_no_type_holds_stays_as_it_was_written() {
    let page = read(br#"[{"n":1e400},{"n":0.12345678901234567890},{"n":1.50}]"#, 64).unwrap();
    assert_eq!(serde_json::to_string(&page.rows).unwrap(), "[[1e400],[0.12345678901234567890],[1.50]]");
}

#[test]
fn what_is_refused_and_where() {
    let deep = format!("[{{\"a\":{}1{}}}]", "[".repeat(64), "]".repeat(64));
    let deeper = format!("[{{\"a\":{}", "[".repeat(100_000));
    for (file, code, row, line, column) in [
        ("", "empty_file", None, None, None),
        (" \n ", "empty_file", None, None, None),
        ("1", "not_an_array", None, Some(1), None),
        ("\n{\"a\":1}", "single_object", None, Some(2), None),
        ("{\"a\":1}\n", "single_object", None, Some(1), None),
        ("{\"a\":1}\n{\"a\":2}\n[3]\n", "row_not_an_object", Some(3), Some(3), None),
        ("{\"a\":1}\n{\"a\":2},\n", "row_not_an_object", Some(3), Some(2), None),
        ("{\"a\":1}\n{\"a\":", "truncated", Some(2), Some(2), Some(1)),
        ("{\"a\":\"\\ud800\"}\n{\"a\":1}", "lone_surrogate", Some(1), Some(1), Some(1)),
        ("{\"a\":1,\n\"b\":x}\n{\"a\":1}", "invalid_json", Some(1), Some(2), Some(2)),
        ("{\"a\":1,}", "invalid_json", Some(1), Some(1), Some(2)),
        ("{\"a\":1", "truncated", Some(1), Some(1), Some(1)),
        ("[]", "no_rows", None, None, None),
        ("[{},{}]", "no_columns", None, None, None),
        ("[1]", "row_not_an_object", Some(1), Some(1), None),
        ("[{\"a\":1},\n[1]]", "row_not_an_object", Some(2), Some(2), None),
        ("[{\"a\":1},\n\n{\"b\":1,\"b\":2}]", "duplicate_key", Some(2), Some(3), Some(2)),
        ("[{\"\":1}]", "empty_column_name", Some(1), Some(1), Some(1)),
        ("[{\"a\":NaN}]", "invalid_json", Some(1), Some(1), Some(1)),
        ("[{\"a\":1,}]", "invalid_json", Some(1), Some(1), Some(2)),
        ("[{\"a\":1},]", "invalid_json", Some(2), Some(1), Some(1)),
        ("[{\"a\":01}]", "invalid_json", Some(1), Some(1), Some(1)),
        ("[{\"a\":1. }]", "invalid_json", Some(1), Some(1), Some(1)),
        ("[{\"a\":\"x\ny\"}]", "invalid_json", Some(1), Some(1), Some(1)),
        ("[/*c*/{\"a\":1}]", "row_not_an_object", Some(1), Some(1), None),
        ("[{\"a\":1} {\"a\":2}]", "invalid_json", Some(2), Some(1), Some(1)),
        ("[{\"a\":1}\n", "truncated", Some(2), Some(2), Some(1)),
        ("[{\"a\":\"x", "truncated", Some(1), Some(1), Some(1)),
        ("[{\"a\":1}] x", "text_after_array", None, Some(1), None),
        ("[{\"a\":1}]\r\n\r\n x", "text_after_array", None, Some(3), None),
        ("\r\n\r\n1", "not_an_array", None, Some(3), None),
        ("[{\"a\":\"\\ud800\"}]", "lone_surrogate", Some(1), Some(1), Some(1)),
        ("[{\"a\":\"\\ud800\\u0061\"}]", "lone_surrogate", Some(1), Some(1), Some(1)),
        ("[{\"a\":\"\\x\"}]", "invalid_json", Some(1), Some(1), Some(1)),
        ("[{\"a\":[1,]}]", "invalid_json", Some(1), Some(1), Some(1)),
        ("[{\"a\":{\"b\" 1}}]", "invalid_json", Some(1), Some(1), Some(1)),
        (&deep, "too_deep", Some(1), Some(1), Some(1)),
        (&deeper, "too_deep", Some(1), Some(1), Some(1)),
    ] {
        let shown = &file[..file.len().min(40)];
        for chunk in [1, 2, 3, 7, 1 << 16] {
            let error = error_of(file.as_bytes(), chunk);
            let got = (error.code.name(), error.row, error.line, error.column);
            assert_eq!(got, (code, row, line, column), "{shown:?} in chunks of {chunk}");
        }
    }
    let error = error_of(b"[{\"a\":1,\"b\":\"\xE9\",\"c\":2}]", 64);
    assert_eq!((error.code.name(), error.column_name.as_deref()), ("invalid_utf8", Some("b")));
    assert_eq!(error_of(b"[{\"a\":\"\0\"}]", 64).code.name(), "nul_byte");
    // A message has no double quotes, and a remedy shows no others.
    assert!(!error_of(b"[{'a':1}]", 64).message.contains(['"', '\'']));
    assert_eq!(error_of(b"\xFF\xFE[\0", 64).code.name(), "truncated");
}

#[test]
fn rows_that_do_not_fit_the_first_ones_are_written_all_the_same() {
    let first = (0..500).map(|n| json!({"a": n, "b": n % 2 == 0, "c": null})).collect::<Vec<_>>();
    let file_of = |last: Value| serde_json::to_vec(&[&first[..], &[last]].concat()).unwrap();
    for (last, columns) in [
        (json!({"a": 0.5}), vec![("a", ColumnType::Double), ("b", ColumnType::Bool), ("c", ColumnType::Text)]),
        (json!({"a": "x"}), vec![("a", ColumnType::Json), ("b", ColumnType::Bool), ("c", ColumnType::Text)]),
        (json!({"a": u64::MAX}), vec![("a", ColumnType::UInt), ("b", ColumnType::Bool), ("c", ColumnType::Text)]),
        (
            json!({"d": "x"}),
            vec![("a", ColumnType::Int), ("b", ColumnType::Bool), ("c", ColumnType::Text), ("d", ColumnType::Text)],
        ),
    ] {
        let file = file_of(last.clone());
        let (mut opened, mut out) = (0, vec![]);
        let mut source = || {
            opened += 1;
            Ok(&file[..])
        };
        let summary = convert(Format::Json, &Dialect::default(), &mut source, &mut out, &tight(300), None).unwrap();
        let found: Vec<(&str, ColumnType)> = summary.columns.iter().map(|c| (c.name.as_str(), c.kind)).collect();
        assert_eq!((found, opened), (columns, 2), "{last}");
        let page = page_of(InMemory::new(out), 0, 1_000);
        assert_eq!((page.rows.len(), json!(page.rows[499][1])), (501, json!(first[499]["b"])), "{last}");
        for (name, cell) in page.columns.iter().zip(&page.rows[500]) {
            assert_eq!(json!(cell), last.get(name).cloned().unwrap_or_default(), "{last}");
        }
        // A look ahead at the whole file spares the second reading.
        let mut opened = 0;
        let mut source = || {
            opened += 1;
            Ok(&file[..])
        };
        convert(Format::Json, &Dialect::default(), &mut source, &mut vec![], &Limits::default(), None).unwrap();
        assert_eq!(opened, 1, "{last}");
    }
}

/// A file whose end can be had, and how often it was opened.
struct WithEnd<'a> {
    file: &'a [u8],
    opened: usize,
}

impl<'a> Source for WithEnd<'a> {
    type Reader = &'a [u8];

    fn open(&mut self) -> std::io::Result<&'a [u8]> {
        self.opened += 1;
        Ok(self.file)
    }

    fn tail(&mut self, bytes: u64, _: u64) -> std::io::Result<Option<Vec<u8>>> {
        Ok(Some(self.file[self.file.len().saturating_sub(bytes as usize)..].to_vec()))
    }
}

/// What is read of a file whose end is looked at.
fn with_end(file: &[u8], limits: &Limits) -> Result<Value, String> {
    let mut out = vec![];
    let summary = convert(Format::Json, &Dialect::default(), &mut WithEnd { file, opened: 0 }, &mut out, limits, None);
    summary.map_err(|error| error.to_string())?;
    Ok(json!(page_of(InMemory::new(out), 0, 1_000_000).rows))
}

/// What the end has, the rows before it are written for; where it misleads, the file is read twice, as without it.
#[test]
fn the_end_of_a_file_is_looked_at() {
    let usual: String =
        (0..500).map(|n| format!("{{\"a\":{n},\"b\":\"x\",\"c\":[{{\"a\":1}},{{\"a\":null}}]}},\n")).collect();
    for (last, kinds, opened) in [
        (r#"{"a":0.5,"b":"x","c":[]}"#, vec![ColumnType::Double, ColumnType::Text, ColumnType::Json], 1),
        (r#"{"a":"x","b":1,"c":null}"#, vec![ColumnType::Json, ColumnType::Json, ColumnType::Json], 1),
        (
            r#"{"a":1,"b":"x","c":[],"d":true}"#,
            vec![ColumnType::Int, ColumnType::Text, ColumnType::Json, ColumnType::Bool],
            1,
        ),
        (
            r#"{"a":-1,"c":[{"a":1,"b":2,"c":3},{"a":0.5,"b":1,"c":1}]}"#,
            vec![ColumnType::Int, ColumnType::Text, ColumnType::Json],
            1,
        ),
        // No row of its own, but as one.
        (
            r#"{"a":1,"b":"{\"a\":1,\"b\":2,\"c\":3}","c":[]}"#,
            vec![ColumnType::Int, ColumnType::Text, ColumnType::Json],
            1,
        ),
    ] {
        let file = format!("[{usual}{last}]");
        let mut source = WithEnd { file: file.as_bytes(), opened: 0 };
        let mut out = vec![];
        let summary = convert(Format::Json, &Dialect::default(), &mut source, &mut out, &tight(300), None).unwrap();
        let found: Vec<ColumnType> = summary.columns.iter().map(|column| column.kind).collect();
        assert_eq!((found, source.opened), (kinds, opened), "{last}");
        let plain = parquet_of(Format::Json, file.as_bytes(), &tight(300)).unwrap();
        let [with, without] = [out, plain].map(|out| json!(page_of(InMemory::new(out), 0, 1_000).rows));
        assert_eq!(with, without, "{last}");
    }
    // Rows at the end that are none: the text of one cell, cut.
    let cell = r#"{\"a\":true,\"b\":1,\"c\":2},{\"a\":true,\"b\":1,\"c\":2},"#.replace('\\', "");
    let file = format!("[{usual}{{\"a\":1,\"b\":\"x\",\"c\":[{}{{}}]}}]", cell.repeat(9_000));
    let mut source = WithEnd { file: file.as_bytes(), opened: 0 };
    let summary = convert(Format::Json, &Dialect::default(), &mut source, &mut vec![], &tight(300), None).unwrap();
    let found: Vec<ColumnType> = summary.columns.iter().map(|column| column.kind).collect();
    assert_eq!((found, source.opened), (vec![ColumnType::Int, ColumnType::Text, ColumnType::Json], 2));
}

/// Nulls are of any type, so the first value gives a column its type, however late it comes.
#[test]
fn a_column_that_begins_with_nulls_is_read_once() {
    let nulls = vec![json!({"a": null, "b": 1}); 500];
    for (values, kind) in [
        (vec![json!(1), json!(2), json!(-3)], ColumnType::Int),
        (vec![json!(i64::MIN), json!(i64::MAX)], ColumnType::Int),
        (vec![json!(u64::MAX), json!(1)], ColumnType::UInt),
        (vec![json!(0.5), json!(-0.0), json!(null), json!(0.25)], ColumnType::Double),
        (vec![json!(true), json!(null), json!(false)], ColumnType::Bool),
        (vec![json!("x"), json!(""), json!("x")], ColumnType::Text),
        (vec![json!([1]), json!(2), json!("x")], ColumnType::Json),
        (vec![json!(null)], ColumnType::Text),
    ] {
        let rows: Vec<Value> = values.iter().map(|value| json!({"a": value, "b": 1})).collect();
        let file = serde_json::to_vec(&[&nulls[..], &rows, &nulls[..3]].concat()).unwrap();
        let (mut opened, mut out) = (0, vec![]);
        let mut source = || {
            opened += 1;
            Ok(&file[..])
        };
        let summary = convert(Format::Json, &Dialect::default(), &mut source, &mut out, &tight(300), None).unwrap();
        assert_eq!((summary.columns[0].kind, opened), (kind, 1), "{values:?}");
        let page = page_of(InMemory::new(out), 499, 1_000);
        let found: Vec<Value> = page.rows.iter().map(|row| json!(row[0])).collect();
        let expected: Vec<Value> = [&[json!(null)], &values[..], &vec![json!(null); 3]].concat();
        assert_eq!(found, expected, "{values:?}");
    }
}

#[test]
fn pages_of_a_table_that_was_given_up_are_not_in_the_next_one() {
    let rows: Vec<Value> = (0..2_000).map(|n| json!({"a": format!("cell {n}"), "b": n})).collect();
    let file = serde_json::to_vec(&[&rows[..], &[json!({"a": "last", "b": "a surprise"})]].concat()).unwrap();
    for threads in 1..4 {
        // One row group, many pages: the first table has some when it is given up.
        let limits = Limits { threads, chunk_bytes: 512, look_ahead_bytes: 512, page_bytes: 64, ..Limits::default() };
        let page = table_of(Format::Json, &file, &limits).unwrap();
        for (n, row) in page.rows[..2_000].iter().enumerate() {
            assert_eq!(json!(row), json!([format!("cell {n}"), n]), "{threads} threads");
        }
    }
}

#[test]
fn a_fault_behind_a_row_that_does_not_fit_is_told_all_the_same() {
    let rows: String = (0..500).map(|n| format!("{{\"a\":{n}}},\n")).collect();
    let file = format!("[{rows}{{\"a\":\"x\"}},\n{{\"a\":1,\"a\":2}}]");
    let Err(Error::Data(error)) = table_of(Format::Json, file.as_bytes(), &tight(300)) else { panic!() };
    assert_eq!(
        (error.code.name(), error.row, error.line, error.column),
        ("duplicate_key", Some(502), Some(502), Some(1))
    );
}

#[test]
fn sparse_rows_are_kept_together() {
    let rows: Vec<Value> = (0..20_000).map(|n| json!({format!("key {}", n % 500): n})).collect();
    let file = serde_json::to_vec(&rows).unwrap();
    let out = parquet_of(Format::Json, &file, &Limits::default()).unwrap();
    let reader = parquet::file::reader::SerializedFileReader::new(Bytes::from(out.clone())).unwrap();
    // Cells that are not there do not count for the size of a row group.
    assert_eq!(parquet::file::reader::FileReader::num_row_groups(&reader), 1);
    let page = page_of(InMemory::new(out), 19_999, 1);
    assert_eq!(json!(page.rows[0][499]), 19_999);
}

#[test]
fn a_row_over_its_bound_is_refused_wherever_it_lies() {
    let limits = Limits { max_row_bytes: 64, chunk_bytes: 1 << 10, ..Limits::default() };
    let file = format!(r#"[{{"a":1}},{{"a":"{}"}}]"#, "x".repeat(64));
    let error = parquet_of(Format::Json, file.as_bytes(), &limits).unwrap_err();
    assert!(matches!(&error, Error::Data(e) if e.code.name() == "row_too_large" && e.row == Some(2)), "{error:?}");
}

#[test]
fn pages_are_the_rows_asked_for_wherever_they_lie() {
    let rows: Vec<Value> =
        (0..5_000).map(|n| json!({"n": n, "text": format!("row {n} {}", "x".repeat(n % 90))})).collect();
    let file = serde_json::to_vec(&rows).unwrap();
    let limits = Limits { row_group_bytes: 64 << 10, page_bytes: 4 << 10, ..Limits::default() };
    let out = parquet_of(Format::Json, &file, &limits).unwrap();
    for (offset, limit, first, count) in
        [(0, 10, 0, 10), (4_990, 100, 4_990, 10), (5_000, 10, 0, 0), (1_234, 700, 1_234, 700), (999, 1, 999, 1)]
    {
        let page = page_of(InMemory::new(out.clone()), offset, limit);
        assert_eq!(page.total, 5_000);
        let expected: Vec<Vec<Value>> =
            (first..first + count).map(|n| vec![rows[n]["n"].clone(), rows[n]["text"].clone()]).collect();
        assert_eq!(json!(page.rows), json!(expected), "offset {offset}");
    }
}

#[test]
fn a_page_takes_the_files_end_and_then_its_own_pages_at_once() {
    let rows: Vec<Value> = (0..40_000)
        .map(|n| json!({"n": n, "kind": n % 7, "text": format!("row {n} {}", "xyz ".repeat(n % 90))}))
        .collect();
    let file =
        InMemory::new(parquet_of(Format::Json, &serde_json::to_vec(&rows).unwrap(), &Limits::default()).unwrap());
    for offset in [0, 7_777, 19_950, 39_900] {
        file.reads.lock().unwrap().clear();
        let page = page_of(file.clone(), offset, 100);
        assert_eq!(json!(page.rows[99]), json!([(offset + 99) % 7, offset + 99, rows[offset as usize + 99]["text"]]));
        let reads = file.reads.lock().unwrap();
        assert!(reads.iter().map(|range| range.end - range.start).sum::<u64>() < 2 << 20, "{reads:?}");
        // After the end, each range is behind the one before: nothing was asked for in a second round.
        assert!(reads[1..].is_sorted_by(|before, next| before.end < next.start), "{reads:?}");
    }
}

/// An object of a few bytes is a row of as many cells as there are columns.
#[test]
fn little_objects_under_many_columns_are_bounded() {
    let file = format!("[{}{{}}]", "{\"a\":1,\"b\":2},\n".to_owned() + &"{},\n".repeat(9));
    let with = |max_cells| {
        let limits = Limits { max_cells, ..Limits::default() };
        convert(Format::Json, &Dialect::default(), &mut || Ok(file.as_bytes()), &mut std::io::sink(), &limits, None)
    };
    assert_eq!(with(22).unwrap().rows, 11);
    let Err(Error::Data(error)) = with(21) else { panic!("it is too much") };
    assert_eq!((error.code.name(), error.row, error.line), ("too_many_cells", Some(11), Some(11)));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300f64).prop_map(Value::from),
        "[a\"\\\\\n é😀]{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-c]", inner, 0..3).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_json_writes_reads_back(
        rows in prop::collection::vec(prop::collection::btree_map("[a-d]", any_json(), 0..4), 1..6),
        pretty in any::<bool>(),
        chunk in 1usize..40,
    ) {
        let file = if pretty { serde_json::to_vec_pretty(&rows) } else { serde_json::to_vec(&rows) }.unwrap();
        prop_assume!(rows.iter().any(|row| !row.is_empty()));
        let page = table_of(Format::Json, &file, &tight(chunk)).unwrap();
        prop_assert_eq!(with_end(&file, &tight(chunk)).unwrap(), json!(&page.rows));
        for (row, read) in rows.iter().zip(&page.rows) {
            for (name, value) in page.columns.iter().zip(read) {
                let written = row.get(name).unwrap_or(&Value::Null).to_string();
                let read = serde_json::to_value(value).unwrap().to_string();
                // An integer among decimals comes back as a decimal of the same value.
                prop_assert!(read == written || read == format!("{written}.0"), "{} became {}", written, read);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(file in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"[]{},:\"\\ue0123.-a tn"[..])], 0..60), chunk in 1usize..20) {
        let whole = read(&file, 1 << 16).map_err(|e| e.to_string()).map(|p| json!(p.rows));
        let cut = table_of(Format::Json, &file, &tight(chunk)).map_err(|e| e.to_string()).map(|p| json!(p.rows));
        prop_assert_eq!(&whole, &cut);
        prop_assert_eq!(whole, with_end(&file, &tight(chunk)));
    }

    #[test]
    fn what_we_take_serde_json_takes(file in "\\[\\{\"a\":[\\[\\]{},:\"\\\\0-9.eE+tn -]{0,12}\\}\\]") {
        if read(file.as_bytes(), 64).is_ok() {
            prop_assert!(serde_json::from_str::<Vec<serde_json::Map<String, Value>>>(&file).is_ok() || file.contains(['e', 'E']), "{}", file);
        }
    }
}

/// What a refusal suggests, and how many rows that has.
fn suggestions(file: &str) -> (&'static str, Vec<(Value, u64)>) {
    let Err(Error::Data(error)) = converted(Format::Json, file.as_bytes(), &tight(3)) else {
        panic!("{file} is taken");
    };
    let suggestions = error.suggestions.iter().map(|s| (serde_json::to_value(&s.dialect).unwrap(), s.row_count));
    for suggestion in &error.suggestions {
        let mut out = vec![];
        let summary =
            convert(Format::Json, &suggestion.dialect, &mut || Ok(file.as_bytes()), &mut out, &tight(5), None).unwrap();
        let columns: Vec<&str> = summary.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(
            (summary.rows, columns),
            (suggestion.row_count, suggestion.column_names.iter().map(|c| &**c).collect())
        );
        // What it was read as says the same again.
        let again =
            convert(Format::Json, &summary.dialect, &mut || Ok(file.as_bytes()), &mut vec![], &tight(9), None).unwrap();
        assert_eq!((again.dialect, again.rows), (summary.dialect, summary.rows));
    }
    (error.code.name(), suggestions.collect())
}

#[test]
fn a_lone_object_says_where_rows_may_be() {
    let at = |pointer: &str| json!({ "rows_at": pointer });
    let one = (json!({"json_lines": true}), 1);
    for (file, code, expected) in [
        (r#"{"n": 3, "data": [{"q": "[{"}, {"q": "}"}]}"#, "single_object", vec![(at("/data"), 2), one.clone()]),
        (
            r#"{"train": [{"q": 1}], "test": [{"q": 2}, {"q": 3}]}"#,
            "single_object",
            vec![(at("/train"), 1), (at("/test"), 2), one.clone()],
        ),
        (
            "{\"a/b\":{\"~\":[{\"x\":1}], \"deep\": {\"r\": [{\"x\":1}]}},\r\n\r\n\"c\":[1],\"d\":[]}",
            "single_object",
            vec![(at("/a~1b/~0"), 1), one.clone()],
        ),
        (r#"{"a": 1}"#, "single_object", vec![one.clone()]),
        // In the array, an element is no object.
        (r#"{"a": [{"x": 1}, 2], "b": 1}"#, "single_object", vec![one.clone()]),
        (r#"{"a": [1, 2], "b": [3, "x"]}"#, "table_by_columns", vec![]),
        (r#"{"a": {"0": 1, "1": 2}, "b": {"0": 1, "1": 2}}"#, "table_by_columns", vec![]),
        (r#"{"a": {"0": 1, "1": 2}, "b": {"0": 1, "2": 2}}"#, "single_object", vec![one.clone()]),
        (r#"{"a": [1, 2], "b": [3]}"#, "single_object", vec![one.clone()]),
        (r#"{"a": [1, 2], "b": "#, "truncated", vec![]),
        (
            &format!(r#"{{"{key}": {{"{key}": [{{"x": 1}}]}}, "b": 1}}"#, key = "k".repeat(200)),
            "single_object",
            vec![one],
        ),
        (r#"{"a": [1, 2], "b": nul}"#, "invalid_json", vec![]),
        ("{\"a\":1},{\"a\":2}", "invalid_json", vec![]),
        (r#"{"x": [{"b": 1}], "x": [{"c": 1}, {"c": 2}]}"#, "single_object", vec![]),
    ] {
        assert_eq!(suggestions(file), (code, expected), "{file}");
    }
}

#[test]
fn another_encoding_is_told_before_where_rows_are() {
    for file in [&b"{\"data\":[{\"a\":\"caf\xE9\"}]}"[..], b"[{\"a\":\"caf\xE9\"}]"] {
        let Err(Error::Data(error)) = converted(Format::Json, file, &tight(3)) else { panic!("it is not UTF-8") };
        assert_eq!(error.code.name(), "invalid_utf8", "{error:?}");
    }
    let rows_at = Dialect { rows_at: Some("/data".to_owned().try_into().unwrap()), ..Dialect::default() };
    let file = b"{\"data\":[{\"a\":\"caf\xE9\"}]}";
    let read = |said: &Dialect| convert(Format::Json, said, &mut || Ok(&file[..]), &mut vec![], &tight(3), None);
    let Err(Error::Data(error)) = read(&rows_at) else { panic!("it is not UTF-8") };
    assert_eq!(read(&error.suggestions[0].dialect).unwrap().rows, 1);
}

#[test]
fn rows_are_where_it_is_said() {
    let read = |file: &str, dialect: Value| {
        let (dialect, mut out) = (serde_json::from_value(dialect).unwrap(), vec![]);
        let summary = convert(Format::Json, &dialect, &mut || Ok(file.as_bytes()), &mut out, &tight(2), None)?;
        Ok((summary.rows, page_of(InMemory::new(out), 0, 9).columns))
    };
    let file = "{\"n\":[1],\r\n\"é\":{\"r\":[{\"a\":1},\r\n{\"b\":2}]},\"z\":{}}";
    assert_eq!(read(file, json!({"rows_at": "/é/r"})).unwrap(), (2, vec!["a".to_owned(), "b".to_owned()]));
    for (at, code, line) in [
        ("/n", "row_not_an_object", Some(1)),
        ("/z", "no_such_rows", None),
        ("/é/x", "no_such_rows", None),
        ("/é", "no_such_rows", None),
    ] {
        let Error::Data(error) = read(file, json!({"rows_at": at})).unwrap_err() else { panic!("{at}") };
        assert_eq!((error.code.name(), error.line), (code, line), "{at}");
    }
    for (broken, code, line) in [
        ("{\"a\":[{\"x\":1},\n{\"x\":}]}", "invalid_json", Some(2)),
        ("{\"a\":[{\"x\":1}],", "truncated", Some(1)),
        ("{\"a\":[{\"x\":1}]} junk", "invalid_json", Some(1)),
        ("{\"a\":[{\"x\":1}],\"a\":[]}", "duplicate_key", None),
    ] {
        let Error::Data(error) = read(broken, json!({"rows_at": "/a"})).unwrap_err() else { panic!("{broken}") };
        assert_eq!((error.code.name(), error.line), (code, line), "{broken}");
    }
    let Error::Data(error) = read(&file.replace(":2}", ":2,\"b\":3}"), json!({"rows_at": "/é/r"})).unwrap_err() else {
        panic!("a key comes twice")
    };
    assert_eq!((error.code.name(), error.row, error.line), ("duplicate_key", Some(2), Some(3)));
    assert_eq!(read("{\"a\":1}", json!({"json_lines": true})).unwrap(), (1, vec!["a".to_owned()]));
    let utf16: Vec<u8> = "[{\"a\":1}]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(converted(Format::Json, &utf16, &tight(3)).unwrap().0.rows, 1);
}

#[test]
fn of_a_head_the_last_row_is_left_out() {
    let read = |head: &str, said: Dialect| {
        let (mut head, mut out) = (crate::Head { bytes: head.as_bytes(), is_whole: false }, vec![]);
        let summary = convert(Format::Json, &said, &mut head, &mut out, &tight(3), None)?;
        Ok::<_, Error>((summary.rows, summary.columns.len()))
    };
    let none = Dialect::default;
    assert_eq!(read("[{\"a\":1},{\"a\":2},{\"b\"", none()).unwrap(), (2, 1));
    assert_eq!(read("{\"a\":1}\n{\"a\":2}\n{\"b\":3", none()).unwrap(), (2, 1));
    let wrapped = "{\"n\":[{\"x\":1}],\"rows\":[{\"a\":1},{\"a\":2},{\"b\"";
    let rows_at = Dialect { rows_at: Some("/rows".to_owned().try_into().unwrap()), ..none() };
    assert_eq!(read(wrapped, rows_at).unwrap(), (2, 1));
    let Err(Error::Data(error)) = read(wrapped, none()) else { panic!("it is one object") };
    let places: Vec<_> = error.suggestions.iter().map(|s| (s.dialect.rows_at.clone().unwrap(), s.row_count)).collect();
    let at = |pointer: &str| pointer.to_owned().try_into().unwrap();
    assert_eq!((error.code.name(), places), ("single_object", vec![(at("/n"), 1), (at("/rows"), 2)]));
}

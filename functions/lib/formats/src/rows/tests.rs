use super::*;
use crate::testing::{InMemory, block_on, page_of, parquet_of, tight};
use crate::{Error, Limits};
use bytes::Bytes;
use dataset_types::Format;
use dataset_types::rows::{CellValue, Row};
use futures::TryStreamExt;
use parquet::basic::Encoding;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

fn whole(text: &str) -> Search<'_> {
    Search { text, after_row: 0, offset: 0, limit: 10, max_bytes: usize::MAX }
}

fn table(format: Format, file: &str) -> Table<InMemory> {
    let file = parquet_of(format, file.as_bytes(), &tight(48)).unwrap();
    block_on(Table::open(InMemory::new(file))).unwrap()
}

fn exported(table: &Table<InMemory>, format: Export, part_bytes: usize) -> String {
    let parts: Vec<_> = block_on(table.export(format, part_bytes).unwrap().try_collect()).unwrap();
    let (last, whole) = parts.split_last().expect("no file is empty");
    assert!(!last.is_empty() && whole.iter().all(|part: &Bytes| part.len() >= part_bytes));
    String::from_utf8(parts.concat()).unwrap()
}

const MIXED: &str = r#"[
    {"text": "a,\"b\"\r\nc", "n": 1, "d": 0.5, "yes": true, "any": {"k":
        [1, 2.50]}},
    {"text": null, "n": -2, "d": 1e300, "yes": false, "any": "x"},
    {"text": "", "any": 18446744073709551616}
]"#;

#[test]
fn csv_has_each_value_as_it_is_shown() {
    let csv = exported(&table(Format::Json, MIXED), Export::Csv, 1);
    let nested = "\"{\"\"k\"\":\n        [1, 2.50]}\"";
    assert_eq!(
        csv,
        format!(
            "text,n,d,yes,any\r\n\"a,\"\"b\"\"\r\nc\",1,0.5,true,{nested}\r\n,-2,1e+300,false,\"\"\"x\"\"\"\r\n,,,,18446744073709551616\r\n"
        )
    );
}

#[test]
fn json_lines_have_each_value_as_it_was_on_a_line() {
    let lines = exported(&table(Format::Json, MIXED), Export::JsonLines, 1);
    let expected = [
        r#"{"text":"a,\"b\"\r\nc","n":1,"d":0.5,"yes":true,"any":{"k":         [1, 2.50]}}"#,
        r#"{"text":null,"n":-2,"d":1e+300,"yes":false,"any":"x"}"#,
        r#"{"text":"","n":null,"d":null,"yes":null,"any":18446744073709551616}"#,
    ];
    assert_eq!(lines, expected.map(|line| format!("{line}\n")).concat());
}

#[test]
fn columns_are_summed_up() {
    let column_stats = block_on(table(Format::Json, MIXED).column_stats()).unwrap();
    let shown = |column_stats: &ColumnStats| {
        let ColumnStats { name, kind, empty, lengths, range, sample, has_more } = column_stats;
        format!("{name}: {kind:?}, {empty} empty, {lengths:?}, {}, {}, {has_more}", json!(range), json!(sample))
    };
    let shown: Vec<_> = column_stats.iter().map(shown).collect();
    let expected = [
        r#"text: Text, 2 empty, Some((8, 8)), null, ["a,\"b\"\r\nc"], false"#,
        "n: Int, 1 empty, None, [-2,1], [1,-2], false",
        "d: Double, 1 empty, None, [0.5,1e+300], [0.5,1e+300], false",
        "yes: Bool, 1 empty, None, null, [true,false], false",
    ];
    assert_eq!(shown[..4], expected);
    assert_eq!(column_stats[4].lengths, Some((3, 24)));
}

#[test]
fn a_sample_has_few_values_each_once_and_no_long_ones() {
    let file = |cells: &[String]| format!("a\n{}\n", cells.join("\n"));
    let sample_of = |cells: &[String]| {
        let column_stats = block_on(table(Format::Csv, &file(cells)).column_stats()).unwrap().remove(0);
        (json!(column_stats.sample), column_stats.has_more)
    };
    let many: Vec<String> = (0..100).map(|n| (n % 6).to_string()).collect();
    assert_eq!(sample_of(&many), (json!(["0", "1", "2", "3", "4"]), true));
    assert_eq!(sample_of(&many[..5]), (json!(["0", "1", "2", "3", "4"]), false));
    assert_eq!(sample_of(&["ß".repeat(101), "b".into()]), (json!(["b"]), true));
}

#[test]
fn a_search_finds_text_in_any_case_and_numbers_as_shown() {
    let table = table(
        Format::Json,
        r#"[{"t": "Straße.", "n": 12.5}, {"t": "x", "n": 3}, {"t": null, "n": null}, {"t": ["STRASSE"], "n": 125}]"#,
    );
    let found = |text: &str| {
        let page = block_on(table.search(&whole(text), || false)).unwrap();
        assert_eq!(page.total, page.rows.len() as u64);
        page.rows.iter().map(|row| json!(row)[1].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("STRAßE."), [json!(12.5)]);
    assert_eq!(found("strasse"), [json!(125.0)]);
    assert_eq!(found("12.5"), [json!(12.5)]);
    assert_eq!(found("125"), [json!(125.0)]);
    assert_eq!(found("null"), [] as [Value; 0]);
    assert_eq!(found("").len(), 4, "nothing is in every row");
    let table =
        self::table(Format::Json, r#"[{"j": ["caf\u00e9 \"bar\"", 1]}, {"j": "\\u00e9"}, {"j": {"a\/b": null}}]"#);
    let found = |text: &str| block_on(table.search(&whole(text), || false)).unwrap().rows;
    assert_eq!(json!(found("CAFÉ \"bar\"")), json!([[["café \"bar\"", 1]]]));
    assert_eq!(json!(found("u00e9")), json!([["\\u00e9"]]));
    assert_eq!(json!(found("a/b")), json!([[{"a/b": null}]]));
}

/// The first releases had another writer: JSON is Parquet's own type, columns have dictionaries, and where those
/// are full plain pages after them.
#[test]
fn a_file_of_the_first_release_is_read() {
    let page = page_of(InMemory::new(include_bytes!("first_release.parquet").to_vec()), 0, 1_000);
    assert_eq!((page.columns.join(" "), page.total), ("any text n u d yes always".to_owned(), 300));
    let row = |n: u32| {
        let or_null = |column: u32, value: Value| if (n + column).is_multiple_of(7) { Value::Null } else { value };
        json!([
            or_null(0, json!([n])),
            or_null(1, json!(format!("text {}", n % 5))),
            or_null(2, json!(i64::from(n % 3) - 1)),
            or_null(3, json!(u64::MAX - u64::from(n))),
            or_null(4, json!(f64::from(n) / 2.0)),
            or_null(5, json!(n.is_multiple_of(2))),
            format!("é{n}"),
        ])
    };
    assert_eq!(json!(page.rows), (0..300).map(row).collect::<Value>());
}

/// A column's name is no outline, whatever it is, in a footer of one row group
/// that is larger than what is read of the file's end.
#[test]
fn a_name_that_looks_like_an_outline_is_a_name() {
    for forged in [
        r#"{"json_columns":[9999999],"schema_end":18446744073709551615,"groups":[]}"#,
        r#"{"json_columns":[],"schema_end":1,"groups":[[3,0,1]]}"#,
    ] {
        let name = format!("{}\u{18}{}{forged}", crate::outline::Outline::KEY, char::from(forged.len() as u8));
        let mut row = serde_json::Map::new();
        row.extend((0..2_000).map(|n| (format!("column {n} {}", "x".repeat(60)), json!(n))));
        row.insert(name, json!("last"));
        let file = parquet_of(Format::Json, &serde_json::to_vec(&json!([row])).unwrap(), &Limits::default()).unwrap();
        let table = block_on(Table::open(InMemory::new(file))).unwrap();
        let page = block_on(table.page(0, 1, usize::MAX)).unwrap();
        assert_eq!(json!(page.rows[0][2_000]), "last");
    }
}

/// What some readers fail at: see the writer's footer.
#[test]
fn chunks_of_a_column_are_encoded_and_bounded_alike() {
    let rows =
        |values: &mut dyn Iterator<Item = i64>| values.map(|n| json!({"n": n, "small": n % 7})).collect::<Vec<_>>();
    let limits = Limits { row_group_bytes: 64 << 10, page_bytes: 4 << 10, chunk_bytes: 8 << 10, ..Limits::default() };
    for (last, encoding, is_bounded) in [
        (1 << 53, Encoding::DELTA_BINARY_PACKED, true),
        (1 << 60, Encoding::PLAIN, true),
        (i64::MAX, Encoding::PLAIN, false),
    ] {
        let rows = rows(&mut (0..40_000).chain([last]));
        let file = Bytes::from(parquet_of(Format::Json, &serde_json::to_vec(&rows).unwrap(), &limits).unwrap());
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
        assert!(metadata.num_row_groups() > 3);
        for group in metadata.row_groups() {
            let [n, small] = group.columns() else { panic!("two columns") };
            let encodings = |chunk: &ColumnChunkMetaData| chunk.encodings().collect::<Vec<_>>();
            assert!(encodings(n).iter().all(|found| [encoding, Encoding::RLE].contains(found)), "{:?}", encodings(n));
            assert!(encodings(small).contains(&Encoding::DELTA_BINARY_PACKED));
            assert_eq!(n.statistics().unwrap().min_bytes_opt().is_some(), is_bounded, "{last}");
            assert!(small.statistics().unwrap().min_bytes_opt().is_some());
        }
        let table = block_on(Table::open(InMemory::new(file.to_vec()))).unwrap();
        let page = block_on(table.page(39_999, 2, usize::MAX)).unwrap();
        assert_eq!(json!(page.rows), json!([[39_999, 39_999 % 7], [last, last % 7]]));
    }
}

/// A thousand columns in many row groups: the footer is larger than what is read of a file's end at first.
#[test]
fn of_a_large_footer_the_part_is_read_that_is_needed() {
    const ROWS: u32 = 600;
    let row = |n: u32| -> Vec<String> { (0..1_000).map(|column| format!("{}", n * column)).collect() };
    let lines = (0..ROWS).map(|n| row(n).join(",") + "\n").collect::<String>();
    let names = (0..1_000).map(|n| format!("column {n}")).collect::<Vec<_>>().join(",");
    let limits = Limits { row_group_bytes: 32 << 10, chunk_bytes: 16 << 10, ..Limits::default() };
    let csv = format!("{names}\n{lines}");
    let parquet = parquet_of(Format::Csv, csv.as_bytes(), &limits).unwrap();
    let footer_bytes = u32::from_le_bytes(*parquet[..parquet.len() - 4].last_chunk().unwrap());
    let file = InMemory::new(parquet);
    for offset in (0..u64::from(ROWS)).step_by(17) {
        file.reads.lock().unwrap().clear();
        let table = block_on(Table::open(file.clone())).unwrap();
        let page = block_on(table.page(offset, 1, usize::MAX)).unwrap();
        assert_eq!(json!(page.rows), json!([row(offset as u32)]));
        let reads = file.reads.lock().unwrap();
        let [tail, schema, group, ..] = &reads[..] else { panic!("{reads:?}") };
        assert!(tail.end - tail.start < u64::from(footer_bytes), "the footer is large");
        let bytes = schema.end - schema.start + group.end - group.start;
        assert!(bytes < u64::from(footer_bytes) / 3, "{bytes} of {footer_bytes}: {reads:?}");
    }
    let table = block_on(Table::open(file)).unwrap();
    let page = block_on(table.page(0, 1_000, usize::MAX)).unwrap();
    assert_eq!((page.rows.len(), page.total), (ROWS as usize, ROWS.into()));
    assert_eq!(exported(&table, Export::Csv, 1 << 10), csv.replace('\n', "\r\n"));
    let found = block_on(table.search(&whole(&format!("{}", (ROWS - 1) * 999)), || false)).unwrap();
    assert_eq!(json!(found.rows), json!([row(ROWS - 1)]));
    let difference = block_on(diff(&table, &table, None, Examples { rows: 1, max_bytes: usize::MAX })).unwrap();
    assert_eq!((difference.unchanged, difference.added, difference.removed), (ROWS.into(), 0, 0));
}

#[test]
fn cells_that_are_too_long_are_cut() {
    let long = "é\"".repeat(5_000);
    let rows = json!([{"a": "x".repeat(300), "b": {"c": long}}, {"a": long, "b": 1}, {"a": "y", "b": null}]);
    let table = table(Format::Json, &rows.to_string());
    let page = |max_bytes| block_on(table.page(0, 9, max_bytes)).map(|page| page.rows);
    assert_eq!(
        json!(page(usize::MAX).unwrap()),
        json!(rows.as_array().unwrap().iter().map(|row| json!([row["a"], row["b"]])).collect::<Vec<_>>())
    );
    for max_bytes in [1_000, 3_000, 30_000, 60_000] {
        let rows = page(max_bytes).unwrap();
        // As a Lambda has it.
        let answer =
            json!({"body": json!(rows.clone().into_iter().map(Row::from).collect::<Vec<_>>()).to_string()}).to_string();
        assert!((max_bytes / 2..=max_bytes + 200).contains(&answer.len()), "{} of {max_bytes}", answer.len());
        let CellValue::Cut(cut) = &rows[1][0] else { panic!("{rows:?}") };
        assert!(long.starts_with(&cut.start) && cut.whole_bytes == 15_000);
        let CellValue::Cut(nested) = &rows[0][1] else { panic!("{rows:?}") };
        assert!(nested.start.starts_with(r#"{"c":"é\""#), "{}", nested.start);
        assert!(matches!((&rows[2][0], &rows[2][1]), (CellValue::Text(text), CellValue::Null) if text == "y"));
        assert!(matches!((&rows[0][0], max_bytes), (CellValue::Cut(_), 1_000) | (CellValue::Text(_), _)));
    }
    assert!(matches!(page(100), Err(Error::PageTooLarge)), "there are too many cells");
    let found = block_on(table.search(&Search { max_bytes: 3_000, ..whole("é") }, || false)).unwrap();
    assert!(matches!((found.total, &found.rows[1][0]), (2, CellValue::Cut(_))));
}

#[test]
fn a_search_that_stops_goes_on_where_it_was() {
    let rows: Vec<Value> = (0..5_000).map(|n| json!({"n": n, "t": "x".repeat(n % 50)})).collect();
    let file = parquet_of(
        Format::Json,
        json!(rows).to_string().as_bytes(),
        &Limits { row_group_bytes: 40_000, ..Limits::default() },
    );
    let table = block_on(Table::open(InMemory::new(file.unwrap()))).unwrap();
    let all = block_on(table.search(&whole("99"), || false)).unwrap();
    assert_eq!((all.total, all.searched_to_row), (95, 5_000));
    let (mut total, mut after_row, mut parts) = (0, 0, 0);
    while after_row < 5_000 {
        let part = block_on(table.search(&Search { after_row, ..whole("99") }, || true)).unwrap();
        assert!(part.searched_to_row > after_row);
        (total, after_row, parts) = (total + part.total, part.searched_to_row, parts + 1);
    }
    assert_eq!((total, parts > 4), (95, true));
    for after_row in [1, 998, 999, 1_000, 4_999, 5_000, u64::MAX] {
        let rest = block_on(table.search(&Search { after_row, ..whole("99") }, || false)).unwrap();
        let expected = rows.iter().skip(after_row as usize).filter(|row| row["n"].to_string().contains("99")).count();
        assert_eq!((rest.total, rest.searched_to_row), (expected as u64, 5_000), "{after_row}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Cells whose ends run into each other must not be found as one.
    #[test]
    fn a_search_finds_what_a_look_at_each_cell_finds(
        rows in vec(vec("[aAbékK\u{212A}]{0,4}", 2..3), 1..60),
        text in "[aBék\u{212A}]{1,3}",
        offset in 0..5u64,
        limit in 1..10usize,
    ) {
        let lines: String = rows.iter().map(|row| format!("\"{}\",\"{}\"\n", row[0], row[1])).collect();
        let table = table(Format::Csv, &format!("x,y\n{lines}"));
        let page = block_on(table.search(&Search { offset, limit, ..whole(&text) }, || false)).unwrap();
        let has = |row: &&Vec<String>| row.iter().any(|cell| cell.to_lowercase().contains(&text.to_lowercase()));
        let expected: Vec<_> = rows.iter().filter(has).collect();
        prop_assert_eq!(page.total, expected.len() as u64);
        let expected: Vec<_> = expected.into_iter().skip(offset as usize).take(limit).collect();
        prop_assert_eq!(json!(page.rows), json!(expected));
    }

    /// What comes out as CSV goes in again, whatever reader looks for its dialect.
    #[test]
    fn what_comes_out_goes_in(
        names in btree_set("[a;|\t\",= é\u{feff}]{0,3}x", 1..4),
        rows in vec(vec("(sep=)?[a;|\t\",\r\n 1é\u{feff}\u{0}\u{1a}]{0,4}", 3..4), 1..10),
    ) {
        let object = |row: &Vec<String>| names.iter().cloned().zip(row.iter().map(|cell| json!(cell))).collect::<serde_json::Map<_, _>>();
        let json = table(Format::Json, &json!(rows.iter().map(object).collect::<Vec<_>>()).to_string());
        let csv = table(Format::Csv, &exported(&json, Export::Csv, 100));
        let all = |table: &Table<InMemory>| {
            let rows = block_on(table.page(0, 100, usize::MAX)).unwrap().rows;
            (table.columns().map(str::to_owned).collect::<Vec<_>>(), json!(rows))
        };
        prop_assert_eq!(all(&csv), all(&json));
    }

    /// What was taken in as CSV comes out the same, cell by cell.
    #[test]
    fn csv_goes_round(rows in vec(vec("[a\",\r\n é]{0,4}", 3..4), 1..40), part_bytes in 1..200usize) {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(["x", "y", "z"]).unwrap();
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let file = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        prop_assert_eq!(exported(&table(Format::Csv, &file), Export::Csv, part_bytes), file);
    }
}

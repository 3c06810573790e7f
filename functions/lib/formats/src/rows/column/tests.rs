use super::*;
use crate::rows::cell::CellRef;
use crate::rows::stored::{Field, Opened, Stored};
use crate::testing::{InMemory, block_on, parquet_of, tight};
use dataset_types::Format;
use parquet::column::page::PageMetadata;
use parquet::column::reader::{ColumnReader as Library, ColumnReaderImpl, get_column_reader};
use parquet::data_type::DataType;
use parquet::schema::types::ColumnDescPtr;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Pages that are at hand.
#[derive(Clone)]
struct InTurn(VecDeque<Page>);

impl Iterator for InTurn {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.pop_front().map(Ok)
    }
}

impl PageReader for InTurn {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        Ok(self.0.pop_front())
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Ok(self.0.front().map(|page| PageMetadata {
            num_rows: None,
            num_levels: Some(page.num_values() as usize),
            is_dict: page.is_dictionary_page(),
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.0.pop_front();
        Ok(())
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        Ok(true)
    }
}

/// A column of the first row group.
struct Chunk {
    described: ColumnDescPtr,
    kind: ColumnType,
    rows: usize,
    pages: InTurn,
}

impl Chunk {
    fn reader(&self) -> ColumnReader<InTurn> {
        ColumnReader::new(self.kind, self.described.max_def_level() > 0, self.pages.clone())
    }

    fn all_of(file: Vec<u8>) -> Vec<Self> {
        block_on(async {
            let stored = Stored::open(InMemory::new(file)).await.unwrap();
            let Opened { reader, .. } = stored.section(0).await.unwrap();
            let rows = reader.groups()[0].clone();
            let fetched = reader.fetch(0, &rows).await.unwrap();
            let chunk = |(index, field): (usize, &Field)| Self {
                described: fetched.described(index),
                kind: field.kind,
                rows: rows.end as usize,
                pages: InTurn(fetched.pages(index).unwrap().collect::<Result<_>>().unwrap()),
            };
            stored.fields().iter().enumerate().map(chunk).collect()
        })
    }

    /// The values, as the library decodes them, and null where there is none.
    fn by_library(&self) -> Vec<Value> {
        fn all<T: DataType>(mut reader: ColumnReaderImpl<T>, rows: usize, show: impl Fn(T::T) -> Value) -> Vec<Value> {
            let (mut levels, mut values) = (vec![], vec![]);
            let (read, ..) = reader.read_records(rows, Some(&mut levels), None, &mut values).unwrap();
            assert_eq!(read, rows);
            let mut values = values.into_iter().map(show);
            if levels.is_empty() {
                return values.collect();
            }
            levels.iter().map(|level| if *level > 0 { values.next().unwrap() } else { Value::Null }).collect()
        }
        match get_column_reader(self.described.clone(), Box::new(self.pages.clone())) {
            Library::BoolColumnReader(reader) => all(reader, self.rows, Value::from),
            Library::Int64ColumnReader(reader) if self.kind == ColumnType::UInt => {
                all(reader, self.rows, |value| json!(value.cast_unsigned()))
            }
            Library::Int64ColumnReader(reader) => all(reader, self.rows, Value::from),
            Library::DoubleColumnReader(reader) => all(reader, self.rows, Value::from),
            Library::ByteArrayColumnReader(reader) => {
                all(reader, self.rows, |text| String::from_utf8(text.data().to_vec()).unwrap().into())
            }
            _ => unreachable!("no such column is written"),
        }
    }
}

fn shown(column: &Column, rows: usize) -> Vec<Value> {
    let shown = |row| match column.cell(row) {
        CellRef::Null => Value::Null,
        CellRef::Bool(value) => value.into(),
        CellRef::Int(value) => value.into(),
        CellRef::UInt(value) => value.into(),
        CellRef::Double(value) => value.into(),
        CellRef::Text(text) | CellRef::Json(text) => text.into(),
    };
    (0..rows).map(shown).collect()
}

/// Numbers near and far from each other, texts that repeat and that do not, and what is not there.
fn row() -> impl Strategy<Value = Value> {
    let number = prop_oneof![-3..3i64, any::<i64>()];
    let large = prop_oneof![Just(u64::MAX), any::<u64>()];
    let text = prop_oneof!["[abé]{0,2}", ".{0,40}"];
    let cells = (number, -9..9i64, large, any::<f64>(), any::<bool>(), text, "[xy]", 0..128u8);
    cells.prop_map(|(number, small, large, double, yes, text, word, left_out)| {
        let mut row = json!({
            "number": number, "small": small, "large": large, "double": double, "yes": yes, "text": text,
            "any": [word], "word": word,
        });
        let names = ["number", "small", "large", "double", "yes", "text", "any"];
        for name in (0..).zip(names).filter_map(|(bit, name)| (left_out >> bit & 1 == 1).then_some(name)) {
            row[name] = Value::Null;
        }
        row
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_cell_is_what_the_library_reads(rows in vec(row(), 1..120), chunk_bytes in 50..5_000usize, steps in vec((0..9usize, 1..30usize), 1..20)) {
        let limits = crate::Limits { page_bytes: chunk_bytes, row_group_bytes: 1 << 20, ..tight(chunk_bytes) };
        let file = parquet_of(Format::Json, json!(rows).to_string().as_bytes(), &limits).unwrap();
        for chunk in Chunk::all_of(file) {
            let expected = chunk.by_library();
            let (mut reader, mut next) = (chunk.reader(), 0);
            for (skipped, taken) in &steps {
                let rows = next + skipped..next + skipped + taken;
                let column = reader.take(*skipped, *taken);
                if rows.end > chunk.rows {
                    prop_assert!(column.is_err(), "rows are missing");
                    break;
                }
                prop_assert_eq!(shown(&column.unwrap(), *taken), &expected[rows.clone()]);
                next = rows.end;
            }
        }
    }

    #[test]
    fn no_damage_makes_it_panic(rows in vec(row(), 1..60), damage in vec((any::<u16>(), any::<u8>()), 1..6)) {
        let file = parquet_of(Format::Json, json!(rows).to_string().as_bytes(), &tight(500)).unwrap();
        for mut chunk in Chunk::all_of(file) {
            for page in &mut chunk.pages.0 {
                let (Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. }) = page else { continue };
                let mut bytes = buf.to_vec();
                for (place, byte) in damage.iter().filter(|_| !buf.is_empty()) {
                    bytes[usize::from(*place) % buf.len()] = *byte;
                }
                *buf = bytes.into();
            }
            let mut reader = chunk.reader();
            while let Ok(column) = reader.take(1, 7) {
                shown(&column, 7);
            }
        }
    }
}

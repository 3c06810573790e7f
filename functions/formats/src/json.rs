//! JSON: an array of objects, streamed.
//!
//! The columns are the union of the objects' keys in order of first sight,
//! each of the narrowest type that loses nothing of any value. Both are known
//! only at the end of the file, so it is read twice: once to check every row
//! and learn the columns, once to write.

mod column;
mod object;
mod rows;
mod scan;
mod types;

use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::sink::{self, Sink, Summary};
use crate::source::{Source, open_text};
use column::Column;
use rows::Rows;
use std::io::Write;
use std::sync::Arc;
use types::Columns;

pub(crate) fn convert<W: Write + Send>(source: &mut impl Source, out: W, limits: &Limits) -> Result<Summary> {
    let columns = learn(source, limits)?;
    write(source, &columns, out, limits)
}

/// About what a cell takes in memory beside its text.
const CELL_BYTES: usize = 5;

/// The first reading.
fn learn<'a>(source: &mut impl Source, limits: &'a Limits) -> Result<Columns<'a>> {
    let mut columns = Columns::new(limits);
    let mut rows = open(source, limits)?;
    while rows.next(|object| columns.see(object))? {}
    if rows.count() == 0 {
        return Err(DataError::new("no_rows", "the array is empty; upload at least one object").into());
    }
    if columns.names().is_empty() {
        let message = "no object in the array has a key; the keys are the columns, so there must be at least one";
        return Err(DataError::new("no_columns", message).into());
    }
    Ok(columns)
}

/// The second reading.
fn write<W: Write + Send>(source: &mut impl Source, known: &Columns, out: W, limits: &Limits) -> Result<Summary> {
    let schema = Arc::new(known.schema());
    let mut columns: Vec<Column> = known.types().map(Column::new).collect();
    let mut rows = open(source, limits)?;
    let mut sink = None;
    let mut out = Some(out);
    loop {
        let mut batch_rows = 0;
        // What the values take in the file: it is what ends a row group. A
        // cell takes some bytes of memory besides, even where there is no value.
        let mut bytes = 0;
        let mut more = true;
        while more && bytes + batch_rows * columns.len() * CELL_BYTES < limits.batch_bytes {
            more = rows.next(|object| {
                for member in object.members() {
                    let index = known.index(member.key()).ok_or_else(changed)?;
                    columns[index].pad(batch_rows);
                    columns[index].push(member.value())?;
                    bytes += member.value().raw.len();
                }
                batch_rows += 1;
                Ok(())
            })?;
        }
        columns.iter_mut().for_each(|column| column.pad(batch_rows));
        if batch_rows > 0 {
            let sink = match &mut sink {
                Some(sink) => sink,
                None => {
                    let repeats: Vec<bool> = columns.iter().map(|c| c.text().is_some_and(sink::repeats)).collect();
                    let out = out.take().expect("the sink is made once");
                    sink.insert(Sink::new(out, schema.clone(), &repeats, limits)?)
                }
            };
            let arrays = columns.iter_mut().map(Column::finish).collect::<Result<_>>()?;
            sink.write(arrays, bytes)?;
        }
        if !more {
            break;
        }
    }
    let rows = sink.map_or(Ok(0), Sink::close)?;
    Ok(Summary { columns: known.names().to_vec(), rows })
}

fn open<'a, S: Source>(source: &mut S, limits: &'a Limits) -> Result<Rows<'a, S::Reader>> {
    Rows::begin(open_text(source.open()?, limits)?, limits)
}

/// Stored files never change, so a second reading meets what the first has met.
fn changed() -> Error {
    Error::Io(std::io::Error::other("the file changed while it was being read"))
}

#[cfg(test)]
mod tests;

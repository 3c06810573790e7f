//! The least and the greatest number of a column chunk, for readers that skip.

use super::cells::Cells;
use parquet::file::statistics::Statistics;

#[derive(Clone, Copy, Default)]
pub(super) struct Ranges {
    ints: Option<(i64, i64)>,
    uints: Option<(u64, u64)>,
    doubles: Option<(f64, f64)>,
}

impl Ranges {
    /// Takes the cells of a page into account.
    pub(super) fn widen(&mut self, cells: &Cells) {
        match cells {
            Cells::Int(values) => widen(&mut self.ints, values, i64::min, i64::max),
            Cells::UInt(values) => widen(&mut self.uints, values, u64::min, u64::max),
            Cells::Double(values) => widen(&mut self.doubles, values, f64::min, f64::max),
            Cells::Bool(_) | Cells::Text(_) => {}
        }
    }

    /// As Parquet has them, for a column of these cells with so many nulls.
    pub(super) fn statistics(&self, cells: &Cells, nulls: usize) -> Statistics {
        let nulls = Some(nulls as u64);
        match cells {
            Cells::Int(_) => {
                let (least, greatest) = self.ints.unzip();
                Statistics::int64(least, greatest, None, nulls, false)
            }
            // The bits of an unsigned integer; the column's type says how they compare.
            Cells::UInt(_) => {
                let (least, greatest) = self.uints.map(|(l, g)| (l.cast_signed(), g.cast_signed())).unzip();
                Statistics::int64(least, greatest, None, nulls, false)
            }
            Cells::Double(_) => {
                let (least, greatest) = self.doubles.map(both_zeros).unzip();
                Statistics::double(least, greatest, None, nulls, false)
            }
            Cells::Bool(_) => Statistics::boolean(None, None, None, nulls, false),
            Cells::Text(_) => Statistics::byte_array(None, None, None, nulls, false),
        }
    }
}

/// Zero has two signs, and a reader may look for either.
fn both_zeros((least, greatest): (f64, f64)) -> (f64, f64) {
    (if least == 0.0 { -0.0 } else { least }, if greatest == 0.0 { 0.0 } else { greatest })
}

fn widen<T: Copy>(range: &mut Option<(T, T)>, values: &[T], min: fn(T, T) -> T, max: fn(T, T) -> T) {
    if let Some(first) = values.first() {
        let start = range.unwrap_or((*first, *first));
        *range = Some(values.iter().fold(start, |(least, greatest), v| (min(least, *v), max(greatest, *v))));
    }
}

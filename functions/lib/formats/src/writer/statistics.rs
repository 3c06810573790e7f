//! Statistics of a column chunk, by which readers skip it.

use super::cells::Cells;

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
            Cells::Int(values) | Cells::LongInt(values) => widen(&mut self.ints, values, i64::min, i64::max),
            Cells::UInt(values) => widen(&mut self.uints, values, u64::min, u64::max),
            Cells::Double(values) => widen(&mut self.doubles, values, f64::min, f64::max),
            Cells::Bool(_) | Cells::Text(_) => {}
        }
    }

    /// The bounds of a chunk of these cells.
    pub(super) fn bounds(&self, cells: &Cells) -> Option<Bounds> {
        let bounds = |least, greatest, reach_an_end| Bounds { least, greatest, reach_an_end };
        match cells {
            Cells::Int(_) | Cells::LongInt(_) => self.ints.map(|(least, greatest)| {
                bounds(least.to_le_bytes(), greatest.to_le_bytes(), least == i64::MIN || greatest == i64::MAX)
            }),
            Cells::UInt(_) => self
                .uints
                .map(|(least, greatest)| bounds(least.to_le_bytes(), greatest.to_le_bytes(), greatest == u64::MAX)),
            Cells::Double(_) => self
                .doubles
                .map(both_zeros)
                .map(|(least, greatest)| bounds(least.to_le_bytes(), greatest.to_le_bytes(), false)),
            Cells::Bool(_) | Cells::Text(_) => None,
        }
    }
}

/// The least and the greatest number of a chunk, as bytes.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) least: [u8; 8],
    pub(super) greatest: [u8; 8],
    /// One of them is the minimum or maximum of its type.
    pub(super) reach_an_end: bool,
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

//! A file that is one JSON object: where in it rows may stand.

use crate::error::{DataError, Error};
use crate::limits::Limits;
use crate::window::Window;
use ahash::RandomState;
use dataset_types::FailureCode;
use dataset_types::dialect::RowsAt;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufReader, Read};

/// How many keys deep rows are looked for.
const MAX_DEPTH: usize = 2;

/// More arrays than this are not suggested.
const MAX_ARRAYS: usize = 4;

/// More than this are not looked at.
const MAX_PLACES: usize = 1_000;

/// What a lone object is.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Arrays of objects.
    pub(super) arrays: Vec<RowsAt>,
    /// Whether each member is a column.
    pub(super) is_by_columns: bool,
}

/// Goes through the whole object.
pub(super) fn shape<R: Read>(window: Window<R>, limits: &Limits) -> Result<Shape, Error> {
    let mut shape = Shape::default();
    let mut members = None;
    let has_more = window.has_more();
    let mut file = serde_json::Deserializer::from_reader(BufReader::new(Decoded::new(window, limits)));
    let mut open = None;
    let seed = Any { path: &mut vec![], arrays: &mut shape.arrays, open: &mut open, members: Some(&mut members) };
    match seed.deserialize(&mut file).and_then(|_| file.end()) {
        // Of a head, what has been found by its end is all there is to say.
        Err(error) if has_more && error.is_eof() => shape.arrays.extend(open),
        Err(error) => return Err(fault(error)),
        Ok(()) => shape.is_by_columns = members.is_some_and(|members| members.count >= 2 && members.are_alike),
    }
    // What is there twice is no place.
    let all = std::mem::take(&mut shape.arrays);
    shape.arrays = all.iter().filter(|at| all.iter().filter(|other| other == at).count() == 1).cloned().collect();
    shape.arrays.truncate(MAX_ARRAYS);
    Ok(shape)
}

/// Where in the text the array of rows stands, in bytes; `None` if there is no array.
pub(super) fn find<R: Read>(window: Window<R>, rows_at: &RowsAt, limits: &Limits) -> Result<Option<u64>, Error> {
    let (read, has_more) = (Cell::new(0), window.has_more());
    let (mut found, mut is_twice) = (None, false);
    let keys: Vec<String> = rows_at.keys().collect();
    let mut file = serde_json::Deserializer::from_reader(Counted {
        input: BufReader::new(Decoded::new(window, limits)),
        read: &read,
    });
    let seed = At { keys: &keys, read: &read, found: &mut found, is_twice: &mut is_twice };
    match seed.deserialize(&mut file).and_then(|()| file.end()) {
        Err(error) if has_more && error.is_eof() => {}
        Err(error) => return Err(fault(error)),
        Ok(()) => {}
    }
    if is_twice {
        let message = format!(
            "expected each key once, found one twice on the way to {}; give each value its own key",
            rows_at.as_str()
        );
        return Err(DataError::new(FailureCode::DuplicateKey, message).into());
    }
    Ok(found)
}

/// What is wrong with a file that is not well formed.
fn fault(error: serde_json::Error) -> Error {
    let line = error.line() as u64;
    if error.is_io() {
        return match io::Error::from(error).downcast::<DataError>() {
            Ok(error) => error.into(),
            Err(error) => error.into(),
        };
    }
    let error = if error.is_eof() {
        let message =
            "expected the end of the object, found the end of the file; it may have been cut, so export it again";
        DataError::new(FailureCode::Truncated, message)
    } else {
        let message = "expected one JSON object and nothing else, found a fault in it; correct it, or export it again";
        DataError::new(FailureCode::InvalidJson, message)
    };
    error.at_line(line).into()
}

/// The text of a window, from its start to its end.
struct Decoded<'a, R> {
    window: Window<R>,
    limits: &'a Limits,
    /// How far it is in a string, which the parser holds in memory.
    string: Option<usize>,
    is_escaped: bool,
}

impl<'a, R: Read> Decoded<'a, R> {
    fn new(window: Window<R>, limits: &'a Limits) -> Self {
        Self { window, limits, string: None, is_escaped: false }
    }

    /// Whether a string goes on for too long in what comes next.
    fn has_long_string(&mut self, length: usize) -> bool {
        for &byte in &self.window.bytes()[..length] {
            self.string = match (self.string, byte) {
                (None, b'"') => Some(0),
                (Some(_), b'"') if !self.is_escaped => None,
                (Some(so_far), _) => Some(so_far + 1),
                (None, _) => None,
            };
            self.is_escaped = byte == b'\\' && self.string.is_some() && !self.is_escaped;
        }
        self.string.is_some_and(|so_far| so_far > self.limits.max_row_bytes)
    }
}

impl<R: Read> Read for Decoded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let window = &mut self.window;
        while window.bytes().len() <= 1 && !window.at_end() {
            window.grow()?;
        }
        let text = window.bytes();
        // An LF may follow a last CR.
        let kept = usize::from(text.ends_with(b"\r") && !window.at_end());
        let length = buffer.len().min(text.len() - kept).min(window.bad().unwrap_or(usize::MAX));
        if window.bad() == Some(0) {
            return Err(io::Error::other(window.bad_byte(0)));
        }
        buffer[..length].copy_from_slice(&text[..length]);
        if self.has_long_string(length) {
            let message = "expected a string of at most 16 MiB, found more; look for a quote that is not closed";
            let error = DataError::new(FailureCode::RowTooLarge, message).at_line(self.window.line_at(0));
            return Err(io::Error::other(error));
        }
        self.window.consume(length);
        Ok(length)
    }
}

/// The methods of a visitor for which all scalars are the same.
macro_rules! scalars {
    ($value:expr) => {
        scalars!($value, visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64, visit_str &str);

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($value)
        }
    };
    ($value:expr, $($visit:ident $kind:ty),*) => {
        $(fn $visit<E>(self, _: $kind) -> Result<Self::Value, E> {
            Ok($value)
        })*
    };
}

/// Counts what has been read, a byte at a time.
struct Counted<'a, R> {
    input: R,
    read: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.read.set(self.read.get() + length as u64);
        Ok(length)
    }
}

/// Goes through a value on the way to the array at `keys`.
struct At<'a> {
    keys: &'a [String],
    read: &'a Cell<u64>,
    found: &'a mut Option<u64>,
    is_twice: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut is_met = false;
        while let Some(key) = map.next_key::<String>()? {
            match self.keys.split_first() {
                Some((first, rest)) if *first == key => {
                    *self.is_twice |= std::mem::replace(&mut is_met, true);
                    let within = At { keys: rest, read: self.read, found: self.found, is_twice: self.is_twice };
                    map.next_value_seed(within)?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        if self.keys.is_empty() {
            // Its bracket is the last byte that was read.
            *self.found = Some(self.read.get() - 1);
        }
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    scalars!(());
}

/// What a value is, as far as it tells rows from columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scalar,
    /// An array of so many scalars.
    Scalars(u64),
    /// An array of objects.
    Objects,
    /// Any other array.
    Array,
    /// An object, with a hash of its keys.
    Object(u64),
}

/// The members of the outermost object.
struct Members {
    first: Kind,
    count: u64,
    /// Whether they are all arrays of scalars of one length, or objects with the same keys.
    are_alike: bool,
}

/// Goes through a value, notes the arrays of objects in it, and says what it is.
struct Any<'a> {
    path: &'a mut Vec<String>,
    arrays: &'a mut Vec<RowsAt>,
    /// An array that has not ended yet, of objects so far.
    open: &'a mut Option<RowsAt>,
    members: Option<&'a mut Option<Members>>,
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Kind;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Kind, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Kind, A::Error> {
        let mut keys = RandomState::with_seeds(1, 2, 3, 4).build_hasher();
        while let Some(key) = map.next_key::<String>()? {
            keys.write_usize(key.len());
            keys.write(key.as_bytes());
            if self.path.len() == MAX_DEPTH {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            self.path.push(key);
            let kind =
                map.next_value_seed(Any { path: self.path, arrays: self.arrays, open: self.open, members: None })?;
            if kind == Kind::Objects && self.arrays.len() < MAX_PLACES {
                self.arrays.extend(RowsAt::of(self.path));
            }
            self.path.pop();
            if let Some(members) = &mut self.members {
                let is_column = matches!(kind, Kind::Scalars(_) | Kind::Object(_));
                let members = members.get_or_insert(Members { first: kind, count: 0, are_alike: true });
                members.count += 1;
                members.are_alike &= is_column && kind == members.first;
            }
        }
        Ok(Kind::Object(keys.finish()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Kind, A::Error> {
        let (mut length, mut scalars, mut objects) = (0, true, true);
        // What lies deeper is of no interest: it is gone through as what is too deep.
        let (mut path, mut open) = (vec![String::new(); MAX_DEPTH], None);
        let is_near = self.path.len() <= MAX_DEPTH && !self.path.iter().any(String::is_empty);
        while let Some(kind) =
            array.next_element_seed(Any { path: &mut path, arrays: &mut vec![], open: &mut open, members: None })?
        {
            length += 1;
            scalars &= kind == Kind::Scalar;
            objects &= matches!(kind, Kind::Object(_));
            if is_near && (length == 1 || !objects) {
                *self.open = if objects { RowsAt::of(self.path) } else { None };
            }
        }
        *self.open = None;
        Ok(match (length, scalars, objects) {
            (_, true, _) => Kind::Scalars(length),
            (1.., _, true) => Kind::Objects,
            _ => Kind::Array,
        })
    }

    scalars!(Kind::Scalar);
}

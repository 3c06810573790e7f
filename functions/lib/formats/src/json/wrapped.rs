//! A file that is one JSON object: where in it rows may stand.

use crate::error::Error;
use crate::window::Window;
use ahash::RandomState;
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

/// What a lone object is.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Arrays of objects.
    pub(super) arrays: Vec<RowsAt>,
    /// Whether each member is a column.
    pub(super) is_by_columns: bool,
}

/// Goes through the whole object; `None` if it is not well formed.
pub(super) fn shape<R: Read>(window: Window<R>) -> Result<Option<Shape>, Error> {
    let mut shape = Shape::default();
    let mut members = None;
    let seed = Any { path: &mut vec![], arrays: &mut shape.arrays, members: Some(&mut members) };
    let has_more = window.has_more();
    let mut file = serde_json::Deserializer::from_reader(BufReader::new(Decoded(window)));
    match seed.deserialize(&mut file).and_then(|_| file.end()) {
        Err(error) if error.is_io() => Err(io::Error::from(error).into()),
        // Of a head, what has been found by its end is all there is to say.
        Err(error) if has_more && error.is_eof() => Ok(Some(shape)),
        Err(_) => Ok(None),
        Ok(()) => {
            shape.is_by_columns = members.is_some_and(|members| members.count >= 2 && members.are_alike);
            Ok(Some(shape))
        }
    }
}

/// Where in the text the array of rows stands, in bytes; `None` if there is no array, or the text is not well formed.
pub(super) fn find<R: Read>(window: Window<R>, rows_at: &RowsAt) -> Result<Option<u64>, Error> {
    let read = Cell::new(0);
    let mut found = None;
    let keys: Vec<String> = rows_at.keys().collect();
    let seed = At { keys: &keys, read: &read, found: &mut found };
    let has_more = window.has_more();
    let mut file =
        serde_json::Deserializer::from_reader(Counted { input: BufReader::new(Decoded(window)), read: &read });
    match seed.deserialize(&mut file).and_then(|()| file.end()) {
        Err(error) if error.is_io() => Err(io::Error::from(error).into()),
        Err(error) if has_more && error.is_eof() => Ok(found),
        Err(_) => Ok(None),
        Ok(()) => Ok(found),
    }
}

/// The text of a window, from its start to its end.
struct Decoded<R>(Window<R>);

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let window = &mut self.0;
        while window.bytes().len() <= 1 && !window.at_end() {
            window.grow()?;
        }
        let text = window.bytes();
        // An LF may follow a last CR.
        let kept = usize::from(text.ends_with(b"\r") && !window.at_end());
        let length = buffer.len().min(text.len() - kept);
        buffer[..length].copy_from_slice(&text[..length]);
        window.consume(length);
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
        while let Some(key) = map.next_key::<String>()? {
            match self.keys.split_first() {
                Some((first, rest)) if *first == key && self.found.is_none() => {
                    map.next_value_seed(At { keys: rest, read: self.read, found: self.found })?;
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
            let kind = map.next_value_seed(Any { path: self.path, arrays: self.arrays, members: None })?;
            if kind == Kind::Objects && self.arrays.len() < MAX_ARRAYS {
                self.arrays.push(RowsAt::of(self.path));
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
        let mut path = vec![String::new(); MAX_DEPTH];
        while let Some(kind) = array.next_element_seed(Any { path: &mut path, arrays: &mut vec![], members: None })? {
            length += 1;
            scalars &= kind == Kind::Scalar;
            objects &= matches!(kind, Kind::Object(_));
        }
        Ok(match (length, scalars, objects) {
            (_, true, _) => Kind::Scalars(length),
            (1.., _, true) => Kind::Objects,
            _ => Kind::Array,
        })
    }

    scalars!(Kind::Scalar);
}

//! Thrift's compact protocol, as far as Parquet's metadata needs it.

use crate::writer::{varint, zigzag};

/// What a field or the elements of a list are.
#[derive(Clone, Copy)]
pub(crate) enum Type {
    True = 1,
    False = 2,
    Byte = 3,
    I16 = 4,
    I32 = 5,
    I64 = 6,
    Binary = 8,
    List = 9,
    Struct = 12,
}

/// A struct that is being written. Its fields come in the order of their ids.
pub(crate) struct Struct<'a> {
    out: &'a mut Vec<u8>,
    last_id: u8,
}

/// Appends a struct of the fields that `fields` writes.
pub(crate) fn write_struct(out: &mut Vec<u8>, fields: impl FnOnce(&mut Struct<'_>)) {
    write_open_struct(out, 0, fields);
    out.push(0);
}

/// Appends fields of a struct that is finished elsewhere, behind the field of this id. Returns the id of the last.
pub(crate) fn write_open_struct(out: &mut Vec<u8>, last_id: u8, fields: impl FnOnce(&mut Struct<'_>)) -> u8 {
    let mut open = Struct { out, last_id };
    fields(&mut open);
    open.last_id
}

/// Reads a field that is text or bytes and has the next id.
pub(crate) fn read_binary_field(bytes: &[u8]) -> Option<&[u8]> {
    let (header, mut rest) = bytes.split_first()?;
    if *header != 1 << 4 | Type::Binary as u8 {
        return None;
    }
    let mut length = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        rest = behind;
        length |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return rest.get(..length);
        }
    }
    None
}

pub(crate) fn write_binary(out: &mut Vec<u8>, value: &[u8]) {
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

pub(crate) fn write_i32(out: &mut Vec<u8>, value: i32) {
    zigzag(value.into(), out);
}

impl Struct<'_> {
    fn field(&mut self, id: u8, field: Type) {
        self.out.push((id - self.last_id) << 4 | field as u8);
        self.last_id = id;
    }

    fn integer(&mut self, id: u8, width: Type, value: i64) {
        self.field(id, width);
        zigzag(value, self.out);
    }

    pub(crate) fn i16(&mut self, id: u8, value: i16) {
        self.integer(id, Type::I16, value.into());
    }

    pub(crate) fn i32(&mut self, id: u8, value: i32) {
        self.integer(id, Type::I32, value.into());
    }

    pub(crate) fn i64(&mut self, id: u8, value: i64) {
        self.integer(id, Type::I64, value);
    }

    pub(crate) fn byte(&mut self, id: u8, value: u8) {
        self.field(id, Type::Byte);
        self.out.push(value);
    }

    pub(crate) fn bool(&mut self, id: u8, value: bool) {
        self.field(id, if value { Type::True } else { Type::False });
    }

    pub(crate) fn binary(&mut self, id: u8, value: &[u8]) {
        self.field(id, Type::Binary);
        write_binary(self.out, value);
    }

    pub(crate) fn inner(&mut self, id: u8, fields: impl FnOnce(&mut Struct<'_>)) {
        self.field(id, Type::Struct);
        write_struct(self.out, fields);
    }

    /// A field that is a struct without fields, as unions of Parquet have them.
    pub(crate) fn empty(&mut self, id: u8) {
        self.inner(id, |_| ());
    }

    /// A list, whose elements `write` appends one by one.
    pub(crate) fn list<T>(
        &mut self,
        id: u8,
        element: Type,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Vec<u8>, T),
    ) {
        self.field(id, Type::List);
        match items.len() {
            length @ 0..15 => self.out.push((length as u8) << 4 | element as u8),
            length => {
                self.out.push(0xF0 | element as u8);
                varint(length as u64, self.out);
            }
        }
        items.for_each(|item| write(self.out, item));
    }

    /// Takes fields that have been written elsewhere, up to the one of `last_id`.
    pub(crate) fn go_on(&mut self, fields: &[u8], last_id: u8) {
        self.out.extend_from_slice(fields);
        self.last_id = last_id;
    }

    /// Where in the output the next field begins.
    pub(crate) fn position(&self) -> usize {
        self.out.len()
    }
}

//! One object of the array: a row.

use super::scan::{Fault, Kind, Scan, Stop, Value, colon, skip_space, string, unescape, value};
use std::borrow::Cow;

/// The members of one object, in order.
pub(super) struct Object<'a> {
    members: Vec<Member<'a>>,
}

pub(super) struct Member<'a> {
    key: Cow<'a, str>,
    value: Value<'a>,
}

impl<'a> Object<'a> {
    /// Reads the object that starts at `at`, and says where it ends.
    /// `reached` is told how many members are complete, for a fault's sake.
    pub(super) fn read(bytes: &'a [u8], at: usize, max_depth: usize, reached: &mut usize) -> Scan<(Self, usize)> {
        if bytes[at] != b'{' {
            return Err(Stop::Fault(Fault::NotAnObject, at));
        }
        let mut members = Vec::new();
        let mut position = skip_space(bytes, at + 1)?;
        if bytes[position] == b'}' {
            return Ok((Self { members }, position + 1));
        }
        loop {
            *reached = members.len();
            if bytes[position] != b'"' {
                let fault = if bytes[position] == b'}' { Fault::TrailingComma } else { Fault::Key };
                return Err(Stop::Fault(fault, position));
            }
            let (key_end, escaped) = string(bytes, position)?;
            let key = text(&bytes[position..key_end], escaped);
            let value_at = colon(bytes, key_end)?;
            let (value, end) = value(bytes, value_at, max_depth)?;
            members.push(Member { key, value });
            position = skip_space(bytes, end)?;
            match bytes[position] {
                b',' => position = skip_space(bytes, position + 1)?,
                b'}' => return Ok((Self { members }, position + 1)),
                _ => return Err(Stop::Fault(Fault::CommaOrBrace, position)),
            }
        }
    }

    pub(super) fn members(&self) -> &[Member<'a>] {
        &self.members
    }
}

impl Member<'_> {
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn value(&self) -> &Value<'_> {
        &self.value
    }
}

fn text(raw: &[u8], escaped: bool) -> Cow<'_, str> {
    if escaped {
        let mut text = Vec::with_capacity(raw.len());
        unescape(raw, &mut text);
        Cow::Owned(String::from_utf8_lossy(&text).into_owned())
    } else {
        String::from_utf8_lossy(&raw[1..raw.len() - 1])
    }
}

impl Value<'_> {
    pub(super) fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }
}

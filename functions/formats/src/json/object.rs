//! One object of the array: a row.

use super::scan::{Fault, Kind, Scan, Stop, Value, colon, skip_space, string, unescape, value};
use std::borrow::Cow;
use std::ops::Range;

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
    pub(super) fn read(bytes: &'a [u8], at: usize, max_depth: usize, reached: &mut Reached) -> Scan<(Self, usize)> {
        if bytes[at] != b'{' {
            return Err(Stop::Fault(Fault::NotAnObject, at));
        }
        let mut members = Vec::new();
        let mut position = skip_space(bytes, at + 1)?;
        if bytes[position] == b'}' {
            return Ok((Self { members }, position + 1));
        }
        loop {
            *reached = Reached { member: members.len(), key: None };
            if bytes[position] != b'"' {
                let fault = if bytes[position] == b'}' { Fault::TrailingComma } else { Fault::Key };
                return Err(Stop::Fault(fault, position));
            }
            let (key_end, escaped) = string(bytes, position)?;
            let key = text(&bytes[position..key_end], escaped);
            reached.key = Some((position..key_end, escaped));
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

/// How far an object has been read, for a fault's sake.
#[derive(Default)]
pub(super) struct Reached {
    /// The member that is being read, from 0.
    pub(super) member: usize,
    /// Where its key stands, quotes included, and whether it has escapes.
    key: Option<(Range<usize>, bool)>,
}

impl Reached {
    pub(super) fn key(&self, bytes: &[u8]) -> Option<String> {
        let (range, escaped) = self.key.clone()?;
        bytes.get(range).map(|raw| text(raw, escaped).into_owned())
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

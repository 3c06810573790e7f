//! Parses one object of the array, which is a row.

use super::scan::{Fault, Scan, Stop, Text, Value, unescape};
use std::borrow::Cow;
use std::ops::Range;

/// A key as it stands in the text, quotes included.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    range: Range<usize>,
    escaped: bool,
}

impl Key {
    pub(crate) fn of<'a>(&self, text: &'a [u8]) -> Cow<'a, str> {
        let within = &text[self.range.start + 1..self.range.end - 1];
        if self.escaped {
            let mut key = Vec::with_capacity(within.len());
            unescape(text, self.range.start + 1, self.range.end - 1, |text, start, end| {
                key.extend_from_slice(&text[start..end]);
            });
            Cow::Owned(String::from_utf8_lossy(&key).into_owned())
        } else {
            String::from_utf8_lossy(within)
        }
    }

    /// Whether it means `name`, however it stands in the text.
    pub(crate) fn is_named(&self, text: &[u8], name: &str) -> bool {
        if self.escaped { self.of(text) == name } else { self.is(text, name) }
    }

    /// Whether it stands in the text just as `name` is.
    pub(crate) fn is(&self, text: &[u8], name: &str) -> bool {
        !self.escaped && text[self.range.start + 1..self.range.end - 1] == *name.as_bytes()
    }
}

pub(crate) struct Member {
    pub(crate) key: Key,
    pub(crate) value: Value,
}

/// How far an object has been read.
#[derive(Default)]
pub(super) struct Object {
    pub(super) members: Vec<Member>,
    /// The key of the member that was read last or is being read.
    pub(super) key: Option<Key>,
}

impl Object {
    /// Reads the object that starts at `at`, and says where it ends.
    pub(super) fn read(&mut self, text: Text<'_>, at: usize) -> Scan<usize> {
        self.clear();
        if text.bytes[at] != b'{' {
            return Err(Stop::Fault(Fault::NotAnObject, at));
        }
        let (mut position, mut byte) = text.skip_space(at + 1)?;
        if byte == b'}' {
            return Ok(position + 1);
        }
        loop {
            self.key = None;
            if byte != b'"' {
                let fault = if byte == b'}' { Fault::TrailingComma } else { Fault::Key };
                return Err(Stop::Fault(fault, position));
            }
            let (end, escaped) = text.string(position)?;
            let key = Key { range: position..end, escaped };
            self.key = Some(key.clone());
            let value = text.value(text.colon(end)?)?;
            if self.members.len() == text.max_members {
                return Err(Stop::Fault(Fault::TooManyMembers, position));
            }
            self.members.push(Member { key, value });
            (position, byte) = text.skip_space(value.end)?;
            match byte {
                b',' => (position, byte) = text.skip_space(position + 1)?,
                b'}' => return Ok(position + 1),
                _ => {
                    // The fault is at this member, not at one after it.
                    self.members.pop();
                    return Err(Stop::Fault(Fault::CommaOrBrace, position));
                }
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.members.clear();
        self.key = None;
    }
}

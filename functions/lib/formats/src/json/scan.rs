//! Scans JSON values: where they end, and whether they are well formed.

use crate::simd::{self, BLOCK};

/// Why a value could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The buffer ends within it.
    NeedMore,
    Fault(Fault, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    ControlCharacter,
    Escape,
    LoneSurrogate,
    Number,
    Literal,
    Value,
    Key,
    Colon,
    CommaOrBracket,
    CommaOrBrace,
    TrailingComma,
    TooDeep,
    TooManyMembers,
    NotAnObject,
    NotAnArray,
    LoneObject,
    BadByte,
    Truncated,
    TrailingText,
}

pub(super) type Scan<T> = Result<T, Stop>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Null,
    Bool(bool),
    Number {
        is_integer: bool,
    },
    /// The raw text includes the quotes.
    String {
        escaped: bool,
    },
    /// An object or an array.
    Nested,
}

/// A value, and where it stands in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Where in a text the bytes stand that a string can't pass over: quotes,
/// backslashes and control characters, a bit a byte.
#[derive(Default)]
pub(super) struct Specials(Vec<u64>);

impl Specials {
    pub(super) fn build(&mut self, text: &[u8]) {
        self.0.clear();
        simd::each_block(text, [b'"', b'\\'], |[quotes, backslashes], control| {
            self.0.push(quotes | backslashes | control);
        });
    }

    /// The first at or behind `at`.
    #[inline]
    fn next(&self, at: usize) -> Option<usize> {
        let mut block = at / BLOCK;
        let mut specials = self.0.get(block)? & u64::MAX << (at % BLOCK);
        while specials == 0 {
            block += 1;
            specials = *self.0.get(block)?;
        }
        Some(block * BLOCK + specials.trailing_zeros() as usize)
    }
}

/// A text to be scanned, up to the window's end or to a byte that is no text.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) specials: &'a Specials,
    pub(super) max_depth: usize,
    /// Of an object that is a row.
    pub(super) max_members: usize,
}

impl Text<'_> {
    /// The position of the next byte that is no white space, and that byte.
    #[inline]
    pub(super) fn skip_space(self, mut at: usize) -> Scan<(usize, u8)> {
        loop {
            match self.bytes.get(at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => at += 1,
                Some(byte) => return Ok((at, *byte)),
                None => return Err(Stop::NeedMore),
            }
        }
    }

    /// The value at `at`. A number ends only where something follows it:
    /// within an array or an object something always does.
    #[inline]
    pub(super) fn value(self, at: usize) -> Scan<Value> {
        let (kind, end) = match self.bytes.get(at) {
            None => return Err(Stop::NeedMore),
            Some(b'"') => {
                let (end, escaped) = self.string(at)?;
                (TokenKind::String { escaped }, end)
            }
            Some(b'-' | b'0'..=b'9') => {
                let (end, is_integer) = number(self.bytes, at)?;
                (TokenKind::Number { is_integer }, end)
            }
            Some(b'{' | b'[') => (TokenKind::Nested, self.nested(at)?),
            Some(b't') => (TokenKind::Bool(true), literal(self.bytes, at, b"true")?),
            Some(b'f') => (TokenKind::Bool(false), literal(self.bytes, at, b"false")?),
            Some(b'n') => (TokenKind::Null, literal(self.bytes, at, b"null")?),
            Some(_) => return Err(Stop::Fault(Fault::Value, at)),
        };
        Ok(Value { kind, start: at, end })
    }

    /// Where the string that opens at `at` ends, and whether it has escapes.
    #[inline]
    pub(super) fn string(self, at: usize) -> Scan<(usize, bool)> {
        let mut escaped = false;
        let mut position = at + 1;
        loop {
            position = self.specials.next(position).filter(|at| *at < self.bytes.len()).ok_or(Stop::NeedMore)?;
            match self.bytes[position] {
                b'"' => return Ok((position + 1, escaped)),
                b'\\' => {
                    escaped = true;
                    position = escape(self.bytes, position)?.1;
                }
                _ => return Err(Stop::Fault(Fault::ControlCharacter, position)),
            }
        }
    }

    /// Where the object or array that opens at `at` ends.
    fn nested(self, at: usize) -> Scan<usize> {
        // The brackets that are open, innermost last.
        let mut open: Vec<u8> = Vec::new();
        let mut position = at;
        loop {
            // At a value.
            match self.bytes.get(position) {
                Some(&bracket @ (b'{' | b'[')) => {
                    open.push(bracket);
                    if open.len() >= self.max_depth {
                        return Err(Stop::Fault(Fault::TooDeep, position));
                    }
                    let (next, byte) = self.skip_space(position + 1)?;
                    if byte != closing(bracket) {
                        position = if bracket == b'{' { self.key_and_colon(next)? } else { next };
                        continue;
                    }
                    open.pop();
                    position = next + 1;
                }
                _ => position = self.value(position)?.end,
            }
            // Behind a value.
            loop {
                let Some(&bracket) = open.last() else {
                    return Ok(position);
                };
                let (next, byte) = self.skip_space(position)?;
                match byte {
                    b',' => {
                        let (next, byte) = self.skip_space(next + 1)?;
                        if byte == closing(bracket) {
                            return Err(Stop::Fault(Fault::TrailingComma, next));
                        }
                        position = if bracket == b'{' { self.key_and_colon(next)? } else { next };
                        break;
                    }
                    byte if byte == closing(bracket) => {
                        open.pop();
                        position = next + 1;
                    }
                    _ if bracket == b'{' => return Err(Stop::Fault(Fault::CommaOrBrace, next)),
                    _ => return Err(Stop::Fault(Fault::CommaOrBracket, next)),
                }
            }
        }
    }

    /// Past a key and its colon, to the value.
    fn key_and_colon(self, at: usize) -> Scan<usize> {
        if self.bytes[at] != b'"' {
            return Err(Stop::Fault(Fault::Key, at));
        }
        let (end, _) = self.string(at)?;
        self.colon(end)
    }

    /// Past the colon that must follow a key, to the value.
    pub(super) fn colon(self, at: usize) -> Scan<usize> {
        let (at, byte) = self.skip_space(at)?;
        if byte != b':' {
            return Err(Stop::Fault(Fault::Colon, at));
        }
        Ok(self.skip_space(at + 1)?.0)
    }
}

/// What closes a bracket: in ASCII it stands two places behind it.
fn closing(bracket: u8) -> u8 {
    bracket + 2
}

/// The character that the escape at `at` stands for, and where it ends.
pub(super) fn escape(bytes: &[u8], at: usize) -> Scan<(char, usize)> {
    let c = match bytes.get(at + 1) {
        None => return Err(Stop::NeedMore),
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{C}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(bytes, at),
        Some(_) => return Err(Stop::Fault(Fault::Escape, at)),
    };
    Ok((c, at + 2))
}

/// `\uXXXX`, or two of them for one character beyond the basic plane.
fn unicode(bytes: &[u8], at: usize) -> Scan<(char, usize)> {
    let high = hex4(bytes, at)?;
    if let Some(c) = char::from_u32(high) {
        return Ok((c, at + 6));
    }
    if !(0xD800..0xDC00).contains(&high) {
        return Err(Stop::Fault(Fault::LoneSurrogate, at));
    }
    match (bytes.get(at + 6), bytes.get(at + 7)) {
        (Some(b'\\'), Some(b'u')) => {}
        (None, _) | (Some(b'\\'), None) => return Err(Stop::NeedMore),
        _ => return Err(Stop::Fault(Fault::LoneSurrogate, at)),
    }
    let low = hex4(bytes, at + 6)?;
    if !(0xDC00..0xE000).contains(&low) {
        return Err(Stop::Fault(Fault::LoneSurrogate, at));
    }
    let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    char::from_u32(code).map(|c| (c, at + 12)).ok_or(Stop::Fault(Fault::LoneSurrogate, at))
}

fn hex4(bytes: &[u8], at: usize) -> Scan<u32> {
    let mut code = 0;
    for offset in 2..6 {
        let byte = *bytes.get(at + offset).ok_or(Stop::NeedMore)?;
        let digit = (byte as char).to_digit(16).ok_or(Stop::Fault(Fault::Escape, at))?;
        code = code << 4 | digit;
    }
    Ok(code)
}

/// Where the number that starts at `at` ends, and whether it has neither a point nor an exponent.
#[inline]
fn number(bytes: &[u8], at: usize) -> Scan<(usize, bool)> {
    let fault = Stop::Fault(Fault::Number, at);
    let digits = |mut position: usize| {
        let start = position;
        loop {
            match bytes.get(position) {
                Some(b'0'..=b'9') => position += 1,
                Some(_) if position > start => return Ok(position),
                Some(_) => return Err(fault),
                None => return Err(Stop::NeedMore),
            }
        }
    };
    let mut position = if bytes[at] == b'-' { at + 1 } else { at };
    position = match bytes.get(position) {
        Some(b'0') => position + 1,
        Some(_) => digits(position)?,
        None => return Err(Stop::NeedMore),
    };
    let behind_integer = position;
    if bytes.get(position) == Some(&b'.') {
        position = digits(position + 1)?;
    }
    if matches!(bytes.get(position), Some(b'e' | b'E')) {
        let signed = matches!(bytes.get(position + 1), Some(b'+' | b'-'));
        position = digits(position + 1 + usize::from(signed))?;
    }
    match bytes.get(position) {
        None => Err(Stop::NeedMore),
        Some(b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t') => Ok((position, position == behind_integer)),
        Some(_) => Err(fault),
    }
}

fn literal(bytes: &[u8], at: usize, word: &[u8]) -> Scan<usize> {
    let found = &bytes[at..bytes.len().min(at + word.len())];
    if found == word {
        Ok(at + word.len())
    } else if word.starts_with(found) {
        Err(Stop::NeedMore)
    } else {
        Err(Stop::Fault(Fault::Literal, at))
    }
}

/// Appends what the characters of `text` from `start` to `end` stand for, where it is well-formed JSON.
pub(crate) fn unescape(text: &[u8], start: usize, end: usize, mut append: impl FnMut(&[u8], usize, usize)) {
    let mut position = start;
    while let Some(length) = memchr::memchr(b'\\', &text[position..end]) {
        append(text, position, position + length);
        // It has been scanned before, so there is a character.
        let (c, next) = escape(text, position + length).unwrap_or((char::REPLACEMENT_CHARACTER, position + length + 2));
        let mut utf8 = [0; 4];
        let length = c.encode_utf8(&mut utf8).len();
        append(&utf8, 0, length);
        position = next;
    }
    append(text, position, end);
}

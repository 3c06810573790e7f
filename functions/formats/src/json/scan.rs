//! JSON values in a buffer: where they end and whether they are well formed.

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
    NotAnObject,
    BadByte,
    Truncated,
    TrailingText,
    JsonLines,
}

pub(super) type Scan<T> = Result<T, Stop>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number,
    /// The raw text includes the quotes.
    String {
        escaped: bool,
    },
    /// An object or an array.
    Nested,
}

/// A value as it stands in the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) kind: Kind,
    pub(super) raw: &'a [u8],
}

/// The position of the next byte that is no white space.
#[inline]
pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> Scan<usize> {
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\n' | b'\r' | b'\t') => at += 1,
            Some(_) => return Ok(at),
            None => return Err(Stop::NeedMore),
        }
    }
}

/// The value at `at`, and where it ends. A number ends only where something
/// follows it: within an array or an object something always does.
#[inline]
pub(super) fn value(bytes: &[u8], at: usize, max_depth: usize) -> Scan<(Value<'_>, usize)> {
    let (kind, end) = match bytes.get(at) {
        None => return Err(Stop::NeedMore),
        Some(b'"') => {
            let (end, escaped) = string(bytes, at)?;
            (Kind::String { escaped }, end)
        }
        Some(b'-' | b'0'..=b'9') => (Kind::Number, number(bytes, at)?),
        Some(b'{' | b'[') => (Kind::Nested, nested(bytes, at, max_depth)?),
        Some(b't') => (Kind::Bool(true), literal(bytes, at, b"true")?),
        Some(b'f') => (Kind::Bool(false), literal(bytes, at, b"false")?),
        Some(b'n') => (Kind::Null, literal(bytes, at, b"null")?),
        Some(_) => return Err(Stop::Fault(Fault::Value, at)),
    };
    Ok((Value { kind, raw: &bytes[at..end] }, end))
}

/// Where the string that opens at `at` ends, and whether it has escapes.
#[inline]
pub(super) fn string(bytes: &[u8], at: usize) -> Scan<(usize, bool)> {
    let mut escaped = false;
    let mut position = at + 1;
    loop {
        let rest = bytes.get(position..).unwrap_or_default();
        let Some(length) = memchr::memchr2(b'"', b'\\', rest) else {
            return Err(match control(rest) {
                Some(offset) => Stop::Fault(Fault::ControlCharacter, position + offset),
                None => Stop::NeedMore,
            });
        };
        if let Some(offset) = control(&rest[..length]) {
            return Err(Stop::Fault(Fault::ControlCharacter, position + offset));
        }
        position += length;
        if bytes[position] == b'"' {
            return Ok((position + 1, escaped));
        }
        escaped = true;
        position = escape(bytes, position)?.1;
    }
}

fn control(bytes: &[u8]) -> Option<usize> {
    // A sum without branches is vectorized; the search after it is rare.
    let any = bytes.iter().fold(false, |any, b| any | (*b < 0x20));
    any.then(|| bytes.iter().position(|b| *b < 0x20)).flatten()
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

/// Where the number that starts at `at` ends.
#[inline]
fn number(bytes: &[u8], at: usize) -> Scan<usize> {
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
    if bytes.get(position) == Some(&b'.') {
        position = digits(position + 1)?;
    }
    if matches!(bytes.get(position), Some(b'e' | b'E')) {
        let signed = matches!(bytes.get(position + 1), Some(b'+' | b'-'));
        position = digits(position + 1 + usize::from(signed))?;
    }
    match bytes.get(position) {
        None => Err(Stop::NeedMore),
        Some(b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t') => Ok(position),
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

/// Where the object or array that opens at `at` ends.
fn nested(bytes: &[u8], at: usize, max_depth: usize) -> Scan<usize> {
    // The brackets that are open, innermost last.
    let mut open: Vec<u8> = Vec::new();
    let mut position = at;
    loop {
        // At a value.
        match bytes.get(position) {
            Some(&bracket @ (b'{' | b'[')) => {
                open.push(bracket);
                if open.len() >= max_depth {
                    return Err(Stop::Fault(Fault::TooDeep, position));
                }
                position = skip_space(bytes, position + 1)?;
                if bytes[position] == bracket + 2 {
                    open.pop();
                    position += 1;
                } else {
                    if bracket == b'{' {
                        position = key_and_colon(bytes, position)?;
                    }
                    continue;
                }
            }
            _ => position = value(bytes, position, max_depth)?.1,
        }
        // Behind a value.
        loop {
            let Some(&bracket) = open.last() else {
                return Ok(position);
            };
            position = skip_space(bytes, position)?;
            match bytes[position] {
                b',' => {
                    position = skip_space(bytes, position + 1)?;
                    if bytes[position] == bracket + 2 {
                        return Err(Stop::Fault(Fault::TrailingComma, position));
                    }
                    if bracket == b'{' {
                        position = key_and_colon(bytes, position)?;
                    }
                    break;
                }
                // In ASCII, '}' is '{' + 2 and ']' is '[' + 2.
                b if b == bracket + 2 => {
                    open.pop();
                    position += 1;
                }
                _ if bracket == b'{' => return Err(Stop::Fault(Fault::CommaOrBrace, position)),
                _ => return Err(Stop::Fault(Fault::CommaOrBracket, position)),
            }
        }
    }
}

/// Past a key and its colon, to the value.
fn key_and_colon(bytes: &[u8], at: usize) -> Scan<usize> {
    if bytes[at] != b'"' {
        return Err(Stop::Fault(Fault::Key, at));
    }
    let (end, _) = string(bytes, at)?;
    colon(bytes, end)
}

/// Past the colon that must follow a key, to the value.
pub(super) fn colon(bytes: &[u8], at: usize) -> Scan<usize> {
    let at = skip_space(bytes, at)?;
    if bytes[at] != b':' {
        return Err(Stop::Fault(Fault::Colon, at));
    }
    skip_space(bytes, at + 1)
}

/// Appends what a well-formed string, quotes included, stands for.
pub(super) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut position = 1;
    let end = raw.len() - 1;
    while let Some(length) = memchr::memchr(b'\\', &raw[position..end]) {
        out.extend_from_slice(&raw[position..position + length]);
        // It has been scanned before, so there is a character.
        let (c, next) = escape(raw, position + length).unwrap_or((char::REPLACEMENT_CHARACTER, position + length + 2));
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        position = next;
    }
    out.extend_from_slice(&raw[position..end]);
}

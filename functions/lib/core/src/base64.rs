//! Base64 within a JSON string, as it is taken in.
//!
//! It is strict (padded, canonical, standard alphabet), but line breaks as `base64 FILE` and MIME encoders write them
//! are allowed.

use crate::{Error, ErrorCode, Result, upload};
use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use base64_simd::AsOut;
use dataset_types::limits::MAX_FILE_BYTES;

/// Decodes a text that comes in pieces.
#[derive(Default)]
pub struct Decoder {
    /// Bytes of the file so far.
    written: u64,
    /// Symbols of an incomplete group of four.
    quad: [u8; 4],
    quad_length: usize,
    /// Characters read of the text, line breaks included.
    offset: usize,
    /// Padding has been seen, so nothing may follow.
    padded: bool,
}

/// Where the file goes.
pub trait Target {
    /// Room for so many bytes behind those before.
    fn room(&mut self, bytes: usize) -> &mut [u8];

    /// So many of them were written.
    fn wrote(&mut self, bytes: usize);
}

impl Decoder {
    /// Takes symbols.
    ///
    /// # Errors
    /// `invalid_base64` with the offset of the first wrong character in the text; `file_too_large`.
    pub fn push(&mut self, mut symbols: &[u8], target: &mut impl Target) -> Result<()> {
        while self.quad_length > 0
            && let Some((symbol, rest)) = symbols.split_first()
        {
            self.push_symbol(*symbol, target)?;
            symbols = rest;
        }
        let (whole, rest) = symbols.split_at(symbols.len() / 4 * 4);
        if !whole.is_empty() {
            self.decode(whole, target)?;
        }
        rest.iter().try_for_each(|symbol| self.push_symbol(*symbol, target))
    }

    /// Takes what an escape of JSON stands for.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_escaped(&mut self, symbol: Option<u8>, target: &mut impl Target) -> Result<()> {
        match symbol {
            Some(b'\r' | b'\n') => self.offset += 1,
            Some(symbol) => self.push_symbol(symbol, target)?,
            None => return Err(invalid(self.offset, "is not in the base64 alphabet")),
        }
        Ok(())
    }

    fn push_symbol(&mut self, symbol: u8, target: &mut impl Target) -> Result<()> {
        self.quad[self.quad_length] = symbol;
        self.quad_length += 1;
        self.offset += 1;
        if self.quad_length == 4 {
            self.quad_length = 0;
            self.offset -= 4;
            let quad = self.quad;
            self.decode(&quad, target)?;
        }
        Ok(())
    }

    /// Decodes symbols, a multiple of four, that start at `offset`.
    fn decode(&mut self, symbols: &[u8], target: &mut impl Target) -> Result<()> {
        if self.padded {
            return Err(invalid(self.offset, "follows the padding, which must be the end"));
        }
        let room = target.room(symbols.len() / 4 * 3);
        let decoded = base64_simd::STANDARD.decode(symbols, room.as_out()).map(|decoded| decoded.len());
        // `base64` says where an error is; `base64_simd` does not.
        let decoded = decoded.or_else(|_| STANDARD.decode_slice_unchecked(symbols, room));
        let decoded = decoded.map_err(|error| self.error(&error))?;
        target.wrote(decoded);
        self.written += decoded as u64;
        self.padded = symbols.ends_with(b"=");
        self.offset += symbols.len();
        if self.written > MAX_FILE_BYTES {
            return Err(upload::too_large());
        }
        Ok(())
    }

    fn error(&self, error: &DecodeError) -> Error {
        match *error {
            DecodeError::InvalidByte(at, byte) => {
                let at = self.offset + at;
                invalid(
                    at,
                    match byte {
                        b'-' | b'_' => "is of base64 for URLs; send standard base64, with + and /",
                        b':' if at == "data".len() => {
                            "looks like the start of a data: URL; send what stands behind its comma"
                        }
                        _ => "is not in the base64 alphabet, or is padding before the end",
                    },
                )
            }
            DecodeError::InvalidLastSymbol { offset, .. } => {
                invalid(self.offset + offset, "is not how an encoder ends the text; the text may have been cut")
            }
            _ => invalid(self.offset, "does not belong to a whole group of four; the text may have been cut"),
        }
    }

    /// The length of the file.
    ///
    /// # Errors
    /// `invalid_base64` if the text ends within a group; `empty_file`.
    pub fn finish(mut self) -> Result<u64> {
        if self.quad_length > 0 {
            self.offset -= self.quad_length;
            self.quad[self.quad_length..].fill(b'A');
            match STANDARD.decode_slice_unchecked(self.quad, &mut [0; 3]) {
                Err(error @ DecodeError::InvalidByte(_, byte)) if byte != b'=' => return Err(self.error(&error)),
                _ => {}
            }
            let message = "begins a group of four that is not whole; padding is missing, or the text has been cut";
            return Err(invalid(self.offset, message));
        }
        upload::check_size(self.written)?;
        Ok(self.written)
    }
}

fn invalid(offset: usize, what: &str) -> Error {
    Error::refused(ErrorCode::InvalidBase64, format!("is not valid base64: the character at offset {offset} {what}"))
}

/// The ASCII character that an escape stands for, and the escape's length.
pub fn unescape(escape: &[u8]) -> (Option<u8>, usize) {
    match escape.get(1) {
        Some(b'n') => (Some(b'\n'), 2),
        Some(b'r') => (Some(b'\r'), 2),
        Some(b'/') => (Some(b'/'), 2),
        Some(b'u') => {
            let code = escape.get(2..6).and_then(|hex| std::str::from_utf8(hex).ok());
            let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii);
            (code, 6)
        }
        _ => (None, 2),
    }
}

/// The error of a field.
#[must_use]
pub fn of_field(field: &str, error: Error) -> Error {
    match error.code() {
        ErrorCode::InvalidBase64 => Error::refused(ErrorCode::InvalidBase64, format!("{field} {error}")),
        _ => error,
    }
}

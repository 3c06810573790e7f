//! Decodes UTF-16, which Excel writes as "Unicode text".

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE};

/// Marks what is not UTF-16. The byte never occurs in UTF-8.
const NO_CHARACTER: u8 = 0xFF;

/// Decodes a text in pieces that are cut anywhere.
pub(crate) struct Utf16(Decoder);

impl Utf16 {
    pub(crate) fn big_endian() -> Self {
        Self(UTF_16BE.new_decoder_without_bom_handling())
    }

    pub(crate) fn little_endian() -> Self {
        Self(UTF_16LE.new_decoder_without_bom_handling())
    }

    /// Appends the UTF-8 of the next piece. Half of a surrogate pair or of a
    /// unit becomes a byte that is not UTF-8.
    pub(crate) fn decode(&mut self, mut piece: &[u8], is_last: bool, out: &mut Vec<u8>) {
        loop {
            let start = out.len();
            // A unit becomes at most three bytes.
            out.resize(start + 3 * (piece.len() / 2 + 2), 0);
            let (result, read, written) = self.0.decode_to_utf8_without_replacement(piece, &mut out[start..], is_last);
            out.truncate(start + written);
            piece = &piece[read..];
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => out.push(NO_CHARACTER),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(mut decoder: Utf16, bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut out = vec![];
        for bytes in bytes.chunks(piece) {
            decoder.decode(bytes, false, &mut out);
        }
        decoder.decode(&[], true, &mut out);
        out
    }

    proptest! {
        #[test]
        fn any_text_cut_anywhere(text in "\\PC{0,20}", piece in 1usize..9) {
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            prop_assert_eq!(decoded(Utf16::little_endian(), &little, piece), text.as_bytes());
            prop_assert_eq!(decoded(Utf16::big_endian(), &big, piece), text.as_bytes());
        }
    }

    #[test]
    fn halves_are_marked() {
        for (bytes, expected) in [
            (&b"a\0\x00\xD8b\0"[..], &b"a\xFFb"[..]),
            (b"a\0\x00\xDCb\0", b"a\xFFb"),
            (b"a\0\x00\xD8", b"a\xFF"),
            (b"a\0b", b"a\xFF"),
        ] {
            for piece in 1..4 {
                assert_eq!(decoded(Utf16::little_endian(), bytes, piece), expected);
            }
        }
    }
}

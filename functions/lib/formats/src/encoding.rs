//! Decodes what is not UTF-8, in pieces that are cut anywhere.

use dataset_types::dialect::Encoding;
use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE};

/// Marks what stands for no character. The byte never occurs in UTF-8.
const NO_CHARACTER: u8 = 0xFF;

/// How much of a file is looked at for NULs.
pub(crate) const SAMPLE_BYTES: usize = 1 << 10;

/// UTF-16, where the first bytes of a file say so: every other one is a NUL.
pub(crate) fn utf16_without_a_mark(start: &[u8]) -> Option<Encoding> {
    let pairs = start[..start.len().min(SAMPLE_BYTES)].as_chunks::<2>().0;
    if pairs.len() < 2 {
        return None;
    }
    if pairs.iter().all(|[first, second]| *first != 0 && *second == 0) {
        Some(UTF_16LE.into())
    } else if pairs.iter().all(|[first, second]| *first == 0 && *second != 0) {
        Some(UTF_16BE.into())
    } else {
        None
    }
}

pub(crate) struct Decoding {
    decoder: Decoder,
    /// Bytes of the file that have been decoded.
    decoded: u64,
    /// Where in the file the first bytes stand that are no character.
    malformed: Option<u64>,
}

impl Decoding {
    /// Decodes a file from its start, or from behind its byte order mark.
    pub(crate) fn new(encoding: Encoding, from: u64) -> Self {
        Self { decoder: encoding.get().new_decoder_without_bom_handling(), decoded: from, malformed: None }
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.decoder.encoding().into()
    }

    pub(crate) fn malformed(&self) -> Option<u64> {
        self.malformed
    }

    /// Appends the UTF-8 of the next piece. What is no character becomes a byte that is not UTF-8.
    pub(crate) fn decode(&mut self, mut piece: &[u8], is_last: bool, out: &mut Vec<u8>) {
        let mut buffer = [0; 8 << 10];
        loop {
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(piece, &mut buffer, is_last);
            out.extend_from_slice(&buffer[..written]);
            piece = &piece[read..];
            self.decoded += read as u64;
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(bytes, behind) => {
                    let at = self.decoded - u64::from(bytes) - u64::from(behind);
                    self.malformed.get_or_insert(at);
                    out.push(NO_CHARACTER);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::SHIFT_JIS;
    use proptest::prelude::*;

    fn decoded(encoding: &'static encoding_rs::Encoding, bytes: &[u8], piece: usize) -> (Vec<u8>, Option<u64>) {
        let mut decoding = Decoding::new(encoding.into(), 0);
        let mut out = vec![];
        for bytes in bytes.chunks(piece) {
            decoding.decode(bytes, false, &mut out);
        }
        decoding.decode(&[], true, &mut out);
        (out, decoding.malformed())
    }

    proptest! {
        #[test]
        fn any_text_cut_anywhere(text in "\\PC{0,20}", piece in 1usize..9) {
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            prop_assert_eq!(decoded(UTF_16LE, &little, piece), (text.as_bytes().to_vec(), None));
            prop_assert_eq!(decoded(UTF_16BE, &big, piece), (text.into_bytes(), None));
        }
    }

    #[test]
    fn what_is_no_character_is_marked_where_it_stands() {
        for (encoding, bytes, expected, at) in [
            (UTF_16LE, &b"a\0\x00\xD8b\0"[..], &b"a\xFFb"[..], 2),
            (UTF_16LE, b"a\0\x00\xDCb\0", b"a\xFFb", 2),
            (UTF_16LE, b"a\0\x00\xD8", b"a\xFF", 2),
            (UTF_16LE, b"a\0b", b"a\xFF", 2),
            (SHIFT_JIS, b"ab\x81\x20c", b"ab\xFF c", 2),
            (SHIFT_JIS, b"ab\x81", b"ab\xFF", 2),
        ] {
            for piece in 1..6 {
                assert_eq!(decoded(encoding, bytes, piece), (expected.to_vec(), Some(at)), "{bytes:?} by {piece}");
            }
        }
    }

    /// Each byte is looked at once, however many stand for nothing.
    #[test]
    fn a_megabyte_of_no_characters_is_decoded() {
        let (out, at) = decoded(SHIFT_JIS, &vec![0xFF; 1 << 20], 1 << 20);
        assert_eq!((out.len(), at), (1 << 20, Some(0)));
    }

    #[test]
    fn every_other_byte_says_utf16() {
        for (start, expected) in [
            (&b"a\0,\0"[..], Some(UTF_16LE)),
            (b"\0a\0,\0b", Some(UTF_16BE)),
            (b"a\0", None),
            (b"a\0,b", None),
            (b"a\0\0b", None),
            (b"a,b\n", None),
        ] {
            assert_eq!(utf16_without_a_mark(start), expected.map(Encoding::from), "{start:?}");
        }
    }
}

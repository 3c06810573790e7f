//! UTF-16, as Excel writes "Unicode text", to UTF-8.

/// Never a byte of UTF-8: it stands where something was no UTF-16.
const NO_CHARACTER: u8 = 0xFF;

/// Decodes a text that comes in pieces, cut anywhere.
pub(crate) struct Utf16 {
    is_big_endian: bool,
    /// What is left of the last piece: less than two units.
    rest: Vec<u8>,
}

impl Utf16 {
    pub(crate) fn big_endian() -> Self {
        Self { is_big_endian: true, rest: vec![] }
    }

    pub(crate) fn little_endian() -> Self {
        Self { is_big_endian: false, rest: vec![] }
    }

    /// Appends the UTF-8 of the next piece. Half of a surrogate pair or of a
    /// unit becomes a byte that is not UTF-8.
    pub(crate) fn decode(&mut self, piece: &[u8], is_last: bool, out: &mut Vec<u8>) {
        self.rest.extend_from_slice(piece);
        let (pairs, odd) = self.rest.as_chunks::<2>();
        let unit =
            |pair: &[u8; 2]| if self.is_big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
        let (mut pairs, mut kept) = (pairs, odd.len());
        if !is_last
            && let [before @ .., last] = pairs
            && (0xD800..0xDC00).contains(&unit(last))
        {
            // Its other half is in the next piece.
            (pairs, kept) = (before, kept + 2);
        }
        for character in char::decode_utf16(pairs.iter().map(unit)) {
            match character {
                Ok(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(_) => out.push(NO_CHARACTER),
            }
        }
        self.rest.drain(..self.rest.len() - kept);
        if is_last && kept > 0 {
            out.push(NO_CHARACTER);
            self.rest.clear();
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

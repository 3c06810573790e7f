//! Encodings in which a file may be written that is not UTF-8.

use crate::encoding::Decoding;
use crate::error::Result;
use crate::source::Source;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use dataset_types::dialect::Encoding;
use encoding_rs::{MACINTOSH, WINDOWS_1252};
use std::io::{self, Read};

/// Domains of countries whose texts are often in an encoding of their own.
const HINTS: [Option<&[u8]>; 7] = [None, Some(b"jp"), Some(b"cn"), Some(b"kr"), Some(b"ru"), Some(b"gr"), Some(b"pl")];

const CHUNK_BYTES: usize = 64 << 10;

/// The likely encodings of the file, the likeliest first, in which each of its bytes is part of a character.
pub(crate) fn guess(source: &mut impl Source) -> Result<Vec<Encoding>> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    each_chunk(source, |chunk, is_last| {
        detector.feed(chunk, is_last);
    })?;
    let guesses = HINTS.map(|hint| detector.guess(hint, Utf8Detection::Deny));
    let mut decoding: Vec<Decoding> = Vec::new();
    for encoding in guesses.into_iter().chain([WINDOWS_1252, MACINTOSH]) {
        let encoding = Encoding::from(encoding);
        if decoding.iter().all(|other| other.encoding() != encoding) {
            decoding.push(Decoding::new(encoding, 0));
        }
    }
    let mut text = Vec::new();
    each_chunk(source, |chunk, is_last| {
        decoding.retain_mut(|decoding| {
            text.clear();
            decoding.decode(chunk, is_last, &mut text);
            decoding.malformed().is_none()
        });
    })?;
    Ok(decoding.iter().map(Decoding::encoding).collect())
}

/// Reads the file in pieces; the last one is empty, and known to be the last if no more comes.
fn each_chunk(source: &mut impl Source, mut each: impl FnMut(&[u8], bool)) -> Result<()> {
    let (is_whole, mut file, mut chunk) = (source.is_whole(), source.open()?, vec![0; CHUNK_BYTES]);
    loop {
        let length = match file.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        each(&chunk[..length], length == 0 && is_whole);
        if length == 0 {
            return Ok(());
        }
    }
}

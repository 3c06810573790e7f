//! Takes a from-file request apart while it comes: the file, and the rest.

use dataset_core::Error;
use dataset_core::base64::{Decoder, Target, of_field, unescape};
use sha2::{Digest, Sha256};

const FIELD: &str = "file_content_base64";

/// What a request may have beside its file, but for white space.
const MAX_REST_BYTES: usize = 2 << 20;

/// An escape of JSON has no more characters.
const MAX_ESCAPE_BYTES: usize = 6;

/// A request as far as it has come. Its text need not be JSON: whatever it is, it is told by the service, which gets
/// the rest.
#[derive(Default)]
pub(super) struct Request {
    /// All but the file, which is an empty string here.
    rest: Vec<u8>,
    /// There was more of it than is kept.
    is_cut: bool,
    at: At,
    /// Brackets that are open.
    depth: usize,
    /// Where in the rest the last string of the outermost object begins, and ends.
    string: (usize, usize),
    /// A value follows, and it is the file.
    is_next: bool,
    /// How many times it came.
    times: usize,
    file: File,
    error: Option<Error>,
}

#[derive(Default)]
enum At {
    #[default]
    Outside,
    String {
        is_escaped: bool,
    },
    File {
        /// The start of an escape.
        escape: Vec<u8>,
    },
}

#[derive(Default)]
struct File {
    decoder: Decoder,
    decoded: Decoded,
    hash: Sha256,
}

/// What was decoded and not yet taken.
#[derive(Default)]
struct Decoded {
    bytes: Vec<u8>,
    used: usize,
}

impl Target for Decoded {
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        self.bytes.resize(self.used + bytes, 0);
        &mut self.bytes[self.used..]
    }

    fn wrote(&mut self, bytes: usize) {
        self.used += bytes;
    }
}

/// A request that is whole.
pub(super) struct Whole {
    pub(super) rest: Vec<u8>,
    pub(super) is_cut: bool,
    pub(super) file: Option<Result<Sent, Error>>,
}

/// The file of a request.
pub(super) struct Sent {
    pub(super) length: u64,
    pub(super) sha256: [u8; 32],
}

impl Request {
    /// Takes a piece of the text.
    pub(super) fn push(&mut self, mut text: &[u8]) {
        while let Some(byte) = text.first() {
            match &mut self.at {
                At::File { escape } if !escape.is_empty() || *byte == b'\\' => {
                    escape.push(*byte);
                    let length = if escape.get(1) == Some(&b'u') { MAX_ESCAPE_BYTES } else { 2 };
                    text = &text[1..];
                    if escape.len() == length {
                        let (symbol, _) = unescape(&std::mem::take(escape));
                        let taken = self.file.decoder.push_escaped(symbol, &mut self.file.decoded);
                        self.note(taken);
                    }
                }
                At::File { .. } => {
                    // Line breaks as they are stand in no JSON; shells send them all the same, and they are left out.
                    let end = text.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\r'));
                    let (symbols, rest) = text.split_at(end.unwrap_or(text.len()));
                    let taken = self.file.decoder.push(symbols, &mut self.file.decoded);
                    self.note(taken);
                    text = match rest.first() {
                        Some(b'"') => {
                            self.rest.push(b'"');
                            self.at = At::Outside;
                            &rest[1..]
                        }
                        Some(b'\n' | b'\r') => &rest[1..],
                        _ => rest,
                    };
                }
                _ => {
                    let is_space = matches!(self.at, At::Outside) && matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
                    if self.rest.len() == MAX_REST_BYTES {
                        self.is_cut = true;
                    } else if !is_space {
                        self.rest.push(*byte);
                        self.step(*byte);
                    }
                    text = &text[1..];
                }
            }
        }
    }

    /// A byte that is not within the file.
    fn step(&mut self, byte: u8) {
        match (&mut self.at, byte) {
            (At::String { is_escaped }, _) if *is_escaped => *is_escaped = false,
            (At::String { is_escaped }, b'\\') => *is_escaped = true,
            (At::String { .. }, b'"') => {
                self.at = At::Outside;
                self.string.1 = self.rest.len();
            }
            (At::String { .. }, _) => {}
            (_, b'"') if self.is_next => {
                self.is_next = false;
                self.times += 1;
                self.at = At::File { escape: vec![] };
            }
            (_, b'"') => {
                self.at = At::String { is_escaped: false };
                self.string.0 = self.rest.len() - 1;
            }
            (_, b'{' | b'[') => {
                self.depth += 1;
                self.is_next = false;
            }
            (_, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
            (_, b':') if self.depth == 1 => {
                let key = &self.rest[self.string.0..self.string.1.max(self.string.0)];
                self.is_next = serde_json::from_slice::<String>(key).is_ok_and(|key| key == FIELD);
            }
            _ => self.is_next = false,
        }
    }

    fn note(&mut self, taken: dataset_core::Result<()>) {
        if let Err(error) = taken {
            self.error.get_or_insert(error);
        }
        // What follows an error is nothing that is kept.
        if self.error.is_some() {
            self.file.decoded.used = 0;
        }
    }

    /// What was decoded since the last time.
    pub(super) fn take(&mut self) -> &[u8] {
        let File { decoded, hash, .. } = &mut self.file;
        let length = std::mem::take(&mut decoded.used);
        let bytes = &decoded.bytes[..length];
        hash.update(bytes);
        bytes
    }

    /// The whole of it, when all was taken. There is no file where there was none, or more than one.
    pub(super) fn finish(self) -> Whole {
        let Self { rest, is_cut, file: File { decoder, hash, .. }, times, error, at, .. } = self;
        let is_closed = !matches!(at, At::File { .. });
        let file = (times == 1 && is_closed).then(|| {
            let length = error.map_or_else(|| decoder.finish(), Err).map_err(|error| of_field(FIELD, error))?;
            Ok(Sent { length, sha256: hash.finalize().into() })
        });
        Whole { rest, is_cut, file }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_apart(text: &str, piece: usize) -> (Vec<u8>, String, Option<Result<u64, String>>) {
        let (mut request, mut file) = (Request::default(), Vec::new());
        for piece in text.as_bytes().chunks(piece) {
            request.push(piece);
            file.extend_from_slice(request.take());
        }
        let whole = request.finish();
        let told = whole.file.map(|sent| {
            let sent = sent.map_err(|error| error.to_string())?;
            assert_eq!(sent.sha256[..], Sha256::digest(&file)[..]);
            Ok(sent.length)
        });
        (file, String::from_utf8(whole.rest).unwrap(), told)
    }

    #[test]
    fn the_file_and_the_rest_however_they_come() {
        for (text, file, rest) in [
            (
                r#"{"a":1,"file_content_base64":"aGVsbG8=","b":"}"}"#,
                "hello",
                r#"{"a":1,"file_content_base64":"","b":"}"}"#,
            ),
            (r#"{ "file_content_base64" : "aGVs\nbG8\u003d" }"#, "hello", r#"{"file_content_base64":""}"#),
            (r#"{"file\u005fcontent_base64":"aG\/s"}"#, "h\u{6f}\u{ec}", r#"{"file\u005fcontent_base64":""}"#),
            (
                "{\"x\":\"\\\"file_content_base64\\\":\",\"file_content_base64\":\"aGVs\r\nbG8=\"}",
                "hello",
                "{\"x\":\"\\\"file_content_base64\\\":\",\"file_content_base64\":\"\"}",
            ),
            (
                r#"{"dialect":{"file_content_base64":"aGVsbG8="},"file_content_base64":"Yg=="}"#,
                "b",
                r#"{"dialect":{"file_content_base64":"aGVsbG8="},"file_content_base64":""}"#,
            ),
        ] {
            for piece in 1..text.len() + 1 {
                let (found, found_rest, length) = taken_apart(text, piece);
                if file == "hello" || file == "b" {
                    assert_eq!(String::from_utf8_lossy(&found), file, "{text} by {piece}");
                }
                assert_eq!((found_rest.as_str(), length), (rest, Some(Ok(found.len() as u64))), "{text} by {piece}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told_as_the_service_tells_it() {
        let text = |base64: &str| format!(r#"{{"file_content_base64":"{base64}","a":[1]}}"#);
        for (base64, told) in [
            ("YWJj!w==", "file_content_base64 is not valid base64: the character at offset 4 "),
            ("!!!", "file_content_base64 is not valid base64: the character at offset 0 is not in the base64 alphabet"),
            ("YWJjYQ", "file_content_base64 is not valid base64: the character at offset 4 begins a group of four"),
            ("YWJjYQ=", "file_content_base64 is not valid base64: the character at offset 4 begins a group of four"),
            ("YQ==YQ==", "offset 4"),
            ("", "empty"),
        ] {
            for piece in [1, 3, 100] {
                let (_, rest, found) = taken_apart(&text(base64), piece);
                assert_eq!(rest, text(""));
                let error = found.unwrap().unwrap_err();
                assert!(
                    error.contains(told) || base64 == "YQ==YQ==" && error.contains("offset 2"),
                    "{base64}: {error}"
                );
            }
        }
        for text in [
            r#"{"a":1}"#,
            r#"{"file_content_base64":1}"#,
            r#"{"file_content_base64":["YQ=="]}"#,
            r#"{"file_content_base64":{"a":"YQ=="}}"#,
            r#"{"file_content_base64":"YQ==","file_content_base64":"YQ=="}"#,
            r#"{"file_content_base64":"YQ=="#,
            r#"[{"file_content_base64":"YQ=="}]"#,
            "not json",
        ] {
            assert_eq!(taken_apart(text, 2).2, None, "{text}");
        }
    }
}

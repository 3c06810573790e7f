//! The canonical JSON that is signed: what Python's `json.dumps(value,
//! sort_keys=True)` writes, since published verifiers rebuild it so.

use serde::Serialize;
use serde_json::ser::Formatter;
use std::io;

/// `value` with `", "` and `": "` between, and ASCII only. Its fields must stand in alphabetical order.
pub fn canonical(value: &impl Serialize) -> String {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, PythonJson);
    value.serialize(&mut serializer).expect("writing plain data to memory cannot fail");
    String::from_utf8(bytes).expect("JSON in ASCII")
}

struct PythonJson;

impl Formatter for PythonJson {
    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                writer.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_as_python_escapes_it() {
        assert_eq!(
            canonical(&"é 😀 \u{7f} \u{1f} \n \" \\ /"),
            "\"\\u00e9 \\ud83d\\ude00 \\u007f \\u001f \\n \\\" \\\\ /\""
        );
        assert_eq!(canonical(&vec![1, 2]), "[1, 2]");
    }
}

//! What is checked of a file before it is parsed: its name and its size.

use crate::{Error, ErrorCode, Result};

use dataset_types::Format;
use dataset_types::limits::{MAX_FILE_BYTES, MAX_FILE_NAME_CHARS};
use serde::{Deserialize, Serialize};

/// A file name with a known extension, and without path separators or characters
/// that could mislead a terminal or a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName {
    name: String,
    format: Format,
}

impl FileName {
    pub fn parse(name: &str) -> Result<Self> {
        let invalid = |message: &str| Err(Error::refused(ErrorCode::InvalidFileName, message));
        if name.is_empty() {
            let extensions = Format::extensions();
            return invalid(&format!("file_name is empty; give the file's name, ending in {extensions}"));
        }
        if name.chars().count() > MAX_FILE_NAME_CHARS {
            return invalid("file_name is longer than 255 characters; shorten it");
        }
        if name.contains(['/', '\\']) {
            return invalid("file_name has a path separator; send the name alone, without folders");
        }
        if name.chars().any(is_deceptive) {
            return invalid("file_name has a control or text-direction character; remove it");
        }
        let Some((stem, extension)) = name.rsplit_once('.') else {
            return unsupported();
        };
        let Some(format) = Format::of_extension(extension) else {
            return unsupported();
        };
        if stem.is_empty() {
            return invalid("file_name has nothing before its extension; give the file a name");
        }
        Ok(Self { name: name.to_owned(), format })
    }

    pub fn as_str(&self) -> &str {
        &self.name
    }

    pub fn format(&self) -> Format {
        self.format
    }
}

impl TryFrom<String> for FileName {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        Self::parse(&name)
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> String {
        name.name
    }
}

fn unsupported() -> Result<FileName> {
    Err(Error::refused(
        ErrorCode::UnsupportedFileType,
        format!("file_name must end with {}; only {} files are taken in", Format::extensions(), Format::names("and")),
    ))
}

/// Whether a character could mislead a terminal, a dialog or their reader: control characters, and those that
/// reverse the direction of text, which make `gnp.csv` look like `vsc.png`.
pub fn is_deceptive(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Refuses an empty file and one over [`MAX_FILE_BYTES`].
pub fn check_size(bytes: u64) -> Result<()> {
    if bytes == 0 {
        return Err(Error::refused(
            ErrorCode::EmptyFile,
            format!("the file is empty; send a {} file with at least one row", Format::names("or")),
        ));
    }
    if bytes > MAX_FILE_BYTES {
        return Err(too_large());
    }
    Ok(())
}

/// How long it is, is not known where it was read up to the limit.
pub fn too_large() -> Error {
    Error::refused(
        ErrorCode::FileTooLarge,
        format!("the file has more than {MAX_FILE_BYTES} bytes (100 MB), the most that is taken in; split it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken_and_names_that_are_not() {
        let long = format!("{}.csv", "x".repeat(252));
        for (name, code) in [
            ("a.csv", Ok(Format::Csv)),
            ("A.CSV", Ok(Format::Csv)),
            ("a.b.Json", Ok(Format::Json)),
            ("данные.csv", Ok(Format::Csv)),
            ("..csv", Ok(Format::Csv)),
            (&long[1..], Ok(Format::Csv)),
            (&long, Err("invalid_file_name")),
            ("", Err("invalid_file_name")),
            (".csv", Err("invalid_file_name")),
            ("../x.csv", Err("invalid_file_name")),
            ("..\\x.csv", Err("invalid_file_name")),
            ("a\0.csv", Err("invalid_file_name")),
            ("a\u{202E}b.csv", Err("invalid_file_name")),
            ("a.csv.exe", Err("unsupported_file_type")),
            ("a.xlsx", Err("unsupported_file_type")),
            ("csv", Err("unsupported_file_type")),
        ] {
            let got = FileName::parse(name).map(|n| n.format()).map_err(|e| e.code().name());
            assert_eq!(got, code, "{name:?}");
        }
    }

    #[test]
    fn a_file_of_exactly_the_limit_is_taken() {
        assert_eq!(check_size(0).map_err(|e| e.code()), Err(ErrorCode::EmptyFile));
        assert!(check_size(1).is_ok());
        assert!(check_size(MAX_FILE_BYTES).is_ok());
        assert_eq!(check_size(MAX_FILE_BYTES + 1).map_err(|e| e.code()), Err(ErrorCode::FileTooLarge));
    }
}

//! The registry of formats: the one place that says which files are taken in.

use crate::in_words;
use serde::{Deserialize, Serialize};

macro_rules! formats {
    ($($format:ident { name: $name:literal, extension: $extension:literal, media_type: $media_type:literal })+) => {
        /// A format that is taken in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Format {
            $($format,)+
        }

        impl Format {
            pub const ALL: &[Self] = &[$(Self::$format),+];

            /// As people call it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$format => $name),+ }
            }

            /// How the names of its files end, without the dot and in lower case.
            pub fn extension(self) -> &'static str {
                match self { $(Self::$format => $extension),+ }
            }

            pub fn media_type(self) -> &'static str {
                match self { $(Self::$format => $media_type),+ }
            }
        }
    };
}

formats! {
    Csv { name: "CSV", extension: "csv", media_type: "text/csv" }
    Json { name: "JSON", extension: "json", media_type: "application/json" }
}

impl Format {
    /// The format of files whose names end so, in any case.
    pub fn of_extension(extension: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| extension.eq_ignore_ascii_case(format.extension()))
    }

    /// The extensions in words: `.csv or .json`.
    pub fn extensions() -> String {
        in_words(Self::ALL.iter().map(|format| format!(".{}", format.extension())), "or")
    }

    /// The names in words: `CSV and JSON`, or `CSV or JSON`.
    pub fn names(last: &str) -> String {
        in_words(Self::ALL.iter().map(|format| format.name()), last)
    }

    /// A regular expression for the extensions, in any case.
    pub fn pattern() -> String {
        let any_case = |c: char| format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase());
        let one = |format: &Self| format.extension().chars().map(any_case).collect::<String>();
        format!("({})", Self::ALL.iter().map(one).collect::<Vec<_>>().join("|"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words_and_patterns() {
        assert_eq!(Format::extensions(), ".csv or .json");
        assert_eq!(Format::names("and"), "CSV and JSON");
        assert_eq!(Format::pattern(), "([cC][sS][vV]|[jJ][sS][oO][nN])");
        assert_eq!(Format::of_extension("JsoN"), Some(Format::Json));
        assert_eq!(Format::of_extension("js"), None);
    }
}

//! What is said of how a file is written.

use clap::Args;
use dataset_types::dialect::{Delimiter, Dialect, Encoding, EscapeChar, QuoteChar, RowsAt, ShortRows};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How the file is written; what is not said is found out.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How the file is written")]
pub(crate) struct Said {
    /// How its characters are written, such as windows-1252, shift_jis or utf-16le.
    #[arg(long, value_name = "NAME", value_parser = word::<Encoding>)]
    encoding: Option<Encoding>,
    /// What stands between the fields of CSV; an empty one makes each line a cell.
    #[arg(long, value_name = "CHAR", value_parser = word::<Delimiter>)]
    delimiter: Option<Delimiter>,
    /// What stands around fields of CSV: " or ', or an empty one for nothing.
    #[arg(long, value_name = "CHAR", value_parser = word::<QuoteChar>)]
    quote: Option<QuoteChar>,
    /// What stands before a quote within quotes: a backslash, or an empty one where quotes are doubled.
    #[arg(long, value_name = "CHAR", value_parser = word::<EscapeChar>)]
    escape: Option<EscapeChar>,
    /// Leave out spaces at the start of fields of CSV.
    #[arg(long)]
    skip_initial_space: bool,
    /// Give rows of CSV that are too short empty cells at their end.
    #[arg(long)]
    pad_short_rows: bool,
    /// Where in a JSON object the array of rows stands, as a JSON Pointer such as /data.
    #[arg(long, value_name = "POINTER", value_parser = word::<RowsAt>)]
    rows_at: Option<RowsAt>,
    /// Take a JSON file as one object after another, even if there is only one.
    #[arg(long)]
    json_lines: bool,
    /// Refuse the file for whatever would be noticed.
    #[arg(long)]
    strict: bool,
}

impl Said {
    pub(crate) fn dialect(&self) -> Dialect {
        Dialect {
            encoding: self.encoding,
            delimiter: self.delimiter,
            quote_char: self.quote,
            escape_char: self.escape,
            skip_initial_space: self.skip_initial_space.then_some(true),
            short_rows: self.pad_short_rows.then_some(ShortRows::Pad),
            rows_at: self.rows_at.clone(),
            json_lines: self.json_lines.then_some(true),
            strict: self.strict.then_some(true),
        }
    }

    /// A message of the API in the words of the command line.
    pub(crate) fn in_options(message: &str) -> String {
        // Whole phrases: a name from a file may be such a word.
        let words = [
            ("with rows_at, or with json_lines that", "with --rows-at, or with --json-lines that"),
            ("say it in the dialect, change the file", "say it by options, change the file"),
        ];
        words.iter().fold(message.to_owned(), |message, (word, option)| message.replace(word, option))
    }

    /// The options that say `dialect`.
    pub(crate) fn options(dialect: &Dialect) -> String {
        let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        let value = |option: &str, value: Option<Value>| text(value).map(|text| format!("{option} {}", quoted(&text)));
        let flag = |option: &str, is_set: bool| is_set.then(|| option.to_owned());
        let json = |value: Result<Value, _>| value.ok().filter(|value| !value.is_null());
        [
            value("--encoding", json(serde_json::to_value(dialect.encoding))),
            value("--delimiter", json(serde_json::to_value(dialect.delimiter))),
            value("--quote", json(serde_json::to_value(dialect.quote_char))),
            value("--escape", json(serde_json::to_value(dialect.escape_char))),
            flag("--skip-initial-space", dialect.skip_initial_space == Some(true)),
            flag("--pad-short-rows", dialect.short_rows == Some(ShortRows::Pad)),
            value("--rows-at", json(serde_json::to_value(&dialect.rows_at))),
            flag("--json-lines", dialect.json_lines == Some(true)),
            flag("--strict", dialect.strict == Some(true)),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
    }
}

/// A word as a shell takes it, which may come from a file of strangers.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_/.,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\t', r"\t").replace('\'', r"'\''"))
}

/// A value of the API, as its JSON has it.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    // A shell has no short way to write a tab.
    let text = if text == "\\t" { "\t" } else { text };
    serde_json::from_value(Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_file_is_said_again() {
        #[derive(Debug, clap::Parser)]
        struct Command {
            #[command(flatten)]
            said: Said,
        }
        for args in [
            &["--encoding", "windows-1252", "--delimiter", "';'"][..],
            &["--delimiter", "''", "--quote", r"''\'''"],
            &["--escape", r"'\'", "--skip-initial-space", "--pad-short-rows"],
            &["--delimiter", r"'\t'", "--quote", "'\"'"],
            &["--rows-at", r"'/x'\''$(date)'", "--json-lines", "--strict"],
        ] {
            let unquoted = args.iter().map(|arg| match arg.strip_prefix('\'').and_then(|arg| arg.strip_suffix('\'')) {
                Some(inside) => inside.replace(r"'\''", "'"),
                None => (*arg).to_owned(),
            });
            let command = std::iter::once("datasets".to_owned()).chain(unquoted);
            let command = <Command as clap::Parser>::try_parse_from(command).unwrap();
            assert_eq!(Said::options(&command.said.dialect()), args.join(" "));
        }
    }
}

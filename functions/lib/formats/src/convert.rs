//! One file to one Parquet file.

use crate::error::{DataError, Error, Result};
use crate::limits::Limits;
use crate::output::Output;
use crate::schema::RowSchema;
use crate::source::Source;
use crate::summary::Summary;
use crate::writer::{PageCompressor, with_threads};
use crate::{csv, encodings, json};
use dataset_types::dialect::{Dialect, ShortRows, Suggestion, Tried};
use dataset_types::notice::{NoticeCode, shown};
use dataset_types::{FailureCode, Format};
use std::io;

/// How many suggestions a refusal has at most.
const MAX_SUGGESTIONS: usize = 5;

/// How many of them are encodings.
const MAX_ENCODINGS: usize = 3;

/// Reads `source`, checks every row of it, and writes Parquet to `out`. What is said of its dialect holds, and the rest
/// is found out.
///
/// # Errors
/// [`Error::Data`] at the first thing that is wrong with the file, with dialects in which it can be read. What was
/// written to `out` by then is to be thrown away.
pub fn convert(
    format: Format,
    said: &Dialect,
    source: &mut impl Source,
    out: &mut impl Output,
    limits: &Limits,
    schema: Option<&RowSchema>,
) -> Result<Summary> {
    with_threads(limits.threads, |compressor| match take(format, said, source, out, compressor, limits, schema) {
        Ok(taken) => Ok(taken.summary),
        Err(Refusal { error: Error::Data(error), remedies }) => {
            let is_encoding = matches!(error.code, FailureCode::InvalidUtf8 | FailureCode::InvalidUtf16);
            let most = if is_encoding { MAX_ENCODINGS } else { MAX_SUGGESTIONS };
            let remedies = match is_encoding {
                true => encodings::guess(source)?
                    .into_iter()
                    .map(|encoding| {
                        let why = format!("its bytes are read as {}", encoding.get().name());
                        Remedy { dialect: Dialect { encoding: Some(encoding), ..said.clone() }, why }
                    })
                    .collect(),
                false => remedies,
            };
            let suggestions = try_out(format, &remedies, most, source, compressor, limits)?.into();
            Err(DataError { suggestions, ..*error }.into())
        }
        Err(Refusal { error, .. }) => Err(error),
    })
}

/// What was read of a file, and what it took.
pub(crate) struct Taken {
    pub(crate) summary: Summary,
    /// What was filled in, in words.
    pub(crate) filled_in: Option<String>,
}

/// Why a file is not taken, and what might be said so that it is.
pub(crate) struct Refusal {
    pub(crate) error: Error,
    pub(crate) remedies: Vec<Remedy>,
}

/// A dialect in which the file may be read.
pub(crate) struct Remedy {
    pub(crate) dialect: Dialect,
    /// What it does that is not done unasked.
    pub(crate) why: String,
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self { error: error.into(), remedies: vec![] }
    }
}

fn take(
    format: Format,
    said: &Dialect,
    source: &mut impl Source,
    out: &mut impl Output,
    compressor: &mut PageCompressor,
    limits: &Limits,
    schema: Option<&RowSchema>,
) -> Result<Taken, Refusal> {
    let taken = match format {
        Format::Csv => csv::convert(source, said, out, compressor, limits, schema),
        Format::Json => json::convert(source, said, out, compressor, limits, schema),
    }?;
    match taken.summary.notices.first().filter(|_| said.is_strict()) {
        Some(notice) => {
            let message = format!(
                "expected nothing unusual, since strict was asked for, found this: {}; say it in the dialect, change the file, or leave strict out",
                notice.message
            );
            let error =
                DataError { row: notice.row, line: notice.line, ..DataError::new(FailureCode::NotStrict, message) };
            // What is said is not noticed.
            let all_said = Dialect { strict: said.strict, ..taken.summary.dialect.clone() };
            let remedies = match notice.code == NoticeCode::DialectFound.name() {
                true => vec![Remedy { dialect: all_said, why: "its dialect is said in full".to_owned() }],
                false => vec![],
            };
            Err(Refusal { error: error.into(), remedies })
        }
        None => Ok(taken),
    }
}

/// Reads the whole file in these dialects, one after another, and says what those give in which it is in order,
/// `most` at most.
fn try_out(
    format: Format,
    remedies: &[Remedy],
    most: usize,
    source: &mut impl Source,
    compressor: &mut PageCompressor,
    limits: &Limits,
) -> Result<Vec<Suggestion>> {
    let mut suggestions = Vec::new();
    for remedy in remedies {
        if suggestions.len() == most {
            break;
        }
        let mut dialect = remedy.dialect.clone();
        let mut taken = take(format, &dialect, source, &mut io::sink(), compressor, limits, None);
        // In another encoding there may be short rows besides, and what is strict is to be said in full.
        for _ in 0..2 {
            let Err(Refusal { error: Error::Data(error), remedies }) = &taken else { break };
            match (error.code, &remedies[..]) {
                (FailureCode::TooFewFields, _) if dialect.short_rows.is_none() => {
                    dialect.short_rows = Some(ShortRows::Pad);
                }
                (FailureCode::NotStrict, [remedy]) => dialect = remedy.dialect.clone(),
                _ => break,
            }
            taken = take(format, &dialect, source, &mut io::sink(), compressor, limits, None);
        }
        match taken {
            Ok(Taken { summary, filled_in }) => suggestions.push(Suggestion {
                dialect,
                row_count: summary.rows,
                column_names: shown(summary.columns.iter().map(|column| &column.name)),
                column_count: summary.columns.len() as u64,
                why: [Some(remedy.why.clone()).filter(|why| !why.is_empty()), filled_in]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("; "),
                tried: if source.is_whole() { Tried::Whole } else { Tried::Head },
            }),
            Err(Refusal { error: Error::Data(_), .. }) => {}
            Err(Refusal { error, .. }) => return Err(error),
        }
    }
    Ok(suggestions)
}

//! CSV, as people have it.
//!
//! 1. The encoding is UTF-8, or UTF-16 where the first bytes say so ([`open_text`]).
//! 2. The delimiter is the one that divides the header and the rows alike ([`delimiter`]).
//! 3. The file is read by RFC 4180. What is unusual but has one meaning is taken and noticed ([`rows`]).
//! 4. If that fails, all ways to read it that are known are tried side by side, and the only one that is left is
//!    taken ([`readings`]).
//! 5. If none is left, or several, the file is refused, with what might be done about it
//!    ([`Refusal`](crate::convert::Refusal)).
//! 6. What is said of the dialect holds in all of this.

mod delimiter;
mod dialect;
mod header;
mod notices;
mod readings;
mod record;
mod regular;
mod rows;

use crate::convert::{Refusal, Remedy, Taken};
use crate::error::{DataError, Error};
use crate::limits::Limits;
use crate::lookalikes;
use crate::output::Output;
use crate::schema::RowSchema;
use crate::source::{Source, open_text};
use crate::summary::{ColumnSummary, Summary};
use crate::window::Window;
use crate::writer::{ColumnType, PageCompressor, Written};
use dataset_types::dialect::{self as api, Delimiter as Word, ShortRows};
use dataset_types::notice::{Notice, NoticeCode};
use dataset_types::{FailureCode, Format, in_words};
use delimiter::{Delimiter, Found, NO_DELIMITER};
use dialect::Dialect;
use readings::Possible;
use record::LineEnds;
use std::io::Read;

pub(crate) fn convert<S: Source>(
    source: &mut S,
    said: &api::Dialect,
    out: &mut impl Output,
    compressor: &mut PageCompressor,
    limits: &Limits,
    schema: Option<&RowSchema>,
) -> Result<Taken, Refusal> {
    let mut window = open_text(source, Format::Csv, said.encoding, limits)?;
    let Found { delimiter, line_ends } = delimiter::find(&mut window, said, limits)?;
    if !matches!(delimiter, Delimiter::Clear(_) | Delimiter::Said(_)) {
        lookalikes::check_web_page(window.bytes())?;
    }
    let (first, possible) = match &delimiter {
        Delimiter::Said(one) | Delimiter::Clear(one) | Delimiter::Likely(one) => (*one, vec![*one]),
        Delimiter::Unlikely(several) => (several[0], several.clone()),
        Delimiter::Several(several) => {
            let error =
                ambiguous("several characters divide every row alike", several.iter().map(|d| delimiter::name(*d)));
            let remedy = |delimiter: &u8| Remedy {
                dialect: api::Dialect { delimiter: Some((*delimiter).into()), ..said.clone() },
                why: format!("its fields are divided by {}", delimiter::name(*delimiter)),
            };
            let remedies = several.iter().map(remedy).collect();
            return Err(Refusal { error: error.at_line(window.line_at(0)).into(), remedies });
        }
    };
    let dialect = Dialect::of(said, first);
    let way = Way { said, is_delimiter_said: matches!(delimiter, Delimiter::Said(_)), line_ends, limits, schema };
    let error = match way.read(window, dialect, out, compressor) {
        Err(Error::Data(error)) if can_be_of_dialect(error.code) => error,
        read => return Ok(read?),
    };
    let mut dialects = Dialect::all(said, &possible);
    dialects.retain(|other| *other != dialect && other.delimiter != NO_DELIMITER);
    let found = match &dialects[..] {
        [] => vec![],
        _ => readings::possible(way.begin_again(source)?, dialects, line_ends, limits)?,
    };
    match found[..] {
        [Possible { dialect: only, is_doubtful: false }] => {
            out.restart().map_err(Error::from)?;
            Ok(way.read(way.begin_again(source)?, only, out, compressor)?)
        }
        [] | [_] => {
            let is_unlikely = matches!(delimiter, Delimiter::Unlikely(_));
            let mut all = remedies(said, &error, is_unlikely);
            all.extend(found.iter().map(|possible| remedy(said, &possible.dialect)));
            Err(Refusal { remedies: all, error: Error::Data(error) })
        }
        _ => {
            let ways = found.iter().map(|possible| possible.dialect.in_short().to_string());
            let remedies = found.iter().map(|possible| remedy(said, &possible.dialect)).collect();
            Err(Refusal { error: ambiguous("its quotes can be read in several ways", ways).into(), remedies })
        }
    }
}

/// What every reading of the file has in common.
struct Way<'a> {
    said: &'a api::Dialect,
    is_delimiter_said: bool,
    /// The first line end, if the lines before the header have one.
    line_ends: Option<LineEnds>,
    limits: &'a Limits,
    schema: Option<&'a RowSchema>,
}

impl Way<'_> {
    /// The file at its header.
    fn begin_again<S: Source>(&self, source: &mut S) -> Result<Window<S::Reader>, Error> {
        let mut window = open_text(source, Format::Csv, self.said.encoding, self.limits)?;
        delimiter::find(&mut window, self.said, self.limits)?;
        Ok(window)
    }

    /// Reads the header and all rows in this dialect.
    fn read<R: Read>(
        &self,
        mut window: Window<R>,
        dialect: Dialect,
        out: &mut impl Output,
        compressor: &mut PageCompressor,
    ) -> Result<Taken, Error> {
        let header = header::read(&mut window, &dialect, self.line_ends, self.limits)?;
        let encoding = window.encoding();
        let (Written { rows, empty }, unusual) =
            rows::write(window, &header, dialect, out, compressor, self.limits, self.schema)?;
        let filled_in = unusual.short_rows.describe();
        let mut notices: Vec<Notice> = self.found_out(&dialect).into_iter().collect();
        notices.extend(header.notices);
        notices.extend(unusual.notices());
        let columns = header.names.into_iter().zip(empty);
        let columns = columns.map(|(name, empty)| ColumnSummary { name, kind: ColumnType::Text, empty }).collect();
        let summary = Summary { columns, rows, dialect: dialect.in_full(encoding), notices };
        Ok(Taken { summary, filled_in })
    }

    /// Tells of a dialect that is not that of RFC 4180, as far as it was not said.
    fn found_out(&self, dialect: &Dialect) -> Option<Notice> {
        let (said, mut short) = (self.said, dialect.in_short());
        if self.is_delimiter_said || dialect.delimiter == NO_DELIMITER {
            short.delimiter = None;
        }
        short.quote_char = short.quote_char.filter(|_| said.quote_char.is_none());
        short.escape_char = short.escape_char.filter(|_| said.escape_char.is_none());
        short.skip_initial_space = short.skip_initial_space.filter(|_| said.skip_initial_space.is_none());
        let message = format!("the dialect was detected, not given: {short}");
        (short != api::Dialect::default()).then(|| Notice::new(NoticeCode::DialectFound, message))
    }
}

/// Whether a file may have such a fault for being read in the wrong dialect.
fn can_be_of_dialect(code: FailureCode) -> bool {
    matches!(
        code,
        FailureCode::UnterminatedQuote
            | FailureCode::TextAfterQuote
            | FailureCode::BareQuote
            | FailureCode::TooFewFields
            | FailureCode::TooManyFields
            | FailureCode::RowTooLarge
    )
}

/// What may help where no known dialect does.
fn remedies(said: &api::Dialect, error: &DataError, is_unlikely: bool) -> Vec<Remedy> {
    match error.code {
        FailureCode::TooFewFields if said.short_rows.is_none() => {
            let dialect = api::Dialect { short_rows: Some(ShortRows::Pad), ..said.clone() };
            vec![Remedy { dialect, why: String::new() }]
        }
        FailureCode::TooManyFields if is_unlikely => {
            let why = "the table has one column, and each line is a cell".to_owned();
            vec![Remedy { dialect: api::Dialect { delimiter: Some(Word::NONE), ..said.clone() }, why }]
        }
        _ => vec![],
    }
}

/// The dialect that says what `dialect` has of its own.
fn remedy(said: &api::Dialect, dialect: &Dialect) -> Remedy {
    let words =
        api::Dialect { encoding: said.encoding, short_rows: said.short_rows, strict: said.strict, ..dialect.words() };
    Remedy { why: format!("it is read with {}", dialect.in_short()), dialect: words }
}

fn ambiguous(what: &str, ways: impl Iterator<Item = String>) -> DataError {
    let message = format!(
        "expected one way to read the file, but {what}: {}; say which is right, as its dialect or, for a delimiter, in a first line of its own, such as sep=;",
        in_words(ways.map(|way| if way.is_empty() { "as usual".to_owned() } else { way }), "and")
    );
    DataError::new(FailureCode::AmbiguousDialect, message)
}

#[cfg(test)]
mod tests;

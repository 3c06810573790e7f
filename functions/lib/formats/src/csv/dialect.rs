//! One way to read CSV.

use super::delimiter::NO_DELIMITER;
use dataset_types::dialect::{self as api, Delimiter, Encoding, EscapeChar, QuoteChar, ShortRows};

/// Stands for the quote where there is none: a byte that no UTF-8 text has.
const NO_QUOTE: u8 = 0xFF;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) quote: u8,
    /// Within quotes a backslash escapes a quote or itself, and quotes are not doubled.
    pub(super) escapes: bool,
    pub(super) skips_space: bool,
    pub(super) pads: bool,
}

impl Dialect {
    /// RFC 4180 but for what is said.
    pub(super) fn of(said: &api::Dialect, delimiter: u8) -> Self {
        Self {
            delimiter,
            quote: match said.quote_char {
                None | Some(QuoteChar::Double) => b'"',
                Some(QuoteChar::Single) => b'\'',
                Some(QuoteChar::None) => NO_QUOTE,
            },
            escapes: said.escape_char == Some(EscapeChar::Backslash),
            skips_space: said.skip_initial_space == Some(true),
            pads: said.short_rows == Some(ShortRows::Pad),
        }
    }

    /// All the ways that are known, and in which what is said holds, the usual ones first.
    pub(super) fn all(said: &api::Dialect, delimiters: &[u8]) -> Vec<Self> {
        let quotes = said.quote_char.map_or(vec![QuoteChar::Double, QuoteChar::Single], |quote| vec![quote]);
        let escapes = said.escape_char.map_or(vec![EscapeChar::None, EscapeChar::Backslash], |escape| vec![escape]);
        let spaces = said.skip_initial_space.map_or(vec![false, true], |skips| vec![skips]);
        let mut all = Vec::new();
        for &delimiter in delimiters {
            for &quote in &quotes {
                for &escape in &escapes {
                    for &skips in &spaces {
                        let (quote_char, escape_char, skip_initial_space) = (Some(quote), Some(escape), Some(skips));
                        let said = api::Dialect { quote_char, escape_char, skip_initial_space, ..said.clone() };
                        all.push(Self::of(&said, delimiter));
                    }
                }
            }
        }
        all.sort_by_key(Self::departures);
        all
    }

    /// In how much it departs from RFC 4180.
    fn departures(&self) -> usize {
        [self.quote != b'"', self.escapes, self.skips_space].into_iter().filter(|departs| *departs).count()
    }

    /// Whether separators are those before which stands an even number of quotes.
    pub(super) fn is_regular(&self) -> bool {
        !self.escapes && !self.skips_space
    }

    /// All words of it.
    pub(super) fn in_full(&self, encoding: Encoding) -> api::Dialect {
        let short_rows = if self.pads { ShortRows::Pad } else { ShortRows::Refuse };
        api::Dialect { encoding: Some(encoding), short_rows: Some(short_rows), ..self.words() }
    }

    /// What tells this way to read a file from others.
    pub(super) fn words(&self) -> api::Dialect {
        let escape_char = if self.escapes { EscapeChar::Backslash } else { EscapeChar::None };
        api::Dialect {
            delimiter: Some(self.delimiter_word()),
            quote_char: Some(self.quote_word()),
            escape_char: Some(escape_char),
            skip_initial_space: Some(self.skips_space),
            ..api::Dialect::default()
        }
    }

    /// The words that depart from RFC 4180.
    pub(super) fn in_short(&self) -> api::Dialect {
        api::Dialect {
            delimiter: (self.delimiter != b',').then_some(self.delimiter_word()),
            quote_char: (self.quote != b'"').then_some(self.quote_word()),
            escape_char: self.escapes.then_some(EscapeChar::Backslash),
            skip_initial_space: self.skips_space.then_some(true),
            ..api::Dialect::default()
        }
    }

    pub(super) fn delimiter_word(&self) -> Delimiter {
        if self.delimiter == NO_DELIMITER { Delimiter::NONE } else { self.delimiter.into() }
    }

    fn quote_word(&self) -> QuoteChar {
        match self.quote {
            b'"' => QuoteChar::Double,
            NO_QUOTE => QuoteChar::None,
            _ => QuoteChar::Single,
        }
    }
}

// What is said of how a file is written, in words.

const DELIMITERS = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars" };

const divided = (delimiter) => (delimiter === "" ? "one column" : `separated by ${DELIMITERS[delimiter] ?? delimiter}`);

/** How a file is read, as facts beside others. */
export function dialectFacts({ encoding, delimiter, quote_char: quote, escape_char: escape, rows_at: rowsAt, json_lines: isLines }) {
  return [
    encoding?.toUpperCase(),
    delimiter !== undefined && divided(delimiter),
    quote === "'" && "single quotes",
    escape && "quotes escaped by a backslash",
    rowsAt && `rows at ${rowsAt}`,
    isLines && "JSON Lines",
  ];
}

/** What a button does that sends a file in a suggested dialect. */
export function sendingAs({ encoding, delimiter, quote_char: quote, escape_char: escape, skip_initial_space: skips, short_rows: short, rows_at: rowsAt, json_lines: isLines }) {
  const words = [
    encoding && `as ${encoding}`,
    delimiter !== undefined && (delimiter === "" ? "as one column" : divided(delimiter)),
    quote === "'" && "with single quotes",
    escape && "with escaped quotes",
    skips && "without spaces before fields",
    short === "pad" && "with short rows filled up",
    rowsAt && `with the rows at ${rowsAt}`,
    isLines && "as one row",
  ];
  return `Upload ${words.filter(Boolean).join(", ")}`;
}

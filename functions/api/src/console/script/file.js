// A file on the person's own disk, as far as it can be told before it is sent.
// What counts is what the service says of it; this is a look, not a check.

import { parse } from "./text.js";

const HEAD_BYTES = 64 * 1024;
const PREVIEW_ROWS = 5;
const DELIMITERS = { ",": "commas", ";": "semicolons", "\t": "tabs" };

/** By its byte order mark; without one it is UTF-8. */
function encodingOf([first, second]) {
  if (first === 0xff && second === 0xfe) {
    return "utf-16le";
  }
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}

export const isJson = (file) => /\.json$/i.test(file.name);

async function head(file) {
  const start = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const encoding = encodingOf(start);
  return { encoding, text: new TextDecoder(encoding).decode(start) };
}

/**
 * What a file seems to be: `complaint` says why it would be refused; `facts`,
 * `columns` and the first `rows` say what is in it.
 */
export async function look(file, maxBytes) {
  const { encoding, text } = await head(file);
  if (text.includes("\0") && encoding === "utf-8") {
    return { encoding, facts: [], columns: [], rows: [], complaint: "This is not a text file. Export it as CSV or JSON." };
  }
  const seen = { encoding, facts: [], columns: [], rows: [], complaint: complaint(file, encoding, maxBytes) };
  if (!/\.(csv|json)$/i.test(file.name)) {
    return seen;
  }
  Object.assign(seen, isJson(file) ? lookAtJson(text) : lookAtCsv(text));
  seen.facts.splice(1, 0, encoding.toUpperCase());
  return seen;
}

function complaint(file, encoding, maxBytes) {
  if (!/\.(csv|json)$/i.test(file.name)) {
    return "The name must end with .csv or .json.";
  }
  if (file.size === 0) {
    return "The file is empty.";
  }
  if (isJson(file) && encoding !== "utf-8") {
    return "JSON must be in UTF-8; save the file as that.";
  }
  return file.size > maxBytes ? `The file is too large; ${maxBytes.toLocaleString()} bytes are the most.` : undefined;
}

function lookAtCsv(text) {
  const delimiter = delimiterOf(text);
  const found = [];
  for (const record of records(text, delimiter)) {
    found.push(record.fields.map((field) => field.text));
    if (found.length > PREVIEW_ROWS) {
      break;
    }
  }
  const [columns = [], ...rows] = found;
  return { delimiter, columns, rows, facts: ["CSV", `separated by ${DELIMITERS[delimiter]}`] };
}

function lookAtJson(text) {
  const rows = [];
  for (const { start, end } of elements(text)) {
    try {
      rows.push(parse(text.slice(start, end)));
    } catch {
      break;
    }
    if (rows.length === PREVIEW_ROWS) {
      break;
    }
  }
  const objects = rows.filter((row) => row !== null && typeof row === "object" && !Array.isArray(row));
  const columns = [...new Set(objects.flatMap((row) => Object.keys(row)))];
  return { columns, rows: objects.map((row) => columns.map((name) => (Object.hasOwn(row, name) ? row[name] : null))), facts: ["JSON"] };
}

/** As the service finds it: a first line that names it, else what divides the header and the first row alike. */
function delimiterOf(text) {
  const named = /^sep=(.)\r?\n/i.exec(text)?.[1];
  if (named in DELIMITERS) {
    return named;
  }
  const widths = (delimiter) => {
    const rows = records(text, delimiter);
    return [rows.next().value, rows.next().value].map((row) => row?.fields.length ?? 0);
  };
  if (widths(",")[0] > 1) {
    return ",";
  }
  const divides = ([header, row]) => header > 1 && header === row;
  return Object.keys(DELIMITERS).find((delimiter) => divides(widths(delimiter))) ?? ",";
}

/** The records of CSV that are not blank, each field with its place in the text. */
export function* records(text, delimiter) {
  let at = /^sep=.\r?\n/i.exec(text)?.[0].length ?? 0;
  while (at < text.length) {
    const fields = [];
    let isEnd = false;
    while (!isEnd) {
      const field = readField(text, at, delimiter);
      fields.push(field);
      isEnd = text[field.end] !== delimiter;
      at = field.end + 1;
    }
    if (text[at - 1] === "\r" && text[at] === "\n") {
      at += 1;
    }
    if (fields.length > 1 || fields[0].end > fields[0].start) {
      yield { fields };
    }
  }
}

function readField(text, start, delimiter) {
  let at = start;
  let value = "";
  if (text[at] === '"') {
    for (at += 1; at < text.length; at += 1) {
      const quote = text.indexOf('"', at);
      const end = quote === -1 ? text.length : quote;
      value += text.slice(at, end);
      at = end;
      if (text[at + 1] !== '"') {
        at = Math.min(at + 1, text.length);
        break;
      }
      value += '"';
      at += 1;
    }
  }
  const rest = at;
  while (at < text.length && text[at] !== delimiter && text[at] !== "\n" && text[at] !== "\r") {
    at += 1;
  }
  return { text: value + text.slice(rest, at), start, end: at };
}

/** Where the elements of a JSON array lie, the last one as far as the text goes. */
export function* elements(text) {
  let depth = 0;
  let start = -1;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '"':
        if (depth === 1 && start === -1) {
          start = at;
        }
        for (at += 1; at < text.length && text[at] !== '"'; at += 1) {
          at += text[at] === "\\" ? 1 : 0;
        }
        break;
      case "{":
      case "[":
        if (depth === 1 && start === -1) {
          start = at;
        }
        depth += 1;
        break;
      case "}":
      case "]":
      case ",": {
        const isNested = depth > 1 && text[at] !== ",";
        depth -= text[at] === "," ? 0 : 1;
        // An object ends with its bracket, be there a comma behind it or not.
        if (start !== -1 && (depth === 0 || (depth === 1 && (isNested || text[at] === ",")))) {
          yield { start, end: isNested ? at + 1 : at };
          start = -1;
        }
        break;
      }
      default:
        if (depth === 1 && start === -1 && text[at].trim()) {
          start = at;
        }
    }
  }
  if (start !== -1) {
    yield { start, end: text.length };
  }
}

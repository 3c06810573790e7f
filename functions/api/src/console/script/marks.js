// The place in a file that an error names: which lines to show, and what to mark in them.

import { isJson } from "./file.js";
import { delimiterOf, elements, head, records } from "./places.js";

const LINES_BEFORE = 2;
const LINES_AFTER = 2;
/** A record of CSV is looked for in as many lines on each side of the fault. */
const MAX_RECORD_LINES = 50;

/**
 * The lines around the fault as `{number, text, mark}`, where `mark` is from
 * where to where the fault is. Nothing where the failure names no line of the file.
 */
export async function markedLines(file, failure) {
  if (!failure.line) {
    return undefined;
  }
  const { encoding, text } = await head(file);
  const lines = await linesOf(file, encoding, failure.line - MAX_RECORD_LINES, failure.line + MAX_RECORD_LINES);
  if (!lines.some(({ number }) => number === failure.line)) {
    return undefined;
  }
  const marks = isJson(file) ? markJson(lines, failure) : markCsv(lines, failure, text);
  const [first, last] = [Math.min(failure.line, ...marks.keys()), Math.max(failure.line, ...marks.keys())];
  // A line ending at the end of the file begins one more line, which is empty and not shown.
  const isSeen = ({ number, text }) => number <= last || (number <= last + LINES_AFTER && text !== "");
  const shown = lines.filter((line) => line.number >= first - LINES_BEFORE && isSeen(line));
  return shown.map(({ number, text }) => ({ number, text, mark: marks.get(number) }));
}

/**
 * The lines `from` to `to`, counted from 1 as the service counts them: ended by
 * LF, CRLF or CR. Of each it is noted whether it begins within quotes.
 */
async function linesOf(file, encoding, from, to) {
  const reader = file.stream().pipeThrough(new TextDecoderStream(encoding)).getReader();
  const kept = [];
  let [number, open, isAfterReturn, isQuoted, isQuotedAtEnd] = [1, "", false, false, false];
  const take = (part) => {
    isQuotedAtEnd = quotes(part) % 2 ? !isQuotedAtEnd : isQuotedAtEnd;
    open = number >= from ? open + part : "";
  };
  const keep = () => {
    if (number >= from) {
      kept.push({ number, text: open, isQuoted });
    }
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      keep();
      return kept;
    }
    const text = isAfterReturn && value[0] === "\n" ? value.slice(1) : value;
    isAfterReturn = value.endsWith("\r");
    const parts = text.split(/\r?\r\n|\n|\r/);
    for (const [index, part] of parts.entries()) {
      take(part);
      if (index < parts.length - 1) {
        keep();
        [number, open, isQuoted] = [number + 1, "", isQuotedAtEnd];
      }
    }
    if (number > to) {
      await reader.cancel();
      return kept;
    }
  }
}

function quotes(text) {
  let count = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) {
    count += 1;
  }
  return count;
}

/** Where to mark which lines: the field of the record that the line of the fault is in. */
function markCsv(lines, { line, column }, head) {
  const delimiter = delimiterOf(head);
  const columns = records(head, delimiter).next().value?.fields.map((field) => field.text) ?? [];
  const first = lines.findLastIndex(({ number, isQuoted }) => number <= line && !isQuoted);
  const within = lines.slice(Math.max(first, 0));
  const text = within.map((line) => line.text).join("\n");
  const record = records(text, delimiter).next().value;
  const index = typeof column === "number" ? column - 1 : columns.indexOf(column);
  if (!record || column === undefined || index < 0) {
    const wrong = lines.find(({ number }) => number === line);
    return new Map([[line, [0, wrong.text.length]]]);
  }
  const end = record.fields[record.fields.length - 1].end;
  const field = record.fields[index] ?? { start: end, end };
  const marks = new Map();
  let start = 0;
  for (const { number, text } of within) {
    const [from, to] = [Math.max(field.start - start, 0), Math.min(field.end - start, text.length)];
    // A field that does not end on its line is marked as far as the fault.
    if (from <= to && number <= Math.max(line, within[0].number)) {
      marks.set(number, [from, to]);
    }
    start += text.length + 1;
  }
  return marks;
}

/** The member that is named, within the row where rows share a line. */
function markJson(lines, { line, row, column }) {
  const { text } = lines.find(({ number }) => number === line);
  let [from, to] = row ? rowOn(lines, line, row) : [0, text.length];
  const member = typeof column === "string" ? text.slice(from, to).lastIndexOf(`${JSON.stringify(column)}:`) : -1;
  const spaced = member === -1 && typeof column === "string" ? text.slice(from, to).lastIndexOf(`${JSON.stringify(column)} :`) : member;
  if (spaced !== -1) {
    from += spaced;
    const next = text.slice(from, to).search(/[,}\]]/);
    to = next === -1 ? to : from + next;
  }
  const isBlank = !text.slice(from, to).trim();
  return new Map([[line, isBlank ? [from, from] : [from + text.slice(from, to).search(/\S/), to]]]);
}

/** Where the row is on a line that has several: rows are counted where the array begins on it. */
function rowOn(lines, line, row) {
  const { text } = lines.find(({ number }) => number === line);
  const opening = lines.filter(({ number }) => number < line).map((before) => before.text.trim());
  const isFirst = line <= MAX_RECORD_LINES && lines[0].number === 1 && opening.join("").replace(/^\[/, "") === "";
  if (!isFirst) {
    return [0, text.length];
  }
  const shift = opening.join("") ? 1 : 0;
  let seen = 0;
  for (const { start, end } of elements(shift ? `[${text}` : text)) {
    seen += 1;
    if (seen === row) {
      return [start - shift, end - shift];
    }
  }
  return [text.length, text.length];
}

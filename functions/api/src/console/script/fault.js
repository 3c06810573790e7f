// The place in a file that the service found fault with, read from the
// person's own disk: nothing of it comes from the server.

import { element, fromTemplate } from "./dom.js";
import { elements, isJson, look, records } from "./file.js";
import { visible } from "./text.js";

const LINES_BEFORE = 2;
const LINES_AFTER = 2;
/** A record of CSV is looked for in as many lines on each side of the fault. */
const MAX_RECORD_LINES = 50;
/** What is shown of a long line on each side of the fault, and of what is marked on each end. */
const CHARS_AROUND = 120;

/** A figure with the lines around the fault, or nothing where the failure names no line. */
export async function excerpt(file, failure) {
  if (!failure.line) {
    return undefined;
  }
  const seen = await look(file, Infinity);
  const lines = await linesOf(file, seen.encoding, failure.line - MAX_RECORD_LINES, failure.line + MAX_RECORD_LINES);
  if (!lines.some(({ number }) => number === failure.line)) {
    return undefined;
  }
  const marks = isJson(file) ? markJson(lines, failure) : markCsv(lines, failure, seen);
  const [first, last] = [Math.min(failure.line, ...marks.keys()), Math.max(failure.line, ...marks.keys())];
  // An end of line at the end of the file begins one more, which no one sees.
  const isSeen = ({ number, text }) => number <= last || (number <= last + LINES_AFTER && text !== "");
  const shown = lines.filter((line) => line.number >= first - LINES_BEFORE && isSeen(line));
  const made = fromTemplate("excerpt");
  made.region.setAttribute("aria-label", `Lines of your file ${visible(file.name)} around the fault`);
  made.caption.textContent = `${visible(file.name)}, line ${failure.line.toLocaleString()}, read from your disk`;
  made.lines.append(...shown.map((line) => show(line, marks.get(line.number), line.number === failure.line)));
  return made.root;
}

/** Brings the mark into sight where lines are long. */
export function toMark(place) {
  const mark = place.querySelector("mark");
  const region = mark?.closest(".scroll");
  if (region && mark.offsetLeft + mark.offsetWidth > region.clientWidth) {
    region.scrollLeft = mark.offsetLeft - region.clientWidth / 3;
  }
}

function show({ number, text }, mark, isFault) {
  const line = element("li", { value: number, class: isFault ? "wrong" : undefined });
  const [from, to] = mark ?? [0, 0];
  const [start, end] = [Math.max(from - CHARS_AROUND, 0), Math.min(to + CHARS_AROUND, text.length)];
  line.append(start > 0 ? "… " : "", visible(text.slice(start, from)));
  if (mark) {
    const isMissing = from === to;
    line.append(element("mark", { class: isMissing ? "missing" : undefined }, isMissing ? "⟨here⟩" : visible(ends(text.slice(from, to)))));
  }
  line.append(visible(text.slice(to, end)), end < text.length ? " …" : "");
  return line;
}

const ends = (text) => (text.length > 3 * CHARS_AROUND ? `${text.slice(0, CHARS_AROUND)} … ${text.slice(-CHARS_AROUND)}` : text);

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
    const parts = text.split(/\r\n|\n|\r/);
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
function markCsv(lines, { line, column, code }, { delimiter, columns }) {
  const first = lines.findLastIndex(({ number, isQuoted }) => number <= line && !isQuoted);
  const within = lines.slice(Math.max(first, 0));
  const text = within.map((line) => line.text).join("\n");
  const record = records(text, delimiter).next().value;
  const named = code === "duplicate_column" ? columns.lastIndexOf(column) : columns.indexOf(column);
  const index = typeof column === "number" ? column - 1 : named;
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
    // A field that does not end on its line goes on to where the fault was found, and no further.
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

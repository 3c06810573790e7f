// The place in a file that the service found fault with, read from the
// person's own disk: nothing of it comes from the server.

import { element, fromTemplate } from "./dom.js";
import { elements, isJson, look, records } from "./file.js";
import { visible } from "./text.js";

const LINES_BEFORE = 2;
const LINES_AFTER = 2;
/** A record of CSV is looked for in this many lines. */
const MAX_RECORD_LINES = 50;
/** What is shown of a long line on each side of the fault. */
const CHARS_AROUND = 120;

/** A figure with the lines around the fault, or nothing where the failure names no line. */
export async function excerpt(file, failure) {
  if (!failure.line) {
    return undefined;
  }
  const seen = await look(file, Infinity);
  const lines = await linesOf(file, seen.encoding, failure.line - LINES_BEFORE, failure.line + MAX_RECORD_LINES);
  const behind = lines.filter(({ number }) => number >= failure.line);
  if (!behind.length) {
    return undefined;
  }
  const marks = isJson(file) ? markJson(behind[0], failure) : markCsv(behind, failure, seen);
  const lastMarked = Math.max(failure.line, ...marks.keys());
  const shown = lines.filter(({ number }) => number <= lastMarked + LINES_AFTER);
  const made = fromTemplate("excerpt");
  made.caption.textContent = `${file.name}, line ${failure.line.toLocaleString()}, read from your disk`;
  made.lines.append(...shown.map((line) => show(line, marks.get(line.number), line.number === failure.line)));
  return made.root;
}

function show({ number, text }, mark, isFault) {
  const line = element("li", { value: number, class: isFault ? "wrong" : undefined });
  const [from, to] = mark ?? [0, 0];
  const [start, end] = [Math.max(from - CHARS_AROUND, 0), Math.min(Math.max(to, from + 1) + CHARS_AROUND, text.length)];
  const part = (from, to) => visible(text.slice(from, to));
  line.append(start > 0 ? "… " : "", part(start, from));
  if (mark) {
    const isMissing = from === to;
    line.append(isMissing ? element("mark", { class: "missing" }, "⟨here⟩") : element("mark", {}, part(from, Math.min(to, end))));
  }
  line.append(part(Math.min(to, end), end), end < text.length ? " …" : "");
  return line;
}

/** The lines `from` to `to`, counted from 1 as the service counts them: ended by LF, CRLF or CR. */
async function linesOf(file, encoding, from, to) {
  const reader = file.stream().pipeThrough(new TextDecoderStream(encoding)).getReader();
  const kept = [];
  let [number, open, isAfterReturn] = [1, "", false];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      break;
    }
    const text = isAfterReturn && value[0] === "\n" ? value.slice(1) : value;
    isAfterReturn = value.endsWith("\r");
    const parts = text.split(/\r\n|\n|\r/);
    for (const part of parts.slice(0, -1)) {
      if (number >= from) {
        kept.push({ number, text: open + part });
      }
      [number, open] = [number + 1, ""];
    }
    if (number >= from) {
      open += parts[parts.length - 1];
    }
    if (number > to) {
      await reader.cancel();
      return kept;
    }
  }
  if (number >= from && open) {
    kept.push({ number, text: open });
  }
  return kept;
}

/** Where to mark which lines: the field of the record that begins on the first line. */
function markCsv(lines, { column }, { delimiter, columns }) {
  const text = lines.map((line) => line.text).join("\n");
  const record = records(text, delimiter).next().value;
  const index = typeof column === "number" ? column - 1 : columns.indexOf(column);
  if (!record || column === undefined || index < 0) {
    return new Map([[lines[0].number, [0, lines[0].text.length]]]);
  }
  const end = record.fields[record.fields.length - 1].end;
  const field = record.fields[index] ?? { start: end, end };
  const marks = new Map();
  let start = 0;
  for (const line of lines) {
    const [from, to] = [Math.max(field.start - start, 0), Math.min(field.end - start, line.text.length)];
    if (from <= line.text.length && from <= to && field.end >= start) {
      marks.set(line.number, [from, to]);
    }
    start += line.text.length + 1;
  }
  return marks;
}

/** The member that is named, within the row where all rows are on one line. */
function markJson({ number, text }, { row, column }) {
  let [from, to] = [0, text.length];
  if (row && number === 1 && text.trimStart().startsWith("[")) {
    let seen = 0;
    for (const { start, end } of elements(text)) {
      seen += 1;
      if (seen === row) {
        [from, to] = [start, end];
        break;
      }
    }
  }
  const member = typeof column === "string" ? text.slice(from, to).indexOf(JSON.stringify(column)) : -1;
  if (member !== -1) {
    from += member;
    const value = /^"(?:[^"\\]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"?|[^,}\]]*)/.exec(text.slice(from, to));
    to = from + (value?.[0].length ?? JSON.stringify(column).length);
  }
  return new Map([[number, [from + (/^\s*/.exec(text.slice(from, to))?.[0].length ?? 0), to]]]);
}

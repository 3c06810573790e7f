// The lines around a fault, read from the user's own disk. The server never sends content of a file.

import { element, fromTemplate } from "./dom.js";
import { markedLines } from "./marks.js";
import { visible } from "./text.js";

/** What is shown of a long line on each side of the fault, and of what is marked on each end. */
const CHARS_AROUND = 120;

/** A figure with the lines around the fault, or nothing where the failure names no line. */
export async function excerpt(file, failure) {
  const lines = await markedLines(file, failure);
  if (!lines) {
    return undefined;
  }
  const made = fromTemplate("excerpt");
  made.region.setAttribute("aria-label", `Lines of your file ${visible(file.name)} around the fault`);
  made.caption.textContent = `${visible(file.name)}, line ${failure.line.toLocaleString()}, read from your disk`;
  made.lines.append(...lines.map((line) => show(line, line.number === failure.line)));
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

function show({ number, text, mark }, isFault) {
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

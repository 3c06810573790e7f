// Cells of a table, shown exactly as the file had them.

import { dialog, element } from "./dom.js";
import { bytes, visible } from "./text.js";

/** A text longer than this is cut in the table, and read whole beside it. */
const MAX_CHARS = 160;

function kindOf(value) {
  if (value === null) {
    return "null";
  }
  return JSON.isRawJSON?.(value) ? "number" : typeof value === "object" ? "json" : typeof value;
}

export const textOf = (value) => (typeof value === "string" ? value : JSON.stringify(value));

export const isNothing = (value) => value === null || value === "";

/** What has no text of its own, in a word that is none of the file's. */
export const nothing = (value) => element("span", { class: "nothing" }, value === null ? "null" : "empty");

/** A cell with its value, or with `shown`, which was made of it. Of one that was cut there is only the start. */
export function cell({ value, cut_from_bytes: whole }, column, shown) {
  const kind = kindOf(value);
  const text = textOf(value);
  const made = element("td", { class: kind, dir: kind === "string" ? "auto" : undefined });
  if (shown) {
    made.append(...shown);
  } else if (isNothing(value)) {
    made.append(nothing(value));
  } else if (text.length <= MAX_CHARS && !whole) {
    made.append(visible(text));
  } else {
    const what = `${whole ? "the first" : "all"} ${text.length.toLocaleString()} characters`;
    const open = element("button", { type: "button", class: "long", "aria-label": `${column}: read ${what}` });
    open.append(visible(text.slice(0, MAX_CHARS)), "…");
    open.addEventListener("click", () => read(value, column, whole));
    made.append(open);
  }
  return made;
}

function read(value, column, whole) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const cut = whole && element("p", {}, `This is the start of ${bytes(whole)}, which is more than can be shown; download the version to read all of it.`);
  dialog(visible(column), [...(cut ? [cut] : []), element("pre", { class: "whole", tabindex: "0", dir: "auto" }, visible(text))]);
}

/** Replaces what a table shows. `rows` are of cells, `numbers` what stands before each. */
export function table(place, caption, columns, rows, numbers) {
  const heads = columns.map((name) => element("th", { scope: "col", dir: "auto" }, visible(name)));
  if (numbers) {
    heads.unshift(element("th", { scope: "col", class: "number" }, "Row"));
  }
  const body = rows.map((cells, index) => {
    const row = element("tr");
    if (numbers) {
      row.append(element("th", { scope: "row", class: "number" }, numbers[index]));
    }
    row.append(...cells);
    return row;
  });
  place.replaceChildren(
    element("caption", { class: "unseen" }, caption),
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...body),
  );
}

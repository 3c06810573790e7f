import { get } from "./api.js";
import { cell, table, textOf } from "./cells.js";
import { complain, element, fill } from "./dom.js";
import { count } from "./text.js";

const TYPES = { boolean: "true or false", integer: "whole number", number: "number", text: "text", json: "nested JSON" };

/** The names at once, and what is in them when all rows have been gone through. */
export async function showColumns(section, dataset, signal) {
  const view = fill(section, "columns");
  table(view.table, "Columns", ["Column", "Type"], dataset.column_names.map((name) => [cell({ value: name }, "Column"), element("td", {}, "…")]));
  const found = await get(`datasets/${dataset.id}/columns`, {}, signal).catch(complain(view.fault));
  if (!found) {
    return;
  }
  const heads = ["Column", "Type", "Empty", "From the least to the most", "Some values"];
  table(view.table, "Columns and what is in them", heads, found.columns.map(row));
}

function row(column) {
  const { name, type, empty, sample, has_more } = column;
  const values = element("ul");
  values.append(...sample.map((value) => element("li", {}, ...cell({ value }, name).childNodes)));
  const some = element("td", { class: "sample" }, values, has_more ? "and more" : "");
  const number = element("td", { class: "number" }, empty.toLocaleString());
  return [cell({ value: name }, "Column"), element("td", {}, TYPES[type] ?? type), number, element("td", {}, spread(column)), some];
}

/** Numbers by their value, texts by their length. */
function spread({ shortest, longest, least, greatest }) {
  if (least !== null) {
    const [from, to] = [textOf(least), textOf(greatest)];
    return from === to ? from : `${from} to ${to}`;
  }
  if (longest === null) {
    return "–";
  }
  return shortest === longest ? count(longest, "character") : `${shortest.toLocaleString()} to ${count(longest, "character")}`;
}

import { element, fromTemplate } from "./dom.js";
import { excerpt, toMark } from "./fault.js";
import { count, visible } from "./text.js";

/**
 * Lists where a file does not fulfil the schema of its group. Where the file is still at hand, each place is a button that shows the
 * lines around it.
 */
export function showViolations(section, { violations = [], violation_count: all, schema_version: version }, file) {
  if (!violations.length) {
    return;
  }
  const made = fromTemplate("violations");
  const more = all > violations.length ? ` The first ${violations.length} of them:` : "";
  made.about.textContent = `The rows do not fulfil the schema${version ? ` (version ${version})` : ""} of the group: ${count(all, "violation")}.${more}`;
  made.table.append(head("Row", "Line", "Column", "Expected"), element("tbody", {}, ...violations.map((violation) => row(violation, file, made.excerpt))));
  section.append(made.root);
}

const head = (...names) => element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name))));

function row(violation, file, place) {
  const { row: number, line, column, keyword, message } = violation;
  const cell = (value) => element("td", {}, value === undefined ? "" : value);
  return element(
    "tr",
    {},
    cell(number?.toLocaleString()),
    cell(line && file ? toLine(violation, file, place) : line?.toLocaleString()),
    cell(typeof column === "string" ? element("bdi", {}, visible(column)) : column),
    cell(`${visible(message)} (${visible(keyword)})`),
  );
}

function toLine(violation, file, place) {
  const button = element("button", { type: "button" }, violation.line.toLocaleString());
  button.addEventListener("click", async () => {
    const lines = await excerpt(file, violation).catch(() => "The file can't be read any more.");
    place.replaceChildren(...(lines ? [lines] : []));
    toMark(place);
  });
  return button;
}

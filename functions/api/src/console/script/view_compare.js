import { get, latest } from "./api.js";
import { cell, isNothing, nothing, table, textOf } from "./cells.js";
import { announce, crumbs, element, facts, fill, fromTemplate, say } from "./dom.js";
import { here, remember } from "./place.js";
import { count, visible } from "./text.js";
import { compareWords } from "./words.js";

const EXAMPLES = 50;

/** Fills `main` and resolves to the title of the page. */
export async function show(main, [newerId, olderId], signal) {
  const view = fill(main, "compare");
  const [{ dataset: newer }, { dataset: older }] = await Promise.all([newerId, olderId].map((id) => get(`datasets/${id}`, {}, signal)));
  const title = `Version ${older.version_number} to ${newer.version_number}`;
  const group = visible(newer.dataset_group.name);
  crumbs(view.crumbs, { text: "Groups", href: "#/" }, { text: group, href: `#/groups/${newer.dataset_group_id}` }, { text: title });
  view.heading.textContent = title;
  facts(view.facts, link(older), link(newer));
  const shared = (newer.column_names ?? []).filter((name) => older.column_names?.includes(name));
  const option = (value, text) => element("option", { value }, text);
  view.key.append(option("", "cells, all of them"), ...shared.map((name) => option(name, `“${visible(name)}”`)));

  const newest = latest();
  async function compare() {
    say(view.fault, "");
    say(view.waiting, "Comparing …");
    view.counts.replaceChildren();
    view.result.replaceChildren();
    try {
      const key = view.key.value || undefined;
      const compared = await newest(examples(newerId, { against: olderId, key }, signal));
      showResult(view, compared, key);
      const { added, removed, changed } = compared.rows;
      announce(`${added.toLocaleString()} rows added, ${removed.toLocaleString()} removed${key ? `, ${changed.toLocaleString()} changed` : ""}`, { isOnPage: true });
    } catch (error) {
      if (error.name === "AbortError") {
        return;
      }
      say(view.fault, error.message);
    }
    view.waiting.hidden = true;
  }

  view.key.addEventListener("change", () => {
    remember(view.key.value ? { key: view.key.value } : { by: "cells" });
    compare();
  });
  // A column of identifiers is usually a key.
  const { chosen } = here();
  view.key.value = chosen.by === "cells" ? "" : chosen.key ?? shared.find((name) => /^(id|key|uuid|.*_id)$/i.test(name)) ?? "";
  await compare();
  // A column with a repeated value can't be a key; then rows are compared by all their cells.
  if (!view.fault.hidden && view.key.value) {
    view.key.value = "";
    await compare();
  }
  return `${title} of ${group}`;
}

const link = ({ id, version_number, file_name }) => element("a", { href: `#/datasets/${id}` }, `v${version_number} ${visible(file_name)}`);

/** As many rows of each sort as one answer can have. */
async function examples(id, query, signal) {
  for (let most = EXAMPLES; ; most = Math.floor(most / 4)) {
    try {
      return await get(`datasets/${id}/diff`, { ...query, examples: most }, signal);
    } catch (error) {
      if (error.code !== "page_too_large" || most === 0) {
        throw error;
      }
    }
  }
}

function showResult(view, { columns, rows, examples }, key) {
  const counts = [
    ["added", rows.added],
    ["removed", rows.removed],
    ...(key ? [["changed", rows.changed]] : []),
    ["unchanged", rows.unchanged],
  ];
  view.counts.replaceChildren(
    ...counts.map(([name, value]) => element("div", { "data-is": name }, element("dt", {}, `Rows ${name}`), element("dd", {}, value.toLocaleString()))),
  );
  const names = (list) => list.map(visible).join(", ");
  const results = [];
  for (const [what, list] of [["added", columns.added], ["removed", columns.removed]]) {
    if (list.length) {
      results.push(element("p", { class: what }, element("strong", {}, `${count(list.length, "column")} ${what}: `), names(list)));
    }
  }
  for (const { name, before, after } of columns.retyped) {
    results.push(element("p", {}, element("strong", {}, "Column of another type: "), `${visible(name)}, ${before} before and ${after} now`));
  }
  const section = (title, total, place) => {
    const made = fromTemplate("compared");
    made.title.textContent = title;
    made.region.setAttribute("aria-label", title);
    place(made.table);
    const shown = made.table.tBodies[0].rows.length;
    made.about.textContent = shown < total ? `${shown.toLocaleString()} of ${total.toLocaleString()} are shown.` : "";
    results.push(made.root);
  };
  if (rows.changed) {
    section("Rows changed", rows.changed, (place) => changed(place, examples));
  }
  const plain = (names, list) => (place) => table(place, "Rows", names, list.map((row) => row.map((value, index) => cell(value, names[index]))));
  if (rows.added) {
    section("Rows added", rows.added, plain(examples.columns, examples.added));
  }
  if (rows.removed) {
    section("Rows removed", rows.removed, plain(examples.against_columns, examples.removed));
  }
  if (!results.length) {
    results.push(element("p", { class: "empty" }, "Both versions have the same rows and columns."));
  }
  view.result.replaceChildren(...results);
}

/** Each row as it is now, and where a cell was another, that one above it. */
function changed(place, { columns, against_columns: before, changed }) {
  const rows = changed.map((row) =>
    row.after.map((is, index) => {
      const was = row.before[before.indexOf(columns[index])];
      const isChanged = was !== undefined && JSON.stringify(was) !== JSON.stringify(is);
      return isChanged ? both(was.value, is, columns[index]) : cell(is, columns[index]);
    }),
  );
  table(place, "Rows changed", columns, rows);
}

function both(old, present, column) {
  const { value } = present;
  const isText = !isNothing(old) && !isNothing(value);
  const [before, after] = compareWords(textOf(old), textOf(value));
  const mark = (name, pieces) =>
    element(name, { dir: "auto" }, ...pieces.map(({ text, changed }) => (changed ? element("mark", {}, visible(text)) : visible(text))));
  const whole = (name, value) => element(name, { dir: "auto" }, element("mark", {}, isNothing(value) ? nothing(value) : visible(textOf(value))));
  const [was, is] = isText ? [mark("del", before), mark("ins", after)] : [whole("del", old), whole("ins", value)];
  const made = cell(present, column, [was, element("br"), is]);
  made.classList.add("changed");
  return made;
}

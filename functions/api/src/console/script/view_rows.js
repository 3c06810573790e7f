import { get, latest } from "./api.js";
import { cell, table } from "./cells.js";
import { announce, complain, fill, onSubmit, onTyping, pager, say } from "./dom.js";
import { limits } from "./limits.js";
import { here, remember } from "./place.js";
import { count } from "./text.js";

/** A page has as many rows as make about so many cells. */
const MOST_CELLS = 20_000;

/** The rows, a page at a time: the table is as large as a page, however many there are. */
export async function showRows(section, dataset, signal) {
  const view = fill(section, "rows");
  view.row.max = dataset.row_count;
  const newest = latest();
  let perPage = Math.max(Math.min(Math.floor(MOST_CELLS / dataset.column_names.length), limits.maxPerPage), 1);
  let before = new AbortController();
  /** Rows up to this one were searched, and the search goes on behind it. */
  let searched = 0;
  const { chosen } = here();
  view.text.value = chosen.q ?? "";

  async function list(first) {
    before.abort();
    before = new AbortController();
    const q = view.text.value;
    const found = await newest(pageWith(first, q, AbortSignal.any([signal, before.signal])));
    const start = (found.page - 1) * found.per_page + 1;
    const cells = found.rows.map((row) => row.map((value, index) => cell(value, found.columns[index])));
    table(view.table, "Rows of the version", found.columns, cells, q ? undefined : cells.map((_, index) => (start + index).toLocaleString()));
    view.table.parentElement.scrollTop = 0;
    remember({ row: first > 1 ? first : undefined, q });
    say(view.empty, found.total ? "" : `No row ${searched ? `behind row ${searched.toLocaleString()} ` : ""}has “${q}” in it.`);
    say(view.found, q && found.total ? `${count(found.total, "row has", "rows have")} “${q}” in a cell.` : "");
    if (q) {
      announce(view.found.textContent || view.empty.textContent, { isOnPage: true });
    }
    view.stopped.hidden = found.is_complete;
    say(view.how_far, `Searched to row ${found.searched_to_row.toLocaleString()} of ${dataset.row_count.toLocaleString()}.`);
    view.go_on.onclick = () => {
      searched = found.searched_to_row;
      show(1);
    };
    pager(view, { ...found, noun: q ? "rows found" : "rows" }, (page) => show((page - 1) * perPage + 1));
    return view.table.tBodies[0].rows[first - start];
  }

  /** The page that row `first` is on. Where rows are large, a page has fewer of them. */
  async function pageWith(first, q, signal) {
    for (;;) {
      const page = Math.floor((first - 1) / perPage) + 1;
      try {
        return await get(`datasets/${dataset.id}/rows`, { q, after_row: q ? searched : undefined, page, per_page: perPage }, signal);
      } catch (error) {
        if (error.code !== "page_too_large" || perPage === 1) {
          throw error;
        }
        perPage = Math.ceil(perPage / 4);
      }
    }
  }

  async function show(first) {
    say(view.fault, "");
    view.table.setAttribute("aria-busy", "true");
    const row = await list(first).catch(complain(view.fault));
    view.table.removeAttribute("aria-busy");
    return row;
  }
  onTyping(view.text, () => {
    searched = 0;
    return show(1);
  });
  onSubmit(view.jump, view.fault, async () => {
    const wanted = Math.min(Math.max(Number(view.row.value) || 1, 1), dataset.row_count);
    view.text.value = "";
    const row = await show(wanted);
    row?.setAttribute("tabindex", "-1");
    row?.focus();
  });
  await show(Number(chosen.row) || 1);
}

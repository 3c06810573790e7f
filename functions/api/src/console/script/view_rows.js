import { get } from "./api.js";
import { cell, table } from "./cells.js";
import { fill, onSubmit, onTyping, pager, say } from "./dom.js";

const MOST_PER_PAGE = 100;

/** The rows, a page at a time: the table is as large as a page, however many there are. */
export async function showRows(section, dataset, signal) {
  const view = fill(section, "rows");
  view.row.max = dataset.row_count;
  let perPage = MOST_PER_PAGE;
  let asked = 0;

  async function list(page) {
    asked += 1;
    const mine = asked;
    const q = view.text.value;
    const found = await fetchPage({ q, page });
    if (mine !== asked) {
      return;
    }
    const first = (found.page - 1) * found.per_page + 1;
    const cells = found.rows.map((row) => row.map(({ value }, index) => cell(value, found.columns[index])));
    table(view.table, "Rows of the version", found.columns, cells, q ? undefined : cells.map((_, index) => (first + index).toLocaleString()));
    view.table.parentElement.scrollTop = 0;
    say(view.empty, found.total ? "" : `No row has “${q}” in it.`);
    pager(view, { ...found, noun: q ? "rows found" : "rows" }, show);
  }

  /** Where rows are large, a page has fewer of them. */
  async function fetchPage({ q, page }) {
    for (;;) {
      try {
        return await get(`datasets/${dataset.id}/rows`, { q, page, per_page: perPage }, signal);
      } catch (error) {
        if (error.code !== "page_too_large" || perPage === 1) {
          throw error;
        }
        const first = (page - 1) * perPage;
        perPage = Math.ceil(perPage / 4);
        page = Math.floor(first / perPage) + 1;
      }
    }
  }

  const show = async (page) => {
    say(view.fault, "");
    view.table.setAttribute("aria-busy", "true");
    await list(page).catch((error) => signal.aborted || say(view.fault, error.message));
    view.table.removeAttribute("aria-busy");
  };
  onTyping(view.text, () => show(1));
  onSubmit(view.jump, view.fault, async () => {
    const row = Math.min(Math.max(Number(view.row.value) || 1, 1), dataset.row_count);
    view.text.value = "";
    await show(Math.ceil(row / perPage));
  });
  await show(1);
}

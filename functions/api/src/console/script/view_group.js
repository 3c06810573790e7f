import { call, get, latest, pause } from "./api.js";
import { bars } from "./chart.js";
import { busy, complain, crumbs, dialog, element, facts, fill, fromTemplate, onTyping, pager, say, tag as showTag } from "./dom.js";
import { showSchema } from "./group_schema.js";
import { here, remember } from "./place.js";
import { bytes, count, visible, when } from "./text.js";
import { showUpload } from "./view_upload.js";

const PER_PAGE = 20;
/** Versions in the picture and in the choice of what to compare. */
const MAX_PICTURED = 100;
const LOOK_AGAIN_MS = 2_000;
const LONGEST_WAIT_MS = 20_000;

/** Fills `main` and resolves to the title of the page. */
export async function show(main, [id], signal) {
  const groupId = Number(id);
  const view = fill(main, "group");
  const { dataset_group: group } = await get(`dataset-groups/${groupId}`, {}, signal);
  const name = visible(group.name);
  crumbs(view.crumbs, { text: "Groups", href: "#/" }, { text: name });
  view.name.textContent = name;
  facts(view.facts, `Group ${group.id}`, element("span", {}, "made ", when(group.created_at)));
  const newest = latest();
  const { chosen } = here();
  let page = Number(chosen.page) || 1;
  view.status.value = chosen.show ?? "all";
  view.tag.value = chosen.tag ?? "";
  /** Where a list by tag begins, and where it goes on. */
  let upTo;
  let next;
  let hasDrafts = false;
  let shown;

  async function list() {
    const of = (query) => get("datasets", { dataset_group_id: groupId, ...query }, signal);
    const status = view.status.value;
    const tag = view.tag.value.trim();
    const wanted = [of({ status, per_page: PER_PAGE, ...(tag ? { tag, up_to_id: upTo } : { page }) }), of({ status: "ready", per_page: MAX_PICTURED }), of({ status: "draft", per_page: 1 })];
    const [found, versions, drafts] = await newest(Promise.all(wanted));
    say(view.fault, "");
    remember({ show: status === "all" ? undefined : status, tag: tag || undefined, page: page > 1 ? page : undefined });
    hasDrafts = drafts.total > 0;
    // If nothing changed, the page is left alone, so that it keeps the focus.
    const news = JSON.stringify([status, tag, found, versions]);
    if (news === shown) {
      return;
    }
    shown = news;
    view.list.replaceChildren(...found.datasets.map(entry));
    view.stopped.hidden = !tag || !found.next_up_to_id;
    next = found.next_up_to_id;
    say(view.empty, found.total ? "" : status === "all" && !tag ? "Nothing was uploaded here yet." : "There is none.");
    pager(view, { ...found, noun: "in all" }, (wanted) => {
      page = wanted;
      refresh();
    });
    const newestFirst = versions.datasets.sort((one, other) => other.version_number - one.version_number);
    picture(view, newestFirst);
    chooseToCompare(view, newestFirst);
  }

  const refresh = () => list().catch(complain(view.fault));
  const startAnew = () => {
    page = 1;
    upTo = undefined;
    refresh();
  };
  view.status.addEventListener("change", startAnew);
  onTyping(view.tag, startAnew);
  view.go_on.addEventListener("click", () => {
    upTo = next;
    refresh();
  });
  view.delete.addEventListener("click", async () => {
    const question = "All its versions are put away with it, and its name is free again. This can't be undone here.";
    if (await dialog(`Delete the group “${name}”?`, [question], { act: "Delete", isDangerous: true })) {
      const deleted = await busy(view.delete, view.fault, () => call("DELETE", `dataset-groups/${groupId}`, { signal }));
      location.hash = deleted ? "#/" : location.hash;
    }
  });
  view.compare.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = `#/compare/${view.newer.value}/${view.older.value}`;
  });
  await list();
  showUpload(view.upload, groupId, signal, refresh);
  showSchema(view, group, signal).catch(complain(view.schema_fault));
  keepCurrent(() => hasDrafts, refresh, signal);
  return name;
}

/** Looks again while drafts are on their way, less and less often. */
async function keepCurrent(hasDrafts, refresh, signal) {
  try {
    for (let wait = LOOK_AGAIN_MS; ; wait = hasDrafts() ? Math.min(wait * 1.2, LONGEST_WAIT_MS) : LOOK_AGAIN_MS) {
      await pause(wait, signal);
      if (hasDrafts()) {
        await refresh();
      }
    }
  } catch {
    // The view has been left.
  }
}

function entry(dataset) {
  const { root, number, file, status, facts: line, failure } = fromTemplate("timeline-entry");
  const isVersion = dataset.version_number > 0;
  number.textContent = isVersion ? `v${dataset.version_number}` : "–";
  file.textContent = visible(dataset.file_name);
  file.href = `#/datasets/${dataset.id}`;
  showTag(status, dataset.is_deleted ? "deleted" : dataset.status);
  const columns = dataset.column_names?.length;
  facts(
    line,
    dataset.row_count !== null && count(dataset.row_count, "row"),
    columns && count(columns, "column"),
    bytes(dataset.file_size),
    ...dataset.labels.map((label) => element("span", { class: "tag" }, label)),
    `user ${dataset.user_id}`,
    when(dataset.created_at),
  );
  say(failure, dataset.failure && visible(dataset.failure.message));
  return root;
}

function picture(view, versions) {
  view.picture.hidden = versions.length < 2;
  if (view.picture.hidden) {
    return;
  }
  const oldestFirst = [...versions].reverse();
  const values = (field) => oldestFirst.map((version) => ({ label: `version ${version.version_number}`, value: version[field] }));
  view.caption.textContent = `From version ${oldestFirst[0].version_number} to ${versions[0].version_number}`;
  view.charts.replaceChildren(
    bars("Rows", values("row_count"), (value) => count(value, "row")),
    bars("Size", values("file_size"), bytes),
  );
}

function chooseToCompare(view, versions) {
  view.compare.hidden = versions.length < 2;
  const key = versions.map(({ id }) => id).join();
  if (view.compare.hidden || view.compare.dataset.versions === key) {
    return;
  }
  view.compare.dataset.versions = key;
  const options = () => versions.map((version) => element("option", { value: version.id }, `v${version.version_number}`));
  view.newer.replaceChildren(...options());
  view.older.replaceChildren(...options());
  view.older.selectedIndex = 1;
}

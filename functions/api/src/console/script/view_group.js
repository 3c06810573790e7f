import { get, pause } from "./api.js";
import { bars } from "./chart.js";
import { crumbs, element, facts, fill, fromTemplate, pager, say, tag } from "./dom.js";
import { bytes, count, visible, when } from "./text.js";
import { showUpload } from "./view_upload.js";

const PER_PAGE = 20;
/** Versions in the picture and in the choice of what to compare. */
const MAX_PICTURED = 60;
const LOOK_AGAIN_MS = 2_000;

/** Fills `main` and resolves to the title of the page. */
export async function show(main, [id], signal) {
  const groupId = Number(id);
  const view = fill(main, "group");
  const { dataset_group: group } = await get(`dataset-groups/${groupId}`, {}, signal);
  const name = visible(group.name);
  crumbs(view.crumbs, { text: "Groups", href: "#/" }, { text: name });
  view.name.textContent = name;
  facts(view.facts, `Group ${group.id}`, element("span", {}, "made ", when(group.created_at)));
  let page = 1;

  async function list() {
    const [found, versions] = await Promise.all([
      get("datasets", { dataset_group_id: groupId, status: view.status.value, page, per_page: PER_PAGE }, signal),
      get("datasets", { dataset_group_id: groupId, status: "ready", per_page: MAX_PICTURED }, signal),
    ]);
    view.list.replaceChildren(...found.datasets.map(entry));
    const none = view.status.value === "all" ? "Nothing was uploaded here yet." : "There is none.";
    say(view.empty, found.total ? "" : none);
    pager(view, { ...found, noun: "in all" }, (wanted) => {
      page = wanted;
      refresh();
    });
    const newestFirst = versions.datasets.sort((one, other) => other.version_number - one.version_number);
    picture(view, newestFirst);
    chooseToCompare(view, newestFirst);
    return found.datasets.some(({ status }) => status === "draft");
  }

  const refresh = () => list().catch((error) => signal.aborted || say(view.fault, error.message));
  view.status.addEventListener("change", () => {
    page = 1;
    refresh();
  });
  view.compare.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = `#/compare/${view.newer.value}/${view.older.value}`;
  });
  showUpload(view.upload, groupId, signal, refresh);
  keepCurrent(list, signal, await list());
  return name;
}

/** Looks again while a draft is on its way. */
async function keepCurrent(list, signal, hasDrafts) {
  for (let again = hasDrafts; again && !signal.aborted; ) {
    try {
      await pause(LOOK_AGAIN_MS, signal);
      again = await list();
    } catch {
      // The next look may do better.
    }
  }
}

function entry(dataset) {
  const { root, number, file, status, facts: line, failure } = fromTemplate("timeline-entry");
  const isVersion = dataset.version_number > 0;
  number.textContent = isVersion ? `v${dataset.version_number}` : "–";
  file.textContent = visible(dataset.file_name);
  file.href = `#/datasets/${dataset.id}`;
  tag(status, dataset.is_deleted ? "deleted" : dataset.status);
  const columns = dataset.column_names?.length;
  facts(
    line,
    dataset.row_count !== null && count(dataset.row_count, "row"),
    columns && count(columns, "column"),
    bytes(dataset.file_size),
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

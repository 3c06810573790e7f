import { call, get, pause, post } from "./api.js";
import { dialectFacts } from "./dialect.js";
import { busy, complain, crumbs, dialog, element, facts, fill, onSubmit, say, tag } from "./dom.js";
import { showNotices } from "./notices.js";
import { bytes, count, visible, when } from "./text.js";
import { leaveForDownload, uploadOf } from "./uploads.js";
import { failureText, showExcerpt } from "./view_upload.js";
import { showAnnotations } from "./annotations.js";
import { showCode } from "./view_code.js";
import { showColumns } from "./view_columns.js";
import { showRows } from "./view_rows.js";
import { showViolations } from "./violations.js";

const SECTIONS = { rows: showRows, columns: showColumns, code: showCode };
const LOOK_AGAIN_MS = 1_000;
const LONGEST_WAIT_MS = 20_000;

/** Fills `main` and resolves to the title of the page. */
export async function show(main, [id, section = "rows"], signal) {
  const view = fill(main, "version");
  const { dataset } = await get(`datasets/${id}`, {}, signal);
  const { dataset_group: group } = dataset;
  const isReady = dataset.status === "ready";
  const title = isReady ? `Version ${dataset.version_number}` : visible(dataset.file_name);
  const groupLink = group.is_deleted ? undefined : `#/groups/${group.id}`;
  crumbs(view.crumbs, { text: "Groups", href: "#/" }, { text: visible(group.name), href: groupLink }, { text: title });
  view.number.textContent = title;
  tag(view.status, dataset.is_deleted ? "deleted" : dataset.status);
  facts(
    view.facts,
    isReady && element("bdi", {}, visible(dataset.file_name)),
    isReady && count(dataset.row_count, "row"),
    isReady && count(dataset.column_names.length, "column"),
    ...(dataset.dialect ? dialectFacts(dataset.dialect) : []),
    bytes(dataset.file_size),
    `user ${dataset.user_id}`,
    when(dataset.created_at),
    `id ${dataset.id}`,
    ...dataset.labels.map((label) => element("span", { class: "tag" }, label)),
    ...dataset.tags.map((tag) => `#${visible(tag)}`),
    dataset.schema_version && `fulfils schema ${dataset.schema_version}`,
  );
  showNotices(view.notices, dataset.notices);
  showDrift(view.drift, dataset.drift);
  showAnnotations(view, dataset, signal, reload);
  if (isReady) {
    await showReady(view, dataset, section, signal);
  } else if (dataset.status === "failed") {
    say(view.fault, failureText(dataset.failure));
    const upload = uploadOf(dataset.id);
    if (upload) {
      await showExcerpt(view.section, { file: upload.file, dataset });
    }
    showViolations(view.section, dataset.failure, upload?.file);
    view.section.append(element("p", { class: "row" }, element("a", { class: "button", href: `#/groups/${group.id}` }, "Upload a corrected file")));
  } else {
    const takeBack = element("button", { type: "button", class: "danger" }, "Take it back");
    takeBack.addEventListener("click", async () => {
      const question = "The upload ends as a failure, and webhooks are told so. The file can be sent again.";
      if (await dialog("Take this upload back?", [question], { act: "Take it back", isDangerous: true })) {
        await busy(takeBack, view.fault, () => call("DELETE", `datasets/${id}`, { query: { status: "draft" }, signal }));
        reload();
      }
    });
    view.section.append(element("p", {}, "The file is on its way, or being taken in …"), element("p", { class: "row" }, takeBack));
    untilSettled(id, view.fault, signal);
  }
  return `${title} of ${visible(group.name)}`;
}

/** Lists what is not as in the version before. */
function showDrift(place, drift) {
  const { columns_added: added = [], columns_removed: removed = [], columns_retyped: retyped = [], empty_shares: shares = [] } = drift ?? {};
  const names = (columns) => columns.map((name) => `“${visible(name)}”`).join(", ");
  // 0.0 is kept as it was written.
  const percent = (share) => `${(100 * Number(JSON.stringify(share))).toFixed(1)} %`;
  const changes = [
    added.length && `Columns added since the version before: ${names(added)}`,
    removed.length && `Columns gone since the version before: ${names(removed)}`,
    ...retyped.map(({ name, before, after }) => `Column ${names([name])} was ${before}, and is ${after}`),
    ...shares.map(({ name, before, after }) => `Of column ${names([name])} ${percent(after)} is empty, before it was ${percent(before)}`),
  ];
  place.replaceChildren(...changes.filter(Boolean).map((change) => element("li", {}, change)));
  place.hidden = place.childElementCount === 0;
}

/** Shows the view anew, title and all. */
const reload = () => dispatchEvent(new HashChangeEvent("hashchange"));

async function showReady(view, dataset, section, signal) {
  if (dataset.is_deleted) {
    view.restore.hidden = false;
    view.restore.addEventListener("click", () =>
      busy(view.restore, view.fault, async () => {
        await post(`datasets/${dataset.id}/restore`, {}, { signal });
        reload();
      }),
    );
    return;
  }
  view.actions.hidden = view.tabs.hidden = false;
  onSubmit(view.download, view.fault, () => download(dataset.id, view.format.value, signal));
  onSubmit(view.label, view.fault, async () => {
    const name = view.label_name.value;
    await call("PUT", `dataset-groups/${dataset.dataset_group_id}/labels/${name}`, { body: { version: dataset.version_number }, signal });
    reload();
  });
  view.delete.addEventListener("click", async () => {
    const labels = dataset.labels.length ? ` It loses ${dataset.labels.map((label) => `“${label}”`).join(", ")}.` : "";
    const question = `Version ${dataset.version_number} is put away; it can be restored, and its number is never given again.${labels}`;
    if (await dialog("Delete this version?", [question], { act: "Delete", isDangerous: true })) {
      const deleted = await busy(view.delete, view.fault, () => call("DELETE", `datasets/${dataset.id}`, { query: { unlabel: dataset.labels.length > 0 || undefined }, signal }));
      if (deleted) {
        reload();
      }
    }
  });
  for (const name of Object.keys(SECTIONS)) {
    const link = view[`to-${name}`];
    link.href = `#/datasets/${dataset.id}/${name}`;
    if (name === section) {
      link.setAttribute("aria-current", "page");
    }
  }
  offerComparison(view.compare, dataset, signal).catch(complain(view.fault));
  await SECTIONS[section](view.section, dataset, signal);
}

/** Storage serves the file itself, by a link that is good for a while. */
async function download(id, format, signal) {
  const { url } = await get(`datasets/${id}/download`, { format, redirect: false }, signal);
  leaveForDownload(url);
}

async function offerComparison(link, dataset, signal) {
  const query = { dataset_group_id: dataset.dataset_group_id, status: "ready", up_to_id: dataset.id, per_page: 100 };
  const { datasets } = await get("datasets", query, signal);
  const earlier = datasets.filter(({ version_number }) => version_number < dataset.version_number);
  if (earlier.length) {
    const before = earlier.reduce((one, other) => (one.version_number > other.version_number ? one : other));
    link.href = `#/compare/${dataset.id}/${before.id}`;
    link.hidden = false;
    link.textContent = `Compare with version ${before.version_number}`;
  }
}

async function untilSettled(id, fault, signal) {
  try {
    for (let wait = LOOK_AGAIN_MS; ; wait = Math.min(wait * 1.2, LONGEST_WAIT_MS)) {
      await pause(wait, signal);
      const { dataset } = await get(`datasets/${id}`, {}, signal);
      if (dataset.status !== "draft") {
        reload();
        return;
      }
    }
  } catch (error) {
    complain(fault)(error);
  }
}

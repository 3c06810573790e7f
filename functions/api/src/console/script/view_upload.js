import { post } from "./api.js";
import { cell, table } from "./cells.js";
import { dialectFacts, sendingAs } from "./dialect.js";
import { announce, facts, fill, fromTemplate, say, tag } from "./dom.js";
import { excerpt, toMark } from "./fault.js";
import { complaint, encodedHead, isJson } from "./file.js";
import { limits } from "./limits.js";
import { showNotices } from "./notices.js";
import { bytes, count, seconds, visible } from "./text.js";
import { add, cancel, remove, send, sendAs, uploadsTo } from "./uploads.js";

/** The first columns are enough to know a file by. */
const MAX_PREVIEW_COLUMNS = 12;
const MAX_PREVIEW_ROWS = 5;

const WORDS = { new: "not sent", waiting: "waits", sending: "sending", checking: "draft", broken: "interrupted" };

/** Where files are dropped, and what becomes of each. `settled` is called when a draft came or went. */
export function showUpload(section, groupId, signal, settled) {
  const view = fill(section, "upload");
  view.limit.textContent = `Up to ${Math.round(limits.maxFileBytes / 2 ** 20)} MB each.`;

  const unsent = () => uploadsTo(groupId).filter((upload) => upload.state === "new" && upload.seen && !upload.seen.complaint && !upload.seen.failure);
  const offerAll = () => {
    view.all.hidden = unsent().length < 2;
    view["send-all"].textContent = `Upload all ${unsent().length}`;
  };
  const show = (upload) => view.list.append(uploadCard(upload, signal, settled, offerAll));
  const take = (files) => {
    for (const file of files) {
      show(add(file, groupId));
    }
    offerAll();
  };

  uploadsTo(groupId).forEach(show);
  offerAll();
  view.files.addEventListener("change", () => {
    take([...view.files.files]);
    view.files.value = "";
  });
  view["send-all"].addEventListener("click", () => unsent().forEach(send));
  const isOver = (is) => (event) => {
    event.preventDefault();
    view.drop.classList.toggle("over", is);
  };
  view.drop.addEventListener("dragover", isOver(true));
  view.drop.addEventListener("dragleave", isOver(false));
  view.drop.addEventListener("drop", (event) => {
    isOver(false)(event);
    take([...event.dataTransfer.files]);
  });
}

function uploadCard(upload, signal, settled, changed) {
  const card = fromTemplate("upload-card");
  const name = visible(upload.file.name);
  card.name.textContent = name;
  card.rows.parentElement.setAttribute("aria-label", `First rows of ${name}`);
  card.bar.setAttribute("aria-label", `Progress of ${name}`);
  for (const [button, verb] of [[card.send, "Upload"], [card.retry, "Try again"], [card.cancel, "Cancel"], [card.dismiss, "Dismiss"]]) {
    button.setAttribute("aria-label", `${verb}: ${name}`);
  }
  card.send.addEventListener("click", () => send(upload));
  card.retry.addEventListener("click", () => send(upload));
  card.cancel.addEventListener("click", () => cancel(upload));
  card.dismiss.addEventListener("click", () => {
    remove(upload);
    card.root.parentElement.parentElement.querySelector("input").focus();
    card.root.remove();
    changed();
  });
  let before = upload.state;
  const update = () => {
    const hasFocus = card.root.contains(document.activeElement);
    showState(card, upload);
    if (hasFocus && document.activeElement.hidden) {
      card.root.focus();
    }
    if (upload.state === before) {
      return;
    }
    before = upload.state;
    announce(`${name}: ${card.state.textContent}. ${card.complaint.textContent}`, { isOnPage: true });
    changed();
    if (["checking", "ready", "failed"].includes(upload.state)) {
      settled();
    }
  };
  upload.addEventListener("change", update, { signal });
  showState(card, upload);
  showPreview(card, upload).then(changed);
  return card.root;
}

/** What the service makes of the file's start, in this dialect. */
function preview(upload, dialect) {
  const ask = async () => {
    upload.head ??= await encodedHead(upload.file);
    return post("dataset-versions/preview", { file_name: upload.file.name, dataset_group_id: upload.groupId, dialect, ...upload.head });
  };
  previewing = previewing.then(ask, ask);
  return previewing;
}

/** One preview at a time, of however many files. */
let previewing = Promise.resolve();

async function look(upload) {
  const wrong = complaint(upload.file, limits);
  return wrong ? { complaint: wrong } : preview(upload).catch(({ message }) => ({ trouble: message }));
}

async function showPreview(card, upload) {
  if (!upload.seen || upload.seen.trouble) {
    upload.seen = await look(upload);
  }
  const { column_names: columns = [], dialect, notices = [], failure } = upload.seen;
  const kind = isJson(upload.file) ? "JSON" : "CSV";
  const first = columns.length > MAX_PREVIEW_COLUMNS && `the first ${MAX_PREVIEW_COLUMNS} are shown`;
  const found = columns.length > 0 && `${count(columns.length, "column")}${isJson(upload.file) ? " in the first rows" : ""}`;
  facts(card.facts, dialect && kind, ...(dialect ? dialectFacts(dialect) : []), bytes(upload.file.size), found, first);
  showNotices(card.notices, notices);
  showRows(card.rows, upload.seen);
  showState(card, upload);
  if (failure && upload.state === "new") {
    suggest(card.suggestions, upload, failure);
  }
}

function showRows(place, { column_names: columns = [], rows = [] }) {
  const shown = columns.slice(0, MAX_PREVIEW_COLUMNS);
  const cells = rows.slice(0, MAX_PREVIEW_ROWS).map((row) => shown.map((name, index) => cell(row[index], name)));
  table(place, "First rows of the file", shown, cells);
}

/** What would work for a file that is refused, each with its first rows and a button that sends it so. */
function suggest(place, upload, { suggestions = [] }) {
  place.hidden = suggestions.length === 0;
  place.replaceChildren(...suggestions.map((suggestion) => {
    const made = fromTemplate("suggestion");
    const [name, sending] = [visible(upload.file.name), sendingAs(suggestion.dialect)];
    made.send.textContent = sending;
    made.send.setAttribute("aria-label", `${sending}: ${name}`);
    made.rows.parentElement.setAttribute("aria-label", `First rows of ${name}: ${sending}`);
    made.send.addEventListener("click", () => sendAs(upload, suggestion.dialect));
    facts(made.facts, count(suggestion.row_count, "row"), count(suggestion.column_count, "column"), visible(suggestion.why));
    preview(upload, suggestion.dialect).then((seen) => {
      made.preview.hidden = !seen.rows;
      showRows(made.rows, seen);
    }, () => {});
    return made.root;
  }));
}

function showState(card, upload) {
  const { state, dataset, error, pace, datasetId, seen } = upload;
  tag(card.state, state === "ready" ? `version ${dataset.version_number}` : (WORDS[state] ?? state));
  card.state.dataset.is = state;
  const isNew = state === "new";
  card.send.hidden = !isNew;
  card.send.disabled = !seen || Boolean(seen.complaint);
  card.preview.hidden = !isNew || !seen?.rows;
  card.notices.hidden = !isNew || !seen?.notices?.length;
  card.retry.hidden = !["broken", "cancelled"].includes(state);
  card.cancel.hidden = !["waiting", "sending"].includes(state);
  card.dismiss.hidden = ["waiting", "sending", "checking"].includes(state);
  card.open.hidden = !datasetId;
  card.open.href = `#/datasets/${datasetId}`;
  card.open.textContent = state === "ready" ? "Open the version" : "Open";
  card.progress.hidden = state !== "sending";
  card.bar.value = pace?.part ?? 0;
  card.pace.textContent = pace ? paceText(pace) : "";
  const failure = isNew ? seen?.failure : dataset?.failure;
  say(card.complaint, (isNew && (seen?.complaint ?? seen?.trouble)) || (error?.message ?? (failure && failureText(failure))));
  if (!["new", "failed"].includes(state)) {
    card.suggestions.hidden = card.excerpt.hidden = true;
  }
  if (state === "failed" && card.excerpt.hidden) {
    card.excerpt.hidden = false;
    showExcerpt(card.excerpt, upload);
    suggest(card.suggestions, upload, failure);
  }
}

function paceText({ part, bytesPerSecond, secondsLeft }) {
  const speed = bytesPerSecond ? `, ${bytes(bytesPerSecond)}/s, ${seconds(secondsLeft)} left` : "";
  return `${Math.floor(part * 100)} %${speed}`;
}

/** The message, which has the place in it, and the column's name where that is known. */
export function failureText({ message, column }) {
  const isNamed = typeof column === "string" && !message.includes(`"${column}"`);
  return visible(isNamed ? `${message} (column “${column}”)` : message);
}

export async function showExcerpt(place, { file, dataset }) {
  try {
    const lines = await excerpt(file, dataset.failure);
    place.replaceChildren(...(lines ? [lines] : []));
    toMark(place);
  } catch (error) {
    const isGone = error instanceof DOMException;
    place.textContent = isGone ? "The file can't be read any more, so its lines can't be shown here." : "The lines of the file can't be shown here.";
  }
}

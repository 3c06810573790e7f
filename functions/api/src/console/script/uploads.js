// The uploads of this tab. They run one after another, whichever view is open.

import { ApiError, address, call, freshKey, get, pause, refused, unreachable } from "./api.js";
import { base64 } from "./file.js";
import { limits } from "./limits.js";
import * as session from "./session.js";

const FIRST_LOOK_MS = 300;
const LONGEST_WAIT_MS = 4_000;
/** Over how long the speed is taken. */
const PACE_MS = 4_000;
/** What only the browser may set. */
const OWN_HEADERS = /^(host|content-length)$/i;
/** How often a call is made again that comes too soon, or beside the same one. */
const MAX_WAITS = 30;

const uploads = [];
let isSending = false;
let isLeavingForDownload = false;

/**
 * A file on its way into a group, with the dialect in which it is to be read, if that is said. `state` is `new`, `waiting`, `sending`,
 * `checking`, `ready` or `failed`; where it got stuck `broken`, and `cancelled`.
 * Each change is an event `change`.
 */
class Upload extends EventTarget {
  constructor(file, groupId) {
    super();
    Object.assign(this, { file, groupId, state: "new", stop: new AbortController() });
    this.renew();
  }

  /**
   * Makes the next call another one. Without it, whatever was lost of a call,
   * it is made again and not anew: there is one draft.
   */
  renew() {
    this.callKey = freshKey();
    this.draftId = undefined;
  }

  change(state, news = {}) {
    Object.assign(this, news, { state });
    this.dispatchEvent(new Event("change"));
  }
}

export const uploadsTo = (groupId) => uploads.filter((upload) => upload.groupId === groupId);

export const uploadOf = (datasetId) => uploads.find((upload) => upload.datasetId === datasetId);

export const isUnderWay = () => uploads.some(({ state }) => state === "waiting" || state === "sending");

export function add(file, groupId) {
  const upload = new Upload(file, groupId);
  uploads.push(upload);
  return upload;
}

export function remove(upload) {
  cancel(upload);
  uploads.splice(uploads.indexOf(upload), 1);
  if (upload.draftId && !upload.datasetId && session.key()) {
    takeBack(upload.draftId);
  }
}

export function send(upload) {
  upload.stop = new AbortController();
  if (upload.datasetId) {
    watch(upload);
    return;
  }
  upload.change("waiting", { error: undefined, pace: undefined });
  sendNext();
}

/** Sends the file anew, to be read in this dialect. */
export function sendAs(upload, dialect) {
  upload.stop.abort();
  Object.assign(upload, { dialect, datasetId: undefined, dataset: undefined });
  upload.renew();
  send(upload);
}

export function cancel(upload) {
  upload.stop.abort();
  if (upload.state === "waiting") {
    upload.change("cancelled");
  }
}

export function forgetAll() {
  [...uploads].forEach(remove);
}

/** Goes on with what waited for a key. */
export function resume() {
  sendNext();
  uploads.filter(({ state }) => state === "checking").forEach((upload) => watch(upload));
}

/** A file that storage serves is saved beside the page, which stays. */
export function leaveForDownload(url) {
  isLeavingForDownload = true;
  location.assign(url);
  setTimeout(() => (isLeavingForDownload = false), 1_000);
}

addEventListener("beforeunload", (event) => {
  if (isUnderWay() && !isLeavingForDownload) {
    event.preventDefault();
  }
});

async function sendNext() {
  const upload = uploads.find(({ state }) => state === "waiting");
  if (isSending || !upload || !session.key()) {
    return;
  }
  isSending = true;
  try {
    upload.change("sending");
    const datasetId = await transfer(upload);
    upload.datasetId = datasetId;
    watch(upload);
  } catch (error) {
    stuck(upload, error);
  } finally {
    isSending = false;
    sendNext();
  }
}

function stuck(upload, error) {
  if (error.name === "AbortError") {
    const note = upload.pace?.part === 1 ? "All of it had been sent, so it may become a version all the same." : undefined;
    upload.change("cancelled", { error: note && new Error(note) });
  } else if (error.status === 401) {
    upload.change("waiting");
  } else {
    upload.change("broken", { error });
  }
}

/** A draft whose file will not come fails at once, and not when its URL expires. */
function takeBack(draftId) {
  // If not, it is a version by now, or it expires.
  call("DELETE", `datasets/${draftId}`, { query: { status: "draft" } }).catch(() => {});
}

/** Sends the file and gives the id of its draft. */
async function transfer(upload) {
  const { file, stop } = upload;
  await file.slice(0, 1).arrayBuffer().catch(() => {
    throw new ApiError(0, "unreadable", "The file was moved or changed since it was chosen. Remove it here and choose it again.");
  });
  for (let waits = 0; ; waits += 1) {
    try {
      return file.size <= limits.maxInlineBytes ? await sendInline(upload) : await sendToStorage(upload);
    } catch (error) {
      const isSoon = error.status === 429 || ["idempotency_in_progress", "storage_conflict"].includes(error.code);
      if (!isSoon || waits === MAX_WAITS) {
        throw error;
      }
      await pause(1000 * (error.retryAfter ?? 2), stop.signal);
    }
  }
}

const order = ({ file, groupId, dialect }) => ({ dataset_group_id: groupId, file_name: file.name, dialect });

async function sendInline(upload) {
  const key = session.key();
  const headers = { "Idempotency-Key": upload.callKey, "X-API-KEY": key, "Content-Type": "application/json" };
  const body = JSON.stringify({ ...order(upload), file_content_base64: await base64(upload.file) });
  const request = { method: "POST", url: address("api/public/v2/dataset-versions/from-file"), headers };
  const { status, text, retryAfter } = await transmit(request, body, upload);
  if (status !== 201) {
    throw refused(status, text, key, retryAfter);
  }
  return JSON.parse(text).dataset_id;
}

async function sendToStorage(upload) {
  const { file, callKey, stop } = upload;
  const options = { body: { ...order(upload), file_size: file.size }, headers: { "Idempotency-Key": callKey }, signal: stop.signal };
  const { dataset_id, upload: request } = await call("POST", "dataset-versions/from-upload", options);
  upload.draftId = dataset_id;
  const { status } = await transmit(request, file, upload);
  if (status === 403) {
    // The presigned URL has expired, so this draft can't get its file any more.
    upload.renew();
  }
  // 412: an earlier attempt stored the file, and its answer was lost.
  if (status !== 200 && status !== 412) {
    // 409: an earlier attempt is still being stored.
    const code = status === 409 ? "storage_conflict" : "storage";
    throw new ApiError(status, code, `Storage did not take the file (status ${status}). Try again.`);
  }
  return dataset_id;
}

/** Only `XMLHttpRequest` tells how much of a body has been sent. */
function transmit({ method, url, headers }, body, upload) {
  const { signal } = upload.stop;
  const progress = pace(upload);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) {
      if (!OWN_HEADERS.test(name)) {
        request.setRequestHeader(name, value);
      }
    }
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onload = () => {
      const { status, responseText: text } = request;
      const retryAfter = status === 429 ? Number(request.getResponseHeader("Retry-After")) || undefined : undefined;
      resolve({ status, text, retryAfter });
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

/** Notes how far it is, how fast it goes and how long it may take. */
function pace(upload) {
  const points = [];
  return (part) => {
    const now = performance.now();
    const sent = part * upload.file.size;
    points.push({ now, sent });
    while (points.length > 2 && now - points[0].now > PACE_MS) {
      points.shift();
    }
    const [first] = points;
    const bytesPerSecond = now > first.now ? ((sent - first.sent) / (now - first.now)) * 1000 : undefined;
    const secondsLeft = bytesPerSecond ? (upload.file.size - sent) / bytesPerSecond : undefined;
    upload.change("sending", { pace: { part, bytesPerSecond, secondsLeft } });
  };
}

/** Asks for the draft until it is a version or was refused. The file has arrived, so no fault here is one of the upload. */
async function watch(upload) {
  const { signal } = upload.stop;
  upload.change("checking", { error: undefined });
  for (let wait = FIRST_LOOK_MS; ; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
    try {
      await pause(wait, signal);
      const { dataset } = await get(`datasets/${upload.datasetId}`, {}, signal);
      if (dataset.status !== "draft") {
        upload.change(dataset.status, { dataset });
        return;
      }
    } catch (error) {
      const { name, status } = error;
      if (name === "AbortError" || status === 401) {
        return;
      }
      if (status !== 0 && status !== 429 && status < 500) {
        upload.change("broken", { error });
        return;
      }
    }
  }
}

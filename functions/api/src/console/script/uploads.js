// The uploads of this tab, one after another, whatever view is open.

import { ApiError, address, call, get, pause, refusal, unreachable } from "./api.js";
import * as session from "./session.js";

const { maxInlineBytes } = document.body.dataset;
const FIRST_LOOK_MS = 300;
const LONGEST_WAIT_MS = 4_000;
/** Over how long the speed is taken. */
const PACE_MS = 4_000;
/** What only the browser may set. */
const OWN_HEADERS = /^(host|content-length)$/i;

const uploads = [];
let isSending = false;

/**
 * A file on its way into a group. `state` is `new`, `waiting`, `sending`,
 * `checking`, `ready` or `failed`; where it got stuck `broken`, and `cancelled`.
 * Each change is an event `change`.
 */
class Upload extends EventTarget {
  constructor(file, groupId) {
    super();
    Object.assign(this, { file, groupId, state: "new", stop: new AbortController() });
    this.renew();
  }

  /** Forgets the call that was made: the next one is another, not the same again. */
  renew() {
    this.callKey = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  change(state, news = {}) {
    Object.assign(this, news, { state });
    this.dispatchEvent(new Event("change"));
  }
}

export const uploadsTo = (groupId) => uploads.filter((upload) => upload.groupId === groupId);

export function add(file, groupId) {
  const upload = new Upload(file, groupId);
  uploads.push(upload);
  return upload;
}

export function remove(upload) {
  cancel(upload);
  uploads.splice(uploads.indexOf(upload), 1);
}

export function send(upload) {
  upload.stop = new AbortController();
  upload.change("waiting", { error: undefined, pace: undefined });
  sendNext();
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

addEventListener("beforeunload", (event) => {
  if (uploads.some(({ state }) => state === "waiting" || state === "sending")) {
    event.preventDefault();
  }
});

async function sendNext() {
  const upload = uploads.find(({ state }) => state === "waiting");
  if (isSending || !upload) {
    return;
  }
  isSending = true;
  try {
    upload.change("sending");
    const datasetId = await transfer(upload);
    upload.change("checking", { datasetId });
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
    upload.renew();
    upload.change("cancelled");
    return;
  }
  // After no answer the same call is made again, lest there be two versions of it.
  if (error.status >= 400 && error.status < 500) {
    upload.renew();
  }
  upload.change("broken", { error });
}

/** Sends the file and gives the id of its draft. */
async function transfer(upload) {
  const { file, groupId, callKey, stop } = upload;
  const order = { dataset_group_id: groupId, file_name: file.name };
  const headers = { "Idempotency-Key": callKey };
  const progress = pace(upload);
  if (file.size <= Number(maxInlineBytes)) {
    const body = JSON.stringify({ ...order, file_content_base64: await base64(file) });
    const own = { ...headers, "X-API-KEY": session.key(), "Content-Type": "application/json" };
    const request = { method: "POST", url: address("api/public/v2/dataset-versions/from-file"), headers: own };
    const { status, text } = await transmit(request, body, stop.signal, progress);
    if (status !== 201) {
      throw refusal(status, text);
    }
    return JSON.parse(text).dataset_id;
  }
  const signed = { body: { ...order, file_size: file.size }, headers, signal: stop.signal };
  const { dataset_id, upload: request } = await call("POST", "dataset-versions/from-upload", signed);
  const { status } = await transmit(request, file, stop.signal, progress);
  // 412: it was stored by an attempt whose answer was lost.
  if (status !== 200 && status !== 412) {
    throw new ApiError(status, "storage", `Storage did not take the file (status ${status}). Try again.`);
  }
  return dataset_id;
}

/** Only `XMLHttpRequest` tells how much of a body has been sent. */
function transmit({ method, url, headers }, body, signal, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) {
      if (!OWN_HEADERS.test(name)) {
        request.setRequestHeader(name, value);
      }
    }
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new ApiError(0, "unreadable", "The file can't be read any more. Choose it again."));
    reader.readAsDataURL(file);
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

/** Asks for the draft until it is a version or was refused. */
async function watch(upload) {
  for (let wait = FIRST_LOOK_MS; ; wait = Math.min(wait * 1.5, LONGEST_WAIT_MS)) {
    try {
      await pause(wait, upload.stop.signal);
      const { dataset } = await get(`datasets/${upload.datasetId}`, {}, upload.stop.signal);
      if (dataset.status !== "draft") {
        upload.change(dataset.status, { dataset });
        return;
      }
    } catch (error) {
      if (error.status !== 0) {
        stuck(upload, error);
        return;
      }
    }
  }
}

// Calls to the public API. The console uses nothing else.

import * as session from "./session.js";
import { parse } from "./text.js";

/** How often a call that came too soon is made again. */
const MAX_WAITS = 4;
const REPEAT_MS = 500;

/** An answer that is no success, or none at all: then `status` is 0. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const unreachable = () =>
  new ApiError(0, "unreachable", "The service does not answer. Check the connection, then try again.");

/** Where a path is, whatever host and stage this module comes from: `{base}/console/{revision}/script/api.js`. */
export const address = (path) => new URL(`../../../${path}`, import.meta.url).href;

/** An answer that is no success, to a call with this key. One that is not valid any more leads to the sign-in. */
export function refused(status, text, key, retryAfter) {
  const error = Object.assign(refusal(status, text), { retryAfter });
  if (status === 401 && key && key === session.key()) {
    dispatchEvent(new CustomEvent("signed-out", { detail: error }));
  }
  return error;
}

function refusal(status, text) {
  try {
    const { code, error, message } = JSON.parse(text);
    return new ApiError(status, code ?? "", error ?? message ?? text);
  } catch {
    return new ApiError(status, "", `The service answered with status ${status}.`);
  }
}

/**
 * Calls `path` below `api/public/v2/` and gives what it answers.
 * @param {string} method
 * @param {string} path
 * @param {{query?: object, body?: object, headers?: object, signal?: AbortSignal, key?: string}} options
 */
export async function call(method, path, { query = {}, body, headers = {}, signal, key = session.key() } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const url = address(`api/public/v2/${path}`) + (given.length ? `?${new URLSearchParams(given)}` : "");
  const request = {
    method,
    signal,
    headers: { "X-API-KEY": key, ...(body && { "Content-Type": "application/json" }), ...headers },
    body: body && JSON.stringify(body),
    cache: "no-store",
  };
  for (let waits = 0; ; waits += 1) {
    const [response, text] = await send(url, request).catch(async (error) => {
      if (error.name === "AbortError" || !mayRepeat(method, headers)) {
        throw error;
      }
      await pause(REPEAT_MS, signal);
      return send(url, request);
    });
    if (response.ok) {
      return text ? parse(text) : {};
    }
    if (response.status === 429 && waits < MAX_WAITS) {
      await pause(1000 * (Number(response.headers.get("Retry-After")) || 1), signal);
      continue;
    }
    throw refused(response.status, text, key);
  }
}

async function send(url, request) {
  try {
    const response = await fetch(url, request);
    return [response, await response.text()];
  } catch (error) {
    throw error.name === "AbortError" ? error : unreachable();
  }
}

export const get = (path, query, signal) => call("GET", path, { query, signal });

/** A call that is carried out once, however often it is sent. */
export const post = (path, body = {}, options = {}) => call("POST", path, { body, headers: { "Idempotency-Key": freshKey() }, ...options });

const random = (length) => crypto.getRandomValues(new Uint8Array(length));

export const freshKey = () => Array.from(random(16), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A signing secret that is made here: an answer that is lost does not lose it. */
export const freshSecret = () => `whsec_${btoa(String.fromCharCode(...random(32)))}`;

/** A call without an answer is made once more, as far as no harm can come of it. */
const mayRepeat = (method, headers) => method !== "POST" || "Idempotency-Key" in headers;

/**
 * Makes of an answer that was overtaken by a later one an `AbortError`, so that
 * what is shown is what was asked for last.
 */
export function latest() {
  let asked = 0;
  return async (answer) => {
    asked += 1;
    const mine = asked;
    const found = await answer;
    if (mine !== asked) {
      throw new DOMException("overtaken", "AbortError");
    }
    return found;
  };
}

/** Resolves after so many milliseconds, or rejects when the signal says stop. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
